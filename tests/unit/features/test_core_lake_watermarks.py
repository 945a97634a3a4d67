"""Watermarks, and writers that meet at one table."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest
from deltalake import DeltaTable

from features.core.errors import LakeConflictError
from features.core.lake import Lake, Watermark
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, Table
from tests.unit.features._lake_rows import HOUR, T0, event, mark, row, rows, values


def test_a_watermark_moves_in_the_commit_of_its_rows(lake: Lake) -> None:
    for hour in (1, 2):
        lake.append(MEASUREMENTS, rows(row(hour)), writer="ingest", watermark=mark(hour))
    first, second = (DeltaTable(f"{lake.url}/measurements", version=version) for version in (1, 2))
    held = [(len(pl.scan_delta(at).collect()), at.transaction_version("pi/area-1")) for at in (first, second)]
    assert held == [(1, mark(1).version), (2, mark(2).version)]


def test_progress_over_an_empty_stretch_is_kept(lake: Lake) -> None:
    for hour in (1, 2):
        assert lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark(hour)) == 0
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 2 * HOUR
    assert lake.read(MEASUREMENTS).collect().is_empty()


def test_a_watermark_never_goes_back_and_its_rows_stay_out(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0)), writer="ingest", watermark=mark(5))
    with pytest.raises(LakeConflictError, match="cannot go back") as caught:
        lake.append(MEASUREMENTS, rows(row(1)), writer="ingest", watermark=mark(4))
    assert caught.value.context == {"held": T0 + 5 * HOUR, "asked": T0 + 4 * HOUR}
    assert values(lake.read(MEASUREMENTS)) == [1.0]


def test_a_watermark_may_be_repeated(lake: Lake) -> None:
    for _ in range(2):
        lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark(5))
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 5 * HOUR


def test_each_source_and_group_has_its_own_watermark(lake: Lake) -> None:
    for moved in (mark(9), mark(2, source="ignition"), mark(3, group="area-2")):
        lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=moved)
    asked = [("pi", "area-1"), ("ignition", "area-1"), ("pi", "area-2"), ("ignition", "area-2")]
    found = [lake.watermark(MEASUREMENTS, *pair) for pair in asked]
    assert found == [T0 + 9 * HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR, None]


def test_a_watermark_survives_upserts_and_compaction(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0)), writer="ingest", watermark=mark(1))
    lake.append(MEASUREMENTS, rows(row(1)), writer="ingest")
    lake.upsert(MEASUREMENTS, rows(row(0, value=2.0)), writer="ingest")
    lake.compact(MEASUREMENTS)
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + HOUR
    assert values(lake.read(MEASUREMENTS)) == [2.0, 1.0]


class _SlowLake(Lake):
    """A writer that another one overtakes between its look at the table and its commit."""

    def __init__(self, url: Path, overtakes: Watermark | None) -> None:
        super().__init__(url)
        self._fast, self._overtakes = Lake(url), overtakes

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        seen = super()._open(table, version)
        self._fast.append(table, rows(row(8, value=8.0)), writer="ingest", watermark=self._overtakes)
        return seen


def test_of_two_writers_that_move_one_watermark_the_slower_is_told(tmp_path: Path) -> None:
    Lake(tmp_path).append(MEASUREMENTS, rows(row(0)), writer="ingest", watermark=mark(1))
    with pytest.raises(LakeConflictError, match="another writer was faster"):
        _SlowLake(tmp_path, mark(9)).append(MEASUREMENTS, rows(row(1)), writer="ingest", watermark=mark(2))
    assert Lake(tmp_path).watermark(MEASUREMENTS, "pi", "area-1") == T0 + 9 * HOUR
    assert values(Lake(tmp_path).read(MEASUREMENTS)) == [1.0, 8.0]


@pytest.mark.parametrize("way", ["append", "insert"])
def test_writers_of_different_sources_do_not_disturb_each_other(tmp_path: Path, way: str) -> None:
    Lake(tmp_path).append(MEASUREMENTS, rows(row(0)), writer="ingest", watermark=mark(1))
    slow = _SlowLake(tmp_path, mark(9, source="ignition"))
    getattr(slow, way)(MEASUREMENTS, rows(row(1)), writer="ingest", watermark=mark(2))
    lake = Lake(tmp_path)
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 2 * HOUR
    assert lake.watermark(MEASUREMENTS, "ignition", "area-1") == T0 + 9 * HOUR
    assert values(lake.read(MEASUREMENTS)) == [1.0, 1.0, 8.0]


class _OvertakenLake(Lake):
    """A writer that another one with the same rows overtakes, at its first look at the table."""

    def __init__(self, url: Path, overtake: Callable[[Lake], object]) -> None:
        super().__init__(url)
        self._overtake: list[Callable[[Lake], object]] = [overtake]

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        seen = super()._open(table, version)
        if self._overtake:
            self._overtake.pop()(Lake(self.url))
        return seen


@pytest.mark.parametrize("begun", [True, False], ids=["table is there", "first writers"])
@pytest.mark.parametrize("way", ["insert", "upsert"])
def test_two_writers_of_one_key_at_once_leave_one_row(tmp_path: Path, way: str, begun: bool) -> None:
    if begun:
        Lake(tmp_path).append(MEASUREMENTS, rows(row(0)), writer="ingest")

    def write(lake: Lake) -> int:
        written: int = getattr(lake, way)(MEASUREMENTS, rows(row(1, value=5.0)), writer="ingest")
        return written

    written = write(_OvertakenLake(tmp_path, write))
    assert written == {"insert": 0, "upsert": 1}[way]
    assert values(Lake(tmp_path).read(MEASUREMENTS)) == ([1.0, 5.0] if begun else [5.0])


def test_an_event_that_two_writers_tell_at_once_is_held_once(tmp_path: Path) -> None:
    slow = _OvertakenLake(tmp_path, lambda fast: fast.append_events([event(1)], writer="sync"))
    assert slow.append_events([event(1), event(2)], writer="events") == 1
    assert Lake(tmp_path).read(MAINTENANCE_EVENTS).collect().height == 2


def test_rows_that_were_left_out_on_an_older_version_are_looked_at_again(lake: Lake) -> None:
    lake.insert(MEASUREMENTS, rows(row(0)), writer="ingest")
    seen = lake.version(MEASUREMENTS)
    lake.insert(MEASUREMENTS, rows(row(1)), writer="ingest", watermark=mark(2))
    assert lake.insert(MEASUREMENTS, rows(row(1), row(2)), writer="ingest", watermark=mark(2), seen=seen) == 1
    assert values(lake.read(MEASUREMENTS)) == [1.0, 1.0, 1.0]


def test_first_writers_at_once_keep_every_watermark_that_was_not_refused(tmp_path: Path) -> None:
    ready = Barrier(4)

    def move(group: str) -> bool:
        lake = Lake(tmp_path)
        ready.wait()
        try:
            lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark(1, group=group))
        except LakeConflictError:
            return False
        return True

    groups = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(4) as writers:
        moved = list(writers.map(move, groups))
    held = [Lake(tmp_path).watermark(MEASUREMENTS, "pi", group) is not None for group in groups]
    assert held == moved
