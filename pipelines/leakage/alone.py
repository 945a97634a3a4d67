"""What each feature tells by itself about lives that were not looked at, with the age as the yardstick.

A feature measures wear, and wear tells the remaining life late, roughly, and differently from part to part. A
feature that was made from the label tells it early, exactly, and in the same way everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.dataset import TrainingSet
from pipelines.splits import grouped_folds

__all__ = ["TARGETS", "Told", "told_alone"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# What is asked, in the words of a report.
TARGETS = {
    "rul": "the remaining life",
    "early": "in the first half of lives, the remaining life",
    "length": "in the first half of lives, how long they last",
    "share": "how much of the life is used",
    "end_5": "whether the end is nearer than 5 % of a life",
    "end_20": "whether the end is nearer than 20 % of a life",
    "copy": "nothing but the remaining life, of which it is a function",
    "flag": "by its two values whether the end is nearer than some number",
}
_ENDS = {"end_5": 0.05, "end_20": 0.2}

# Rows of a life that are looked at: more say the same again.
_ROWS_PER_LIFE = 40
_FOLDS = 5

# Steps of the curve from a feature to its answer.
_STEPS = 24

# Steps of the curve from the remaining life back to a feature.
_BACK_STEPS = 80

# Lives below which a curve across lives is no evidence.
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Told:
    """How much each feature tells, by itself, of lives that its curve was not drawn from.

    Attributes:
        names: Features, and `age` first.
        skill: Target -> [features], 1: everything, 0: no more than the mean; NaN: not asked.
        error: Root mean squared error [features] of the capped remaining life, life units; lives weigh the same.
        lives: How many failed lives stand behind it.
    """

    names: tuple[str, ...]
    skill: dict[str, Floats]
    error: Floats
    lives: int


def told_alone(data: TrainingSet, features: Sequence[str], *, cap: float) -> Told | None:
    """Draws, for each feature, the curve from it to each target over some lives and asks it about the others.

    Args:
        data: Rows and lives; rows of lives that did not fail are not looked at.
        features: Those of `data.names` to be looked at.
        cap: Of the remaining life in `error`, life units.

    Returns:
        None with fewer than eight failed lives.
    """
    rows = _looked_at(data)
    lives, place = np.unique(data.unit[rows], return_inverse=True)
    if lives.size < _FEWEST:
        return None
    rul = data.rul[rows]
    length = np.full(lives.size, -np.inf)
    np.maximum.at(length, place, rul)
    wanted = np.array([data.names.index(name) for name in features], dtype=np.int64)
    x = np.column_stack([data.age[rows], data.x[np.ix_(rows, wanted)]])
    fold = grouped_folds(data.unit[rows], _FOLDS)
    weight = (1.0 / np.bincount(place))[place]
    early = rul > 0.5 * length[place]
    every = np.ones(rul.size, dtype=np.bool_)
    middle = float(np.median(length))
    asked: dict[str, tuple[Floats, npt.NDArray[np.bool_]]] = {
        "rul": (rul, every),
        "early": (rul, early),
        "length": (length[place], early),
        "share": (rul / np.maximum(length[place], 1e-9), every),
        **{name: ((rul <= share * middle).astype(np.float64), every) for name, share in _ENDS.items()},
    }
    skill = {}
    for name, (y, which) in asked.items():
        squares = _squared_error(x[which], y[which], fold[which], weight[which])
        around = _squared_error(np.zeros((int(which.sum()), 1)), y[which], fold[which], weight[which])
        skill[name] = 1.0 - squares / around if around[0] > 0 else np.full(x.shape[1], np.nan)
    skill["copy"] = _copies(x, rul, fold, weight)
    skill["flag"] = _flags(data, wanted)
    error = np.sqrt(_squared_error(x, np.minimum(rul, cap), fold, weight))
    return Told(("age", *features), skill, error, int(lives.size))


def _looked_at(data: TrainingSet) -> Ints:
    """Evenly spread rows of every failed life."""
    failed = np.flatnonzero(np.isfinite(data.rul))
    _, place, sizes = np.unique(data.unit[failed], return_inverse=True, return_counts=True)
    kept = []
    for number, size in enumerate(sizes.tolist()):
        own = failed[place == number]
        kept.append(own[np.unique(np.linspace(0, size - 1, min(size, _ROWS_PER_LIFE)).astype(np.int64))])
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)


def _squared_error(x: Floats, y: Floats, fold: Ints, weight: Floats) -> Floats:
    """Weighted mean squared error [features] of each feature's curve on the folds it was not drawn from."""
    total = np.zeros(x.shape[1])
    for held in np.unique(fold):
        seen = fold != held
        if not seen.any():
            continue
        mean = np.average(y[seen], weights=weight[seen])
        for feature in range(x.shape[1]):
            said = _curve(x[seen, feature], y[seen], weight[seen], x[~seen, feature], mean, _STEPS)
            total[feature] += np.sum(weight[~seen] * (said - y[~seen]) ** 2)
    return np.asarray(total / weight.sum(), dtype=np.float64)


