"""Tuning: what is chosen is judged on lives that no search saw, and a search goes on where it stopped."""

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from features.core.errors import ConfigError, LeakageError
from features.rul.memory import Spans
from pipelines.dataset import Life, TrainingSet
from pipelines.model import FitParameters
from pipelines.tuning import Tuned, parameters_of, read_record, tune
from pipelines.tuning.nested import Told, answered, compared
from pipelines.tuning.objective import Problem, errors
from pipelines.tuning.record import TuningRecord, write_record
from pipelines.tuning.search import open_search
from pipelines.tuning.space import PLAIN, STAGED, Bounds, value_of, with_chosen

AS_OF = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
LIVES, ROWS = 21, 24
# Far too few steps of far too small a size: nearly every other choice is better.
TIMID = FitParameters(
    folds=3,
    trees=40,
    quantile_trees=10,
    learning_rate=0.01,
    leaves=4,
    min_rows_in_leaf=5,
    feature_share=1.0,
    l2=1.0,
    rows_per_life=24,
)
RECORD = TuningRecord(
    component_class="bearing",
    chosen={"trees": 50, "learning_rate": 0.1},
    as_of=AS_OF.isoformat(),
    fingerprint="f",
    seed=1,
    trials=9,
    minutes=1.0,
    lives=20,
    outer_folds=3,
    rmse_default=10.0,
    rmse_tuned=9.0,
    difference_low95=-30.0,
    difference_high95=-1.0,
    is_established=True,
    coverage80_default=None,
    coverage80_tuned=None,
    interval_score80_default=None,
    interval_score80_tuned=None,
    searched_error=8.0,
    chosen_in_outer_folds=[],
)


def data() -> TrainingSet:
    """Lives of 24 hours whose first input falls with what is left, exactly."""
    left = np.tile(np.arange(ROWS - 1.0, -1.0, -1.0), LIVES)
    unit = np.repeat([f"M{i:02d}/DE#1" for i in range(LIVES)], ROWS)
    noise = np.sin(np.arange(left.size) * 12.9898)
    lives = tuple(Life(f"M{i:02d}/DE#1", f"M{i:02d}", "DE", "failure", 0.0, float(ROWS)) for i in range(LIVES))
    return TrainingSet(
        component_class="bearing",
        life_unit="running_h",
        fingerprint="f",
        names=("wear", "noise"),
        x=np.column_stack([np.exp(-left / 10.0) + 0.02 * noise, noise]),
        rul=left,
        survived=np.full(left.size, np.nan),
        age=ROWS - left,
        unit=unit,
        machine=np.repeat([f"M{i:02d}" for i in range(LIVES)], ROWS),
        time_us=np.tile(np.arange(ROWS, dtype=np.int64) * 3_600_000_000, LIVES),
        declared_cap=20.0,
        lives=lives,
        as_of=AS_OF,
        table_versions={},
    )


def ticking(step_s: float = 1.0) -> Callable[[], float]:
    """A clock that goes on by a step whenever it is asked."""
    ticks = itertools.count()
    return lambda: next(ticks) * step_s


def tuned_in(
    folder: Path, *, minutes: float = 1.0, stop_after: int | None = None, begin: FitParameters = TIMID
) -> Tuned:
    asked = itertools.count()
    return tune(
        data(),
        minutes=minutes,
        folder=folder / "tuned",
        work=folder / "work",
        parameters=begin,
        is_stopped=lambda: stop_after is not None and next(asked) >= stop_after,
        seconds=ticking(),
    )


@pytest.mark.parametrize("space", [PLAIN, STAGED], ids=["plain", "staged"])
def test_every_bound_is_of_a_field_of_the_fit_and_holds_its_default(space: Mapping[str, Bounds]) -> None:
    default = {name: value_of(FitParameters(), name) for name in space}
    assert [name for name, bounds in space.items() if not bounds.holds(default[name])] == []
    assert [name for name, bounds in space.items() if bounds.is_whole != isinstance(default[name], int)] == []


def test_largest_staged_model_stays_within_what_a_live_answer_can_afford() -> None:
    largest = with_chosen(FitParameters(), {n: b.high for n, b in STAGED.items()}, place="test").staged
    assert largest.bags * (largest.index_trees + largest.trees + 3 * largest.quantile_trees) <= 2400
    assert largest.leaves <= 63


