"""The Weibull life of a class and of its failure modes: lifelines against the likelihood's own equation."""

from dataclasses import dataclass

import numpy as np
import pytest

from pipelines.model.prior import class_prior, fit_weibull


@dataclass(frozen=True)
class Life:
    unit: str
    entry: float
    duration: float
    failed: bool
    failure_mode: str | None = None


@dataclass(frozen=True)
class Unnamed:
    unit: str
    entry: float
    duration: float
    failed: bool


def quantiles(n: int, shape: float, scale: float) -> list[float]:
    share = (np.arange(n) + 0.5) / n
    return [float(age) for age in scale * (-np.log1p(-share)) ** (1 / shape)]


CENSORED = [Life(str(i), 0.0, min(age, 800.0), age <= 800) for i, age in enumerate(quantiles(300, 2.5, 1000.0))]
TRUNCATED = [Life(str(i), 400.0, age, True) for i, age in enumerate(quantiles(300, 2.5, 1000.0)) if age > 400]
FEW = [Life(str(i), 0.0, age, i < 3) for i, age in enumerate([900.0, 1100.0, 700.0, 1000.0])]


@pytest.mark.parametrize("lives", [CENSORED, TRUNCATED, FEW], ids=["suspended", "entered late", "three failures"])
def test_the_prior_is_the_likeliest_life(lives: list[Life]) -> None:
    prior, oracle = class_prior(lives), fit_weibull(lives)
    assert oracle is not None
    # The likelihood is flat at its top: both stop within 1e-3 of it.
    assert prior["shape"] == pytest.approx(oracle.shape, rel=1e-3)
    assert prior["scale"] == pytest.approx(oracle.scale, rel=1e-3)
    assert prior["median_life"] == pytest.approx(oracle.median, rel=1e-3)
    assert prior["failures"] == sum(life.failed for life in lives)


def test_lives_of_one_length_have_the_steepest_shape_and_that_scale() -> None:
    prior = class_prior([Life(str(i), 0.0, 700.0, failed=True) for i in range(5)])
    assert prior["shape"] == 50.0
    assert prior["scale"] == pytest.approx(700.0)


def test_with_one_failure_the_shape_is_assumed_and_suspensions_lengthen_the_life() -> None:
    alone = class_prior([Life("a", 0.0, 500.0, failed=True)])
    among = class_prior(
        [Life("a", 0.0, 500.0, failed=True), *[Life(str(i), 0.0, 600.0, failed=False) for i in range(9)]]
    )
    assert alone["shape"] == among["shape"] == pytest.approx(10 / 9)
    assert alone["scale"] == pytest.approx(500.0)
    # (sum of t^k / failures)^(1/k)
    assert among["scale"] == pytest.approx((500.0 ** (10 / 9) + 9 * 600.0 ** (10 / 9)) ** 0.9)


@pytest.mark.parametrize(
    "lives", [[], [Life("a", 0.0, 5.0, False)], [Life("a", float("nan"), float("nan"), True)]]
)
def test_without_a_failure_of_known_age_there_is_none(lives: list[Life]) -> None:
    assert class_prior(lives) == {"shape": None, "scale": None, "median_life": None, "failures": 0.0}


def test_each_mode_has_the_life_that_it_alone_would_leave() -> None:
    """Two clocks run in every part, the first to ring ends it: both lives are found from the ends alone."""
    first = quantiles(400, 3.0, 1000.0)
    second = quantiles(400, 1.0, 2000.0)
    order = np.random.default_rng(7).permutation(400)
    lives = [
        Life(str(i), 0.0, min(age, second[j]), True, "outer_race" if age <= second[j] else "cage")
        for i, (age, j) in enumerate(zip(first, order, strict=True))
    ]
    prior = class_prior(lives)
    assert prior["shape.outer_race"] == pytest.approx(3.0, rel=0.1)
    assert prior["scale.outer_race"] == pytest.approx(1000.0, rel=0.1)
    assert prior["shape.cage"] == pytest.approx(1.0, rel=0.15)
    assert prior["scale.cage"] == pytest.approx(2000.0, rel=0.2)
    of_modes = [prior["failures.outer_race"], prior["failures.cage"]]
    assert sum(count for count in of_modes if count is not None) == prior["failures"] == 400


def test_a_mode_that_four_failures_name_has_no_life_of_its_own() -> None:
    lives = [Life(str(i), 0.0, 500.0 + i, True, "cage" if i < 4 else "outer_race") for i in range(9)]
    assert {name for name in class_prior(lives) if "." in name} == {
        "failures.outer_race",
        "shape.outer_race",
        "scale.outer_race",
    }


def test_a_suspension_names_no_mode_and_unnamed_failures_are_counted() -> None:
    lives = [Life(str(i), 0.0, 500.0 + i, i < 5, "cage") for i in range(9)]
    lives += [Life("unnamed", 0.0, 600.0, True), Life("empty", 0.0, 600.0, True, "")]
    prior = class_prior(lives)
    assert (prior["failures"], prior["failures.cage"]) == (7.0, 5.0)
    assert (
        class_prior([Unnamed(one.unit, one.entry, one.duration, one.failed) for one in lives])["failures"] == 7.0
    )
