"""Rows kept or refused, gaps, and sensor states."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.plant import Plant
from features.core.tables import QUARANTINE
from pipelines.historian.port import RawRow, RawWaveform, TagInfo, rows_frame
from pipelines.quality.bindings import bind
from pipelines.quality.gaps import find_gaps
from pipelines.quality.rows import Judged, judge
from pipelines.quality.sensors import daily_states
from pipelines.quality.waveforms import judge_waveforms

START = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=30)
TAGS = ("T1", "T2", "LOAD", "W1", "AMB")


def plant() -> Plant:
    """Two machines that share an ambient sensor."""
    ambient = {"id": "ambient", "role": "ambient_temperature", "quantity": "temperature", "unit": "degC"}
    points = [
        {
            "id": "temp",
            "role": "bearing_temperature",
            "quantity": "temperature",
            "unit": "degC",
            "tags": {"s": "T1"},
        },
        {"id": "hot", "role": "other", "quantity": "temperature", "unit": "degC", "tags": {"s": "T2"}}
        | {"limits": {"low": -40, "high": 200}},
        {"id": "load", "role": "load", "quantity": "ratio", "unit": "%", "tags": {"s": "LOAD"}},
        {"id": "vib", "role": "vibration_h", "quantity": "acceleration", "unit": "g", "tags": {"s": "W1"}}
        | {"kind": "waveform", "sample_rate_hz": 8192},
        ambient | {"tags": {"s": "AMB"}},
    ]
    slots = [{"slot": "b", "component_class": "rolling_bearing"}]
    machines = [
        {"id": "P1", "grid": "1h", "components": slots, "measuring_points": points},
        {"id": "P2", "grid": "1h", "components": slots, "measuring_points": [ambient | {"tags": {"s": "AMB"}}]},
    ]
    return Plant.model_validate(
        {"component_classes": [{"id": "rolling_bearing"}], "sites": [{"id": "site", "machines": machines}]}
    )


def bindings(**units: str) -> pl.DataFrame:
    return bind(plant(), "s", [TagInfo(tag, units.get(tag)) for tag in TAGS])


def judged(*rows: RawRow, **units: str) -> Judged:
    return judge(rows_frame(rows), bindings(**units), source="s", now=NOW)


def test_values_are_kept_in_canonical_units() -> None:
    kept = judged(RawRow("T1", START, 20.0), RawRow("LOAD", START, 80.0)).kept
    assert kept.select("machine_id", "point_id", "value").rows() == [
        ("P1", "temp", pytest.approx(293.15)),
        ("P1", "load", pytest.approx(0.8)),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (RawRow("T9", START, 1.0), "unknown_tag"),
        (RawRow("W1", START, 1.0), "wrong_kind"),
        (RawRow("T1", dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 1.0), "too_early"),
        (RawRow("T1", NOW + dt.timedelta(seconds=1), 1.0), "future"),
        (RawRow("T1", START, "I/O Timeout", quality=0), "text_value"),
        (RawRow("T1", START, None), "missing_value"),
        (RawRow("T1", START, float("nan")), "not_finite"),
        (RawRow("T1", START, float("-inf")), "not_finite"),
        (RawRow("T2", START, 200.5), "out_of_range"),
        (RawRow("T2", START, -41.0), "out_of_range"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason(row: RawRow, reason: str) -> None:
    result = judged(row, RawRow("LOAD", START, 50.0))
    assert result.refused.get_column("reason").to_list() == [reason]
    assert result.kept.get_column("point_id").to_list() == ["load"]
    assert result.refused.schema == QUARANTINE.schema


def test_limits_themselves_are_possible_values() -> None:
    assert judged(RawRow("T2", START, 200.0), RawRow("T2", START, -40.0)).refused.is_empty()


def test_no_temperature_lies_below_absolute_zero() -> None:
    result = judged(RawRow("T1", START, -273.16), RawRow("T1", START + dt.timedelta(hours=1), -273.14))
    assert result.refused.get_column("reason").to_list() == ["out_of_range"]
    assert result.kept.get_column("value").to_list() == [pytest.approx(0.01)]


def test_a_wrong_stamp_is_kept_as_text_and_not_as_a_time() -> None:
    refused = judged(RawRow("T1", dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 7.5)).refused
    assert refused.get_column("time").to_list() == [None]
    assert refused.get_column("raw")[0].startswith("1970-01-01")
    assert "7.5" in refused.get_column("raw")[0]


def test_bad_rows_are_kept_with_or_without_a_value() -> None:
    kept = judged(RawRow("T1", START, 20.0, 0, 0), RawRow("T1", START, None, 0, 0)).kept
    assert kept.select("value", "quality").rows() == [(pytest.approx(293.15), 0), (None, 0)]


def test_a_shared_sensor_serves_every_machine_it_is_bound_to() -> None:
    kept = judged(RawRow("AMB", START, 20.0)).kept
    assert kept.get_column("machine_id").to_list() == ["P1", "P2"]


@pytest.mark.parametrize(
    ("stated", "fits"), [("degC", True), ("°C", True), ("degF", False), ("K surface temp.", True)]
)
def test_a_unit_the_source_states_must_be_the_plants(stated: str, fits: bool) -> None:
    assert judged(RawRow("T1", START, 20.0), T1=stated).kept.is_empty() is not fits


def test_a_unit_of_another_quantity_is_refused_with_both_units() -> None:
    refused = judged(RawRow("T1", START, 20.0), T1="rpm").refused
    assert refused.get_column("reason").to_list() == ["wrong_unit"]
    assert "'rpm'" in refused.get_column("detail")[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("T1", "T2", "T9", "W1")), st.floats(width=32) | st.none()), max_size=20)
)
def test_every_row_is_either_kept_or_refused(cells: list[tuple[str, float | None]]) -> None:
    rows = [RawRow(tag, START + dt.timedelta(minutes=n), value) for n, (tag, value) in enumerate(cells)]
    result = judged(*rows)
    assert result.kept.height + result.refused.height == len(rows)


def test_the_same_wrong_row_has_the_same_hash() -> None:
    first, again = (judged(RawRow("T9", START, 1.0)).refused for _ in range(2))
    other = judged(RawRow("T9", START, 2.0)).refused
    assert first.get_column("row_hash").to_list() == again.get_column("row_hash").to_list()
    assert first.get_column("row_hash").to_list() != other.get_column("row_hash").to_list()


def test_waveforms_are_kept_as_float32_in_canonical_units() -> None:
    wave = RawWaveform("W1", START, np.array([1.0, -2.0], dtype=np.float32), 8192.0)
    kept = judge_waveforms([wave], bindings(), source="s", now=NOW).kept
    samples = np.frombuffer(kept.get_column("wave")[0], dtype="<f4")
    np.testing.assert_allclose(samples, [9.80665, -19.6133], rtol=1e-6)  # float32
    assert kept.select("samples", "sample_rate_hz").row(0) == (2, 8192.0)


@pytest.mark.parametrize(
    ("wave", "reason"),
    [
        (RawWaveform("W9", START, np.ones(4, np.float32), 8192.0), "unknown_tag"),
        (RawWaveform("T1", START, np.ones(4, np.float32), 8192.0), "wrong_kind"),
        (RawWaveform("W1", START, np.empty(0, np.float32), 8192.0), "empty_waveform"),
        (RawWaveform("W1", START, np.ones(4, np.float32), 0.0), "bad_sample_rate"),
        (RawWaveform("W1", START, np.array([1, np.nan], np.float32), 8192.0), "not_finite"),
        (RawWaveform("W1", NOW + dt.timedelta(days=1), np.ones(4, np.float32), 8192.0), "future"),
        (RawWaveform("W1", dt.datetime(1980, 1, 6, tzinfo=dt.UTC), np.ones(4, np.float32), 8192.0), "too_early"),
    ],
)
def test_a_wrong_waveform_is_refused_with_its_reason(wave: RawWaveform, reason: str) -> None:
    result = judge_waveforms([wave], bindings(), source="s", now=NOW)
    assert result.kept.is_empty()
    assert result.refused.get_column("reason").to_list() == [reason]


def hours(*offsets: float) -> pl.DataFrame:
    """Rows of P1/temp so many hours after START."""
    times = [START + dt.timedelta(hours=h) for h in offsets]
    names = {"group": "area-1", "machine_id": "P1", "point_id": "temp"}
    return pl.DataFrame({"time": pl.Series(times, dtype=pl.Datetime("us", "UTC"))}).with_columns(
        **{name: pl.lit(value) for name, value in names.items()}
    )


def gaps(times: pl.DataFrame, until_h: float) -> list[tuple[float, float, str]]:
    found = find_gaps(times, bindings(), until=START + dt.timedelta(hours=until_h))
    return [
        ((start - START) / dt.timedelta(hours=1), (end - START) / dt.timedelta(hours=1), reason)
        for start, end, reason in found.select("start", "end", "reason").iter_rows()
    ]


def test_a_gap_is_longer_than_five_median_intervals() -> None:
    assert gaps(hours(0, 1, 2, 3, 8), until_h=9) == []
    assert gaps(hours(0, 1, 2, 3, 8.5), until_h=9) == [(3.0, 8.5, "no_rows")]


def test_a_fast_point_may_be_silent_for_three_grid_steps() -> None:
    minutes = [n / 60 for n in range(60)]
    assert gaps(hours(*minutes, 3.9), until_h=4) == []
    assert gaps(hours(*minutes, 4.2), until_h=4.3) == [(59 / 60, 4.2, "no_rows")]


def test_a_point_that_stays_silent_has_a_gap_to_the_end() -> None:
    assert gaps(hours(3, 1, 0, 2), until_h=20) == [(3.0, 20.0, "silent")]


def test_a_point_without_rows_has_no_gap() -> None:
    assert gaps(hours(), until_h=20) == []


def states(
    values: list[float], *, quality: int = 2, refused: list[str] | None = None, point: str = "temp"
) -> tuple[str, str, float | None]:
    """State of a day with one row a minute."""
    times = [START + dt.timedelta(minutes=n) for n in range(len(values))]
    rows = pl.DataFrame(
        {"time": pl.Series(times, dtype=pl.Datetime("us", "UTC")), "value": values},
        schema_overrides={"value": pl.Float64},
    ).with_columns(
        group=pl.lit("area-1"),
        machine_id=pl.lit("P1"),
        point_id=pl.lit(point),
        quality=pl.lit(quality, pl.Int8),
    )
    reasons = refused or []
    stamps = pl.Series([START] * len(reasons), dtype=pl.Datetime("us", "UTC"))
    sent = pl.DataFrame({"time": stamps, "reason": pl.Series(reasons, dtype=pl.String)}).with_columns(
        tag=pl.lit("T1")
    )
    none = find_gaps(hours(), bindings(), until=START)
    return daily_states(rows, sent, none, bindings()).select("state", "reason", "share_bad").row(0)


RAMP = [300.0 + n / 10 for n in range(20)]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (states(RAMP), ("normal", "ok", 0.0)),
        (states([300.0] * 12), ("check_function", "flat_line", 0.0)),
        (states([300.0] * 11), ("normal", "ok", 0.0)),
        (states([0.5] * 20, point="load"), ("normal", "ok", 0.0)),
        (states(RAMP, quality=0), ("failure", "bad_quality", 1.0)),
        (states(RAMP, refused=["not_finite"] * 5), ("maintenance_required", "bad_quality", 0.2)),
        (states(RAMP, refused=["out_of_range"] * 5), ("off_spec", "out_of_range", 0.2)),
        (states(RAMP, refused=["out_of_range"] * 30), ("off_spec", "out_of_range", 0.6)),
    ],
)
def test_state_of_a_day(state: tuple[str, str, float | None], expected: tuple[str, str, float | None]) -> None:
    assert state == expected


def test_a_day_without_rows_inside_a_gap_is_a_failure() -> None:
    times = hours(0, 1, 2, 3, 60)
    found = find_gaps(times, bindings(), until=START + dt.timedelta(hours=61))
    rows = times.with_columns(value=pl.col("time").dt.hour().cast(pl.Float64), quality=pl.lit(2, pl.Int8))
    empty = pl.DataFrame(schema={"tag": pl.String, "time": pl.Datetime("us", "UTC"), "reason": pl.String})
    result = daily_states(rows, empty, found, bindings()).select("date", "state", "reason", "share_bad").rows()
    assert result == [
        (dt.date(2025, 3, 1), "check_function", "gap", 0.0),
        (dt.date(2025, 3, 2), "failure", "gap", None),
        (dt.date(2025, 3, 3), "check_function", "gap", 0.0),
    ]
