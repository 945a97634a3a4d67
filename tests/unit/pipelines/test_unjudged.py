"""Lives that teach every fold and by which nothing is judged, such as those of a sister class."""

import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from features.rul.memory import Spans
from pipelines.model import UNJUDGED, CrossValidated, FitParameters, StagedParameters, cross_validate, fit
from pipelines.model.dealing import dealt
from tests.unit.pipelines._examples import Examples, Floats, Life

SPANS = Spans((5.0, 10.0), (15.0,), 15.0)
FEW = FitParameters(folds=3, trees=12, quantile_trees=6, units_per_bin=4)
STAGED = dataclasses.replace(
    FEW, staged=StagedParameters(failed_lives=20, bags=2, index_trees=8, trees=8, quantile_trees=6, leaves=7)
)


@cache
def examples() -> Examples:
    """22 lives of a class and 8 of its sister (`s..`), 70 rows each."""
    rng, n = np.random.default_rng(5), 70
    left = np.arange(n, dtype=np.float64)[::-1]
    names = [f"u{i:02d}" for i in range(22)] + [f"s{i:02d}" for i in range(8)]
    wear = [np.exp(-left / 20) + 0.1 * rng.normal(size=n) for _ in names]
    return Examples(
        x=np.concatenate([np.stack([n - left, one, one], axis=1) for one in wear]),
        rul=np.tile(left, len(names)),
        survived=np.full(n * len(names), np.nan),
        age=np.tile(n - left, len(names)),
        unit=np.repeat(sorted(names), n),
        time_us=np.tile(np.arange(1, n + 1), len(names)).astype(np.int64) * 3_600_000_000,
        lives=tuple(Life(name, 1.0, float(n)) for name in sorted(names)),
        names=("age", "a.level", "a.level.mean_15h"),
        component_class="engine",
        life_unit="cycle",
    )


def folds(data: Examples) -> npt.NDArray[np.int64]:
    own = np.char.startswith(data.unit, "u")
    fold = np.full(data.unit.size, UNJUDGED, dtype=np.int64)
    fold[own] = dealt(data.unit[own], 3, 0)
    return fold


@cache
def found(parameters: FitParameters) -> CrossValidated:
    return cross_validate(examples(), parameters, fold=folds(examples()), spans=SPANS)


@pytest.mark.parametrize("parameters", [FEW, STAGED], ids=["forests", "staged"])
def test_only_judged_lives_are_answered_and_calibrate(parameters: FitParameters) -> None:
    said = found(parameters)
    assert {unit[0] for unit in said.out_of_fold.unit} == {"u"}
    assert said.crossed.calibration.units == 22
    assert np.array_equal(examples().rul[said.answered], said.out_of_fold.rul)


@pytest.mark.parametrize("parameters", [FEW, STAGED], ids=["forests", "staged"])
@pytest.mark.parametrize("number", [0, 2])
def test_the_others_teach_every_fold_which_its_own_truth_does_not(parameters: FitParameters, number: int) -> None:
    data, told = examples(), found(parameters).out_of_fold

    def without(rows: npt.NDArray[np.bool_]) -> Floats:
        rul = np.where(rows, 69.0 - data.rul, data.rul)
        spoilt = dataclasses.replace(data, rul=rul)
        return cross_validate(spoilt, parameters, fold=folds(data), spans=SPANS).out_of_fold.mean

    held = told.fold == number
    np.testing.assert_array_equal(without(folds(data) == number)[held], told.mean[held])
    assert not np.array_equal(without(folds(data) == UNJUDGED)[held], told.mean[held])


def test_calls_that_share_threads_answer_as_each_alone() -> None:
    with ThreadPoolExecutor(2) as fits, ThreadPoolExecutor(2) as runs:
        waiting = [
            runs.submit(cross_validate, examples(), STAGED, fold=folds(examples()), spans=SPANS, pool=fits)
            for _ in range(2)
        ]
        for one in waiting:
            np.testing.assert_array_equal(one.result().out_of_fold.mean, found(STAGED).out_of_fold.mean)


def test_three_folds_must_remain_to_be_judged() -> None:
    fold = np.where(folds(examples()) == 2, UNJUDGED, folds(examples()))
    for parameters in (FEW, STAGED):
        with pytest.raises(ValueError, match="three folds"):
            cross_validate(examples(), parameters, fold=fold, spans=SPANS)


def test_a_fit_learns_from_all_and_its_reach_from_judged_lives_only() -> None:
    data, is_other = examples(), folds(examples()) == UNJUDGED
    shifted = dataclasses.replace(data, x=data.x + np.where(is_other, 40.0, 0.0)[:, None])

    def reach(fold: npt.NDArray[np.int64]) -> float:
        """How far outside of the range the level may lie, in ranges."""
        as_of = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        fitted = fit(shifted, FEW, fold=fold, name="m", baseline_rows=10, as_of=as_of, table_versions={})
        artefact = fitted.artefact
        assert (artefact.failed_units, artefact.calibration.units) == (30, 22 if fold.min() < 0 else 30)
        return artefact.domain.reach[1]

    assert reach(folds(data)) < 0.6
    assert reach(np.where(is_other, 3, folds(data))) > 1.5
