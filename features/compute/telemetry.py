"""Telemetry in tumbling windows on the grid: in memory in one compiled pass, or larger than memory.

Windows are half open, [t - grid, t), and carry their end. A window is complete when something at or after its
end is known; the others are left out, so that the last window of a series never tells half of it. Rows count
when their quality is good and their value is finite, as in feature rows; when they became known is not looked
at: `features.compute.compute` does that for each row, with the same pass over what each row may use.
"""

import datetime as dt

import numpy as np
import polars as pl

from features.compute.readings import GOOD, microseconds
from features.compute.windows import tumble
from features.core.tables import TIME

__all__ = ["STATISTICS", "tumbling", "tumbling_stream"]

# Columns of both functions. `std` is the sample standard deviation, null of one value.
_COLUMNS: dict[str, pl.DataType] = {
    "point_id": pl.String(),
    "time": TIME,
    "count": pl.Int64(),
    **dict.fromkeys(("mean", "min", "max", "std", "last"), pl.Float64()),
}
STATISTICS = pl.Schema(_COLUMNS)


def tumbling(rows: pl.DataFrame, *, grid: dt.timedelta, until: dt.datetime | None = None) -> pl.DataFrame:
    """Statistics of each measuring point and window, of rows that fit in memory.

    Args:
        rows: `point_id`, `time`, `value`, `quality`, as in `measurements`, sorted by point and time. One
            revision of each reading.
        grid: Length of a window; windows end at its multiples since 1970 UTC.
        until: Windows that end later are incomplete; None: the newest time in the rows.

    Returns:
        Rows of `STATISTICS`, in the order of the input; windows without a counting row have none.

    Example:
        >>> times = (pl.Series([0, 30, 60]) * 60_000_000).cast(pl.Datetime("us", "UTC"))
        >>> rows = pl.DataFrame({"point_id": "t", "time": times, "value": [1.0, 3.0, 9.0], "quality": 2})
        >>> tumbling(rows, grid=dt.timedelta(hours=1)).select("mean", "std", "last").row(0)
        (2.0, 1.4142135623730951, 3.0)
    """
    if rows.is_empty():
        return STATISTICS.to_frame()
    time_us = rows["time"].dt.epoch("us").to_numpy()
    value = rows["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    usable = (rows["quality"].to_numpy() == GOOD) & np.isfinite(value)
    lengths = rows["point_id"].rle().struct.field("len").to_numpy().astype(np.int64)
    newest = int(time_us.max()) if until is None else pl.Series([until]).dt.epoch("us").item()
    first, ends, *statistics = tumble(time_us, value, usable, np.cumsum(lengths) - lengths, microseconds(grid))
    complete = ends <= newest
    columns = dict(zip(STATISTICS.names()[2:], (s[complete] for s in statistics), strict=True))
    frame = pl.DataFrame(
        {"point_id": rows["point_id"].cast(pl.String).gather(first[complete]), "time": ends[complete], **columns}
    )
    return frame.cast(STATISTICS).with_columns(pl.col("std").fill_nan(None))


def tumbling_stream(rows: pl.LazyFrame, *, grid: dt.timedelta, until: dt.datetime) -> pl.LazyFrame:
    """The same for rows larger than memory, in any order; collect it with `engine="streaming"`.

    Memory follows the number of windows, not of rows.

    Args:
        rows: As in `tumbling`, in any order.
        grid: As in `tumbling`.
        until: Windows that end later are incomplete.

    Returns:
        Rows of `STATISTICS`, in any order; equal to those of `tumbling` up to rounding. Of two readings of a
        point at the same time either may be the last.
    """
    grid_us = microseconds(grid)
    end = (pl.col("time").dt.epoch("us") // grid_us + 1) * grid_us
    x = pl.col("value").cast(pl.Float64)
    return (
        rows.filter((pl.col("quality") == GOOD) & x.is_finite())
        .group_by(pl.col("point_id").cast(pl.String), end.cast(pl.Datetime("us", "UTC")).alias("end"))
        .agg(
            pl.len().cast(pl.Int64).alias("count"),
            x.mean().alias("mean"),
            x.min().alias("min"),
            x.max().alias("max"),
            x.std().alias("std"),
            x.max_by("time").alias("last"),
        )
        .rename({"end": "time"})
        .filter(pl.col("time") <= until)
        .select(STATISTICS.names())
    )
