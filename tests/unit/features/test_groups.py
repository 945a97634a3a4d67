"""Whole lives in groups, and lives counted in rated lives."""

import dataclasses
import math

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import TypeAdapter
from scipy import stats

from features.rul.groups import Groups
from features.rul.transfer import Stage, TransferModel

Floats = npt.NDArray[np.float64]
TWO = Groups((math.log(50.0), math.log(52.0), math.log(200.0)), (0.05, 0.2), (0.7, 0.3), 0.9)
BELL = Stage(0.0, math.log(90.0), 0.7, 6.0, 5, 6 / 7)
ONE = TransferModel((BELL,), threshold=0.0, longest=200.0, lives=5)
GROUPED = dataclasses.replace(ONE, groups=TWO)


def p50(model: TransferModel, age: float, rated_life: float | None = None) -> float:
    return float(model.remaining(np.array([age]), np.zeros(1), [0], rated_life=rated_life).quantile(0.5)[0])


def test_the_density_is_that_of_bells_around_the_lives() -> None:
    at = np.linspace(3.0, 6.0, 301)
    expected = sum(
        weight * stats.norm(centre, width).pdf(at) / 3.0
        for centre in TWO.logs
        for width, weight in zip(TWO.widths, TWO.weights, strict=True)
    )
    np.testing.assert_allclose(TWO.density(at), expected, atol=0.01)
    assert TWO.density(np.array([-20.0, 20.0])).tolist() == [0.0, 0.0]


def test_a_part_before_a_group_is_told_to_reach_it_and_one_beyond_to_reach_the_next() -> None:
    assert p50(GROUPED, 40.0) == pytest.approx(11.0, abs=3.0)
    assert p50(GROUPED, 80.0) == pytest.approx(120.0, abs=25.0)
    assert p50(ONE, 80.0) < 60.0


def test_groups_that_nobody_believes_change_nothing() -> None:
    doubted = dataclasses.replace(ONE, groups=dataclasses.replace(TWO, share=0.0))
    for age in (10.0, 60.0, 500.0):
        assert p50(doubted, age) == pytest.approx(p50(ONE, age), rel=1e-9)


def test_far_beyond_every_group_the_one_bell_speaks() -> None:
    assert p50(GROUPED, 5000.0) == pytest.approx(p50(ONE, 5000.0), rel=1e-6)


@pytest.mark.parametrize("model", [ONE, GROUPED])
def test_a_part_rated_for_twice_as_long_has_twice_as_much_left_at_twice_the_age(model: TransferModel) -> None:
    rated = dataclasses.replace(model, rated=True)
    assert p50(rated, 60.0, 2.0) == pytest.approx(2.0 * p50(rated, 30.0, 1.0), rel=1e-9)
    assert p50(rated, 30.0, 1.0) == pytest.approx(p50(model, 30.0), rel=1e-9)


def test_rated_lives_without_a_rating_give_no_number_and_unrated_ones_need_none() -> None:
    rated = dataclasses.replace(ONE, rated=True)
    left = rated.remaining(np.array([30.0]), np.zeros(1), [0])
    assert math.isnan(rated.unit(None))
    assert np.isnan(left.quantile(0.5)).all()
    assert np.isnan(left.mean(200.0)).all()
    assert p50(ONE, 30.0, 7.0) == p50(ONE, 30.0)


@pytest.mark.parametrize(
    "change", [{"logs": ()}, {"widths": (0.1,)}, {"widths": (0.0, 0.1)}, {"share": 1.0}, {"share": -0.1}]
)
def test_what_are_no_groups_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"groups have lives|a share lies"):
        dataclasses.replace(TWO, **change)  # type: ignore[arg-type]  # wrong on purpose


def test_models_of_before_groups_and_ratings_are_still_read() -> None:
    kind = TypeAdapter(TransferModel)
    old = kind.dump_python(ONE, mode="json")
    del old["rated"], old["groups"]
    assert kind.validate_python(old, strict=False) == ONE
    assert kind.validate_json(kind.dump_json(GROUPED), strict=True) == GROUPED
