import datetime as dt
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.core.errors import LakeConflictError, LakeUnavailableError, RowRejectedError
from features.core.lake import Lake, Watermark, join_backward
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from features.core.tables import LIVES, MAINTENANCE_EVENTS, MEASUREMENTS, QUARANTINE, SENSOR_STATES, Table

T0 = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def _row(hour: int, *, known: int | None = None, revision: int = 0, value: float = 1.0) -> dict[str, object]:
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


def _rows(*rows: dict[str, object]) -> pl.DataFrame:
    return MEASUREMENTS.frame(rows)


def _mark(hour: int, source: str = "pi", group: str = "area-1") -> Watermark:
    return Watermark(source, group, T0 + hour * HOUR)


def _values(frame: pl.LazyFrame) -> list[float]:
    return frame.sort("time").collect()["value"].to_list()


def _event(number: int, revision: int = 0, text: str = "") -> MaintenanceEvent:
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


def test_rows_come_back_as_they_were_written(lake: Lake) -> None:
    written = _rows(_row(0), _row(1, value=float("nan")), _row(30, value=-1.5))
    assert lake.append(MEASUREMENTS, written, writer="ingest") == 3
    assert lake.read(MEASUREMENTS).sort("time").collect().equals(written)


@pytest.mark.parametrize("table", [MEASUREMENTS, LIVES, QUARANTINE], ids=lambda table: table.name)
def test_a_table_that_nobody_wrote_reads_as_empty(lake: Lake, table: Table) -> None:
    assert lake.read(table, as_of=T0).collect().equals(table.empty())
    assert lake.version(table) is None
    assert lake.watermark(table, "pi", "area-1") is None


def test_reading_makes_no_folders(lake: Lake, tmp_path: Path) -> None:
    lake.read(MEASUREMENTS).collect()
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_was_not_known_then_does_not_appear(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0, value=1.0), _row(1, known=48, value=2.0)), writer="ingest")
    assert _values(lake.read(MEASUREMENTS, as_of=T0 + 2 * HOUR)) == [1.0]
    assert _values(lake.read(MEASUREMENTS, as_of=T0 + 48 * HOUR)) == [1.0, 2.0]


def test_the_newest_revision_known_then_wins(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0, value=1.0), _row(0, known=5, revision=1, value=2.0)), writer="ingest")
    assert _values(lake.read(MEASUREMENTS, as_of=T0 + 4 * HOUR)) == [1.0]
    assert _values(lake.read(MEASUREMENTS, as_of=T0 + 5 * HOUR)) == [2.0]
    assert _values(lake.read(MEASUREMENTS)) == [2.0]


def test_superseded_revisions_can_be_seen(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0, value=1.0), _row(0, known=5, revision=1, value=2.0)), writer="ingest")
    everything = lake.read(MEASUREMENTS, all_revisions=True).sort("revision").collect()
    assert everything["value"].to_list() == [1.0, 2.0]
    assert lake.read(MEASUREMENTS, all_revisions=True, as_of=T0 + 4 * HOUR).collect().height == 1


stories = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 12)), unique_by=lambda r: r[:2], max_size=12
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories, as_of=st.integers(0, 13))
@example(story=[(0, 1, 3), (0, 0, 9)], as_of=5)  # the second revision was known before the first
def test_an_as_of_read_is_what_a_person_with_a_notebook_would_say(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[int, int, int]], as_of: int
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.append(
        MEASUREMENTS,
        _rows(*(_row(h, known=known, revision=r, value=100.0 * h + r) for h, r, known in story)),
        writer="ingest",
    )
    notebook: dict[int, int] = {}
    for hour, revision, known in story:
        if known <= as_of:
            notebook[hour] = max(revision, notebook.get(hour, 0))

    found = _values(lake.read(MEASUREMENTS, as_of=T0 + as_of * HOUR))

    assert found == [100.0 * hour + notebook[hour] for hour in sorted(notebook)]


