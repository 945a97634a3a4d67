"""Runs an ingestion again and again and kills it: `python ingest_killed.py LAKE KILL...`, see `Kill`.

Prints one JSON list with the signal that ended each run, 0 for the last one, which nobody kills. Libraries
are imported once, then each run is a process of its own.
"""

import datetime as dt
import json
import math
import os
import signal
import sys
import threading
from dataclasses import dataclass

import numpy as np

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import EventKind, MaintenanceEvent
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import RawRow, RawWaveform, TagInfo
from pipelines.ingest import IngestProgress, ingest

START = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
DAYS = 10
# None: what a kill left out would be read again by an overlap, and the test would see nothing.
OVERLAP = dt.timedelta(0)


@dataclass(frozen=True)
class Kill:
    """`N`: right after the N-th stage of the run; `N+MS`: so many milliseconds later, in the middle of a write."""

    stage: int
    later_ms: int | None

    @classmethod
    def parse(cls, text: str) -> "Kill":
        stage, _, later = text.partition("+")
        return cls(int(stage), int(later) if later else None)


def plant() -> Plant:
    """Two machines in one group, two sensors each."""
    machines = [
        {
            "id": machine,
            "grid": "1h",
            "components": [{"slot": "b", "component_class": "rolling_bearing"}],
            "measuring_points": [
                {"id": "t", "role": "bearing_temperature", "quantity": "temperature", "unit": "degC"}
                | {"tags": {"s": f"{machine}.T"}},
                {"id": "v", "role": "vibration_h", "quantity": "acceleration", "unit": "g"}
                | {"kind": "waveform", "sample_rate_hz": 8192, "tags": {"s": f"{machine}.W"}},
            ],
        }
        for machine in ("P1", "P2")
    ]
    return Plant.model_validate(
        {"component_classes": [{"id": "rolling_bearing"}], "sites": [{"id": "site", "machines": machines}]}
    )


def historian() -> MemoryHistorian:
    """Hourly rows with repetitions, corrections, late ones, wrong ones and a gap; waveforms and a log."""
    rows: list[RawRow] = []
    for hour in range(DAYS * 24):
        time = START + dt.timedelta(hours=hour)
        for machine in ("P1", "P2"):
            if machine == "P2" and 100 <= hour < 140:
                continue
            tag = f"{machine}.T"
            rows.append(RawRow(tag, time, 20.0 + hour % 7))
            if hour % 5 == 0:
                rows.append(RawRow(tag, time, 20.0 + hour % 7))
            if hour % 11 == 2:
                rows.append(RawRow(tag, time - dt.timedelta(hours=2), 50.0 + hour % 3))
            if hour % 13 == 0:
                rows.append(RawRow(tag, time + dt.timedelta(minutes=1), math.nan))
                rows.append(RawRow(tag, time + dt.timedelta(minutes=2), "Bad Input", status=0, quality=0))
    waveforms = [
        RawWaveform(f"{machine}.W", START + dt.timedelta(hours=4 * n), np.full(64, n, dtype=np.float32), 8192.0)
        for n in range(DAYS * 6)
        for machine in ("P1", "P2")
    ]
    events = [
        MaintenanceEvent(
            "log",
            str(day),
            0,
            "P1",
            "b",
            EventKind.REPLACEMENT,
            None,
            None,
            *(START + dt.timedelta(days=day),) * 2,
        )
        for day in range(1, DAYS)
    ]
    tags = [TagInfo(f"{machine}.{point}", None) for machine in ("P1", "P2") for point in "TW"]
    return MemoryHistorian("s", rows, waveforms=waveforms, events=events, tags=tags)


def run(url: str, kill: Kill | None) -> None:
    """One ingestion, ended by SIGKILL when the kill's stage is over."""
    stages = 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def count(_: IngestProgress) -> None:
        nonlocal stages
        stages += 1
        if kill is not None and stages == kill.stage:
            if kill.later_ms is None:
                die()
            else:
                threading.Timer(kill.later_ms / 1000, die).start()

    clock = DemoClock(START + dt.timedelta(days=DAYS))
    ingest(Lake(url), plant(), historian(), clock=clock, overlap=OVERLAP, page_rows=30, on_progress=count)


def ended_by(url: str, kill: Kill | None) -> int:
    """Signal that ended a run in a process of its own."""
    child = os.fork()
    if child == 0:
        run(url, kill)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main() -> None:
    """Runs that are killed as the arguments say, then one that is not."""
    url, *kills = sys.argv[1:]
    plant()  # what it reads about units stays for all runs
    endings = [ended_by(url, Kill.parse(kill)) for kill in kills]
    endings.append(ended_by(url, None))
    sys.stdout.write(json.dumps(endings))


if __name__ == "__main__":
    main()
