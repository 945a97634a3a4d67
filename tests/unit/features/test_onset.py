"""Change points: found where they are, not found where there are none, never from later rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.registry import LifeSeries
from features.trend import change_points, hours_since_onset

HOUR = 3_600_000_000


def life(values: np.ndarray, baseline_h: int = 50) -> LifeSeries:
    shaped = np.atleast_2d(values)
    return LifeSeries(np.arange(1, shaped.shape[1] + 1) * HOUR, shaped, 0, 0, baseline_h * HOUR, HOUR, HOUR)


def noise(rows: int, seed: int = 0) -> np.ndarray:
    return 10 + np.random.default_rng(seed).normal(0, 1, rows)


@pytest.mark.parametrize("step", [4.0, 8.0, -4.0])
def test_a_step_is_dated_within_two_rows(step: float) -> None:
    values = noise(300) + step * (np.arange(300) >= 200)
    found = hours_since_onset(life(values), 0).values[0]
    assert np.isnan(found[:200]).all()
    assert np.isfinite(found[210:]).all()
    assert 299 - found[-1] == pytest.approx(199, abs=2)


def test_a_slow_rise_is_found_before_it_is_ten_standard_deviations() -> None:
    values = noise(600) + 0.05 * np.maximum(np.arange(600) - 300, 0)
    assert np.isfinite(hours_since_onset(life(values), 0).values[0, 500:]).all()


def test_independent_noise_is_no_change() -> None:
    for seed in range(5):
        assert np.isnan(hours_since_onset(life(noise(5000, seed), baseline_h=500), 0).values).all()


def test_a_spike_of_two_rows_is_no_change() -> None:
    values = noise(200)
    values[[120, 121]] += 1000.0
    assert np.isnan(hours_since_onset(life(values), 0).values).all()


def test_a_change_that_has_gone_is_no_change() -> None:
    values = noise(400) + 6.0 * ((np.arange(400) >= 150) & (np.arange(400) < 170))
    column = hours_since_onset(life(values), 0)
    assert np.isfinite(column.values[0, 165])
    assert column.reasons()[-1] == "no_change"


def test_reasons_say_what_is_missing() -> None:
    assert hours_since_onset(life(noise(60)), 0).reasons() == ["too_few_windows"] * 49 + ["no_change"] * 11
    assert hours_since_onset(life(np.ones(60)), 0).reasons()[-1] == "constant"
    empty = np.where(np.arange(60) < 47, np.nan, 1.0)
    assert hours_since_onset(life(empty), 0).reasons()[-1] == "too_few_windows"


def test_the_onset_does_not_depend_on_scale_or_shift() -> None:
    values = noise(300) + 5.0 * (np.arange(300) >= 200)
    one, other = (hours_since_onset(life(v), 0).values for v in (values, 1e-3 * values - 7))
    np.testing.assert_array_equal(one, other)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-20, 20)), min_size=1, max_size=80), st.integers(1, 80))
def test_later_rows_change_no_onset(values: list[float | None], cut: int) -> None:
    series = np.array([[np.nan if value is None else value for value in values]])
    cut = min(cut, len(values))
    np.testing.assert_array_equal(change_points(series[:, :cut]), change_points(series)[:, :cut])
