"""Whether lives lie in groups, and lives counted in what their parts were rated for."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from pipelines.model.groups import fit_groups
from pipelines.model.transfer import Passage, fit_stages

TIGHT = (24.0, 25.0, 26.0, 27.0, 74.0, 78.0)
EVEN = tuple(float(np.exp(stats.norm(3.5, 0.6).ppf((i + 0.5) / 6))) for i in range(6))


def passages(lives: tuple[float, ...], rated: tuple[float | None, ...] | None = None) -> list[Passage]:
    return [
        Passage(f"u{i}", np.linspace(life / 50, life, 50), np.zeros(50), life, True, rated[i] if rated else None)
        for i, life in enumerate(lives)
    ]


def share(lives: tuple[float, ...]) -> float:
    found = fit_stages(passages(lives), 0.0)
    assert found is not None
    assert found.groups is not None
    return found.groups.share


def test_lives_in_tight_groups_are_believed_and_evenly_scattered_ones_are_not() -> None:
    assert share(TIGHT) > 0.5
    assert share(EVEN) < 0.15


def test_how_far_groups_are_believed_does_not_depend_on_the_unit() -> None:
    assert share(tuple(3600.0 * life for life in TIGHT)) == pytest.approx(share(TIGHT), abs=1e-3)


def test_a_narrow_bell_that_misses_one_life_is_forgiven_no_more_than_its_floor() -> None:
    found = fit_groups(np.log(TIGHT).tolist(), lambda others, life: -100.0)
    assert found is not None
    assert found.share > 0.999
    assert sum(found.weights) == pytest.approx(1.0)
    none = fit_groups(np.log(TIGHT).tolist(), lambda others, life: 100.0)
    assert none is not None
    assert none.share < 1e-6


def test_four_lives_are_no_groups() -> None:
    found = fit_stages(passages((24.0, 25.0, 74.0, 78.0)), 0.0)
    assert found is not None
    assert found.groups is None


@pytest.mark.parametrize(("ran", "grouped"), [(2.0, True), (60.0, False)])
def test_a_part_that_outlived_the_first_failure_leaves_its_group_open(ran: float, grouped: bool) -> None:
    running = dataclasses.replace(passages((ran,))[0], unit="running", failed=False)
    found = fit_stages([*passages(TIGHT), running], 0.0)
    assert found is not None
    assert (found.groups is not None) is grouped


def test_lives_under_other_loads_are_alike_in_rated_lives() -> None:
    found = fit_stages(passages((80.0, 160.0, 40.0), (100.0, 200.0, 50.0)), 0.0)
    assert found is not None
    assert found.rated
    assert found.stages[0].centre == pytest.approx(math.log(0.8))
    assert found.longest == pytest.approx(0.8)
    plain = fit_stages(passages((80.0, 160.0, 40.0)), 0.0)
    assert plain is not None
    assert found.stages[0].spread < plain.stages[0].spread


def test_one_life_without_a_rating_and_none_is_used() -> None:
    found = fit_stages(passages((80.0, 160.0, 40.0), (100.0, None, 50.0)), 0.0)
    assert found is not None
    assert not found.rated
    assert found.longest == 160.0
