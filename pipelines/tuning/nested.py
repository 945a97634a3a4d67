"""What the searches chose, judged by whole cross-fits on lives that they never saw.

A search that looked at hundreds of trials reports the luckiest one: its own error is too good. So the lives are
dealt into outer folds; for each, a search of its own sees the other lives only, and what it chose answers the
fold. The figure that is told is of these answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.rul.memory import Spans
from pipelines.dataset import TrainingSet
from pipelines.evaluation.bootstrap import Interval, resampled
from pipelines.evaluation.errors import per_life
from pipelines.evaluation.intervals import coverage, interval_score
from pipelines.evaluation.scored import NOMINAL
from pipelines.model import FitParameters, cross_validate

__all__ = ["Compared", "Told", "answered", "compared"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """Answers [n] to the failed lives of an outer fold; `band` is P10 and P90, None: not calibrated."""

    fold: int
    unit: npt.NDArray[np.str_]
    truth: Floats
    mean: Floats
    band: tuple[Floats, Floats] | None


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


def answered(data: TrainingSet, fold: Ints, parameters: FitParameters, spans: Spans | None = None) -> list[Told]:
    """What a whole cross-fit answers to each fold, learnt and calibrated on the other ones.

    Args:
        data: Lives and rows.
        fold: Outer fold of each row [n]; whole lives.
        parameters: Of the fit.
        spans: How far a staged model's memory goes; None: no such model.
    """
    said = cross_validate(data, parameters, fold=fold, spans=spans).out_of_fold
    found = []
    for number in np.unique(said.fold):
        rows = said.fold == number
        truth = np.minimum(said.rul[rows], said.cap)
        band = None if said.p10 is None or said.p90 is None else (said.p10[rows], said.p90[rows])
        found.append(Told(int(number), said.unit[rows], truth, said.mean[rows], band))
    return found


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
    bands = [one.band for one in told if one.band is not None]
    if len(bands) < len(told):
        return {}
    unit, truth = (np.concatenate([getattr(one, name) for one in told]) for name in ("unit", "truth"))
    low, high = (np.concatenate([band[end] for band in bands]) for end in (0, 1))
    return {
        "coverage80": coverage(truth, low, high, unit),
        "interval_score80": interval_score(truth, low, high, unit, nominal=NOMINAL),
    }
