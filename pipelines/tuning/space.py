"""Which fit parameters are looked for, and between which bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from features.core.errors import ConfigError
from features.core.settings import nearest
from pipelines.model import FitParameters

__all__ = ["SPACE", "Bounds", "with_chosen"]

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


# Field of `FitParameters` -> bounds. The one place to extend when a fit gets another tunable: what shapes the
# mean, whose error the search lowers. Numbers of trees and leaves stay below what a live answer can afford.
SPACE: Mapping[str, Bounds] = {
    "trees": Bounds(40, 600, is_log=True),
    "learning_rate": Bounds(0.01, 0.3, is_log=True),
    "leaves": Bounds(4, 63, is_log=True),
    "min_rows_in_leaf": Bounds(3, 200, is_log=True),
    "feature_share": Bounds(0.1, 1.0),
    "l2": Bounds(0.01, 100.0, is_log=True),
}


def with_chosen(parameters: FitParameters, chosen: Mapping[str, Value], *, place: str) -> FitParameters:
    """The parameters with the chosen values.

    Args:
        parameters: Whatever is not chosen stays.
        chosen: Field -> value.
        place: Where the values were read, for the message.

    Raises:
        ConfigError: No such field, or a value of another kind or outside its bounds.
    """
    known = {field.name for field in fields(parameters)} & set(SPACE)
    for name, value in chosen.items():
        if name not in known:
            raise ConfigError(
                f"{place}: {name!r} is no parameter that is tuned; {nearest(name, sorted(known))}",
                {"place": place, "parameter": name},
            )
        bounds = SPACE[name]
        if not bounds.holds(value) or (bounds.is_whole and not isinstance(value, int)):
            raise ConfigError(
                f"{place}: {name} = {value} is not between {bounds.low} and {bounds.high}; tune the class again",
                {"place": place, "parameter": name, "value": value},
            )
    return replace(parameters, **chosen)  # type: ignore[arg-type] # names and kinds were checked above
