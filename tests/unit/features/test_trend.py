"""Trend features against a plain oracle and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import trend
from features.trend import LifeSeries

HOUR = 3_600_000_000


def life(times_h: np.ndarray, values: np.ndarray, *, run_in_h: int = 0, baseline_h: int = 10) -> LifeSeries:
    times = np.asarray(times_h, dtype=np.int64) * HOUR
    shaped = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return LifeSeries(times, shaped, 0, run_in_h * HOUR, baseline_h * HOUR, 5 * HOUR, HOUR)


def oracle_mean(times_h: np.ndarray, values: np.ndarray, span_h: float) -> np.ndarray:
    found = np.full(len(values), np.nan)
    for i, t in enumerate(times_h):
        age = t - times_h[: i + 1]
        there = ~np.isnan(values[: i + 1])
        near = there & (age < 4 * span_h)
        if (there & (age < span_h)).any():
            weights = np.exp(-2 * age[near] / span_h)
            found[i] = (weights * values[: i + 1][near]).sum() / weights.sum()
    return found


def oracle_slope(times_h: np.ndarray, values: np.ndarray, span_h: float) -> np.ndarray:
    found = np.full(len(values), np.nan)
    for i, t in enumerate(times_h):
        near = (t - times_h < span_h) & (times_h <= t) & ~np.isnan(values)
        if near.sum() >= 3 and times_h[near].max() - times_h[near].min() + 1 >= span_h / 2:
            found[i] = np.polyfit(times_h[near], values[near], 1)[0]
    return found


gappy = st.lists(st.tuples(st.integers(1, 9), st.one_of(st.none(), st.floats(-100, 100))), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(gappy, st.sampled_from([1, 5, 12]))
def test_means_and_slopes_equal_the_plain_oracle(rows: list[tuple[int, float | None]], span_h: int) -> None:
    times = np.cumsum([gap for gap, _ in rows])
    values = np.array([np.nan if value is None else value for _, value in rows])
    series = life(times, values)
    np.testing.assert_allclose(
        trend.mean(series, span_h * HOUR).values[0], oracle_mean(times, values, span_h), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(
        trend.slope(series, span_h * HOUR).values[0], oracle_slope(times, values, span_h), rtol=1e-6, atol=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(gappy, st.integers(1, 59))
def test_later_rows_change_nothing(rows: list[tuple[int, float | None]], cut: int) -> None:
    times = np.cumsum([gap for gap, _ in rows])
    values = np.array([np.nan if value is None else value for _, value in rows])
    cut = min(cut, len(rows))
    for function in (trend.mean, trend.slope, trend.delta, trend.difference_to_baseline):
        whole = function(life(times, values), 12 * HOUR)
        part = function(life(times[:cut], values[:cut]), 12 * HOUR)
        np.testing.assert_allclose(part.values, whole.values[:, :cut], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(part.codes, whole.codes[:, :cut])


def test_the_slope_of_a_line_is_its_slope_whatever_the_gaps() -> None:
    times = np.array([1, 2, 3, 7, 8, 20, 21, 25, 40, 41, 44])
    found = trend.slope(life(times, 5 + 0.25 * times), 30 * HOUR).values[0]
    np.testing.assert_allclose(found[~np.isnan(found)], 0.25, rtol=1e-9)


def test_a_slope_needs_three_values_over_half_its_span() -> None:
    column = trend.slope(life(np.arange(1, 9), np.arange(8.0)), 10 * HOUR)
    assert column.reasons() == ["too_few_windows"] * 4 + [""] * 4


def test_delta_compares_with_one_span_ago() -> None:
    times = np.arange(1, 201)
    step = np.where(times <= 100, 1.0, 4.0)
    column = trend.delta(life(times, step), 50 * HOUR)
    assert column.reasons()[:50] == ["too_few_windows"] * 50
    assert column.values[0, 90] == pytest.approx(0.0)
    assert column.values[0, 145] == pytest.approx(3.0, abs=1e-6)
    assert column.values[0, 199] == pytest.approx(0.0, abs=1e-6)


def test_the_baseline_is_the_median_after_run_in_and_only_when_it_is_over() -> None:
    times = np.arange(1, 31)
    values = np.where(times <= 4, 100.0, np.where(times <= 14, 2.0, 6.0))
    ratio = trend.ratio_to_baseline(life(times, values, run_in_h=4, baseline_h=10), 0)
    assert ratio.reasons()[:13] == ["too_few_windows"] * 13
    assert ratio.reasons()[13:] == [""] * 17
    assert ratio.values[0, -1] == pytest.approx(3.0, rel=1e-2)
    difference = trend.difference_to_baseline(life(times, values, run_in_h=4, baseline_h=10), 0)
    assert difference.values[0, -1] == pytest.approx(4.0, rel=1e-2)


def test_a_baseline_of_two_values_is_refused_for_good() -> None:
    values = np.where(np.arange(1, 31) <= 8, np.nan, 1.0)
    assert set(trend.ratio_to_baseline(life(np.arange(1, 31), values), 0).reasons()) == {"too_few_windows"}


def test_a_baseline_of_zero_gives_no_ratio() -> None:
    assert trend.ratio_to_baseline(life(np.arange(1, 31), np.zeros(30)), 0).reasons()[-1] == "not_finite"


def test_ratios_do_not_depend_on_the_scale() -> None:
    values = 1 + np.random.default_rng(1).random(40)
    one, other = (trend.ratio_to_baseline(life(np.arange(1, 41), k * values), 0).values for k in (1.0, 37.5))
    np.testing.assert_allclose(one, other, rtol=1e-12)
