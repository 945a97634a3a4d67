"""What the searches chose, judged by whole fits on lives that they never saw.

A search that looked at hundreds of trials reports the luckiest one: its own error is too good. So the lives are
dealt into outer folds; for each, a search of its own sees the other lives only, and what it chose answers the
fold. The figure that is told is of these answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.rul.outputs import Engine
from pipelines.dataset import TrainingSet, grouped_folds, split_groups
from pipelines.evaluation.bootstrap import Interval, resampled
from pipelines.evaluation.errors import per_life
from pipelines.evaluation.intervals import coverage, interval_score
from pipelines.evaluation.scored import NOMINAL
from pipelines.model import FitParameters, fit
from pipelines.model.examples import cap_of, thinned

__all__ = ["Compared", "Told", "answered", "compared"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Told:
    """Answers [n] of one whole fit to the failed lives of an outer fold; `band`: they have a calibrated one."""

    unit: npt.NDArray[np.str_]
    truth: Floats
    mean: Floats
    p10: Floats
    p90: Floats
    band: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """Tuned beside default, over all outer folds; RMSE in life units, each life weighing the same.

    `difference` is the tuned mean squared error less the default's, below 0: better, drawn by life, so that
    each life is compared with itself. Coverage and interval score are None without a calibrated band.
    """

    lives: int
    rmse_default: float
    rmse_tuned: float
    difference: Interval
    coverage80_default: float | None
    coverage80_tuned: float | None
    interval_score80_default: float | None
    interval_score80_tuned: float | None

    @property
    def is_better(self) -> bool:
        """The tuned error is smaller; whether that is more than chance, `is_established` says."""
        return self.rmse_tuned < self.rmse_default

    @property
    def is_established(self) -> bool:
        """95 of 100 draws of lives agree that it is smaller."""
        return self.difference.high < 0.0


def answered(data: TrainingSet, held: Sequence[str], parameters: FitParameters) -> Told | None:
    """A whole fit on the other lives, and its answers to the failed ones of these; None: too few lives to fit."""
    rest = data.without(units=set(held))
    groups = split_groups(rest, parameters.folds)
    fitted = fit(
        rest,
        parameters,
        fold=grouped_folds(groups, parameters.folds),
        name="tuning",
        baseline_rows=parameters.min_rows,
        as_of=data.as_of,
        table_versions=data.table_versions,
    )
    if not fitted.artefact.forests:
        return None
    rows = np.flatnonzero(np.isin(data.unit, list(held)) & np.isfinite(data.rul))
    rows = rows[thinned(data.unit[rows], parameters.rows_per_life)]
    columns = np.array([data.names.index(name) for name in fitted.artefact.inputs])
    said = Engine(fitted.artefact).answer(np.ascontiguousarray(data.x[np.ix_(rows, columns)]))
    truth = np.minimum(data.rul[rows], cap_of(rest.lives, data.declared_cap))
    band = fitted.artefact.calibration.calibrated
    return Told(data.unit[rows], truth, said.mean, said.p10, said.p90, band)


def compared(default: Sequence[Told], tuned: Sequence[Told], *, seed: int) -> Compared:
    """All outer folds together; both sequences in the same order of folds."""
    unit = np.concatenate([one.unit for one in default])
    squares = [
        per_life(np.concatenate([(one.mean - one.truth) ** 2 for one in told]), unit) for told in (default, tuned)
    ]
    lives = np.unique(unit)
    before, after = _honesty(default), _honesty(tuned)
    return Compared(
        lives=lives.size,
        rmse_default=float(np.sqrt(squares[0].mean())),
        rmse_tuned=float(np.sqrt(squares[1].mean())),
        difference=resampled(lives, seed=seed).mean(squares[1] - squares[0]),
        coverage80_default=before.get("coverage80"),
        coverage80_tuned=after.get("coverage80"),
        interval_score80_default=before.get("interval_score80"),
        interval_score80_tuned=after.get("interval_score80"),
    )


def _honesty(told: Sequence[Told]) -> Mapping[str, float]:
    if not all(one.band for one in told):
        return {}
    unit, truth, low, high = (
        np.concatenate([getattr(one, name) for one in told]) for name in ("unit", "truth", "p10", "p90")
    )
    return {
        "coverage80": coverage(truth, low, high, unit),
        "interval_score80": interval_score(truth, low, high, unit, nominal=NOMINAL),
    }
