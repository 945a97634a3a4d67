"""The catalogue: one function is one feature, registered by its decorator."""

import datetime as dt
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry.refusals import Column

__all__ = [
    "Feature",
    "Placement",
    "Trend",
    "catalogue",
    "chooses",
    "chosen_trends",
    "feature",
    "span_text",
    "trend",
    "trends",
]

# Modules whose import registers features; strings, because families import this module.
FAMILIES = ("features.vibration", "features.thermal", "features.process", "features.trend", "features.generic")


@dataclass(frozen=True, slots=True)
class Placement:
    """What a feature may ask about where it would be computed: one measuring point of one component.

    The component itself is a placement with an empty role. `has_sisters`: other slots of the machine have
    a point of the same role; `has_warning`: the point has a warning limit; `insulation`: class of the
    component's winding, empty when not declared.
    """

    role: str
    kind: PointKind | None = None
    quantity: Quantity | None = None
    is_speed: bool = False
    is_ambient: bool = False
    has_ambient: bool = False
    has_measured_speed: bool = False
    has_bearing: bool = False
    has_gear: bool = False
    has_blades: bool = False
    has_sisters: bool = False
    has_warning: bool = False
    insulation: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """A level-1 feature: from the inputs of one grid step to one value.

    `unit` may be `canonical`: the canonical unit of the point's quantity, which then ends the name.
    """

    name: str
    family: str
    unit: str
    inputs: tuple[str, ...]
    window: str
    source: str
    version: int
    applies: Callable[[Placement], bool]
    compute: Callable[[Any], Column]  # Any: WaveformBatch, ScalarSteps or ComponentSteps, by family
    trend: bool = False
    positive: bool = False
    standard: bool = True


@dataclass(frozen=True, slots=True)
class Trend:
    """A level-2 feature: from the present life's rows of one level-1 feature to one value a row.

    `unit` is a pattern over the level's unit, e.g. `{unit}/h`. `positive` limits it to quantities that
    are (True) or are not (False) positive; None: all. `levels` names the level-1 features it follows; None:
    those that say `trend=True`. `stopped`: rows of a stopped machine count as well. `alone`: it is
    computed for one level-1 feature at a time.
    """

    name: str
    unit: str
    per_span: bool
    source: str
    version: int
    compute: Callable[[Any, int], Column]  # Any: LifeSeries
    positive: bool | None = None
    summary: str = ""
    levels: tuple[str, ...] | None = None
    stopped: bool = False
    alone: bool = False

    def follows(self, feature: Feature, role: str) -> bool:
        """Whether it exists for that level-1 feature of a role; the air around has none of named levels."""
        if self.levels is not None and role == AMBIENT:
            return False
        wanted = feature.trend if self.levels is None else feature.name in self.levels
        return wanted and self.positive in (None, feature.positive)


# Role of the point that measures the air around the machine.
AMBIENT = "ambient_temperature"

_FEATURES: dict[tuple[str, str], Feature] = {}
_TRENDS: dict[str, Trend] = {}
# Class and name of a level-1 feature -> trend features chosen for it alone, each with its span.
Chooser = Callable[[str, str], Sequence[tuple[Trend, dt.timedelta]]]
_CHOOSERS: list[Chooser] = []
Function = TypeVar("Function", bound=Callable[..., Column])


def feature(
    *,
    unit: str,
    inputs: tuple[str, ...],
    window: str,
    source: str,
    version: int,
    applies: Callable[[Placement], bool],
    trend: bool = False,
    positive: bool = False,
    standard: bool = True,
) -> Callable[[Function], Function]:
    """Register a function as a level-1 feature under its own name.

    Args:
        unit: Of the result; `1` for a ratio, `canonical` for the unit of the point.
        inputs: What it is computed from, in words.
        window: What stretch of time it sees, in words.
        source: Author, year and equation, or standard and clause.
        version: Raise it when the numbers change: it enters the fingerprint.
        applies: For which placements the feature exists.
        trend: Whether trend features follow it.
        positive: The quantity is positive, so that ratios make sense.
        standard: Whether every feature set has it where it applies; else it is in the catalogue only.
    """

    def register(function: Function) -> Function:
        family = function.__module__.split(".")[1]
        _FEATURES[family, function.__name__] = Feature(
            function.__name__,
            family,
            unit,
            inputs,
            window,
            source,
            version,
            applies,
            function,
            trend,
            positive,
            standard,
        )
        return function

    return register


def trend(
    *,
    unit: str,
    per_span: bool,
    source: str,
    version: int,
    positive: bool | None = None,
    levels: tuple[str, ...] | None = None,
    stopped: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as a trend feature under its own name; arguments as in `Trend`."""

    def register(function: Function) -> Function:
        summary = (function.__doc__ or "").strip().split("\n")[0]
        _TRENDS[function.__name__] = Trend(
            function.__name__,
            unit,
            per_span,
            source,
            version,
            function,
            positive,
            summary,
            levels,
            stopped,
            alone=levels is not None,
        )
        return function

    return register


def chooses(function: Chooser) -> Chooser:
    """Register a function that says which trend features a class has besides those of all classes."""
    _CHOOSERS.append(function)
    return function


def chosen_trends(class_id: str, level: str) -> list[tuple[Trend, dt.timedelta]]:
    """Trend features chosen for a class's level-1 feature, e.g. `sensor_04.level`, each with its span."""
    _load()
    return [pair for chooser in _CHOOSERS for pair in chooser(class_id, level)]


def catalogue() -> tuple[Feature, ...]:
    """All level-1 features, in the order of families and, inside one, of their definition."""
    _load()
    return tuple(_FEATURES.values())


def trends() -> tuple[Trend, ...]:
    """All trend features, in the order of their definition."""
    _load()
    return tuple(_TRENDS.values())


def _load() -> None:
    for family in FAMILIES:
        importlib.import_module(family)


def span_text(span: dt.timedelta) -> str:
    """A span as it stands in feature names.

    Example:
        >>> span_text(dt.timedelta(days=7)), span_text(dt.timedelta(minutes=90))
        ('7d', '90min')
    """
    seconds = int(span.total_seconds())
    for size, suffix in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size}{suffix}"
    return f"{seconds}s"
