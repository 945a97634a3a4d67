import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.evaluation import Band, bands_of, evaluate
from pipelines.evaluation.errors import jackknife_error, phm08, rmse
from pipelines.evaluation.intervals import interval_score

Floats = npt.NDArray[np.float64]
UNIT = np.array(["a", "a", "a", "b"])


@dataclass(frozen=True)
class Answers:
    unit: npt.NDArray[np.str_]
    rul: Floats
    cap: float
    mean: Floats
    p10: Floats | None
    p50: Floats
    p90: Floats | None
    baselines: dict[str, Floats] = field(default_factory=dict)


def answers(
    rul: list[float], mean: list[float], *, cap: float = 125.0, half_width: float | None = None
) -> Answers:
    middle = np.array(mean)
    low, high = (None, None) if half_width is None else (middle - half_width, middle + half_width)
    return Answers(UNIT[: len(rul)], np.array(rul), cap, middle, low, middle, high)


def test_short_life_weighs_as_much_as_a_long_one() -> None:
    assert rmse(np.array([0.0, 0.0, 0.0, 2.0]), UNIT) == math.sqrt(2.0)


def test_late_answers_cost_more_than_early_ones() -> None:
    one = np.array(["a"])
    late, early = phm08(np.array([10.0]), one, cap=125), phm08(np.array([-13.0]), one, cap=125)
    assert late == pytest.approx(math.e - 1)
    assert early == pytest.approx(math.e - 1)
    assert phm08(np.array([20.0]), one, cap=250) == pytest.approx(math.e - 1)


def test_perfect_answer_below_the_cap_still_errs_raw() -> None:
    found = evaluate(answers([300.0, 100.0, 50.0, 10.0], [125.0, 100.0, 50.0, 10.0]))
    assert found["cv_rmse"] == 0.0
    assert found["cv_rmse_raw"] == pytest.approx(math.sqrt(175.0**2 / 3 / 2))


def test_jackknife_of_a_mean_square_is_its_textbook_value() -> None:
    """Leaving out one of two lives leaves the other: values 1 and 3, standard error |3 - 1| / 2."""
    assert jackknife_error(np.array([1.0, 3.0]), np.array(["a", "b"])) == pytest.approx(1.0)


def test_jackknife_of_one_life_is_unknown() -> None:
    assert math.isnan(jackknife_error(np.array([1.0]), np.array(["a"])))


def test_without_a_band_there_is_no_coverage() -> None:
    found = evaluate(answers([3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0]))
    assert not [name for name in found if "coverage" in name or "width" in name]


def test_coverage_is_told_per_band_with_the_lives_behind_it() -> None:
    scored = answers([110.0, 40.0, 10.0, 5.0], [110.0, 60.0, 10.0, 5.0], half_width=5.0)
    found = evaluate(scored)
    assert (found["cv_coverage80_low"], found["cv_coverage80_middle"], found["cv_coverage80_high"]) == (1, 0, 1)
    assert (found["units_low"], found["units_middle"], found["units_high"]) == (2, 1, 1)
    assert found["cv_width80"] == 10.0
    assert found["cv_bias_middle"] == 20.0


def test_miss_costs_ten_times_its_distance_at_eighty_percent() -> None:
    """Gneiting and Raftery 2007, eq. 43: 2 / alpha = 10 at alpha = 0.2."""
    one = np.array(["a"])
    low, high = np.array([1.0]), np.array([3.0])
    assert interval_score(np.array([2.0]), low, high, one, nominal=0.8) == pytest.approx(2.0)
    assert interval_score(np.array([4.0]), low, high, one, nominal=0.8) == pytest.approx(12.0)


def test_baselines_stand_beside_the_model() -> None:
    scored = answers([4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0])
    found = evaluate(replace(scored, baselines={"constant_median": np.full(4, 2.5)}))
    assert found["baseline_constant_median_rmse"] > found["cv_rmse"]


def test_own_bands_replace_the_default_ones() -> None:
    found = evaluate(answers([4.0, 3.0], [4.0, 3.0]), (Band("0_25", 0.0, 25.0),))
    assert "cv_bias_0_25" in found
    assert "cv_bias_low" not in found


@given(st.lists(st.floats(0, 125), min_size=4, max_size=4), st.lists(st.floats(0, 125), min_size=4, max_size=4))
def test_every_row_is_in_exactly_one_band(rul: list[float], mean: list[float]) -> None:
    truth = np.array(rul)
    counts = sum(((truth >= b.low) & (truth < b.high)).astype(int) for b in bands_of(125.0))
    assert np.all(counts == 1)
    assert all(math.isfinite(v) for v in evaluate(answers(rul, mean, half_width=1.0)).values())
