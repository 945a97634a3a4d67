"""Thermal features: golden values of ageing, the start-up's closed form, the residual's recovery."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.registry import FeatureRefusal, LifeSeries, ScalarSteps
from features.thermal import (
    FirstOrder,
    ThermalResidual,
    fit_first_order,
    fit_residual,
    insulation_ageing_rate,
    over_warning_share,
    paper_ageing,
    paper_ageing_rate,
    rise_over_sisters_k,
    startup_rise_k,
    startup_time_constant_h,
    upgraded_paper_ageing_rate,
)

NAN = float("nan")
HOUR = 3_600_000_000
ZERO_C = 273.15


# --- ageing ---------------------------------------------------------------------------------------


def test_paper_ages_as_the_table_of_iec_60076_7_says() -> None:
    """IEC 60076-7, table of relative ageing rates by hot-spot temperature: paper, then upgraded paper.

    The numbers are those of the table as the literature repeats it. Both formulas stand in the IEEE's own program
    for C57.91-2024 (opensource.ieee.org, inslife, loss of life), which counts kelvin from 273.15.
    """
    table = {
        80: (0.125, 0.036),
        86: (0.25, 0.073),
        92: (0.5, 0.145),
        98: (1.0, 0.282),
        104: (2.0, 0.536),
        110: (4.0, 1.0),
        116: (8.0, 1.83),
        122: (16.0, 3.29),
        128: (32.0, 5.8),
        134: (64.0, 10.1),
        140: (128.0, 17.2),
    }
    kelvin = np.array(list(table)) + ZERO_C
    plain, upgraded = np.array(list(table.values())).T
    np.testing.assert_allclose(paper_ageing_rate(kelvin), plain, rtol=1e-9)
    np.testing.assert_allclose(upgraded_paper_ageing_rate(kelvin), upgraded, rtol=0.01)
    program = np.exp(15000 / (110 + 273.15) - 15000 / kelvin)
    np.testing.assert_allclose(upgraded_paper_ageing_rate(kelvin), program, rtol=0.003)


@pytest.mark.parametrize(("thermal_class", "rated"), [("B", 130), ("F", 155), ("H", 180)])
def test_insulation_ages_once_at_its_class_and_twice_ten_kelvin_above(thermal_class: str, rated: float) -> None:
    found = insulation_ageing_rate(np.array([rated, rated + 10, rated - 20, NAN]) + ZERO_C, thermal_class)
    np.testing.assert_allclose(found, [1, 2, 0.25, NAN])


def test_ageing_is_averaged_over_the_values_and_not_told_from_their_mean() -> None:
    values = np.array([92.0, 104.0]) + ZERO_C
    nan = np.array([NAN])
    steps = ScalarSteps(values.mean(keepdims=True), nan, nan, 1.0, mean_of=lambda f: f(values).mean(keepdims=True))
    assert paper_ageing(steps).values[0] == pytest.approx(1.25)


# --- steps ----------------------------------------------------------------------------------------


def test_without_a_sister_or_a_value_there_is_no_rise_over_sisters() -> None:
    nan = np.full(3, NAN)
    steps = ScalarSteps(np.array([330.0, NAN, 330.0]), nan, nan, 1.0, sisters=np.array([320.0, 320.0, NAN]))
    column = rise_over_sisters_k(steps)
    assert column.reasons() == ["", "no_input", "no_input"]
    assert column.values[0] == 10.0


def test_the_limit_itself_is_not_over_the_limit() -> None:
    nan = np.full(3, NAN)
    steps = ScalarSteps(np.array([354.9, 355.0, 355.1]), nan, nan, 1.0, warning=355.0)
    assert over_warning_share(steps).values.tolist() == [0.0, 0.0, 1.0]


# --- start-up -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 4.0), st.floats(5.0, 80.0), st.floats(250.0, 350.0), st.floats(-1e4, 1e4))
def test_a_first_order_transient_is_found_exactly(tau: float, rise: float, begin: float, shift_h: float) -> None:
    hours = np.arange(0.0, 8.01, 0.25)
    fit = fit_first_order(hours + shift_h, begin + rise * (1 - np.exp(-hours / tau)))
    assert isinstance(fit, FirstOrder)
    assert fit.time_constant_h == pytest.approx(tau, rel=1e-5)
    assert fit.rise_k == pytest.approx(rise, rel=1e-5)
    assert fit.end_k == pytest.approx(begin + rise, rel=1e-6)


def test_gaps_and_noise_of_a_sensor_leave_the_time_constant_within_ten_percent() -> None:
    rng = np.random.default_rng(5)
    hours = np.arange(0.0, 8.0, 1 / 6)
    warm = 340 - 40 * np.exp(-hours / 1.5) + rng.normal(0, 0.5, hours.size)
    warm[rng.random(hours.size) < 0.2] = NAN
    fit = fit_first_order(hours, warm)
    assert isinstance(fit, FirstOrder)
    assert fit.time_constant_h == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(
    ("kelvin", "reason"),
    [
        (np.full(33, 330.0), FeatureRefusal.NO_START),
        (330 + 0.1 * np.arange(33.0) / 32, FeatureRefusal.NO_START),
        (330 - np.linspace(0, 30, 33), FeatureRefusal.NO_START),
        (330 + np.linspace(0, 30, 33), FeatureRefusal.TOO_FEW_WINDOWS),
        (330 + 20 * (np.arange(33) % 2), FeatureRefusal.NO_START),
        (np.where(np.arange(33) < 5, 330.0, NAN), FeatureRefusal.TOO_FEW_WINDOWS),
    ],
    ids=["flat", "tiny", "falling", "line", "zigzag", "five values"],
)
def test_what_is_no_first_order_rise_is_refused(kelvin: np.ndarray, reason: FeatureRefusal) -> None:
    assert fit_first_order(np.arange(33) / 4, kelvin) is reason


def life(kelvin: np.ndarray, running: np.ndarray, step_h: float = 0.5) -> LifeSeries:
    step = int(step_h * HOUR)
    times = np.arange(1, len(running) + 1) * step
    return LifeSeries(times, kelvin[None], 0, 0, HOUR, HOUR, step, running.astype(np.int8))


def cooled_and_warmed(*lengths: int, tau_h: float = 1.5, step_h: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Runs of stopped and running rows in turn; temperature follows 300 K and 340 K with that constant."""
    running = np.concatenate([np.full(length, at % 2) for at, length in enumerate(lengths)])
    kelvin = np.empty(len(running))
    level = 300.0
    for row, on in enumerate(running):
        target = 340.0 if on else 300.0
        level = target + (level - target) * np.exp(-step_h / tau_h)
        kelvin[row] = level
    return kelvin, running


