"""The outcome table once more, written from the reference alone: what lives must be, and what may be learnt from.

It shares no code with `pipelines.labels`, so that the two can be held against each other.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import polars as pl

from tests.benchmarks._workshop import Entry

__all__ = ["LIFE", "expected_lives", "kept_rows", "rows_of_the_table"]

LIFE = ("machine_id", "slot", "life_number", "start", "end", "ending", "failure_mode", "age_known", "detected_at")
# Row of the table -> how the life ends; the others end none.
_ENDS = {
    "confirmed_failure": "failure",
    "other failure mode": "failure",
    "incipient_fault": "incipient",
    "preventive_replacement": "suspension",
    "log failure": "failure",
    "log replacement": "suspension",
}
Place = tuple[str, str]


def expected_lives(
    book: Sequence[Entry],
    begins: Mapping[Place, tuple[dt.datetime, dt.datetime | None]],
) -> pl.DataFrame:
    """Lives as the table wants them, columns `LIFE`.

    Args:
        book: What was told, in any order.
        begins: Component -> first data of its machine, and installation where the plant file knows it.
    """
    told: dict[Place, list[Entry]] = defaultdict(list)
    for entry in book:
        if entry.row in _ENDS:
            told[entry.machine_id, entry.slot].append(entry)
    rows: list[tuple[object, ...]] = []
    for (machine_id, slot), (data, installed) in begins.items():
        start, is_known, number = data, False, 0
        if installed is not None:
            if data < installed:
                number += 1
                rows.append((machine_id, slot, number, data, installed, "suspension", None, False, None))
            start, is_known = installed, True
        for entry in sorted(told[machine_id, slot], key=lambda one: one.broke or one.done):
            number += 1
            ending, end = _ENDS[entry.row], entry.broke or entry.done
            shown = None if entry.asked is None or ending == "suspension" else min(entry.asked, end)
            mode = None if ending == "suspension" else entry.mode
            rows.append((machine_id, slot, number, start, end, ending, mode, is_known, shown))
            start, is_known = entry.done, True
        rows.append((machine_id, slot, number + 1, start, None, "running", None, is_known, None))
    time = pl.Datetime("us", "UTC")
    types = (pl.String, pl.String, pl.Int32, time, time, pl.String, pl.String, pl.Boolean, time)
    return pl.DataFrame(rows, schema=dict(zip(LIFE, types, strict=True)), orient="row")


def kept_rows(rows: pl.DataFrame, lives: pl.DataFrame, book: Sequence[Entry]) -> pl.DataFrame:
    """Feature rows that may be learnt from: of running machines, in a life, not while the sensor read wrong.

    Args:
        rows: `machine_id`, `slot`, `time`, `running`.
        lives: Columns `LIFE`.
        book: What was told.
    """
    spans = lives.select("machine_id", "slot", "start", "end", "ending", "life_number")
    inside = (
        rows.filter("running")
        .join(spans, on=["machine_id", "slot"])
        .filter(pl.col("time") > pl.col("start"), pl.col("end").is_null() | (pl.col("time") <= pl.col("end")))
    )
    wrong = [one for one in book if one.row == "sensor_fault"]
    for one in wrong:
        since = min(one.asked or one.done, one.since or one.done)
        inside = inside.filter(
            ~(
                (pl.col("machine_id") == one.machine_id)
                & (pl.col("slot") == one.slot)
                & pl.col("time").is_between(since, one.done)
            )
        )
    return inside


def rows_of_the_table(book: Sequence[Entry]) -> dict[str, int]:
    """Row of the table -> closed orders; the planners' own log is not counted."""
    return dict(sorted(Counter(one.row for one in book if one.asked is not None).items()))
