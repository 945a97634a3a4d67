"""Prognostic metrics on answers whose figures follow from their definitions."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.evaluation import Answers
from pipelines.evaluation.prognostics import LAMBDAS, courses, prognostics

Floats = npt.NDArray[np.float64]
LEFT = np.arange(100.0, -1.0, -1.0)


def course_of(said: Floats, *, spread: float | None = None, cap: float = 100.0, left: Floats = LEFT) -> Answers:
    low, high = (None, None) if spread is None else (said - spread, said + spread)
    return Answers(np.full(left.size, "a"), left, cap, said, low, said, high, {})


def test_exact_answer_has_the_whole_horizon_and_no_convergence() -> None:
    (found,) = courses(course_of(LEFT))
    assert (found.horizon, found.lasting) == (100.0, 100.0)
    assert math.isnan(found.convergence)
    assert found.inside == (1.0,) * len(LAMBDAS)
    assert found.relative == pytest.approx((1.0,) * len(LAMBDAS))


def test_answer_that_finds_the_truth_late_has_a_late_horizon() -> None:
    """Thirty too late until 40 are left: outside 20 % of the course before, inside from then on."""
    (found,) = courses(course_of(np.where(LEFT > 40.0, LEFT + 30.0, LEFT)))
    assert (found.horizon, found.lasting) == (40.0, 40.0)
    assert found.inside == (0.0, 0.0, 1.0, 1.0)
    assert found.relative[0] == pytest.approx(1.0 - 30.0 / 75.0)


def test_horizon_allows_a_fifth_of_the_course() -> None:
    within, beyond = courses(course_of(LEFT + 19.0)), courses(course_of(LEFT + 21.0))
    assert (within[0].horizon, beyond[0].horizon) == (100.0, 0.0)


def test_horizon_that_is_left_again_does_not_last() -> None:
    said = np.where((LEFT > 60.0) & (LEFT < 80.0), LEFT + 50.0, LEFT)
    (found,) = courses(course_of(said))
    assert (found.horizon, found.lasting) == (100.0, 60.0)


def test_constant_error_has_its_centroid_in_the_middle_of_the_course() -> None:
    """Time and error as shares: the area is a rectangle of height 0.3, its centroid (0.5, 0.15)."""
    (found,) = courses(course_of(LEFT + 30.0))
    assert found.convergence == pytest.approx(math.hypot(0.5, 0.15))


def test_error_that_ends_early_converges_faster_than_one_that_stays() -> None:
    early, stays = np.where(LEFT > 80.0, LEFT + 30.0, LEFT), LEFT + 30.0
    assert courses(course_of(early))[0].convergence < 0.4 * courses(course_of(stays))[0].convergence


def test_rows_above_the_cap_are_no_part_of_the_course() -> None:
    (found,) = courses(course_of(np.minimum(LEFT, 50.0), cap=50.0))
    assert found.horizon == 50.0
    assert found.inside[0] == 1.0


def test_half_of_a_wide_distribution_must_lie_inside_the_cone() -> None:
    """At 25 left the cone is 20 to 30; +-40 around the truth holds a tenth of the probability in it."""
    assert courses(course_of(LEFT))[0].inside[2] == 1.0
    assert courses(course_of(LEFT, spread=40.0))[0].inside[2] == 0.0
    assert courses(course_of(LEFT, spread=2.0))[0].inside[2] == 1.0


def test_quantiles_that_coincide_with_the_truth_are_inside() -> None:
    (found,) = courses(course_of(LEFT, spread=0.0))
    assert found.inside == (1.0,) * len(LAMBDAS)


def test_life_with_hardly_a_row_has_no_course() -> None:
    few = np.array([30.0, 20.0, 10.0])
    assert courses(course_of(few, left=few)) == []
    assert prognostics(course_of(few, left=few), seed=1).is_empty()


def test_table_names_figure_share_and_lives() -> None:
    table = prognostics(course_of(LEFT + 30.0), seed=1)
    assert table.height == 3 + 2 * len(LAMBDAS)
    assert table["lives"].to_list() == [1] * table.height
    assert set(table["better"].to_list()) == {"more", "less"}
