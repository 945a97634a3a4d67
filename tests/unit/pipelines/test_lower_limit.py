"""The lower limit of large classes: failures without a trace, and lives that weigh the same over all bins."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from features.rul.artefact import Calibration
from features.rul.outputs import answers
from pipelines.model import FitParameters
from pipelines.model.calibration import calibrate

Floats = npt.NDArray[np.float64]
CAP = 100.0
LARGE = dataclasses.replace(FitParameters(), band_shares=(), strict_from=40)
BINS = dataclasses.replace(LARGE, band_shares=(0.4,), units_per_bin=5)


def lives(count: int, rows: int) -> npt.NDArray[np.str_]:
    return np.repeat(np.array([f"U{number:03}" for number in range(count)]), rows)


def covered(calibration: Calibration, truth: Floats, quantiles: Floats) -> npt.NDArray[np.bool_]:
    """Which truths are not below the P10 that is told."""
    p10, p50, p90 = quantiles
    return truth >= answers({"mean": p50, "p10": p10, "p50": p50, "p90": p90}, calibration).p10


def mixed() -> tuple[npt.NDArray[np.str_], npt.NDArray[np.bool_], Floats, Floats]:
    """60 lives that show their wear, 20 that look their best until they fail; P10 follows the looks."""
    rng = np.random.default_rng(0)
    unit, truth = lives(80, 80), np.tile(np.arange(80.0)[::-1], 80)
    sudden = np.repeat(np.arange(80) >= 60, 80)
    seen = np.where(sudden, rng.uniform(75.0, 90.0, unit.size), truth + rng.normal(0.0, 2.0, unit.size))
    return unit, sudden, truth, np.stack([seen - 3.0, seen, seen + 20.0])


def test_failures_without_a_trace_lie_below_p10_no_more_often_than_a_good_look_allows() -> None:
    unit, sudden, truth, quantiles = mixed()
    found = calibrate(truth, quantiles, unit, CAP, LARGE, failed_lives=80)
    plain = dataclasses.replace(found, slope=(), low=(float(np.quantile(quantiles[0] - truth, 0.9)),))

    assert found.slope[0] < 1.0
    assert np.mean(covered(found, truth, quantiles)) > 0.88
    assert (
        np.mean(covered(found, truth, quantiles)[sudden]) > np.mean(covered(plain, truth, quantiles)[sudden]) + 0.1
    )


def test_where_every_end_is_announced_p10_stays_as_the_forest_says() -> None:
    unit, sudden, truth, quantiles = mixed()
    found = calibrate(truth[~sudden], quantiles[:, ~sudden], unit[~sudden], CAP, LARGE, failed_lives=60)

    assert found.slope == (1.0,)


def test_slopes_as_good_as_each_other_leave_p10_alone() -> None:
    unit, truth = lives(80, 10), np.full(800, 50.0)
    found = calibrate(truth, np.stack([truth + 7, truth + 7, truth + 9]), unit, CAP, LARGE, failed_lives=80)

    assert (found.slope, found.low) == ((1.0,), (7.0,))


def test_a_life_weighs_in_a_bin_by_the_share_of_its_rows_there() -> None:
    """30 lives spend all rows in the upper bin and miss by 1; 10 pass with one row of twenty and miss by 9."""
    unit, row = lives(40, 20), np.tile(np.arange(20.0), 40)
    passing = np.repeat(np.arange(40) >= 30, 20)
    upper = ~passing | (row == 0)
    truth = np.where(upper, 50.0, 20.0) + row
    p10 = truth + np.where(passing, 9.0, 1.0)
    quantiles = np.stack([p10, np.where(upper, 90.0, 39.0), np.full(800, 95.0)])

    assert calibrate(truth, quantiles, unit, CAP, BINS, failed_lives=40).low[1] == 1.0
    # Fewer than `strict_from`: a life weighs as much as any other in every bin that it passes.
    assert calibrate(truth, quantiles, unit, CAP, BINS, failed_lives=39).low[1] == 9.0


def test_small_classes_have_no_slope() -> None:
    unit, _, truth, quantiles = mixed()
    small = dataclasses.replace(LARGE, strict_from=81)

    assert calibrate(truth, quantiles, unit, CAP, small, failed_lives=80).slope == ()


@pytest.mark.parametrize(("p50", "expected"), [(5.0, 3.0), (15.0, 4.0), (25.0, 0.0)])
def test_p10_is_multiplied_by_the_slope_of_its_bin(p50: float, expected: float) -> None:
    calibration = Calibration(90, True, 0.8, (10.0, 20.0), (0.0, 1.0, 2.0), (0.0,) * 3, (1.0, 0.5, 0.0))
    scores = {name: np.array([value]) for name, value in (("p10", 3.0 if p50 < 10 else 10.0), ("p50", p50))}
    told = answers(scores | {"mean": scores["p50"], "p90": scores["p50"]}, calibration)

    assert told.p10[0] == expected


@pytest.mark.parametrize("slope", [(1.0,), (1.0, 1.5), (-0.1, 1.0)])
def test_slopes_of_another_number_or_size_are_refused(slope: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="slopes"):
        Calibration(90, True, 0.8, (10.0,), (0.0, 0.0), (0.0, 0.0), slope)
