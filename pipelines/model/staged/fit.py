"""Cross-fits the staged model and fits it on all lives."""

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from pipelines.model.boosting import QUANTILES
from pipelines.model.crossfit import Crossfit, Labelled, judged, refuse_leaking
from pipelines.model.examples import UNJUDGED, Floats, Ints
from pipelines.model.merging import merged
from pipelines.model.parameters import FitParameters
from pipelines.model.staged.histories import Histories
from pipelines.model.staged.stages import Stages, fit_stages

__all__ = ["StagedTexts", "staged_crossfit", "texts_of"]


@dataclass(frozen=True, slots=True)
class StagedTexts:
    """LightGBM texts of the outputs and of the index."""

    forests: dict[str, str]
    index: str


def staged_crossfit(
    lives: Histories,
    rows: Labelled,
    taught: Ints,
    fold: Ints,
    parameters: FitParameters,
    pool: Executor | None = None,
) -> Crossfit:
    """Answers the rows `taught` out of fold; nothing at all is learnt from the fold that is answered.

    Args:
        lives: All rows.
        rows: Those of them that are answered, with fold and RUL.
        taught: Their places in `lives`.
        fold: Fold of every row; `UNJUDGED`: it teaches every fold.
        parameters: Of the fit; `threads` folds are fitted at once.
        pool: Where the folds are fitted, threads that several calls can share; None: in `threads` of its own.

    Raises:
        LeakageError: A life is in more than one fold.
    """
    refuse_leaking(lives.unit, fold)
    folds = [int(number) for number in np.unique(fold) if number != UNJUDGED]
    if len(folds) < 3:
        raise ValueError(f"cross-fitting needs at least three folds, got {len(folds)}")
    answers = {output: np.full(rows.unit.size, np.nan) for output in ("mean", *QUANTILES)}

    def fit_one(number: int) -> tuple[int, dict[str, Floats]]:
        stages = fit_stages(lives, fold != number, rows.cap_without(number), parameters.staged, parameters.seed)
        held = taught[rows.fold == number]
        return number, {output: scores[held] for output, scores in stages.scores.items()}

    with ThreadPoolExecutor(parameters.threads) if pool is None else nullcontext(pool) as threads:
        for number, scores in threads.map(fit_one, folds):
            for output, values in scores.items():
                answers[output][rows.fold == number] = values
    return judged(rows, answers, parameters)


def texts_of(stages: Stages) -> StagedTexts:
    """One text an output: the forests of its bags merged."""
    forests = {
        output: merged([forest.model_to_string() for forest in fitted])
        for output, fitted in stages.forests.items()
    }
    return StagedTexts(forests, merged([forest.model_to_string() for forest in stages.index]))
