"""An ingestion that is killed anywhere, twenty times, ends with the lake of one that was not."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.core.lake import Lake
from features.core.tables import (
    GAPS,
    MAINTENANCE_EVENTS,
    MEASUREMENTS,
    QUARANTINE,
    SENSOR_STATES,
    WAVEFORMS,
    Table,
)

# After a stage (four a page: read, quarantine, waveforms, measurements), or so many ms into the next write.
KILLS = (
    *("1", "2", "3", "4", "5", "6", "7", "8", "5", "6", "7", "9"),
    *("1+3", "2+3", "3+3", "4+3", "5+8", "6+2", "7+12", "6+5"),
)
TABLES = (MEASUREMENTS, WAVEFORMS, QUARANTINE, MAINTENANCE_EVENTS, GAPS, SENSOR_STATES)


def endings(lake: Path, *kills: str) -> list[int]:
    """Signal of each run; the last one is not killed."""
    script = Path(__file__).with_name("ingest_killed.py")
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(lake), *kills],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=environment,
    )
    result: list[int] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Lake]:
    """The lake after twenty kills, and the reference."""
    folder = tmp_path_factory.mktemp("kill")
    killed = endings(folder / "killed", *KILLS)
    assert killed == [signal.SIGKILL] * len(KILLS) + [0], "every kill must hit a running ingestion"
    assert endings(folder / "reference") == [0]
    return Lake(folder / "killed"), Lake(folder / "reference")


def content(lake: Lake, table: Table) -> pl.DataFrame:
    return lake.read(table, all_revisions=True).collect().sort(table.key)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_nothing_is_lost_or_doubled(lakes: tuple[Lake, Lake], table: Table) -> None:
    killed, reference = (content(lake, table) for lake in lakes)
    assert not reference.is_empty()
    assert_frame_equal(killed, reference)


def test_the_watermark_is_that_of_the_reference(lakes: tuple[Lake, Lake]) -> None:
    marks = [lake.watermark(MEASUREMENTS, "s", "area-1") for lake in lakes]
    assert marks == [dt.datetime(2025, 3, 11, tzinfo=dt.UTC)] * 2


def test_the_reference_has_what_makes_it_hard(lakes: tuple[Lake, Lake]) -> None:
    rows = content(lakes[1], MEASUREMENTS)
    assert rows.filter(pl.col("revision") > 0).height > 30
    assert content(lakes[1], GAPS).filter(reason="no_rows").height > 0