def test_a_start_is_told_once_its_window_is_over_and_until_the_next_is_whole() -> None:
    kelvin, running = cooled_and_warmed(4, 20, 20, 20)
    column = startup_time_constant_h(life(kelvin, running), 0)
    assert column.reasons()[:19] == ["no_start"] * 19
    np.testing.assert_allclose(column.values[0, 19:], 1.5, rtol=1e-4)
    rise = startup_rise_k(life(kelvin, running), 0).values[0]
    assert rise[-1] == pytest.approx(40.0, rel=2e-3)


def test_a_start_that_is_stopped_again_counts_with_the_rows_it_has() -> None:
    kelvin, running = cooled_and_warmed(4, 8, 4)
    column = startup_time_constant_h(life(kelvin, running), 0)
    assert column.reasons()[11] == "no_start"
    assert column.values[0, 12] == pytest.approx(1.5, rel=1e-3)


def test_a_machine_that_never_stopped_has_no_start() -> None:
    kelvin, running = cooled_and_warmed(0, 30)
    assert set(startup_rise_k(life(kelvin, running), 0).reasons()) == {"no_start"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 24), min_size=2, max_size=6), st.integers(1, 100))
def test_later_rows_change_no_start_up(lengths: list[int], cut: int) -> None:
    kelvin, running = cooled_and_warmed(*lengths)
    cut = min(cut, len(running))
    whole = startup_time_constant_h(life(kelvin, running), 0)
    part = startup_time_constant_h(life(kelvin[:cut], running[:cut]), 0)
    np.testing.assert_allclose(part.values, whole.values[:, :cut])
    np.testing.assert_array_equal(part.codes, whole.codes[:, :cut])


# --- residual -------------------------------------------------------------------------------------


def healthy(rows: int = 600) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    load, speed = rng.uniform(0.3, 1.0, rows), rng.uniform(20, 30, rows)
    ambient = 290 + 8 * np.sin(np.arange(rows) / 30)
    warm = ambient + 5 + 30 * load**2 + 0.4 * speed + rng.normal(0, 0.3, rows)
    return {"temperature_k": warm, "load": load, "speed_hz": speed, "ambient_k": ambient}


def test_what_was_added_to_a_healthy_temperature_is_its_residual() -> None:
    rows = healthy()
    fit = fit_residual(**rows)
    assert fit is not None
    assert fit.sigma_k == pytest.approx(0.3, rel=0.2)
    warmer = rows | {"temperature_k": rows["temperature_k"] + 6.0}
    assert np.nanmean(fit.residual_k(**warmer)) == pytest.approx(6.0, abs=0.01)


def test_a_warmer_day_at_the_same_load_is_no_residual() -> None:
    rows = healthy()
    fit = fit_residual(**rows)
    assert fit is not None
    day = rows | {"ambient_k": rows["ambient_k"] + 1.0, "temperature_k": rows["temperature_k"] + 1.0}
    assert abs(np.nanmean(fit.residual_k(**day))) < 0.05


def test_outside_the_healthy_range_there_is_no_residual() -> None:
    rows = healthy()
    fit = fit_residual(**rows)
    assert fit is not None
    assert np.isnan(fit.residual_k(**(rows | {"load": rows["load"] + 2.0}))).all()
    assert np.isnan(fit.residual_k(**(rows | {"speed_hz": np.full(600, NAN)}))).all()


def test_inputs_that_were_not_measured_are_not_asked_for() -> None:
    rows = healthy() | {"speed_hz": np.full(600, NAN), "ambient_k": np.full(600, NAN)}
    fit = fit_residual(**rows)
    assert fit is not None
    assert fit.used == ("load",)
    assert np.isfinite(fit.residual_k(**rows)).all()


def test_a_load_that_never_moved_explains_nothing() -> None:
    fit = fit_residual(**(healthy() | {"load": np.full(600, 0.8)}))
    assert fit is not None
    assert fit.terms == ("speed",)


def test_too_few_rows_teach_nothing() -> None:
    assert fit_residual(**{name: values[:70] for name, values in healthy().items()}) is None


def test_the_state_survives_its_document() -> None:
    rows = healthy()
    fit = fit_residual(**rows)
    assert fit is not None
    again = ThermalResidual.from_json(json.loads(json.dumps(fit.to_json())))
    assert again == fit
    np.testing.assert_array_equal(again.residual_k(**rows), fit.residual_k(**rows))
