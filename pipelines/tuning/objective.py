"""The quick error of a trial: the mean's, by folds of whole lives.

Where a class is modelled by its features alone, quantiles and calibration are left out, for a search needs many
trials. A staged model is cross-validated as it is, in fewer folds. What was chosen is judged by whole cross-fits
afterwards (`pipelines.tuning.nested`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.rul.memory import Spans
from pipelines.dataset import TrainingSet, grouped_folds
from pipelines.evaluation.errors import rmse
from pipelines.model import FitParameters, cross_validate, refuse_leaking
from pipelines.model.boosting import answer, boost
from pipelines.model.examples import cap_of, outlived, thinned
from pipelines.tuning.space import is_staged

__all__ = ["Problem", "errors"]

Ints = npt.NDArray[np.int64]

# Inner folds of a staged model, whose cross-validation takes long.
_STAGED_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """Lives and rows, the fold of each row [n], and how far a staged model's memory goes; None: no such model."""

    data: TrainingSet
    fold: Ints
    spans: Spans | None
    staged: bool

    @classmethod
    def of(
        cls,
        data: TrainingSet,
        groups: npt.NDArray[np.str_],
        parameters: FitParameters,
        spans: Spans | None = None,
    ) -> "Problem":
        """The folds of a training set, and which model its class gets.

        Args:
            data: Lives and rows.
            groups: What must stay together, per row of `data`.
            parameters: Say how many folds, and from when on a model is staged.
            spans: Of the class.

        Raises:
            LeakageError: A life is in more than one fold.
        """
        staged = spans is not None and is_staged(parameters, len(data.failed_units))
        fold = grouped_folds(groups, _STAGED_FOLDS if staged else parameters.folds)
        refuse_leaking(data.unit, fold)
        return cls(data, fold, spans, staged)


def errors(problem: Problem, parameters: FitParameters) -> Iterator[float]:
    """RMSE of the mean over the folds so far, each life weighing the same: one number more after each fold.

    A staged model answers all folds at once and gives one number.
    """
    if not problem.staged:
        yield from _errors_of_features(problem, parameters)
        return
    said = cross_validate(problem.data, parameters, fold=problem.fold, spans=problem.spans).out_of_fold
    yield rmse(said.mean - np.minimum(said.rul, said.cap), said.unit)


def _errors_of_features(problem: Problem, parameters: FitParameters) -> Iterator[float]:
    data = problem.data
    failed = np.isfinite(data.rul)
    known = np.flatnonzero(failed | outlived(data.survived, data.lives, data.declared_cap))
    rows = known[thinned(data.unit[known], parameters.rows_per_life)]
    x, unit, folds = np.ascontiguousarray(data.x[rows]), data.unit[rows], problem.fold[rows]
    rul = np.where(failed, data.rul, data.survived)[rows]
    truth = np.minimum(rul, cap_of(data.lives, data.declared_cap))
    answered = np.zeros(rows.size, dtype=np.bool_)
    error = np.zeros(rows.size)
    for fold in np.unique(folds):
        held = folds == fold
        out = set(unit[held].tolist())
        seen_cap = cap_of([life for life in data.lives if life.unit not in out], data.declared_cap)
        y = np.minimum(rul[~held], seen_cap)
        forest = boost(x[~held], y, unit[~held], parameters, output="mean")
        error[held] = np.clip(answer(forest, x[held], parameters), 0.0, seen_cap) - truth[held]
        answered |= held
        judged = answered & failed[rows]
        yield rmse(error[judged], unit[judged])
