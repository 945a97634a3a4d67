import datetime as dt
import os
import resource
import signal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.core.errors import LakeUnavailableError, RowRejectedError
from features.core.lake import Lake, join_backward
from features.core.tables import LIVES, MEASUREMENTS, QUARANTINE, SENSOR_STATES, Table
from tests.unit.features._lake_rows import HOUR, T0, row, rows, values


def test_rows_come_back_as_they_were_written(lake: Lake) -> None:
    written = rows(row(0), row(1, value=float("nan")), row(30, value=-1.5))
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
    lake.append(MEASUREMENTS, rows(row(0, value=1.0), row(1, known=48, value=2.0)), writer="ingest")
    assert values(lake.read(MEASUREMENTS, as_of=T0 + 2 * HOUR)) == [1.0]
    assert values(lake.read(MEASUREMENTS, as_of=T0 + 48 * HOUR)) == [1.0, 2.0]


def test_the_newest_revision_known_then_wins(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0, value=1.0), row(0, known=5, revision=1, value=2.0)), writer="ingest")
    assert values(lake.read(MEASUREMENTS, as_of=T0 + 4 * HOUR)) == [1.0]
    assert values(lake.read(MEASUREMENTS, as_of=T0 + 5 * HOUR)) == [2.0]
    assert values(lake.read(MEASUREMENTS)) == [2.0]


def test_superseded_revisions_can_be_seen(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0, value=1.0), row(0, known=5, revision=1, value=2.0)), writer="ingest")
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
        rows(*(row(h, known=known, revision=r, value=100.0 * h + r) for h, r, known in story)),
        writer="ingest",
    )
    notebook: dict[int, int] = {}
    for hour, revision, known in story:
        if known <= as_of:
            notebook[hour] = max(revision, notebook.get(hour, 0))

    found = values(lake.read(MEASUREMENTS, as_of=T0 + as_of * HOUR))

    assert found == [100.0 * hour + notebook[hour] for hour in sorted(notebook)]


def test_since_is_inside_and_until_is_outside(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(*(row(h, value=float(h)) for h in range(0, 60, 6))), writer="ingest")
    found = lake.read(MEASUREMENTS, since=T0 + 12 * HOUR, until=T0 + 48 * HOUR)
    assert values(found) == [12.0, 18.0, 24.0, 30.0, 36.0, 42.0]


def test_only_asked_machines_and_groups_are_read(lake: Lake) -> None:
    other = row(0, value=2.0) | {"machine_id": "P102", "group": "area-2"}
    lake.append(MEASUREMENTS, rows(row(0), other), writer="ingest")
    assert values(lake.read(MEASUREMENTS, machine_ids=["P102"])) == [2.0]
    assert values(lake.read(MEASUREMENTS, group="area-1")) == [1.0]
    assert values(lake.read(MEASUREMENTS, machine_ids=[])) == []


def test_a_naive_as_of_is_refused(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0)), writer="ingest")
    with pytest.raises(ValueError, match="no time zone"):
        lake.read(MEASUREMENTS, as_of=dt.datetime(2025, 1, 1))  # noqa: DTZ001 - what is tested


def test_a_former_version_reads_as_it_was(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0, value=1.0)), writer="ingest")
    before = lake.version(MEASUREMENTS)
    lake.upsert(MEASUREMENTS, rows(row(0, value=9.0)), writer="ingest")
    assert values(lake.read(MEASUREMENTS, version=before)) == [1.0]
    assert values(lake.read(MEASUREMENTS)) == [9.0]


@pytest.mark.parametrize("way", ["append", "upsert"])
def test_a_writer_that_is_not_declared_is_refused(lake: Lake, way: str) -> None:
    with pytest.raises(RowRejectedError, match="'sync' may not write table measurements; its writers are ingest"):
        getattr(lake, way)(MEASUREMENTS, rows(row(0)), writer="sync")
    assert lake.version(MEASUREMENTS) is None


@pytest.mark.parametrize("way", ["append", "upsert"])
def test_a_frame_of_another_schema_is_refused(lake: Lake, way: str) -> None:
    with pytest.raises(RowRejectedError, match="value: Int64 instead of Float64"):
        getattr(lake, way)(
            MEASUREMENTS, rows(row(0)).with_columns(pl.col("value").cast(pl.Int64)), writer="ingest"
        )
    assert lake.version(MEASUREMENTS) is None


def test_an_upsert_replaces_by_key_and_adds_the_rest(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0, value=1.0), row(30, value=2.0)), writer="ingest")
    written = lake.upsert(
        MEASUREMENTS, rows(row(0, value=7.0), row(0, value=8.0), row(60, value=3.0)), writer="ingest"
    )
    assert written == 2
    assert values(lake.read(MEASUREMENTS)) == [8.0, 2.0, 3.0]


def test_an_upsert_twice_is_an_upsert_once(lake: Lake) -> None:
    frame = rows(*(row(h) for h in range(3)))
    for _ in range(2):
        lake.upsert(MEASUREMENTS, frame, writer="ingest")
    assert lake.read(MEASUREMENTS).sort("time").collect().equals(frame)


def test_a_quote_in_a_partition_is_no_command(lake: Lake) -> None:
    row: dict[str, object] = dict.fromkeys(QUARANTINE.columns, "x' OR '1'='1") | {"time": None, "available_at": T0}
    for detail in ("first", "second"):
        lake.upsert(QUARANTINE, QUARANTINE.frame([row | {"detail": detail}]), writer="ingest")
    lake.upsert(QUARANTINE, QUARANTINE.frame([row | {"source": "pi", "detail": "other"}]), writer="ingest")
    assert sorted(lake.read(QUARANTINE).collect()["detail"]) == ["other", "second"]


def test_an_empty_frame_without_a_watermark_is_no_commit(lake: Lake) -> None:
    assert lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest") == 0
    assert lake.upsert(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest") == 0
    assert lake.version(MEASUREMENTS) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(lake: Lake, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
            lake.append(MEASUREMENTS, rows(row(0)), writer="ingest")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_a_table_should_be_is_told(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "measurements").write_text("not a folder", encoding="ascii")
    with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
        lake.append(MEASUREMENTS, rows(row(0)), writer="ingest")


def test_a_damaged_table_is_told(lake: Lake, tmp_path: Path) -> None:
    log = tmp_path / "lake" / "measurements" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("half a", encoding="ascii")
    with pytest.raises(LakeUnavailableError, match="table measurements: "):
        lake.version(MEASUREMENTS)


def test_a_full_disk_is_told_and_leaves_the_table_as_it_was(lake: Lake) -> None:
    lake.append(MEASUREMENTS, rows(row(0)), writer="ingest")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(LakeUnavailableError, match=r"table measurements: .*rights and free space"):
            lake.append(MEASUREMENTS, rows(row(1)), writer="ingest")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert values(lake.read(MEASUREMENTS)) == [1.0]


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
