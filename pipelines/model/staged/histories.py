"""Whole lives as the staged model learns from them."""

from dataclasses import dataclass

import numpy as np

from features.rul.memory import Spans
from pipelines.model.examples import Examples, Floats, Ints, Strings, outlived

__all__ = ["Histories", "histories"]

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Histories:
    """All rows [n] of all lives, in order of unit and time.

    `rul` is NaN where it is not known; past the cap it is known in lives that did not fail, too. `hours` is each
    row's time, `first` the place of the first row of its life.
    """

    values: Floats
    names: tuple[str, ...]
    rul: Floats
    unit: Strings
    hours: Floats
    first: Ints
    spans: Spans

    def since_first(self) -> Floats:
        """Hours [n] since the life's first row."""
        return self.hours - self.hours[self.first]


def histories(examples: Examples, spans: Spans) -> Histories:
    """The lives of a training set."""
    failed = np.isfinite(examples.rul)
    lived_on = outlived(examples.survived, examples.lives, examples.declared_cap)
    starts = np.flatnonzero(np.concatenate([[True], examples.unit[1:] != examples.unit[:-1]]))
    sizes = np.diff(np.concatenate([starts, [examples.unit.size]]))
    return Histories(
        values=examples.x,
        names=examples.names,
        rul=np.where(failed, examples.rul, np.where(lived_on, examples.survived, np.nan)),
        unit=examples.unit,
        hours=examples.time_us / _HOUR_US,
        first=np.repeat(starts, sizes).astype(np.int64),
        spans=spans,
    )
