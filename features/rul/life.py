"""Feature rows of one component and one life as arrays, in order of time."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.rul.condition import LifeRows

__all__ = ["KnownRows", "known_rows", "utilisation"]

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

# How far back the use of a machine is looked at.
UTILISATION_SPAN = dt.timedelta(days=28)
_HOUR_US = 3_600_000_000


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
    values = np.full((rows.height, width), np.nan)
    if rows.height and width:
        flat = rows["values"].explode().cast(pl.Float64).fill_null(float("nan"))
        values = np.ascontiguousarray(flat.to_numpy()).reshape(rows.height, width)
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


def utilisation(rows: pl.DataFrame, as_of: dt.datetime) -> float | None:
    """Life units per calendar hour over the last 28 days before `as_of`; None: fewer than two rows say it.

    Args:
        rows: Frame with `time` and `age` of one component, lives may change within; any order.
        as_of: Rows after it are not read.
    """
    span = rows.filter(
        pl.col("time") <= as_of, pl.col("time") >= as_of - UTILISATION_SPAN, pl.col("age").is_not_null()
    ).sort("time")
    if span.height < 2:
        return None
    age = span["age"].to_numpy()
    grown = np.diff(age)
    # A new part: what it aged since its installation; the old part's last step is not known.
    grown = np.where(grown < 0, age[1:], grown)
    hours = (span["time"][-1] - span["time"][0]) / dt.timedelta(hours=1)
    return float(grown.sum() / hours)
