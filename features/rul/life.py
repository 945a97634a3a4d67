"""Feature rows of one component and one life as arrays, in order of time."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.compute import matrix
from features.rul.condition import LifeRows

__all__ = ["USAGE_SPAN", "KnownRows", "Usage", "known_rows"]

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
# How far back the use of a machine is looked at.
USAGE_SPAN = dt.timedelta(days=28)
_SPAN_US = USAGE_SPAN // _MICROSECOND


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows [n] of one life and one feature set, in order of time.

    `values` is [n, features], NaN where refused; `refusals` says why, "feature: reason"; `anchor` is the place of
    the newest running row at or before each row, -1 where there is none.
    """

    time_us: Longs
    available_us: Longs
    age: Floats
    running: npt.NDArray[np.bool_]
    anchor: Longs
    values: Floats
    refusals: list[list[str]]

    def __len__(self) -> int:
        return len(self.time_us)

    def of_life(self, names: tuple[str, ...]) -> LifeRows:
        """The same rows for the condition model."""
        return LifeRows(self.time_us, self.age, self.running, self.values, names)


def known_rows(rows: pl.DataFrame, width: int) -> KnownRows:
    """Arrays of a frame of table `feature_rows`.

    Args:
        rows: One component, one life, one feature set; any order.
        width: Number of features of the set.

    Raises:
        ValueError: A row has another number of values.
    """
    rows = rows.sort("time")
    if (rows["values"].list.len() != width).any():
        raise ValueError(f"feature rows of {rows['machine_id'][0]} do not all have {width} values")
    values = matrix(rows) if rows.height else np.zeros((0, width))
    running = rows["running"].fill_null(value=False).to_numpy().astype(np.bool_)
    places = np.where(running, np.arange(rows.height), -1)
    return KnownRows(
        time_us=rows["time"].dt.epoch("us").to_numpy(),
        available_us=rows["available_at"].dt.epoch("us").to_numpy(),
        age=rows["age"].fill_null(float("nan")).to_numpy(),
        running=running,
        anchor=np.maximum.accumulate(places) if rows.height else places,
        values=values,
        refusals=[found or [] for found in rows["refusals"].to_list()],
    )


class Usage:
    """How much a component ages per calendar hour.

    Args:
        rows: Frame with `time` and `age` of one component; lives may change within; any order.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        known = rows.filter(pl.col("age").is_not_null()).sort("time")
        self._time_us = known["time"].dt.epoch("us").to_numpy()
        age = known["age"].to_numpy()
        grown = np.diff(age)
        # A new part: what it aged since its installation; the old part's last step is not known.
        grown = np.where(grown < 0, age[1:], grown)
        self._total = np.concatenate([np.zeros(min(1, len(age))), np.cumsum(grown)])

    def at(self, data_time: dt.datetime) -> float | None:
        """Life units per calendar hour over the 28 days up to `data_time`; None: fewer than two rows say it."""
        end_us = (data_time - _EPOCH) // _MICROSECOND
        first = int(np.searchsorted(self._time_us, end_us - _SPAN_US, side="left"))
        last = int(np.searchsorted(self._time_us, end_us, side="right")) - 1
        if last <= first:
            return None
        hours = (self._time_us[last] - self._time_us[first]) / _HOUR_US
        return float((self._total[last] - self._total[first]) / hours)
