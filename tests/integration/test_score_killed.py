"""Features and statements of a run that is killed again and again are those of a run that is not."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from features.core.lake import Lake
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES, PREDICTIONS, Table

# Each run is a process of its own; libraries are imported once. Prints the signals that ended the runs.
SCRIPT = """
import datetime as dt, json, os, signal, sys, threading
import polars as pl
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import LIVES, MAINTENANCE_EVENTS, MEASUREMENTS
from pipelines import labels
from pipelines.scoring import compute_features, score

START, HOUR, STEPS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(hours=1), 48
points = [("T", "winding_temperature", "temperature", "K"), ("A", "ambient_temperature", "temperature", "K"),
          ("L", "load", "ratio", "1")]
machines = [{
    "id": f"M{n}", "grid": "1h",
    "components": [{"slot": s, "component_class": "winding", "installed": START} for s in ("U", "V")],
    "measuring_points": [dict(zip(("id", "role", "quantity", "unit"), point)) for point in points],
} for n in range(3)]
winding = {"id": "winding", "life_unit": "calendar_h", "memory": ["6h"], "baseline": "6h"}
document = {"component_classes": [winding], "sites": [{"id": "s", "machines": machines}]}
plant = Plant.model_validate(document)

class Mortal(Lake):
    writes, last, later_ms = 0, None, 0
    def _ready(self, table):
        self.writes += 1
        if self.writes == self.last:
            threading.Timer(self.later_ms / 1000, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        return super()._ready(table)

lake = Mortal(sys.argv[1])

def rows():
    for machine in plant.machines:
        for half in range(2 * STEPS):
            time = START + half * HOUR / 2
            for point, value in (("T", 300 + half % 5), ("A", 290 + half % 3), ("L", 0.5 + half % 7 / 100)):
                yield {"group": machine.group, "date": time.date(), "machine_id": machine.id, "point_id": point,
                       "source": "test", "time": time, "available_at": time, "revision": 0,
                       "value": float(value), "quality": 2, "status": 0, "origin": "backfill"}

def run():
    for hours in (12, 24, 36, STEPS):
        as_of = START + hours * HOUR
        compute_features(lake, plant, as_of=as_of)
        lives = labels.lives(lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect(), plant, as_of=as_of)
        lake.upsert(LIVES, lives, writer="labels")
        score(lake, plant, {}, lives=lives, as_of=as_of)

def child(work, kill=None):
    number = os.fork()
    if number == 0:
        if kill is not None:
            lake.last, lake.later_ms = map(int, kill.split("+"))
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])

child(lambda: lake.append(MEASUREMENTS, MEASUREMENTS.frame(list(rows())), writer="ingest"))
print(json.dumps([child(run, word) for word in sys.argv[2:]] + [child(run)]))
"""
# `N+MS`: so many milliseconds after the N-th write of a run began.
KILLS = ("1+2", "2+0", "2+15", "3+5", "4+20")


def _run(lake: Path, *kills: str) -> list[int]:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(lake), *kills],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    codes: list[int] = json.loads(ended.stdout.splitlines()[-1])
    return codes


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Lake]:
    """A lake whose runs were killed, and one of a single run that was not."""
    folder = tmp_path_factory.mktemp("lakes")
    codes = _run(folder / "killed", *KILLS)
    assert codes[-1] == 0
    assert codes.count(-9) >= 3
    assert _run(folder / "whole") == [0]
    return Lake(folder / "killed"), Lake(folder / "whole")


@pytest.mark.parametrize("table", [FEATURE_SETS, FEATURE_ROWS, LIVES, PREDICTIONS], ids=lambda table: table.name)
def test_nothing_is_lost_or_doubled(lakes: tuple[Lake, Lake], table: Table) -> None:
    killed, whole = (lake.read(table).sort(table.key).collect() for lake in lakes)
    assert whole.height > 0
    assert killed.select(pl.struct(table.key).is_duplicated().any()).item() is False
    assert killed.equals(whole)
