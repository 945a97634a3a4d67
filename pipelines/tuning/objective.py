"""The quick error of a trial: the mean's, by folds of whole lives.

Quantiles, health index and calibration are left out, for a search needs many trials; what was chosen is judged
by whole fits afterwards (`pipelines.tuning.nested`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.dataset import TrainingSet, grouped_folds
from pipelines.evaluation.errors import rmse
from pipelines.model import FitParameters, refuse_leaking
from pipelines.model.boosting import answer, boost
from pipelines.model.examples import cap_of, outlived, thinned

__all__ = ["Problem", "errors"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Problem:
    """Thinned rows [n] whose RUL is known, as for a fit; `fold` of each, whole groups."""

    data: TrainingSet
    rows: Ints
    rul: Floats
    failed: npt.NDArray[np.bool_]
    fold: Ints

    @classmethod
    def of(
        cls, data: TrainingSet, groups: npt.NDArray[np.str_], folds: int, parameters: FitParameters
    ) -> "Problem":
        """The rows of a training set and their folds.

        Args:
            data: Lives and rows.
            groups: What must stay together, per row of `data`.
            folds: How many.
            parameters: Say how far a life is thinned.

        Raises:
            LeakageError: A life is in more than one fold.
        """
        failed = np.isfinite(data.rul)
        known = np.flatnonzero(failed | outlived(data.survived, data.lives, data.declared_cap))
        rows = known[thinned(data.unit[known], parameters.rows_per_life)]
        fold = grouped_folds(groups[rows], folds)
        refuse_leaking(data.unit[rows], fold)
        rul = np.where(failed, data.rul, data.survived)[rows]
        return cls(data, rows, rul, failed[rows], fold)


def errors(problem: Problem, parameters: FitParameters) -> Iterator[float]:
    """RMSE of the mean over the folds so far, each life weighing the same: one number more after each fold."""
    data, rows = problem.data, problem.rows
    x, unit = np.ascontiguousarray(data.x[rows]), data.unit[rows]
    cap = cap_of(data.lives, data.declared_cap)
    truth = np.minimum(problem.rul, cap)
    answered = np.zeros(rows.size, dtype=np.bool_)
    error = np.zeros(rows.size)
    for fold in np.unique(problem.fold):
        held = problem.fold == fold
        out = set(unit[held].tolist())
        seen_cap = cap_of([life for life in data.lives if life.unit not in out], data.declared_cap)
        y = np.minimum(problem.rul[~held], seen_cap)
        forest = boost(x[~held], y, unit[~held], parameters, output="mean")
        error[held] = np.clip(answer(forest, x[held], parameters), 0.0, seen_cap) - truth[held]
        answered |= held
        judged = answered & problem.failed
        yield rmse(error[judged], unit[judged])
