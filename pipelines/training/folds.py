"""Folds of a class's lives: those that a model is judged by, and the same lives dealt again by other seeds."""

import datetime as dt
from collections.abc import Mapping

import numpy as np

from features.rul.memory import Spans
from pipelines.dataset import TrainingSet, split_groups
from pipelines.model import FitParameters, Fitted, OutOfFold, cross_validate
from pipelines.model.dealing import dealt
from pipelines.model.examples import Ints, Strings
from pipelines.splits import grouped_folds, refuse_overlap

__all__ = ["folds_of", "repeats"]


def folds_of(data: TrainingSet, k: int, memory: dt.timedelta, kept: Mapping[str, int] | None) -> Ints:
    """Fold of each row [n]: whole groups, as far as possible those that were there before.

    Args:
        data: Lives and rows.
        k: Folds.
        memory: Longest window of a feature.
        kept: Life -> fold that it was in.

    Raises:
        LeakageError: The folds would tear apart what was measured together.
    """
    groups = split_groups(data, k, memory)
    before: dict[str, int] = {}
    if kept:
        folds_of: dict[str, set[int]] = {}
        for group, unit in dict.fromkeys(zip(groups.tolist(), data.unit.tolist(), strict=True)):
            if unit in kept:
                folds_of.setdefault(group, set()).add(kept[unit])
        before = {group: folds.pop() for group, folds in folds_of.items() if len(folds) == 1}
    fold = grouped_folds(groups, k, before)
    if np.unique(fold).size < min(k, np.unique(groups).size):
        fold = grouped_folds(groups, k)
    return _whole(data, groups, fold, memory)


def repeats(
    data: TrainingSet, fitted: Fitted, parameters: FitParameters, *, seeds: int, memory: dt.timedelta, spans: Spans
) -> list[OutOfFold]:
    """Answers to unseen lives by folds of other seeds; none where no forest speaks.

    Args:
        data: Lives and rows.
        fitted: What was fitted on them.
        parameters: Of the fit.
        seeds: How many sets of folds there are with the one that was judged already.
        memory: Longest window of a feature.
        spans: How far back a staged model's memory goes.
    """
    if not fitted.artefact.forests:
        return []
    groups = split_groups(data, parameters.folds, memory)
    again = (_whole(data, groups, dealt(groups, parameters.folds, seed), memory) for seed in range(1, seeds))
    return [cross_validate(data, parameters, fold=fold, spans=spans).out_of_fold for fold in again]


def _whole(data: TrainingSet, groups: Strings, fold: Ints, memory: dt.timedelta) -> Ints:
    """The folds, refused where they tear apart what was measured together."""
    # Where lives are the groups there are too few to keep machines together; components still are.
    place = data.unit if groups is data.unit else data.machine
    refuse_overlap(place, data.unit, data.time_us, fold, memory=memory)
    return fold
