"""What of a page is new, what is a revision of a key that is there, and what is there already."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.core.lake import Lake
from features.core.tables import Table

__all__ = ["Fresh", "fresh_rows"]

KEY = ["machine_id", "point_id", "time"]


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows that the lake does not hold, with their `revision`, and how many were left out."""

    rows: pl.DataFrame
    duplicates: int


def fresh_rows(lake: Lake, table: Table, rows: pl.DataFrame, *, group: str, content: Sequence[str]) -> Fresh:
    """Rows with a new key (revision 0) or another content than every revision held (the next revision).

    A content that any revision of the key holds already is a repetition: so a stretch that is read again
    changes nothing, however it is cut into pages. The price: a source that goes from one value to another
    and back again ends on the other one.

    Args:
        lake: Where the rows would go.
        table: `measurements` or `waveforms`.
        rows: Rows of one group in order of arrival, with the columns of key and content.
        group: Their group.
        content: Columns that make two rows of one key different.
    """
    if rows.is_empty():
        return Fresh(rows.with_columns(revision=pl.lit(0, pl.Int32)), 0)
    identity = [*KEY, *content]
    new = rows.unique(identity, keep="first", maintain_order=True)
    held = _held(lake, table, new, group).select(*identity, "revision").collect()
    if not held.is_empty():
        new = new.join(held, on=identity, how="anti", nulls_equal=True, maintain_order="left")
    newest = held.group_by(KEY).agg(newest=pl.col("revision").max() + 1)
    new = (
        new.join(newest, on=KEY, how="left", maintain_order="left")
        .with_columns(revision=(pl.col("newest").fill_null(0) + pl.int_range(pl.len()).over(KEY)).cast(pl.Int32))
        .drop("newest")
    )
    return Fresh(new, rows.height - new.height)


def _held(lake: Lake, table: Table, new: pl.DataFrame, group: str) -> pl.LazyFrame:
    """Held rows of the days that the page touches: days without rows cost nothing, late rows cost their day."""
    first, last = new.select(pl.col("time").min(), last=pl.col("time").max()).row(0)
    held = lake.read(
        table, since=first, until=last + dt.timedelta(microseconds=1), group=group, all_revisions=True
    )
    return held.filter(pl.col("date").is_in(new.get_column("time").dt.date().unique().to_list()))
