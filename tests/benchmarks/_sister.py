"""Whether a subset of C-MAPSS is learnt alone or with its sister: chosen by grouped cross-validation.

Folds are of the subset's own engines. Those of the sister teach every fold and are never judged. Both ways are
judged by the same folds of one seed; the smaller pooled RMSE is chosen, and only this one goes on to the other
seeds. No test file is read here.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from features.rul.memory import Spans
from pipelines.dataset import TrainingSet
from pipelines.evaluation.scored import Answers, Scored
from pipelines.model import UNJUDGED, CrossValidated, FitParameters, cross_validate
from pipelines.model.dealing import dealt
from pipelines.model.examples import Bools, Floats, Ints

__all__ = ["FOLDS", "SISTERS", "Chosen", "choose", "folds_of", "pooled_rmse", "ways"]

SISTERS = {"FD001": "FD003", "FD002": "FD004", "FD003": "FD001", "FD004": "FD002"}
FOLDS = 5
# Every n-th cycle of the sister's engines teaches, counted back from the failure; neighbours tell the same.
SISTER_STRIDE = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """The way that was chosen: the subsets that are learnt from, their rows, and how each fold seed was answered.

    `scores` are the pooled RMSE of every way that was tried, by the first seed.
    """

    learnt_from: str
    data: TrainingSet
    found: Mapping[int, CrossValidated]
    scores: Mapping[str, float]


def ways(both: TrainingSet, subset: str, *, alone: bool, sister: bool) -> dict[str, TrainingSet]:
    """Names of the subsets that are learnt from -> rows; one way where only that one is asked for or there.

    Args:
        both: Engines of the subset, and of its sister where they are there.
        subset: The one that is judged.
        alone: Only the subset itself.
        sister: Only with the sister.
    """
    own = _own(both, subset)
    others = set(np.unique(both.machine[~own]).tolist())
    with_sister = f"{subset}+{SISTERS[subset]}"
    found = {subset: both.without(machines=others)}
    if not others or alone:
        return found
    found[with_sister] = replace(both, rul=np.where(own | _taught(both), both.rul, np.nan))
    return {with_sister: found[with_sister]} if sister else found


def choose(
    tried: Mapping[str, TrainingSet], parameters: FitParameters, *, subset: str, seeds: int, spans: Spans
) -> Chosen:
    """Cross-validates every way by one fold seed, and the best one by the others.

    All folds of all runs share `parameters.threads` threads, so that none waits for the last fold of a run.
    """
    with ThreadPoolExecutor(parameters.threads) as fits, ThreadPoolExecutor(max(2, seeds)) as runs:

        def run(data: TrainingSet, seed: int) -> Future[CrossValidated]:
            fold = folds_of(data, subset, seed)
            return runs.submit(_judge, data, parameters, fold, spans, fits)

        started = {name: run(data, 0) for name, data in tried.items()}
        first = {name: one.result() for name, one in started.items()}
        scores = {name: pooled_rmse(Answers.of(one.out_of_fold)) for name, one in first.items()}
        best = min(scores, key=scores.__getitem__)
        others = {seed: run(tried[best], seed) for seed in range(1, seeds)}
        found = {0: first[best], **{seed: one.result() for seed, one in others.items()}}
    return Chosen(best, tried[best], found, scores)


def folds_of(data: TrainingSet, subset: str, seed: int) -> Ints:
    """Fold of each row [n]: whole engines of the subset; the sister's are `UNJUDGED`."""
    own = _own(data, subset)
    fold = np.full(data.unit.size, UNJUDGED, dtype=np.int64)
    fold[own] = dealt(data.unit[own], FOLDS, seed)
    return fold


def pooled_rmse(answers: Scored) -> float:
    """RMSE over all rows, truth clipped at the cap."""
    error: Floats = answers.mean - np.minimum(answers.rul, answers.cap)
    return float(np.sqrt(np.mean(error**2)))


def _judge(
    data: TrainingSet, parameters: FitParameters, fold: Ints, spans: Spans, fits: Executor
) -> CrossValidated:
    return cross_validate(data, parameters, fold=fold, spans=spans, pool=fits)


def _own(data: TrainingSet, subset: str) -> Bools:
    """Rows [n] of the subset's engines."""
    return np.char.startswith(data.machine, f"{subset.lower()}-")


def _taught(data: TrainingSet) -> Bools:
    """Every n-th row [n] of each engine, counted back from its last one."""
    _, place, sizes = np.unique(data.unit, return_inverse=True, return_counts=True)
    left = np.cumsum(sizes)[place] - 1 - np.arange(data.unit.size)
    return np.asarray(left % SISTER_STRIDE == 0)
