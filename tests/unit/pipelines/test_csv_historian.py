"""A folder of CSV files: layouts, decimal signs, time zones; what cannot be read is rejected with its text."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.core.clock import DemoClock, localize
from features.core.errors import ConfigError, RowRejectedError
from pipelines.historian import open_historian
from pipelines.historian.csv import CsvConfig, CsvFolder
from pipelines.historian.csv_layout import read_file
from pipelines.historian.port import Page
from pipelines.settings import SourceSettings

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def read(folder: Path, text: str, **keys: object) -> Page:
    """The only page of a folder with one file, all its tags."""
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    historian = CsvFolder("csv", CsvConfig.model_validate({"folder": folder, **keys}))
    tags = [info.tag for info in historian.tags()]
    (page,) = historian.read(tags, START, END, 1000)
    return page


def test_long_rows_keep_value_quality_and_status(tmp_path: Path) -> None:
    page = read(
        tmp_path,
        "tag,time,value,quality\nT1,2025-01-01T00:00:00Z,1.5,good\nT1,2025-01-01 01:00:00+02:00,2,64\n"
        "T1,2025-01-02T00:00:00.5Z,3,Bad\n",
    )
    assert page.rows.select("value", "quality", "status").rows() == [(1.5, 2, 192), (3.0, 0, 0)]
    assert page.rows.get_column("time")[1] == dt.datetime(2025, 1, 2, microsecond=500_000, tzinfo=dt.UTC)


def test_an_uncertain_row_with_an_offset_is_moved_to_utc(tmp_path: Path) -> None:
    page = read(tmp_path, "tag,time,value,quality\nT1,2025-01-02 01:00+0200,2,100\n")
    assert page.rows.select("time", "quality", "status").row(0) == (
        dt.datetime(2025, 1, 1, 23, tzinfo=dt.UTC),
        1,
        100,
    )


def test_rows_of_an_unset_clock_are_rejected_although_nobody_asks_for_that_time(tmp_path: Path) -> None:
    page = read(tmp_path, "tag,time,value\nT1,1970-01-01T00:00:00Z,1\nT1,2025-01-02T00:00:00Z,2\n")
    assert page.rows.get_column("value").to_list() == [2.0]
    assert [(item.tag, item.reason, item.raw) for item in page.rejected] == [
        ("T1", "too_early", "1970-01-01T00:00:00Z 1")
    ]


def test_waveforms_of_an_unset_clock_are_rejected_too(tmp_path: Path) -> None:
    times = [dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 1, 2, tzinfo=dt.UTC)]
    pl.DataFrame(
        {"tag": ["W"] * 2, "time": times, "sample_rate_hz": [1e4] * 2, "samples": [[1.0, 2.0]] * 2},
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    ).write_parquet(tmp_path / "w.parquet")
    page = read(tmp_path, "tag,time,value\nT1,2025-01-02T00:00:00Z,2\n")
    assert [wave.time for wave in page.waveforms] == times[1:]
    assert [(item.tag, item.reason) for item in page.rejected] == [("W", "too_early")]


def test_wide_rows_leave_out_empty_cells(tmp_path: Path) -> None:
    page = read(
        tmp_path,
        "time;A;B\n2025-01-01T00:00Z;1,5;\n2025-01-01T01:00Z;2;x\n",
        layout="wide",
        separator=";",
        decimal=",",
    )
    assert page.rows.select("tag", "value", "text").rows() == [
        ("A", 1.5, None),
        ("A", 2.0, None),
        ("B", None, "x"),
    ]


def test_decimal_comma_and_declared_time_format(tmp_path: Path) -> None:
    page = read(
        tmp_path,
        "Name;Zeit;Wert\nT1;01.07.2025 12:00:00;-0,25\n",
        separator=";",
        decimal=",",
        tag_column="Name",
        time_column="Zeit",
        value_column="Wert",
        time_format="%d.%m.%Y %H:%M:%S",
        time_zone="Europe/Berlin",
    )
    assert page.rows.select("time", "value").row(0) == (dt.datetime(2025, 7, 1, 10, tzinfo=dt.UTC), -0.25)


@pytest.mark.parametrize(
    ("stamp", "keys", "reason"),
    [
        ("2025-10-26T02:30", {"time_zone": "Europe/Berlin"}, "ambiguous_time"),
        ("2025-03-30T02:30", {"time_zone": "Europe/Berlin"}, "nonexistent_time"),
        ("2025-03-30T02:30", {}, "no_time_zone"),
        ("yesterday", {}, "bad_time"),
        ("", {}, "bad_time"),
    ],
)
def test_a_stamp_that_is_no_moment_is_rejected(
    tmp_path: Path, stamp: str, keys: dict[str, object], reason: str
) -> None:
    page = read(tmp_path, f"tag,time,value\nT1,{stamp},1.5\nT1,2025-05-01T00:00Z,2\n", **keys)
    assert [(item.tag, item.reason) for item in page.rejected] == [("T1", reason)]
    assert "1.5" in page.rejected[0].raw
    assert page.rows.height == 1


def test_the_ambiguous_hour_of_a_monotone_source_is_its_first(tmp_path: Path) -> None:
    page = read(tmp_path, "tag,time,value\nT1,2025-10-26T02:30,1\n", time_zone="Europe/Berlin", monotone=True)
    assert page.rows.get_column("time")[0] == dt.datetime(2025, 10, 26, 0, 30, tzinfo=dt.UTC)


@settings(max_examples=30, deadline=None)
@example(minutes=[119, 120, 179, 180])
@given(minutes=st.lists(st.integers(0, 60 * 30), min_size=1, max_size=20, unique=True))
def test_whole_columns_are_localized_as_single_stamps_are(
    tmp_path_factory: pytest.TempPathFactory, minutes: list[int]
) -> None:
    for day in (dt.datetime(2025, 10, 26), dt.datetime(2025, 3, 30)):  # noqa: DTZ001 - local stamps
        stamps = [day + dt.timedelta(minutes=m) for m in minutes]
        file = tmp_path_factory.mktemp("csv") / "rows.csv"
        file.write_text("tag,time,value\n" + "".join(f"T,{s.isoformat()},1\n" for s in stamps), encoding="utf-8")
        reading = read_file(file, CsvConfig(folder=file.parent, time_zone="Europe/Berlin"))
        expected = []
        for stamp in stamps:
            try:
                expected.append(localize(stamp, BERLIN, monotone=False))
            except RowRejectedError:
                continue
        assert reading.rows.get_column("time").to_list() == expected
        assert len(reading.rejected) == len(stamps) - len(expected)


def test_a_broken_line_is_rejected_and_its_neighbours_are_read(tmp_path: Path) -> None:
    page = read(
        tmp_path, "tag,time,value\nT1,2025-01-01T00:00Z,1\nT1,2025-01-01T01:00Z,2,3,4\nT1,2025-01-01T02:00Z,5\n"
    )
    assert page.rows.get_column("value").to_list() == [1.0, 5.0]
    assert [(item.reason, item.raw) for item in page.rejected] == [("broken_line", "T1,2025-01-01T01:00Z,2,3,4")]


def test_texts_nan_and_unknown_quality_words_are_not_guessed(tmp_path: Path) -> None:
    page = read(
        tmp_path,
        "tag,time,value,quality\nT1,2025-01-01T00:00Z,NaN,\nT1,2025-01-01T01:00Z,I/O Timeout,0\n"
        "T1,2025-01-01T02:00Z,,192\nT1,2025-01-01T03:00Z,4,perhaps\n,2025-01-01T04:00Z,4,good\n",
    )
    values = page.rows.select("value", "text").rows()
    assert np.isnan(values[0][0])
    assert values[1:] == [(None, "I/O Timeout"), (None, None)]
    assert [item.reason for item in page.rejected] == ["bad_quality_word", "missing_tag"]


def test_units_come_from_the_tags_file(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("tag,unit,description\nT1,degF,inlet\n", encoding="utf-8")
    (tmp_path / "rows.csv").write_text("tag,time,value\nT1,2025-01-01T00:00Z,1\nT2,2025-01-01T00:00Z,1\n")
    infos = CsvFolder("csv", CsvConfig(folder=tmp_path)).tags()
    assert [(info.tag, info.unit) for info in infos] == [("T1", "degF"), ("T2", None)]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("tag,time,value\nT1,2025-01-01T00:00Z,1\n")
    historian = CsvFolder("csv", CsvConfig(folder=tmp_path))
    historian.tags()
    file.write_text("tag,time,value\nT1,2025-01-01T00:00Z,1\nT1,2025-01-01T01:00Z,2\n")
    (page,) = historian.read(["T1"], START, END, 1000)
    assert page.rows.height == 2


def test_waveforms_come_from_parquet_files(tmp_path: Path) -> None:
    samples = [0.5, -0.25, 1.0]
    pl.DataFrame(
        {"tag": ["W"], "time": [START], "sample_rate_hz": [8192.0], "samples": [samples], "speed_hz": [25.0]}
    ).write_parquet(tmp_path / "w.parquet")
    historian = CsvFolder("csv", CsvConfig(folder=tmp_path))
    (page,) = historian.read(["W"], START, END, 1000)
    (waveform,) = page.waveforms
    assert (waveform.tag, waveform.time, waveform.speed_hz) == ("W", START, 25.0)
    assert waveform.samples.tolist() == samples


def test_a_waveform_file_without_zone_or_column_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"tag": ["W"], "time": [START]}).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(ConfigError, match=r"w\.parquet.*sample_rate_hz"):
        CsvFolder("csv", CsvConfig(folder=tmp_path)).tags()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"folder": "x", "separater": ";"}, "separator"),
        ({}, "folder"),
        ({"folder": "x", "time_zone": "Europe/Berlim"}, "Europe/Berlim"),
    ],
)
def test_keys_of_the_source_are_checked(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_historian("plant-csv", SourceSettings.model_validate({"kind": "csv", **keys}), DemoClock(START))


def test_a_missing_folder_and_a_wrong_layout_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        CsvFolder("csv", CsvConfig(folder=tmp_path / "nowhere")).check()
    (tmp_path / "rows.csv").write_text("name;when\nT1;2025-01-01\n")
    with pytest.raises(ConfigError, match=r"rows\.csv.*'tag'"):
        CsvFolder("csv", CsvConfig(folder=tmp_path)).check()


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    page = read(tmp_path, "")
    assert page.rows.is_empty()
    assert page.until == END
