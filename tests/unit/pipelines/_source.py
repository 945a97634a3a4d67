"""A small plant, a source in memory with what it delivers, and what of it the lake holds."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import MEASUREMENTS
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import RawRow, RawWaveform, TagInfo
from pipelines.ingest import IngestReport, ingest

START = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
NOW = START + 10 * DAY


def plant(*, machines: int = 1) -> Plant:
    """Machines P1, P2, ... each with a temperature, a stepped state and a waveform, two in a group."""
    document = {
        "component_classes": [{"id": "rolling_bearing"}],
        "sites": [
            {
                "id": "site",
                "machines": [
                    {
                        "id": f"P{n}",
                        "group": f"area-{(n + 1) // 2}",
                        "grid": "1h",
                        "components": [{"slot": "b", "component_class": "rolling_bearing"}],
                        "measuring_points": [
                            {"id": "t", "role": "bearing_temperature", "quantity": "temperature", "unit": "degC"}
                            | {"tags": {"s": f"T{n}"}, "limits": {"high": 300}},
                            {"id": "v", "role": "vibration_h", "quantity": "acceleration", "unit": "g"}
                            | {"kind": "waveform", "sample_rate_hz": 8192, "tags": {"s": f"W{n}"}},
                        ],
                    }
                    for n in range(1, machines + 1)
                ],
            }
        ],
    }
    return Plant.model_validate(document)


def row(hour: float, value: float | str | None = 20.0, tag: str = "T1", **facts: int) -> RawRow:
    return RawRow(tag, START + hour * HOUR, value, facts.get("status", 192), facts.get("quality", 2))


def wave(hour: float, level: float = 1.0) -> RawWaveform:
    return RawWaveform("W1", START + hour * HOUR, np.full(8, level, dtype=np.float32), 8192.0)


def source(
    rows: Sequence[RawRow] = (), *, lag: dt.timedelta = dt.timedelta(0), **more: Sequence[object]
) -> MemoryHistorian:
    tags = [TagInfo(tag, None) for tag in ("T1", "W1", "T2", "W2", "T3", "W3", "T9")]
    return MemoryHistorian("s", rows, tags=tags, lag=lag, **more)  # type: ignore[arg-type]  # waveforms, events


def take(
    lake: Lake,
    historian: MemoryHistorian,
    *,
    now: dt.datetime = NOW,
    page_rows: int = 3,
    overlap: dt.timedelta = DAY,
    **more: object,
) -> IngestReport:
    arguments = {"clock": DemoClock(now), "overlap": overlap, "page_rows": page_rows, "sensors": False, **more}
    the_plant = arguments.pop("plant", plant())
    return ingest(lake, the_plant, historian, **arguments)  # type: ignore[arg-type]  # keyword arguments as given


def values(lake: Lake) -> list[tuple[float, float, int]]:
    """(hour, degC, revision) of every revision held."""
    frame = lake.read(MEASUREMENTS, all_revisions=True).sort("time", "revision").collect()
    return [
        ((time - START) / HOUR, round(value - 273.15, 6), revision)
        for time, value, revision in frame.select("time", "value", "revision").iter_rows()
    ]
