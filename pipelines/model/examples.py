"""What a fit needs of a training set: its rows, and its lives as wholes."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "UNJUDGED",
    "Bools",
    "Examples",
    "Floats",
    "Ints",
    "LifeSummary",
    "Strings",
    "cap_of",
    "outlived",
    "thinned",
]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

# Fold of rows that are learnt from whatever fold is answered, and by which nothing is judged or calibrated.
UNJUDGED = -1


class LifeSummary(Protocol):
    """One life: ages at its first row and at its end (or last row), life units, NaN unknown."""

    @property
    def unit(self) -> str: ...  # noqa: D102 - see the class
    @property
    def entry(self) -> float: ...  # noqa: D102
    @property
    def duration(self) -> float: ...  # noqa: D102
    @property
    def failed(self) -> bool: ...  # noqa: D102


class Examples(Protocol):
    """Rows [n] in order of unit and time; `rul` is not capped and NaN in lives that did not fail.

    `survived` is how much longer a part that did not fail is known to have lived, NaN in lives that failed.
    """

    @property
    def component_class(self) -> str: ...  # noqa: D102 - see the class
    @property
    def life_unit(self) -> str: ...  # noqa: D102
    @property
    def fingerprint(self) -> str: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def x(self) -> Floats: ...  # noqa: D102
    @property
    def rul(self) -> Floats: ...  # noqa: D102
    @property
    def survived(self) -> Floats: ...  # noqa: D102
    @property
    def age(self) -> Floats: ...  # noqa: D102
    @property
    def unit(self) -> Strings: ...  # noqa: D102
    @property
    def time_us(self) -> Ints: ...  # noqa: D102
    @property
    def declared_cap(self) -> float | None: ...  # noqa: D102
    @property
    def lives(self) -> Sequence[LifeSummary]: ...  # noqa: D102


def cap_of(lives: Sequence[LifeSummary], declared: float | None) -> float:
    """Largest RUL taught, life units: the declared one, else the median failed life of these lives.

    Without a failure of known age the longest life seen, and infinity without any.
    """
    if declared is not None:
        return declared
    known = [life for life in lives if np.isfinite(life.duration)]
    failed = [life.duration for life in known if life.failed]
    if failed:
        return float(np.median(failed))
    return max((life.duration for life in known), default=float("inf"))


def outlived(survived: Floats, lives: Sequence[LifeSummary], declared: float | None) -> Bools:
    """Rows [n] of parts that did not fail whose capped RUL is known all the same: they lived on past the cap.

    A part that was replaced, or still runs, long after a row says of that row exactly what the forests are
    taught: "the cap or more". Leaving such rows out, as a failure to come, makes healthy parts look worn:
    only what failed would be learnt from. Without a declared cap the longest failed life is asked for, which
    no median reaches.
    """
    if declared is None:
        declared = max(
            (life.duration for life in lives if life.failed and np.isfinite(life.duration)), default=np.inf
        )
    return np.asarray(survived >= declared, dtype=np.bool_)


def thinned(unit: Strings, rows_per_life: int) -> Bools:
    """Which rows [n] remain when each life keeps every n-th row, counted back from its last one."""
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    kept = np.zeros(unit.size, dtype=np.bool_)
    for number, size in enumerate(sizes):
        rows = np.flatnonzero(place == number)
        stride = -(-int(size) // rows_per_life)
        kept[rows[::-1][::stride]] = True
    return kept