def test_since_is_inside_and_until_is_outside(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(*(_row(h, value=float(h)) for h in range(0, 60, 6))), writer="ingest")
    found = lake.read(MEASUREMENTS, since=T0 + 12 * HOUR, until=T0 + 48 * HOUR)
    assert _values(found) == [12.0, 18.0, 24.0, 30.0, 36.0, 42.0]


def test_only_asked_machines_and_groups_are_read(lake: Lake) -> None:
    other = _row(0, value=2.0) | {"machine_id": "P102", "group": "area-2"}
    lake.append(MEASUREMENTS, _rows(_row(0), other), writer="ingest")
    assert _values(lake.read(MEASUREMENTS, machine_ids=["P102"])) == [2.0]
    assert _values(lake.read(MEASUREMENTS, group="area-1")) == [1.0]
    assert _values(lake.read(MEASUREMENTS, machine_ids=[])) == []


def test_a_naive_as_of_is_refused(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest")
    with pytest.raises(ValueError, match="no time zone"):
        lake.read(MEASUREMENTS, as_of=dt.datetime(2025, 1, 1))  # noqa: DTZ001 - what is tested


def test_a_former_version_reads_as_it_was(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0, value=1.0)), writer="ingest")
    before = lake.version(MEASUREMENTS)
    lake.upsert(MEASUREMENTS, _rows(_row(0, value=9.0)), writer="ingest")
    assert _values(lake.read(MEASUREMENTS, version=before)) == [1.0]
    assert _values(lake.read(MEASUREMENTS)) == [9.0]


@pytest.mark.parametrize("way", ["append", "upsert"])
def test_a_writer_that_is_not_declared_is_refused(lake: Lake, way: str) -> None:
    with pytest.raises(RowRejectedError, match="'sync' may not write table measurements; its writers are ingest"):
        getattr(lake, way)(MEASUREMENTS, _rows(_row(0)), writer="sync")
    assert lake.version(MEASUREMENTS) is None


@pytest.mark.parametrize("way", ["append", "upsert"])
def test_a_frame_of_another_schema_is_refused(lake: Lake, way: str) -> None:
    with pytest.raises(RowRejectedError, match="value: Int64 instead of Float64"):
        getattr(lake, way)(
            MEASUREMENTS, _rows(_row(0)).with_columns(pl.col("value").cast(pl.Int64)), writer="ingest"
        )
    assert lake.version(MEASUREMENTS) is None


def test_an_upsert_replaces_by_key_and_adds_the_rest(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0, value=1.0), _row(30, value=2.0)), writer="ingest")
    written = lake.upsert(
        MEASUREMENTS, _rows(_row(0, value=7.0), _row(0, value=8.0), _row(60, value=3.0)), writer="ingest"
    )
    assert written == 2
    assert _values(lake.read(MEASUREMENTS)) == [8.0, 2.0, 3.0]


def test_an_upsert_twice_is_an_upsert_once(lake: Lake) -> None:
    frame = _rows(*(_row(h) for h in range(3)))
    for _ in range(2):
        lake.upsert(MEASUREMENTS, frame, writer="ingest")
    assert lake.read(MEASUREMENTS).sort("time").collect().equals(frame)


def test_a_quote_in_a_partition_is_no_command(lake: Lake) -> None:
    row: dict[str, object] = dict.fromkeys(QUARANTINE.columns, "x' OR '1'='1") | {"time": None, "available_at": T0}
    for detail in ("first", "second"):
        lake.upsert(QUARANTINE, QUARANTINE.frame([row | {"detail": detail}]), writer="ingest")
    lake.upsert(QUARANTINE, QUARANTINE.frame([row | {"source": "pi", "detail": "other"}]), writer="ingest")
    assert sorted(lake.read(QUARANTINE).collect()["detail"]) == ["other", "second"]


