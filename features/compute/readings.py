"""Frames of the lake as sorted arrays, and which of their rows a grid step may use."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["FOREVER", "GOOD", "Readings", "microseconds", "readings_of"]

# Later than every moment that is asked for, microseconds since 1970.
FOREVER = np.iinfo(np.int64).max // 4

# Quality code of a good row; only these are used.
GOOD = 2


def microseconds(span: dt.timedelta) -> int:
    """A duration in whole microseconds."""
    return span // dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows of one measuring point in order of time, then revision; times in microseconds since 1970.

    `until_us` is when a newer revision of the same time became known (then this row no longer counts),
    `good` whether quality and value allow its use, `row` its place in the frame it came from.
    """

    time_us: np.ndarray
    available_us: np.ndarray
    until_us: np.ndarray
    good: np.ndarray
    value: np.ndarray
    row: np.ndarray

    def usable(self, index: np.ndarray, known_us: np.ndarray) -> np.ndarray:
        """Whether the rows at `index` count for a reader who knows what was known at `known_us`."""
        return np.asarray(
            self.good[index] & (self.available_us[index] <= known_us) & (self.until_us[index] > known_us)
        )

    def newest(self, at_us: np.ndarray, known_us: np.ndarray, oldest_us: np.ndarray) -> np.ndarray:
        """Index of the newest usable row in (oldest, at] for each entry, -1 without one."""
        index = np.searchsorted(self.time_us, at_us, side="right") - 1
        found = np.full(len(index), -1)
        open_ = np.arange(len(index))
        while len(open_):
            inside = index[open_] >= 0
            open_ = open_[inside]
            open_ = open_[self.time_us[index[open_]] > oldest_us[open_]]
            usable = self.usable(index[open_], known_us[open_])
            found[open_[usable]] = index[open_[usable]]
            open_ = open_[~usable]
            index[open_] -= 1
        return found


def readings_of(frame: pl.DataFrame, value: str, as_of_us: int) -> dict[str, Readings]:
    """Rows of each measuring point that could be known at `as_of_us`.

    Args:
        frame: Measurements or waveforms of one machine, in any order, also several revisions of a key.
        value: Column to take along as float64, null as NaN.
        as_of_us: Rows that became available later are not looked at.
    """
    if frame.is_empty():
        return {}
    rows = frame.select(
        "point_id",
        pl.col("time").dt.epoch("us"),
        pl.col("available_at").dt.epoch("us").alias("available"),
        "revision",
        "quality",
        pl.col(value).cast(pl.Float64).fill_null(float("nan")).alias("value"),
    ).with_row_index("row")
    rows = rows.filter(pl.col("available") <= as_of_us).sort("point_id", "time", "revision")
    return {
        str(key[0]): _readings(part)
        for key, part in rows.partition_by("point_id", as_dict=True, maintain_order=True).items()
    }


def _readings(part: pl.DataFrame) -> Readings:
    time, available = part["time"].to_numpy(), part["available"].to_numpy()
    until = np.full(len(time), FOREVER)
    if len(time) > 1 and (time[1:] == time[:-1]).any():
        for index in range(len(time) - 2, -1, -1):
            if time[index] == time[index + 1]:
                until[index] = min(available[index + 1], until[index + 1])
    value = part["value"].to_numpy()
    good = (part["quality"].to_numpy() == GOOD) & np.isfinite(value)
    return Readings(time, available, until, good, value, part["row"].to_numpy())