def test_class_with_many_failed_lives_is_searched_as_it_is_modelled(tmp_path: Path) -> None:
    spans = Spans.of_class([dt.timedelta(hours=6)], dt.timedelta(hours=4))
    many = dataclasses.replace(TIMID, staged=dataclasses.replace(TIMID.staged, failed_lives=LIVES))
    problem = Problem.of(data(), data().unit, many, spans)
    assert open_search("all", problem, many, file=tmp_path / "a.journal", seed=1).space is STAGED
    one_less = Problem.of(data().without(units=["M00/DE#1"]), data().unit[ROWS:], many, spans)
    assert open_search("all", one_less, many, file=tmp_path / "b.journal", seed=1).space is PLAIN


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"tree": 50}, "did you mean 'trees'"),
        ({"seed": 5}, "'seed' is no parameter that is tuned"),
        ({"trees": 5}, "trees = 5 is not between"),
        ({"trees": 50.5}, "trees = 50.5 is not between"),
    ],
)
def test_parameters_that_cannot_be_are_refused_by_name(chosen: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        with_chosen(TIMID, chosen, place="file.json")


def test_error_of_a_trial_grows_by_one_fold_a_time() -> None:
    problem = Problem.of(data(), data().unit, TIMID)
    found = list(errors(problem, TIMID))
    assert len(found) == 3
    bold = list(errors(problem, dataclasses.replace(TIMID, learning_rate=0.2)))
    assert bold[-1] < 0.7 * found[-1]


def test_lives_are_never_torn_apart_by_folds() -> None:
    rows = np.arange(data().unit.size).astype(np.str_)
    with pytest.raises(LeakageError, match="more than one fold"):
        Problem.of(data(), rows, TIMID)


def test_held_lives_do_not_teach_what_answers_them() -> None:
    whole = data()
    fold = np.repeat(np.arange(LIVES) % 3, ROWS)
    spoilt = dataclasses.replace(whole, rul=np.where(fold == 1, 7.0, whole.rul))
    before, after = (answered(one, fold, TIMID) for one in (whole, spoilt))
    assert [told.fold for told in before] == [0, 1, 2]
    np.testing.assert_array_equal(before[1].mean, after[1].mean)
    assert not np.array_equal(before[0].mean, after[0].mean)


def test_better_parameters_are_written_with_what_they_brought(tmp_path: Path) -> None:
    found = tuned_in(tmp_path)
    assert found.is_finished
    assert found.record is not None
    assert found.record.rmse_tuned < found.record.rmse_default
    assert found.file == tmp_path / "tuned" / "bearing.json"
    assert read_record(tmp_path / "tuned", "bearing") == found.record
    parameters, words = parameters_of(tmp_path / "tuned", "bearing", TIMID)
    assert dataclasses.asdict(parameters) == dataclasses.asdict(TIMID) | found.record.chosen
    assert words.startswith("tuned on 21 lives known at 2025-06-01")


def test_search_that_only_saw_the_default_brings_nothing_and_takes_the_old_file_away(tmp_path: Path) -> None:
    """One trial a search, then time is up: the first one is always the default."""
    old, now = write_record(tmp_path / "tuned", RECORD), [0.0]
    found = tune(
        data(),
        minutes=1.0,
        folder=tmp_path / "tuned",
        work=tmp_path / "work",
        parameters=TIMID,
        on_progress=lambda step: now.append(61.0 if step.trials == 4 else 0.0),
        seconds=lambda: now[-1],
    )
    assert found.trials == 4
    assert found.is_finished
    assert found.record is not None
    assert found.record.rmse_tuned == found.record.rmse_default
    assert (found.file, old.exists()) == (None, False)


def test_stopped_search_is_kept_and_goes_on(tmp_path: Path) -> None:
    old = write_record(tmp_path / "tuned", RECORD)
    first = tuned_in(tmp_path, stop_after=20)
    assert (first.is_finished, first.record) == (False, None)
    assert 0 < first.trials < 8
    assert old.exists(), "a stopped search says nothing of the file"
    journal = tmp_path / "work" / "bearing.journal"
    with journal.open("ab") as torn:
        torn.write(b'{"op_code": 4, "wor')  # as a killed process leaves it
    again = tuned_in(tmp_path, stop_after=20)
    assert again.trials > first.trials


def test_other_lives_begin_another_search(tmp_path: Path) -> None:
    first = tuned_in(tmp_path, stop_after=20)
    fewer = tune(
        data().without(units=["M00/DE#1", "M01/DE#1", "M02/DE#1"]),
        minutes=2.0,
        folder=tmp_path / "tuned",
        work=tmp_path / "work",
        parameters=TIMID,
        is_stopped=lambda: True,
        seconds=ticking(),
    )
    assert first.trials > 0
    assert fewer.trials == 0


def test_too_few_failed_lives_are_refused(tmp_path: Path) -> None:
    few = data().without(units=[f"M{i:02d}/DE#1" for i in range(11)])
    with pytest.raises(ConfigError, match="10 failed lives; tuning starts at 12"):
        tune(few, minutes=1.0, folder=tmp_path, work=tmp_path)
    with pytest.raises(ConfigError, match="more than 0"):
        tune(data(), minutes=0.0, folder=tmp_path, work=tmp_path)


def test_class_without_a_file_is_fitted_with_the_defaults(tmp_path: Path) -> None:
    assert parameters_of(tmp_path, "bearing") == (FitParameters(), "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"chosen": {"tree": 50}}, r"bearing\.json: 'tree' is no parameter"),
        ({"rmse_tuned": "low"}, r"bearing\.json: rmse_tuned: "),
        ({"component_class": "gear"}, "is of class 'gear'"),
        ({"more": 1}, r"bearing\.json: more: "),
    ],
)
def test_damaged_file_is_told_by_name_and_place(tmp_path: Path, change: dict[str, object], said: str) -> None:
    file = write_record(tmp_path, RECORD)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ConfigError, match=said):
        parameters_of(tmp_path, "bearing")


def test_gain_that_may_be_chance_is_not_established() -> None:
    unit: npt.NDArray[np.str_] = np.array([f"u{i:02d}" for i in range(20)])
    truth = np.zeros(20)

    def told(mean: npt.NDArray[np.float64]) -> list[Told]:
        return [Told(0, unit, truth, mean, None)]

    swing = np.where(np.arange(20) % 2 == 0, 2.0, 0.5)
    found = compared(told(np.full(20, 1.5)), told(swing), seed=1)
    assert found.is_better
    assert not found.is_established
    clear = compared(told(np.full(20, 1.5)), told(np.full(20, 1.0)), seed=1)
    assert clear.is_established
    assert clear.coverage80_tuned is None
