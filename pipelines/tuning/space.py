"""Which fit parameters are looked for, and between which bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from features.core.errors import ConfigError
from features.core.settings import nearest
from pipelines.model import FitParameters

__all__ = ["PLAIN", "STAGED", "Bounds", "is_staged", "value_of", "with_chosen"]

Value = int | float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest value of one parameter; both whole numbers: only such are tried."""

    low: Value
    high: Value
    is_log: bool = False

    @property
    def is_whole(self) -> bool:
        """Only whole numbers are tried."""
        return isinstance(self.low, int)

    def nearest(self, value: Value) -> Value:
        """The value itself where it lies within, else the bound that it passed."""
        return min(max(value, self.low), self.high)

    def holds(self, value: Value) -> bool:
        """Whether the value lies within."""
        return self.low <= value <= self.high


# Field of `FitParameters` -> bounds, for classes that are modelled by their features alone. This file is the one
# place to extend when a fit gets another tunable: what shapes the mean, whose error the search lowers.
PLAIN: Mapping[str, Bounds] = {
    "trees": Bounds(40, 600, is_log=True),
    "learning_rate": Bounds(0.01, 0.3, is_log=True),
    "leaves": Bounds(4, 63, is_log=True),
    "min_rows_in_leaf": Bounds(3, 200, is_log=True),
    "feature_share": Bounds(0.1, 1.0),
    "l2": Bounds(0.01, 100.0, is_log=True),
}

# The same of `staged.`, for classes with many failed lives. Together with the quantiles' trees the upper bounds
# stay below the 2,400 trees of 63 leaves that a live answer can afford.
STAGED: Mapping[str, Bounds] = {
    "staged.index_trees": Bounds(30, 100, is_log=True),
    "staged.index_rate": Bounds(0.03, 0.3, is_log=True),
    "staged.trees": Bounds(60, 170, is_log=True),
    "staged.rate": Bounds(0.03, 0.2, is_log=True),
    "staged.leaves": Bounds(15, 63, is_log=True),
    "staged.min_rows_in_leaf": Bounds(5, 100, is_log=True),
    "staged.row_share": Bounds(0.05, 0.6, is_log=True),
    "staged.feature_share": Bounds(0.1, 1.0),
    "staged.l2": Bounds(0.01, 100.0, is_log=True),
}

_EVERY = {**PLAIN, **STAGED}


def is_staged(parameters: FitParameters, failed_lives: int) -> bool:
    """Whether a class with that many failed lives is modelled in stages."""
    return failed_lives >= parameters.staged.failed_lives


def value_of(parameters: FitParameters, name: str) -> Value:
    """The present value of a parameter; `staged.x` is a field of `staged`."""
    outer, _, inner = name.rpartition(".")
    value: Value = getattr(getattr(parameters, outer) if outer else parameters, inner)
    return value


def with_chosen(parameters: FitParameters, chosen: Mapping[str, Value], *, place: str) -> FitParameters:
    """The parameters with the chosen values.

    Args:
        parameters: Whatever is not chosen stays.
        chosen: Field -> value.
        place: Where the values were read, for the message.

    Raises:
        ConfigError: No such field, or a value of another kind or outside its bounds.
    """
    for name, value in chosen.items():
        if name not in _EVERY:
            raise ConfigError(
                f"{place}: {name!r} is no parameter that is tuned; {nearest(name, sorted(_EVERY))}",
                {"place": place, "parameter": name},
            )
        bounds = _EVERY[name]
        if not bounds.holds(value) or (bounds.is_whole and not isinstance(value, int)):
            raise ConfigError(
                f"{place}: {name} = {value} is not between {bounds.low} and {bounds.high}; tune the class again",
                {"place": place, "parameter": name, "value": value},
            )
    # Names and kinds were checked above.
    plain = {name: value for name, value in chosen.items() if name in PLAIN}
    inner = {name.removeprefix("staged."): value for name, value in chosen.items() if name in STAGED}
    return replace(parameters, **plain, staged=replace(parameters.staged, **inner))  # type: ignore[arg-type]
