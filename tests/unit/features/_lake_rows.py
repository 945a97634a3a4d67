"""Rows, events and watermarks of a lake of one bearing."""

import datetime as dt

import polars as pl

from features.core.lake import Watermark
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from features.core.tables import MEASUREMENTS

T0 = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def row(hour: int, *, known: int | None = None, revision: int = 0, value: float = 1.0) -> dict[str, object]:
    time = T0 + hour * HOUR
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P101",
        "point_id": "temp",
        "source": "pi",
        "time": time,
        "available_at": T0 + (hour if known is None else known) * HOUR,
        "revision": revision,
        "value": value,
        "quality": 2,
        "status": 192,
        "origin": "live",
    }


def rows(*held: dict[str, object]) -> pl.DataFrame:
    return MEASUREMENTS.frame(held)


def mark(hour: int, source: str = "pi", group: str = "area-1") -> Watermark:
    return Watermark(source, group, T0 + hour * HOUR)


def values(frame: pl.LazyFrame) -> list[float]:
    return frame.sort("time").collect()["value"].to_list()


def event(number: int, revision: int = 0, text: str = "") -> MaintenanceEvent:
    return MaintenanceEvent(
        source="sap",
        source_event_id=str(number),
        revision=revision,
        machine_id="P101",
        slot="DE-bearing",
        kind=EventKind.FAILURE,
        outcome=Outcome.CONFIRMED_FAILURE,
        failure_mode=None,
        occurred_at=T0,
        available_at=T0 + HOUR,
        text=text,
    )
