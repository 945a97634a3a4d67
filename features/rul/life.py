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
    the newest running row at or before each row, -1 where there is none. `age` counts from the life's first row
    where the installation is not known; `age_known` says whether it is.
    """

    time_us: Longs
    available_us: Longs
    age: Floats
    running: npt.NDArray[np.bool_]
    anchor: Longs
    values: Floats
    refusals: list[list[str]]
    age_known: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def known_age(self) -> Floats:
        """Age [n] since installation, life units; NaN where that is not known."""
        return np.where(self.age_known, self.age, np.nan)

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
        age_known=rows["age_known"].fill_null(value=False).to_numpy().astype(np.bool_),
    )


class Usage:
    """How much a component ages per calendar hour.

    Args:
        rows: Frame with `time` and `age` of one component; lives may change within; any order.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        known = rows.filter(pl.col("age").is_not_null()).sort("time")
        self._time_us = known["time"].dt.epoch("us").to_numpy()
        grown, hours = np.diff(known["age"].to_numpy()), np.diff(self._time_us) / _HOUR_US
        # A new part came in between: what the old one aged in that step is not known.
        whole = grown >= 0
        self._aged = np.concatenate([[0.0], np.cumsum(np.where(whole, grown, 0.0))])
        self._hours = np.concatenate([[0.0], np.cumsum(np.where(whole, hours, 0.0))])

    def at(self, data_time: dt.datetime) -> float | None:
        """Life units per calendar hour over the 28 days up to `data_time`; None: fewer than two rows say it."""
        end_us = (data_time - _EPOCH) // _MICROSECOND
        first = int(np.searchsorted(self._time_us, end_us - _SPAN_US, side="left"))
        last = int(np.searchsorted(self._time_us, end_us, side="right")) - 1
        hours = self._hours[last] - self._hours[first] if last > first else 0.0
        return float((self._aged[last] - self._aged[first]) / hours) if hours > 0 else None
