"""Lives on the calendar: when each row was known, and when a replacement could follow it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.core.clock import zone
from features.core.plant import expand_windows
from features.policy import Context
from pipelines.evaluation.errors import Floats, Strings

__all__ = ["CalendarRows", "LifeOnCalendar"]

Ints = npt.NDArray[np.int64]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class LifeOnCalendar:
    """One life: its rows, in order of time, and what replacing it at each of them would have meant.

    Attributes:
        unit: The life.
        rows: int64 [m], its rows in the whole.
        start_us: First moment at which it was watched.
        end_us: The failure.
        time_us: int64 [m], when each row was known.
        planned_us: int64 [m], first moment after each row at which part and window are there.
        window_us: int64 [windows], starts of the site's maintenance windows during the life.
        planned_cost: Of a planned replacement, in the site's currency.
        unplanned_cost: Of a failure.
    """

    unit: str
    rows: Ints
    start_us: int
    end_us: int
    time_us: Ints
    planned_us: Ints
    window_us: Ints
    planned_cost: float
    unplanned_cost: float


@dataclass(frozen=True)
class CalendarRows:
    """What decisions need beside the answers [n]; the same rows in the same order.

    Attributes:
        unit: Life [n] of each row.
        fold: int64 [n], fold of each row; a policy that has something to learn learns it on the others.
        time_us: int64 [n], microseconds since 1970 UTC.
        start_us: int64 [n], when the row's life was first seen.
        end_us: int64 [n], when it failed.
        utilisation: float64 [n], life units per calendar hour before the row, NaN unknown.
        levels: float64 [n, inputs], what is measured at the row itself, NaN missing.
        level_names: Names of its columns.
        contexts: Life -> where the component stands; its utilisation is not looked at.
    """

    unit: Strings
    fold: Ints
    time_us: Ints
    start_us: Ints
    end_us: Ints
    utilisation: Floats
    levels: Floats
    level_names: tuple[str, ...]
    contexts: Mapping[str, Context]

    @cached_property
    def lives(self) -> list[LifeOnCalendar]:
        """Every life, in order of name."""
        return [self._life(str(unit)) for unit in np.unique(self.unit)]

    def _life(self, unit: str) -> LifeOnCalendar:
        rows = np.flatnonzero(self.unit == unit)
        rows = rows[np.argsort(self.time_us[rows], kind="stable")]
        context = self.contexts[unit]
        start, end = int(self.start_us[rows[0]]), int(self.end_us[rows[0]])
        windows = _windows(context, start, end)
        lead = 0.0 if context.component.spare is None else context.component.spare.lead_time_days
        ready = self.time_us[rows] + int(lead * 24 * _HOUR_US)
        costs = context.site.costs_of(context.machine)
        return LifeOnCalendar(
            unit=unit,
            rows=rows,
            start_us=start,
            end_us=end,
            time_us=self.time_us[rows],
            planned_us=next_window(context, windows, ready),
            window_us=windows,
            planned_cost=costs.planned + costs.downtime_per_hour * costs.planned_hours,
            unplanned_cost=costs.unplanned + costs.downtime_per_hour * costs.unplanned_hours,
        )


def next_window(context: Context, windows: Ints, ready: Ints) -> Ints:
    """First moment [m] at or after `ready` at which the machine may stop: a window's start, or at once."""
    if not context.site.maintenance_windows:
        return ready
    place = np.searchsorted(windows, ready)
    never = np.iinfo(np.int64).max
    return np.append(windows, never)[place]


def _windows(context: Context, start_us: int, end_us: int) -> Ints:
    rules = context.site.maintenance_windows
    if not rules:
        return np.empty(0, dtype=np.int64)
    since, until = (_EPOCH + dt.timedelta(microseconds=moment) for moment in (start_us, end_us + _HOUR_US))
    found = expand_windows(rules, zone(context.site.time_zone), since, until)
    return np.array([(one.start - _EPOCH) // dt.timedelta(microseconds=1) for one in found], dtype=np.int64)
