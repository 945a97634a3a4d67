"""Stretches in which the readings of a component were wrong: nothing may be learnt from them."""

import datetime as dt

import polars as pl

from features.core.clock import require_utc
from features.core.statements import Outcome
from pipelines.labels.entries import known, newest

__all__ = ["outside_sensor_faults", "sensor_faults"]


def sensor_faults(events: pl.DataFrame, *, as_of: dt.datetime) -> pl.DataFrame:
    """Stretches of wrong readings as they were known at `as_of`.

    Args:
        events: Frame of table `maintenance_events`; all revisions may be in it.
        as_of: Events with a later `available_at` are not read.

    Returns:
        `machine_id`, `slot` (null: all of the machine's), `start`, `end`, both inclusive. A sensor fault of which
        nobody told since when it was there (`detected_at`) has no stretch: its beginning is not guessed.
    """
    told = newest(known(events, require_utc(as_of))).filter(
        pl.col("outcome") == Outcome.SENSOR_FAULT.value, pl.col("detected_at").is_not_null()
    )
    return told.select("machine_id", "slot", start="detected_at", end="occurred_at")


def outside_sensor_faults(rows: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The rows without those whose time lies in a stretch of wrong readings, in the same order.

    Args:
        rows: Has `machine_id`, `slot` and `time`.
        faults: As `sensor_faults` gives them.
    """
    place = ["machine_id", "slot", "time"]
    wrong = (
        rows.select(place)
        .join(faults, on="machine_id", suffix="_of_fault")
        .filter(
            pl.col("slot_of_fault").is_null() | (pl.col("slot_of_fault") == pl.col("slot")),
            pl.col("time").is_between("start", "end"),
        )
        .select(place)
        .unique()
    )
    return rows.join(wrong, on=place, how="anti", maintain_order="left")