def test_a_watermark_moves_in_the_commit_of_its_rows(lake: Lake) -> None:
    for hour in (1, 2):
        lake.append(MEASUREMENTS, _rows(_row(hour)), writer="ingest", watermark=_mark(hour))
    first, second = (DeltaTable(f"{lake.url}/measurements", version=version) for version in (1, 2))
    held = [(len(pl.scan_delta(at).collect()), at.transaction_version("pi/area-1")) for at in (first, second)]
    assert held == [(1, _mark(1).version), (2, _mark(2).version)]


def test_progress_over_an_empty_stretch_is_kept(lake: Lake) -> None:
    for hour in (1, 2):
        assert lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=_mark(hour)) == 0
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 2 * HOUR
    assert lake.read(MEASUREMENTS).collect().is_empty()


def test_an_empty_frame_without_a_watermark_is_no_commit(lake: Lake) -> None:
    assert lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest") == 0
    assert lake.upsert(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest") == 0
    assert lake.version(MEASUREMENTS) is None


def test_a_watermark_never_goes_back_and_its_rows_stay_out(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest", watermark=_mark(5))
    with pytest.raises(LakeConflictError, match="cannot go back") as caught:
        lake.append(MEASUREMENTS, _rows(_row(1)), writer="ingest", watermark=_mark(4))
    assert caught.value.context == {"held": T0 + 5 * HOUR, "asked": T0 + 4 * HOUR}
    assert _values(lake.read(MEASUREMENTS)) == [1.0]


def test_a_watermark_may_be_repeated(lake: Lake) -> None:
    for _ in range(2):
        lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=_mark(5))
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 5 * HOUR


def test_each_source_and_group_has_its_own_watermark(lake: Lake) -> None:
    for mark in (_mark(9), _mark(2, source="ignition"), _mark(3, group="area-2")):
        lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark)
    asked = [("pi", "area-1"), ("ignition", "area-1"), ("pi", "area-2"), ("ignition", "area-2")]
    found = [lake.watermark(MEASUREMENTS, *pair) for pair in asked]
    assert found == [T0 + 9 * HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR, None]


