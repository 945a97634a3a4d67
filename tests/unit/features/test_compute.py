"""Feature rows: what a row may know, stops, and one truth for batch, daily run and request."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute import matrix
from features.core.plant import Plant
from features.core.tables import FEATURE_ROWS, MEASUREMENTS
from features.registry import feature_set
from tests.unit.features._feature_rows import (
    NAN,
    T0,
    H,
    daily,
    late,
    made,
    plant,
    recorded,
    same,
    scalar,
    value,
    wave,
)


@pytest.mark.parametrize("most_h", [0.0, 3.0, 40.0])
def test_a_run_a_day_makes_the_rows_of_one_batch(most_h: float) -> None:
    of, days = plant(), 9
    measured, waves = recorded(days)
    measured, waves = (late(frame, 1, most_h) if most_h else frame for frame in (measured, waves))
    installed = [(30.0, 45.0), (100.0, 101.0)]
    once = made(of, measured, waves, installed=installed, as_of=T0 + dt.timedelta(days=days, hours=2, minutes=7))
    step_by_step = daily(of, measured, waves, days, installed=installed)
    assert once.height > 25
    same(once, step_by_step)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100), st.sampled_from([0.5, 8.0, 30.0]), st.floats(10, 110))
def test_rows_as_of_then_are_the_rows_that_were_available_then(seed: int, most_h: float, as_of_h: float) -> None:
    of = plant()
    measured, waves = (late(frame, seed, most_h) for frame in recorded(5, seed))
    as_of = T0 + as_of_h * H
    whole = made(of, measured, waves, installed=[(20, 30)])
    same(
        made(of, measured, waves, installed=[(20, 30)], as_of=as_of), whole.filter(pl.col("available_at") <= as_of)
    )


def test_altering_what_was_not_available_changes_nothing() -> None:
    of, as_of = plant(), T0 + 80 * H
    measured, waves = (late(frame, 3, 12.0) for frame in recorded(5))
    unknown = pl.col("available_at") > as_of
    altered = measured.with_columns(pl.when(unknown).then(pl.col("value") * 9).otherwise("value").alias("value"))
    before = made(of, measured, waves, as_of=as_of)
    same(before, made(of, altered, waves.filter(~unknown), as_of=as_of))
    same(before, made(of, measured.filter(~unknown), waves, as_of=as_of))


def test_a_late_reading_changes_no_row_that_was_made() -> None:
    of = plant()
    measured, waves = recorded(4)
    before = made(of, measured, waves)
    closing = before["available_at"][5]
    at = (before["time"][5] - T0) / H - 1.25
    behind = MEASUREMENTS.frame([scalar("t", at, 999.0, lag_h=(closing - T0) / H - at + 0.01)])
    same(before, made(of, pl.concat([measured, behind]), waves))
    in_time = behind.with_columns(available_at=pl.lit(closing))
    assert matrix(made(of, pl.concat([measured, in_time]), waves))[5].tolist() != matrix(before)[5].tolist()


def test_a_revision_counts_from_when_it_became_known() -> None:
    of = plant()
    rows = [scalar("t", h + 0.5, 330.0) for h in range(30)]
    revised = [scalar("t", 7.5, 400.0, revision=1, lag_h=1.0), scalar("t", 1.5, 400.0, revision=1, lag_h=48.0)]
    found = value(of, made(of, rows + revised), "bearing_temperature.level_k")
    np.testing.assert_allclose(found[:2], [330.0, 330 + 70 / 6])


def test_rows_become_available_when_every_point_has_passed_their_end() -> None:
    rows = [scalar("t", h, 330.0, lag_h=0.25) for h in range(20)] + [
        scalar("a", h, 293.0, lag_h=2.0) for h in range(20)
    ]
    found = made(plant(), rows)
    assert found["time"][:2].to_list() == [T0 + 6 * H, T0 + 12 * H]
    assert found["available_at"][:2].to_list() == [T0 + 8 * H, T0 + 14 * H]


def test_a_silent_point_is_waited_for_at_first_and_then_no_more() -> None:
    rows = [scalar("t", h, 330.0) for h in range(60)] + [scalar("a", h, 293.0) for h in range(5)]
    found = made(plant(), rows)
    waited = (found["available_at"] - found["time"]).dt.total_hours().to_list()
    assert waited[0] == 12
    assert set(waited[4:-1]) == {0}


def test_rows_are_made_in_order_even_when_only_early_steps_wait_for_a_point() -> None:
    rows = [scalar("t", h, 330.0, available_at=T0 + 100 * H) for h in range(60)]
    rows += [scalar("a", h, 293.0, available_at=T0 + 100 * H) for h in range(5)]
    found = made(plant(), rows)
    assert found["available_at"].to_list()[:-1] == [T0 + 100 * H] * (found.height - 1)


def test_before_the_first_step_closes_there_is_no_row() -> None:
    measured, waves = recorded(2)
    found = made(plant(), measured, waves, installed=[(0, 0)], as_of=T0 + 5.9 * H)
    assert found.is_empty()
    assert found.schema == FEATURE_ROWS.schema


def test_a_series_that_ends_still_gets_its_last_row() -> None:
    rows = [scalar("t", h + 0.5, 330.0) for h in range(12)]
    assert made(plant(), rows, as_of=T0 + 23 * H)["time"].max() == T0 + 6 * H
    assert made(plant(), rows, as_of=T0 + 24 * H)["time"].max() == T0 + 12 * H


def test_a_whole_backfill_is_used_whatever_its_lag() -> None:
    rows = [scalar("t", h, 330.0, lag_h=500.0) for h in range(48)]
    assert made(plant(), rows).height == 8


def test_a_step_takes_the_good_values_from_its_begin_to_before_its_end() -> None:
    of = plant()
    rows = [scalar("t", 0, 1.0), scalar("t", 5.9, 2.0), scalar("t", 6, 5.0), scalar("t", 7, 7.0, quality=1)]
    rows += [scalar("t", 8, 9.0, quality=0), scalar("t", 9, None), scalar("t", 10, NAN)]
    np.testing.assert_allclose(value(of, made(of, rows), "bearing_temperature.level_k"), [1.5, 5.0])


def test_a_step_without_usable_values_has_no_row() -> None:
    rows = [scalar("t", 1, 1.0), scalar("t", 7, 2.0, quality=0), scalar("t", 13, 3.0)]
    assert made(plant(), rows)["time"].to_list() == [T0 + 6 * H, T0 + 18 * H]


def test_no_input_gives_no_rows_of_the_right_schema() -> None:
    assert made(plant(), []).schema == FEATURE_ROWS.schema


def test_temperatures_have_rate_and_rise() -> None:
    of = plant()
    rows = [scalar("t", h, 330 + h // 6) for h in range(18)] + [scalar("a", h, 290.0) for h in range(12)]
    found = made(of, rows)
    np.testing.assert_allclose(value(of, found, "bearing_temperature.rise_rate_k_per_h"), [NAN, 1 / 6, 1 / 6])
    np.testing.assert_allclose(value(of, found, "bearing_temperature.rise_over_ambient_k"), [40, 41, NAN])
    assert "bearing_temperature.rise_over_ambient_k: no_input" in found["refusals"][2].to_list()


def test_a_stepped_value_holds_for_a_day() -> None:
    of = plant()
    rows = [scalar("t", h, 330.0) for h in range(48)] + [scalar("p", 1, 2e5)]
    found = value(of, made(of, rows), "set_point.level_pa")
    np.testing.assert_allclose(found, [2e5] * 4 + [NAN] * 4)


def test_the_newest_waveform_within_tolerance_is_taken() -> None:
    of = plant()
    rows = [scalar("t", h, 330.0) for h in range(36)] + [scalar("n", h, 25.0) for h in range(36)]
    sine = np.sin(2 * np.pi * 100 * np.arange(4096) / 4096)
    found = made(of, rows, [wave(5, sine), wave(6, 2 * sine), wave(4, 9 * sine, quality=0)])
    np.testing.assert_allclose(
        value(of, found, "vibration_h.rms_m_s2") * np.sqrt(2), [2, 2, NAN, NAN, NAN, NAN], rtol=1e-5
    )


def test_every_null_has_its_reason_and_nothing_else_has() -> None:
    of = plant()
    found = made(of, *recorded(5), installed=[(20, 20)])
    names = feature_set(of, "c").names
    for values, refusals in zip(matrix(found), found["refusals"].to_list(), strict=True):
        refused = [text.split(": ")[0] for text in refusals]
        assert refused == [name for name, number in zip(names, values, strict=True) if np.isnan(number)]
    assert not any(np.isnan(v) for values in found["values"].to_list() for v in values if v is not None)


def test_a_stopped_machine_has_temperatures_but_no_vibration() -> None:
    of = plant()
    rows = [scalar("t", h, 330.0) for h in range(13)] + [scalar("n", h, 25.0 * (h < 6)) for h in range(13)]
    noise = np.random.default_rng(0).standard_normal(2048)
    found = made(of, rows, [wave(5, noise), wave(11, noise)])
    assert found["running"].to_list()[:2] == [True, False]
    assert "vibration_h.rms_m_s2: stopped" in found["refusals"][1].to_list()
    assert not np.isnan(value(of, found, "bearing_temperature.level_k")[:2]).any()


def test_orders_follow_the_speed_recorded_with_the_waveform_then_the_measured_one_then_the_constant() -> None:
    def amplitude(hz: float, of: Plant, speeds: Sequence[dict[str, object]], recorded_hz: float | None) -> float:
        tone = 2 * np.pi * hz * 0.002 * np.sin(2 * np.pi * hz * np.arange(4096) / 4096)
        rows = [scalar("t", 1, 330.0), *speeds]
        return float(
            value(of, made(of, rows, [wave(5, tone, speed_hz=recorded_hz)]), "vibration_h.order_1x_mm_s")[0]
        )

    measured = [scalar("n", 4, 30.0), scalar("n", 5.5, 50.0)]
    assert amplitude(20.0, plant(), measured, 20.0) == pytest.approx(2.0, rel=0.01)
    assert amplitude(30.0, plant(), measured, None) == pytest.approx(2.0, rel=0.01)
    assert amplitude(40.0, plant(speed={"hz": 40.0}), [], None) == pytest.approx(2.0, rel=0.01)
    assert np.isnan(amplitude(30.0, plant(), [], None))


def test_a_machine_of_constant_speed_always_runs() -> None:
    of = plant(speed={"hz": 25.0})
    assert made(of, [scalar("t", h, 330.0) for h in range(13)])["running"].to_list() == [True] * 3
    assert not [name for name in feature_set(of, "c").names if name == "running_share"]


def test_a_step_without_speed_is_neither_running_nor_stopped_and_does_not_age() -> None:
    rows = [scalar("t", h, 330.0) for h in range(18)] + [scalar("n", h, 25.0) for h in (*range(6), *range(12, 18))]
    found = made(plant(), rows, installed=[(0, 0)])
    assert found["running"].to_list() == [True, None, True]
    assert found["age"].to_list() == [6.0, 6.0, 12.0]


def test_matrix_has_nan_where_there_is_no_value() -> None:
    rows = pl.DataFrame({"values": [[1.0, None], [None, 2.0]]}, schema={"values": pl.List(pl.Float64)})
    np.testing.assert_array_equal(matrix(rows), [[1.0, NAN], [NAN, 2.0]])
    assert matrix(rows.clear()).shape == (0, 0)
