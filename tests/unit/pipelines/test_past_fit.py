"""Training lives in short: which are kept, by what they are told, and what they do for a prediction."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.rul.past import Bank, PastLives
from pipelines.model.past import fit_past

Floats = npt.NDArray[np.float64]
NAMES = ("a.level", "a.level.slope_7d", "rul_index.mean_5h", "b.level", "c.level", "idle.level")
GAINS = np.array([5.0, 9.0, 100.0, 3.0, 2.0, 0.0])


@dataclasses.dataclass(frozen=True)
class Life:
    unit: str
    ending: str
    failure_mode: str | None = None
    entry: float = 0.0
    duration: float = 1.0

    @property
    def failed(self) -> bool:
        return self.ending == "failure"


@dataclasses.dataclass(frozen=True)
class Examples:
    rul: Floats
    survived: Floats
    unit: npt.NDArray[np.str_]
    lives: tuple[Life, ...]
    x: Floats
    age: Floats
    time_us: npt.NDArray[np.int64]
    names: tuple[str, ...] = NAMES
    declared_cap: float | None = None
    component_class: str = "bearing"
    life_unit: str = "running_h"
    fingerprint: str = "f"


def examples(failed: int, suspended: int = 0, running: int = 0) -> Examples:
    """Lives of 30 to 59 rows whose inputs follow the wear, 0 to 1; every third failure is of the outer race."""
    rng = np.random.default_rng(2)
    endings = ["failure"] * failed + ["suspension"] * suspended + ["running"] * running
    lives, left, unit, parts = [], [], [], []
    for number, ending in enumerate(endings):
        n = 30 + number % 30
        mode = "outer_race" if ending == "failure" and number % 3 == 0 else None
        lives.append(Life(f"P{number:03d}/DE#1", ending, mode))
        left.append(np.arange(n, dtype=np.float64)[::-1])
        unit += [lives[-1].unit] * n
        wear = 1 - left[-1] / n
        parts.append(np.stack([wear + 0.02 * rng.normal(size=n) for _ in NAMES], axis=1))
    whole, has_failed = np.concatenate(left), np.repeat(np.array(endings) == "failure", [len(one) for one in left])
    return Examples(
        np.where(has_failed, whole, np.nan), np.where(has_failed, np.nan, whole), np.array(unit), tuple(lives),
        np.concatenate(parts), whole, np.arange(whole.size, dtype=np.int64),
    )  # fmt: skip


def kept(data: Examples, gains: Floats = GAINS) -> PastLives:
    found = fit_past(data, NAMES, data.x.__getitem__, gains, min_rows=5)
    assert found is not None
    return found


def test_the_best_input_of_each_physical_quantity_is_compared_and_no_index() -> None:
    assert kept(examples(4)).inputs == ("a.level.slope_7d", "b.level", "c.level")


def test_an_index_is_compared_where_little_else_is_worth_anything() -> None:
    assert kept(examples(4), np.array([5.0, 0, 9, 0, 0, 0])).inputs == ("a.level", "rul_index.mean_5h")


def test_lives_that_still_run_are_no_past() -> None:
    found = kept(examples(3, suspended=2, running=4))
    assert [life.unit for life in found.lives] == [f"P{i:03d}/DE#1" for i in range(5)]
    assert [life.failed for life in found.lives] == [True] * 3 + [False] * 2
    assert [life.failure_mode for life in found.lives] == ["outer_race", "", "", "", ""]


def test_fewer_than_two_lives_that_ended_are_no_past() -> None:
    data = examples(1, running=3)
    assert fit_past(data, NAMES, data.x.__getitem__, GAINS, min_rows=5) is None


def test_a_quantity_that_no_ended_life_had_is_not_compared() -> None:
    data = examples(4)
    data.x[:, 3] = np.nan
    assert kept(data).inputs == ("a.level.slope_7d", "c.level")
    data.x[:] = np.nan
    assert fit_past(data, NAMES, data.x.__getitem__, GAINS, min_rows=5) is None


def test_many_lives_are_thinned_evenly_and_stay_small() -> None:
    found = kept(examples(200, suspended=40))
    assert (sum(life.failed for life in found.lives), len(found.lives)) == (45, 60)
    named = sum(life.failure_mode == "outer_race" for life in found.lives)
    assert 13 <= named <= 17
    assert len(json.dumps(dataclasses.asdict(found), indent=1)) < 200_000


def test_points_go_from_the_first_judged_row_to_the_end_and_are_closer_there() -> None:
    for life in kept(examples(6)).lives:
        assert life.left[-1] == 0.0
        assert life.left[0] == life.length
        assert life.left[0] - life.left[1] > life.left[-2] - life.left[-1]


def test_an_unseen_life_finds_lives_that_had_about_as_much_left() -> None:
    data = examples(30)
    seen = data.unit != "P029/DE#1"
    found = kept(
        dataclasses.replace(
            data, rul=data.rul[seen], survived=data.survived[seen], unit=data.unit[seen], x=data.x[seen]
        )
    )
    bank = Bank(found, NAMES)
    # Two thirds through: about 20 of 59 rows are left.
    (told,) = bank.nearest(data.x[~seen][39:40])
    assert len(told) == 3
    assert all(0.15 < one.left / one.life.length < 0.5 for one in told)


def test_the_same_lives_in_another_order_are_kept(tmp_path: Path) -> None:
    data = examples(60, suspended=3)
    other = dataclasses.replace(data, lives=data.lives[::-1])
    assert kept(other) == kept(data)
