"""Rainflow counting against the standard's worked example, closed forms and its own plain form."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.registry import LifeSeries
from features.thermal import rainflow, reversals, thermal_cycles
from features.thermal.counting import cycles_so_far

HOUR = 3_600_000_000
temperatures = st.lists(st.one_of(st.none(), st.floats(200, 500)), min_size=1, max_size=60)


def counted(values: list[float], deadband_k: float = 0.0) -> dict[float, float]:
    found: defaultdict[float, float] = defaultdict(float)
    for size, count in zip(*rainflow(np.array(values), deadband_k), strict=True):
        found[round(float(size), 9)] += float(count)
    return dict(found)


def series(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def test_the_worked_example_of_the_standard() -> None:
    """ASTM E1049-85, section 5.4.4, figure 6: peaks and valleys A to I and the table of its cycle counts."""
    history = [-2.0, 1.0, -3.0, 5.0, -1.0, 3.0, -4.0, 4.0, -2.0]
    assert counted(history) == {3.0: 0.5, 4.0: 1.5, 6.0: 0.5, 8.0: 1.0, 9.0: 0.5}


def test_points_on_the_way_between_reversals_change_nothing() -> None:
    assert counted([0.0, 2.0, 5.0, 5.0, 3.0, 1.0, 4.0]) == counted([0.0, 5.0, 1.0, 4.0])


@pytest.mark.parametrize("cycles", [1, 2, 7])
def test_a_triangle_has_a_half_cycle_for_each_flank(cycles: int) -> None:
    assert counted([300.0, 340.0] * cycles + [300.0]) == {40.0: cycles}


def test_a_small_cycle_inside_a_large_one_is_one_cycle() -> None:
    assert counted([300.0, 340.0, 330.0, 335.0, 300.0]) == {40.0: 1.0, 5.0: 1.0}


def test_what_moves_by_less_than_the_deadband_is_no_cycle() -> None:
    noisy = 300 + 0.45 * np.sin(np.arange(500.0))
    assert rainflow(noisy)[0].size == 0
    warm = np.concatenate([noisy, noisy + 30, noisy])
    ranges, counts = rainflow(warm)
    np.testing.assert_allclose(ranges, 30.0, atol=1.0)
    assert counts.tolist() == [0.5, 0.5]


@settings(max_examples=80, deadline=None)
@given(temperatures, st.floats(-50, 50), st.floats(0.5, 4))
def test_ranges_follow_the_scale_and_not_the_shift(values: list[float | None], shift: float, scale: float) -> None:
    plain = series(values).round(1)
    one, other = rainflow(plain, 0.5), rainflow(scale * (plain + shift), 0.5 * scale - 1e-6)
    if not np.any(np.isclose(np.abs(np.diff(reversals(plain, 0.0))), 0.5, atol=1e-3)):
        assert one[0].size == other[0].size or _near_tie(plain)
        if one[0].size == other[0].size:
            np.testing.assert_allclose(np.sort(scale * one[0]), np.sort(other[0]), rtol=1e-6, atol=1e-6)


def _near_tie(values: np.ndarray) -> bool:
    """Differences that equal the deadband up to rounding may fall on either side."""
    there = values[~np.isnan(values)]
    return bool(np.isclose(np.abs(there[:, None] - there[None, :]), 0.5, atol=1e-3).any())


@settings(max_examples=80, deadline=None)
@given(temperatures)
@example([300.0, 340.0])
@example([None, 300.0, None, 320.0, 290.0])
@example([300.0, 299.5, 300.4, 310.0, 299.4])
def test_the_compiled_count_at_each_row_is_the_plain_count_of_the_rows_so_far(values: list[float | None]) -> None:
    given_values = series(values)
    found = cycles_so_far(given_values, 1.0, 10.0)
    for row in range(len(values)):
        ranges, counts = rainflow(given_values[: row + 1])
        if np.isnan(given_values[: row + 1]).all():
            assert np.isnan(found[row])
        else:
            assert found[row] == counts[ranges >= 10.0].sum()


def test_the_feature_counts_cycles_of_ten_kelvin_and_refuses_before_the_first_value() -> None:
    values = np.array([[np.nan, 300.0, 315.0, 300.0, 309.0, 300.0]])
    life = LifeSeries(np.arange(1, 7) * HOUR, values, 0, 0, HOUR, HOUR, HOUR)
    column = thermal_cycles(life, 0)
    np.testing.assert_array_equal(column.values[0], [np.nan, 0, 0.5, 1.0, 1.0, 1.0])
    assert column.reasons()[0] == "too_few_windows"
