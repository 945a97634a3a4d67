"""Which calculators a component class uses: a committed file, and the trend features it stands for.

`chosen.json` beside this module is written by `wearcast features discover` and reviewed by a person. A class
that is not in it has no generic features.
"""

import datetime as dt
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from features.core.errors import ConfigError
from features.generic.calculator import Calculator, Parameter, find
from features.registry import Column, FeatureRefusal, LifeSeries, Trend, chooses

__all__ = ["CHOSEN", "Choice", "Chosen", "ClassChoice", "chosen_of", "read_chosen", "slug", "span_of", "windowed"]

CHOSEN = Path(__file__).with_name("chosen.json")

# Values in one batch of windows, so that they stay in the cache.
_BATCH_VALUES = 1 << 18

_UNITS = {"d": "days", "h": "hours", "min": "minutes", "s": "seconds"}


def span_of(text: str) -> dt.timedelta:
    """A span as it stands in feature names.

    Example:
        >>> span_of("30h"), span_of("90min")
        (datetime.timedelta(days=1, seconds=21600), datetime.timedelta(seconds=5400))
    """
    found = re.fullmatch(r"([1-9]\d*)(d|h|min|s)", text)
    if found is None:
        raise ValueError(f"{text!r} is not a span such as 30h, 7d, 90min or 10s")
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


def _is_span(text: str) -> str:
    span_of(text)
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Strict):
    """One calculator with its parameters, over windows of one span of one level-1 feature."""

    level: str = Field(description="Name of the level-1 feature with its role, e.g. sensor_04.level.")
    span: Annotated[str, AfterValidator(_is_span)]
    calculator: str
    parameters: dict[str, Parameter] = {}
    p_value: float = Field(ge=0, le=1, description="Combined over windows, not adjusted for the number of tests.")

    @property
    def name(self) -> str:
        """What stands behind the level in the feature's name."""
        return slug(self.calculator, self.parameters)


class ClassChoice(_Strict):
    """What was chosen for a component class, and from what."""

    chosen_on: dt.date
    as_of: dt.datetime
    data: str = Field(description="First 16 hexadecimal digits of a SHA-256 over windows and targets.")
    tsfresh: str
    fdr_level: float
    lives: int
    failed_lives: int
    windows_per_life: int
    tested: int
    relevant: int
    features: tuple[Choice, ...] = ()
    not_here: tuple[str, ...] = Field((), description="Relevant ones that have no calculator of our own.")


class Chosen(_Strict):
    """The whole file."""

    classes: dict[str, ClassChoice] = {}

    def text(self) -> str:
        """The file's text."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def read_chosen(file: Path) -> Chosen:
    """Reads and checks such a file; one that is not there chooses nothing.

    Raises:
        ConfigError: It is not such a file, or names a calculator or parameter that does not exist.
    """
    if not file.exists():
        return Chosen()
    try:
        chosen = Chosen.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as err:
        raise ConfigError(f"{file} is no file of chosen calculators: {err}", {"file": str(file)}) from err
    for of_class in chosen.classes.values():
        for choice in of_class.features:
            find(choice.calculator, choice.parameters)
    return chosen


def slug(name: str, parameters: Mapping[str, Parameter]) -> str:
    """Calculator and parameters as one word.

    Example:
        >>> slug("quantile", {"q": 0.9}), slug("range_count", {"min": -1, "max": 1})
        ('quantile_q_0p9', 'range_count_min_m1_max_1')
    """
    parts = [f"{key}_{value}".lower().replace("-", "m").replace(".", "p") for key, value in parameters.items()]
    return "_".join([name, *parts])


@functools.lru_cache(maxsize=8)
def _trends(file: Path) -> dict[tuple[str, str], tuple[tuple[Trend, dt.timedelta], ...]]:
    found: dict[tuple[str, str], list[tuple[Trend, dt.timedelta]]] = {}
    for class_id, of_class in read_chosen(file).classes.items():
        for choice in of_class.features:
            trend = _trend(choice, find(choice.calculator, choice.parameters))
            found.setdefault((class_id, choice.level), []).append((trend, span_of(choice.span)))
    return {key: tuple(pairs) for key, pairs in found.items()}


@chooses
def chosen_of(class_id: str, level: str) -> tuple[tuple[Trend, dt.timedelta], ...]:
    """Trend features chosen for a class's level-1 feature, each with its span."""
    return _trends(CHOSEN).get((class_id, level), ())


def _trend(choice: Choice, calculator: Calculator) -> Trend:
    def compute(life: LifeSeries, span_us: int) -> Column:
        return windowed(life, span_us, calculator, choice.parameters)

    return Trend(
        name=choice.name,
        unit=calculator.unit,
        per_span=True,
        source=f"tsfresh 0.21, {choice.calculator}",
        version=calculator.version,
        compute=compute,
        summary=calculator.summary,
        alone=True,
    )


def windowed(
    life: LifeSeries, span_us: int, calculator: Calculator, parameters: Mapping[str, Parameter]
) -> Column:
    """A calculator over the window of the last `span` of each row: its grid steps, all of them.

    Refused as `too_short` while the life is younger than the span, as `gap` when a step in it has no row or
    no value, as `constant` when all its values are equal and the calculator says nothing of such a window,
    as `not_finite` where the calculator is not defined. Nothing is filled in.

    Args:
        life: Rows of one life.
        span_us: Length of the windows; what is over whole grid steps does not count.
        calculator: The calculator.
        parameters: Its parameters.
    """
    m = max(span_us // life.grid_us, 1)
    features, n = life.values.shape
    values = np.full((features, n), np.nan)
    short = np.arange(n) < m - 1
    gap, flat = np.zeros((features, n), np.bool_), np.zeros((features, n), np.bool_)
    if n >= m:
        end = np.arange(m - 1, n)
        dense = life.time_us[end] - life.time_us[end - (m - 1)] == (m - 1) * life.grid_us
        for number in range(features):
            windows = np.lib.stride_tricks.sliding_window_view(life.values[number], m)
            whole = dense & np.isfinite(windows).all(axis=1)
            gap[number, end] = ~whole
            for rows in _batches(np.flatnonzero(whole), m):
                part = np.ascontiguousarray(windows[rows])
                values[number, end[rows]] = calculator.of(part, parameters)
                flat[number, end[rows]] = calculator.varies & (part == part[:, :1]).all(axis=1)
    # A gap before the life is long enough is told as the gap it is, once enough time has passed.
    young = short & (life.time_us - life.start_us < m * life.grid_us)
    return Column.of(
        values,
        (FeatureRefusal.TOO_SHORT, np.broadcast_to(young, values.shape)),
        (FeatureRefusal.GAP, gap | short),
        (FeatureRefusal.CONSTANT, flat),
    )


def _batches(rows: np.ndarray, m: int) -> list[np.ndarray]:
    size = max(_BATCH_VALUES // m, 1)
    return [rows[first : first + size] for first in range(0, len(rows), size)]
