import dataclasses

import numpy as np
import pytest

from features.rul.artefact import Domain
from pipelines.model.calibration import calibrate
from pipelines.model.domain import fit_domain, fit_domain_of_few
from pipelines.model.parameters import FitParameters

NAMES = ("temperature", "vibration")


def domain_of(*lives: tuple[float, float]) -> Domain:
    """One row a life, one life a fold."""
    return fit_domain(NAMES, np.array(lives), np.arange(len(lives)))


def test_domain_is_the_range_of_all_lives() -> None:
    found = domain_of((10.0, 1.0), (20.0, np.nan), (30.0, 5.0))
    assert found.names == NAMES
    assert (found.low, found.high) == ((10.0, 1.0), (30.0, 5.0))
    assert found.present == pytest.approx((1.0, 2 / 3))


def test_a_feature_may_stray_twice_as_far_as_lives_strayed_from_each_other() -> None:
    # The life at 40 lies a whole range (10 to 25) above the others, a half of it more is allowed.
    found = domain_of((10.0, 1.0), (25.0, 1.5), (40.0, 1.2))
    assert found.reach[0] == pytest.approx(2 * 1.0 + 0.5)


def test_lives_alike_allow_half_a_range() -> None:
    found = domain_of((10.0, 1.0), (30.0, 5.0), (10.0, 1.0), (30.0, 5.0))
    assert found.reach == (0.5, 0.5)


def test_a_sensor_that_hardly_moves_may_move_by_a_twentieth_of_its_size() -> None:
    found = fit_domain(("pressure",), np.array([[21.60], [21.61], [21.60], [21.61]]), np.arange(4))
    assert found.reach[0] * 0.01 == pytest.approx(0.05 * 21.61)


def test_trends_are_not_judged_alone() -> None:
    found = fit_domain(("t.level_k.slope_7d", "t.level_k"), np.array([[0.0, 1.0], [1.0, 2.0]]), np.arange(2))
    assert found.reach[0] == np.inf
    assert found.reach[1] < np.inf


def test_of_a_handful_each_range_is_widened_and_half_of_them_may_be_left() -> None:
    lives = np.array([[10.0, 1.0], [20.0, 5.0], [30.0, 3.0]])
    usual, few = fit_domain(NAMES, lives, np.arange(3)), fit_domain_of_few(NAMES, lives, np.arange(3))
    # The third life lies a whole range above the others in temperature, and so does the second in vibration.
    assert usual.reach == (2.5, 2.5)
    assert (few.low, few.high) == ((10.0 - 2.5 * 20, 1.0 - 2.5 * 4), (30.0 + 2.5 * 20, 5.0 + 2.5 * 4))
    assert (few.reach, few.tolerated_share) == ((), 0.5)
    assert fit_domain_of_few((), np.empty((3, 0)), np.arange(3)) == Domain()


def calibrated(p90: float, *, low_miss: float, strict_from: int = 40) -> tuple[float, float]:
    """Offsets of P10 and P90 from 40 lives: half of the rows at the cap of 100, the others at 50."""
    unit = np.repeat(np.array([f"U{n}" for n in range(40)]), 10)
    truth = np.tile([100.0] * 5 + [50.0] * 5, 40)
    quantiles = np.stack([np.full(400, 50.0 + low_miss), np.full(400, 60.0), np.full(400, p90)])
    parameters = dataclasses.replace(FitParameters(), band_shares=(), strict_from=strict_from)
    found = calibrate(truth, quantiles, unit, 100.0, parameters, failed_lives=40)
    return found.low[0], found.high[0]


def test_upper_limit_reaches_the_cap_where_parts_outlive_it() -> None:
    assert calibrated(80.0, low_miss=0.0)[1] == 20.0


def test_lower_limit_is_judged_by_rows_that_end_before_the_cap() -> None:
    # Nine of ten of all rows would be above P10 without any offset: the rows at the cap cannot miss it.
    assert calibrated(80.0, low_miss=7.0)[0] == 7.0


def test_with_few_lives_all_rows_judge_the_lower_limit() -> None:
    unit = np.repeat(np.array([f"U{n}" for n in range(40)]), 20)
    truth = np.tile([100.0] * 19 + [50.0], 40)
    quantiles = np.stack([np.full(800, 60.0), np.full(800, 70.0), np.full(800, 100.0)])
    few = dataclasses.replace(FitParameters(), band_shares=(), strict_from=41)
    # One row of twenty misses: fewer than one in ten, so P10 may even rise.
    assert calibrate(truth, quantiles, unit, 100.0, few, failed_lives=40).low[0] == -40.0
    many = dataclasses.replace(few, strict_from=40)
    assert calibrate(truth, quantiles, unit, 100.0, many, failed_lives=40).low[0] == 10.0
