"""Why a feature has no value, and columns of values that carry their refusals."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

__all__ = ["Column", "FeatureRefusal", "codes_of", "reason_of"]


class FeatureRefusal(StrEnum):
    """Why there is no number. A refused value is null in the lake, never a default."""

    NO_INPUT = "no_input"
    STOPPED = "stopped"
    EMPTY = "empty"
    NOT_FINITE = "not_finite"
    CONSTANT = "constant"
    SATURATED = "saturated"
    TOO_SHORT = "too_short"
    BAND_NOT_COVERED = "band_not_covered"
    NO_SPEED = "no_speed"
    SPEED_ZERO = "speed_zero"
    NO_GEOMETRY = "no_geometry"
    TOO_FEW_WINDOWS = "too_few_windows"
    AGE_UNKNOWN = "age_unknown"
    NO_START = "no_start"
    NO_CHANGE = "no_change"
    GAP = "gap"


_REASONS = tuple(FeatureRefusal)
_CODES = {reason: code for code, reason in enumerate(_REASONS, start=1)}


def codes_of(reason: FeatureRefusal) -> int:
    """The small number that stands for a reason in arrays; 0 stands for no refusal."""
    return _CODES[reason]


def reason_of(code: int) -> FeatureRefusal:
    """The reason behind a code of 1 and above.

    Example:
        >>> reason_of(codes_of(FeatureRefusal.TOO_SHORT)).value
        'too_short'
    """
    return _REASONS[code - 1]


@dataclass(frozen=True, slots=True)
class Column:
    """Values and refusal codes of the same shape: a value is finite exactly where its code is 0."""

    values: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, *refused: tuple[FeatureRefusal, np.ndarray | bool]) -> "Column":
        """Values, refused where a mask says so.

        Args:
            values: float, any shape; a value that is not finite and not refused otherwise is refused
                as `not_finite`.
            refused: Reason and mask, the most telling first: the first one that applies is kept.

        Example:
            >>> flat = np.array([True, False, False])
            >>> column = Column.of(np.array([1.0, 2.0, np.inf]), (FeatureRefusal.CONSTANT, flat))
            >>> column.values, column.reasons()
            (array([nan,  2., nan]), ['constant', '', 'not_finite'])
        """
        values = np.array(values, dtype=np.float64)
        codes = np.zeros(values.shape, dtype=np.int8)
        for reason, mask in (*refused, (FeatureRefusal.NOT_FINITE, ~np.isfinite(values))):
            codes[(codes == 0) & mask] = _CODES[reason]
        values[codes != 0] = np.nan
        return cls(values, codes)

    def refuse(self, codes: np.ndarray) -> "Column":
        """The same column, refused where `codes` is not 0; these codes come first."""
        return Column(np.where(codes != 0, np.nan, self.values), np.where(codes != 0, codes, self.codes))

    def reasons(self) -> list[str]:
        """The reason of each value, empty where there is a value."""
        return ["" if code == 0 else reason_of(int(code)).value for code in self.codes.ravel()]