def _copies(x: Floats, rul: Floats, fold: Ints, weight: Floats) -> Floats:
    """How much of each feature [features] the remaining life explains, in lives that its curve was not drawn from.

    Whatever was made from the label is a function of it, in whatever steps; a measurement differs between parts.
    """
    found = np.full(x.shape[1], np.nan)
    for feature in range(x.shape[1]):
        known = np.isfinite(x[:, feature])
        if not known.any() or np.ptp(x[known, feature]) == 0:
            continue
        y, own, w = x[known, feature], rul[known], weight[known]
        missed = total = 0.0
        for held in np.unique(fold[known]):
            seen = fold[known] != held
            if not seen.any():
                continue
            mean = float(np.average(y[seen], weights=w[seen]))
            said = _curve(own[seen], y[seen], w[seen], own[~seen], mean, _BACK_STEPS)
            missed += float(np.sum(w[~seen] * (said - y[~seen]) ** 2))
            total += float(np.sum(w[~seen] * (mean - y[~seen]) ** 2))
        found[feature] = 1.0 - missed / total if total > 0 else np.nan
    return found


def _flags(data: TrainingSet, wanted: Ints) -> Floats:
    """How well one threshold of the remaining life tells a feature's two values apart [features]; NaN: no two.

    Rows on the wrong side of the best threshold over rows of the rarer value, taken from 1.
    """
    failed = np.flatnonzero(np.isfinite(data.rul))
    order = failed[np.argsort(data.rul[failed], kind="stable")]
    found = np.full(1 + wanted.size, np.nan)
    for place, column in enumerate(wanted.tolist(), start=1):
        x = data.x[order, column]
        rows = np.isfinite(x)
        low, high = x[rows].min(initial=np.inf), x[rows].max(initial=-np.inf)
        near = x[rows] == high
        if not low < high or not np.all(near | (x[rows] == low)):
            continue
        rare = near if 2 * near.sum() <= near.size else ~near
        if np.unique(data.unit[order][rows][rare]).size < _FEWEST:
            continue
        before = np.concatenate([[0], np.cumsum(rare)])
        length = np.arange(rare.size + 1)
        wrong = (length - before) + (rare.sum() - before)
        found[place] = 1.0 - min(wrong.min(), (rare.size - wrong).min()) / rare.sum()
    return found


def _curve(x: Floats, y: Floats, weight: Floats, asked: Floats, otherwise: float, steps: int) -> Floats:
    """Answers [m] of the polyline through the mean of each step of x; `otherwise` where there is no value."""
    known = np.isfinite(x)
    said = np.full(asked.size, otherwise)
    if np.count_nonzero(known) < 2:
        return said
    order = np.argsort(x[known], kind="stable")
    values, answers, weights = x[known][order], y[known][order], weight[known][order]
    # Equal values stay in one step, so that a flag has two.
    step = np.minimum(np.arange(values.size) * steps // values.size, steps - 1)
    step = step[np.searchsorted(values, values, side="left")]
    total = np.bincount(step, weights=weights)
    there = total > 0
    at = np.bincount(step, weights=weights * values)[there] / total[there]
    level = np.bincount(step, weights=weights * answers)[there] / total[there]
    finite = np.isfinite(asked)
    said[finite] = np.interp(asked[finite], at, level)
    return said