def test_a_watermark_survives_upserts_and_compaction(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest", watermark=_mark(1))
    lake.append(MEASUREMENTS, _rows(_row(1)), writer="ingest")
    lake.upsert(MEASUREMENTS, _rows(_row(0, value=2.0)), writer="ingest")
    lake.compact(MEASUREMENTS)
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + HOUR
    assert _values(lake.read(MEASUREMENTS)) == [2.0, 1.0]


class _SlowLake(Lake):
    """A writer that another one overtakes between its look at the table and its commit."""

    def __init__(self, url: Path, overtakes: Watermark | None) -> None:
        super().__init__(url)
        self._fast, self._overtakes = Lake(url), overtakes

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        seen = super()._open(table, version)
        self._fast.append(table, _rows(_row(8, value=8.0)), writer="ingest", watermark=self._overtakes)
        return seen


def test_of_two_writers_that_move_one_watermark_the_slower_is_told(tmp_path: Path) -> None:
    Lake(tmp_path).append(MEASUREMENTS, _rows(_row(0)), writer="ingest", watermark=_mark(1))
    with pytest.raises(LakeConflictError, match="another writer was faster"):
        _SlowLake(tmp_path, _mark(9)).append(MEASUREMENTS, _rows(_row(1)), writer="ingest", watermark=_mark(2))
    assert Lake(tmp_path).watermark(MEASUREMENTS, "pi", "area-1") == T0 + 9 * HOUR
    assert _values(Lake(tmp_path).read(MEASUREMENTS)) == [1.0, 8.0]


@pytest.mark.parametrize("way", ["append", "insert"])
def test_writers_of_different_sources_do_not_disturb_each_other(tmp_path: Path, way: str) -> None:
    Lake(tmp_path).append(MEASUREMENTS, _rows(_row(0)), writer="ingest", watermark=_mark(1))
    slow = _SlowLake(tmp_path, _mark(9, source="ignition"))
    getattr(slow, way)(MEASUREMENTS, _rows(_row(1)), writer="ingest", watermark=_mark(2))
    lake = Lake(tmp_path)
    assert lake.watermark(MEASUREMENTS, "pi", "area-1") == T0 + 2 * HOUR
    assert lake.watermark(MEASUREMENTS, "ignition", "area-1") == T0 + 9 * HOUR
    assert _values(lake.read(MEASUREMENTS)) == [1.0, 1.0, 8.0]


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
        Lake(tmp_path).append(MEASUREMENTS, _rows(_row(0)), writer="ingest")

    def write(lake: Lake) -> int:
        written: int = getattr(lake, way)(MEASUREMENTS, _rows(_row(1, value=5.0)), writer="ingest")
        return written

    written = write(_OvertakenLake(tmp_path, write))
    assert written == {"insert": 0, "upsert": 1}[way]
    assert _values(Lake(tmp_path).read(MEASUREMENTS)) == ([1.0, 5.0] if begun else [5.0])


def test_an_event_that_two_writers_tell_at_once_is_held_once(tmp_path: Path) -> None:
    slow = _OvertakenLake(tmp_path, lambda fast: fast.append_events([_event(1)], writer="sync"))
    assert slow.append_events([_event(1), _event(2)], writer="events") == 1
    assert Lake(tmp_path).read(MAINTENANCE_EVENTS).collect().height == 2


def test_rows_that_were_left_out_on_an_older_version_are_looked_at_again(lake: Lake) -> None:
    lake.insert(MEASUREMENTS, _rows(_row(0)), writer="ingest")
    seen = lake.version(MEASUREMENTS)
    lake.insert(MEASUREMENTS, _rows(_row(1)), writer="ingest", watermark=_mark(2))
    assert lake.insert(MEASUREMENTS, _rows(_row(1), _row(2)), writer="ingest", watermark=_mark(2), seen=seen) == 1
    assert _values(lake.read(MEASUREMENTS)) == [1.0, 1.0, 1.0]


def test_first_writers_at_once_keep_every_watermark_that_was_not_refused(tmp_path: Path) -> None:
    ready = Barrier(4)

    def move(group: str) -> bool:
        lake = Lake(tmp_path)
        ready.wait()
        try:
            lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=_mark(1, group=group))
        except LakeConflictError:
            return False
        return True

    groups = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(4) as writers:
        moved = list(writers.map(move, groups))
    held = [Lake(tmp_path).watermark(MEASUREMENTS, "pi", group) is not None for group in groups]
    assert held == moved


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(lake: Lake, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
            lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_a_table_should_be_is_told(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "measurements").write_text("not a folder", encoding="ascii")
    with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
        lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest")


def test_a_damaged_table_is_told(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "measurements" / "_delta_log").mkdir(parents=True)
    (tmp_path / "measurements" / "_delta_log" / f"{0:020}.json").write_text("half a", encoding="ascii")
    with pytest.raises(LakeUnavailableError, match="table measurements: "):
        lake.version(MEASUREMENTS)


def test_a_full_disk_is_told_and_leaves_the_table_as_it_was(lake: Lake) -> None:
    lake.append(MEASUREMENTS, _rows(_row(0)), writer="ingest")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
            lake.append(MEASUREMENTS, _rows(_row(1)), writer="ingest")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert _values(lake.read(MEASUREMENTS)) == [1.0]


def test_events_are_added_once_however_often_they_are_told(lake: Lake) -> None:
    assert lake.append_events([_event(1), _event(2), _event(1)], writer="sync") == 2
    assert lake.append_events([_event(2), _event(3)], writer="events") == 1
    assert lake.append_events([_event(1), _event(2), _event(3)], writer="imports") == 0
    assert lake.read(MAINTENANCE_EVENTS).collect().height == 3


def test_an_event_that_was_told_is_never_rewritten_but_corrected(lake: Lake) -> None:
    lake.append_events([_event(1, text="bearing")], writer="sync")
    assert lake.append_events([_event(1, text="seal")], writer="sync") == 0
    assert lake.append_events([_event(1, revision=1, text="seal")], writer="sync") == 1
    found = lake.read(MAINTENANCE_EVENTS).sort("revision").collect()
    assert found["text"].to_list() == ["bearing", "seal"]


def test_an_event_is_stored_by_its_words(lake: Lake) -> None:
    lake.append_events([_event(1)], writer="sync")
    row = lake.read(MAINTENANCE_EVENTS).collect().row(0, named=True)
    assert (row["kind"], row["outcome"], row["failure_mode"]) == ("failure", "confirmed_failure", None)


def test_a_lake_of_before_a_column_was_declared_is_read_and_written_on(lake: Lake, tmp_path: Path) -> None:
    old = MAINTENANCE_EVENTS.frame([{"source": "pi", "source_event_id": "0", "revision": 0}]).drop("detected_at")
    write_deltalake(str(tmp_path / "maintenance_events"), old.to_arrow())
    assert lake.read(MAINTENANCE_EVENTS).collect()["detected_at"].to_list() == [None]
    lake.append_events([replace(_event(1), detected_at=T0)], writer="sync")
    found = lake.read(MAINTENANCE_EVENTS).sort("source_event_id").collect()
    assert found["detected_at"].to_list() == [None, T0]
    assert lake.read(MAINTENANCE_EVENTS, version=0).collect()["detected_at"].to_list() == [None]


def test_no_events_are_no_commit(lake: Lake) -> None:
    assert lake.append_events([], writer="sync") == 0
    assert lake.version(MAINTENANCE_EVENTS) is None


def test_events_have_their_writers(lake: Lake) -> None:
    with pytest.raises(RowRejectedError, match="'training' may not write"):
        lake.append_events([_event(1)], writer="training")


def test_an_event_that_was_not_known_then_does_not_appear(lake: Lake) -> None:
    lake.append_events([_event(1)], writer="sync")
    assert lake.read(MAINTENANCE_EVENTS, as_of=T0).collect().is_empty()
    assert lake.read(MAINTENANCE_EVENTS, as_of=T0 + HOUR).collect().height == 1


def test_a_sensor_state_is_replaced_not_doubled(lake: Lake) -> None:
    base: dict[str, object] = dict.fromkeys(SENSOR_STATES.columns, "x") | {
        "date": T0.date(), "time": T0, "available_at": T0, "share_bad": 0.5,
    }  # fmt: skip
    for state in ("normal", "failure"):
        lake.upsert(SENSOR_STATES, SENSOR_STATES.frame([base | {"state": state}]), writer="ingest")
    assert lake.read(SENSOR_STATES).collect()["state"].to_list() == ["failure"]


def _series(*hours: float) -> pl.DataFrame:
    return pl.DataFrame({"time": [T0 + h * HOUR for h in hours]}, schema={"time": pl.Datetime("us", "UTC")})


def test_a_backward_join_takes_the_newest_past_row_within_tolerance() -> None:
    right = _series(3.0, 0.0).with_columns(value=pl.Series([3.0, 0.0]))
    found = join_backward(_series(5.0, 0.0, 3.0, 2.9, 9.0), right, by=None, tolerance=4 * HOUR)
    assert found["value"].to_list() == [0.0, 0.0, 3.0, 3.0, None]
    assert found["time_right"].to_list() == [T0, T0, T0 + 3 * HOUR, T0 + 3 * HOUR, None]


def test_a_backward_join_keeps_series_apart() -> None:
    left = _series(1.0, 1.0).with_columns(tag=pl.Series(["a", "b"]))
    right = _series(0.5).with_columns(tag=pl.lit("a"), value=pl.lit(7.0))
    found = join_backward(left, right, by="tag", tolerance=HOUR)
    assert dict(zip(found["tag"], found["value"], strict=True)) == {"a": 7.0, "b": None}
