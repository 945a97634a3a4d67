"""tsfresh, and with it pandas: imported here, where it is used, and nowhere else."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.generic import Parameter, calculators

__all__ = ["Column", "columns", "extract", "p_values", "version"]

Floats = npt.NDArray[np.float64]

# Nearly all of the time, and none was ever chosen for it.
_TOO_SLOW = ("approximate_entropy", "sample_entropy", "number_cwt_peaks", "augmented_dickey_fuller")

# Corridors of `change_quantiles` that are looked at; all of them would take four fifths of the time left.
_CORRIDORS = ((0.2, 0.8),)


@dataclass(frozen=True, slots=True)
class Column:
    """One calculator with its parameters, and how tsfresh names its column."""

    name: str
    calculator: str
    parameters: dict[str, Parameter]

    @property
    def is_ours(self) -> bool:
        """Whether `features.generic` has it."""
        known = {one.name: set(one.parameters) for one in calculators()}
        return known.get(self.calculator) == set(self.parameters)


def version() -> str:
    """Of tsfresh."""
    with _quiet():
        import tsfresh

    return str(tsfresh.__version__)


def columns(m: int, *, everything: bool) -> tuple[Column, ...]:
    """Calculators that are looked at on windows of m values: tsfresh's `efficient` settings, less the slow ones.

    Args:
        m: Fourier coefficients beyond m // 2 do not exist and are left out.
        everything: Also those that have no version of our own.
    """
    with _quiet():
        from tsfresh.feature_extraction.settings import EfficientFCParameters
        from tsfresh.utilities.string_manipulation import convert_to_output_format

        known = EfficientFCParameters()
    found = []
    for name, variants in known.items():
        for parameters in variants or [{}]:
            tail = f"__{convert_to_output_format(parameters)}" if parameters else ""
            column = Column(f"value__{name}{tail}", name, dict(parameters))
            if name not in _TOO_SLOW and _is_asked(column, m) and (everything or column.is_ours):
                found.append(column)
    return tuple(found)


def _is_asked(column: Column, m: int) -> bool:
    if column.calculator == "fft_coefficient":
        return int(column.parameters["coeff"]) <= m // 2
    if column.calculator == "change_quantiles":
        return (column.parameters["ql"], column.parameters["qh"]) in _CORRIDORS
    return True


def extract(windows: Floats, wanted: Sequence[Column]) -> Floats:
    """What tsfresh computes of windows [k, m] without holes: float64 [k, columns]."""
    k, m = windows.shape
    with _quiet():
        import pandas as pd
        from tsfresh import extract_features

        settings: dict[str, list[dict[str, Any]] | None] = {}
        for column in wanted:
            if column.parameters:
                variants = settings.setdefault(column.calculator, [])
                if variants is not None:
                    variants.append(column.parameters)
            else:
                settings[column.calculator] = None
        long = pd.DataFrame(
            {"id": np.repeat(np.arange(k), m), "time": np.tile(np.arange(m), k), "value": windows.ravel()}
        )
        found = extract_features(
            long,
            column_id="id",
            column_sort="time",
            column_value="value",
            default_fc_parameters=settings,
            n_jobs=0,
            disable_progressbar=True,
        )
        return np.asarray(found[[column.name for column in wanted]].to_numpy(), dtype=np.float64)


def p_values(values: Floats, target: Floats) -> Floats:
    """Of no relation between each column and the target, by tsfresh's tests of one against another.

    Args:
        values: float64 [lives, columns], one row a life; a column with a hole or without change gets NaN.
        target: float64 [lives].

    Returns:
        float64 [columns]; Kendall's tau for a real feature, Kolmogorov-Smirnov for a binary one.
    """
    found = np.full(values.shape[1], np.nan)
    usable = np.flatnonzero(np.isfinite(values).all(axis=0) & (values != values[:1]).any(axis=0))
    if not usable.size or np.all(target == target[0]):
        return found
    with _quiet():
        import pandas as pd
        from tsfresh.feature_selection.relevance import calculate_relevance_table

        table = calculate_relevance_table(
            pd.DataFrame(values[:, usable], columns=usable), pd.Series(target), ml_task="regression", n_jobs=0
        )
        found[usable] = table["p_value"].reindex(usable).to_numpy(dtype=np.float64)
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence: tsfresh and what it stands on warn of their own code and of windows they are not defined on."""
    log = logging.getLogger("tsfresh")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
