"""Where the training lives were, and how far a life that was not seen strays from there."""

from dataclasses import replace

import numpy as np

from features.rul.artefact import Domain
from pipelines.model.examples import UNJUDGED, Floats, Ints

__all__ = ["fit_domain", "fit_domain_of_few"]

# A single feature may lie this many times as far outside as any life lay outside of the others, and this share of
# the range more: parts fail harder than parts before them, machines of another kind are elsewhere altogether.
_TIMES, _MORE = 2.0, 0.5

# Less than this share of its size is no other kind of machine: a sensor that hardly moves has hardly a range.
_NO_LESS = 0.05

# Share of the features that may lie outside where only a handful of lives are known.
_FEW_OUTSIDE = 0.5


def fit_domain(names: tuple[str, ...], x: Floats, fold: Ints) -> Domain:
    """Range of each feature, the share of rows that had it, and how far outside a feature may lie alone.

    Args:
        names: Of the columns.
        x: Features [n, names] of the lives that were learnt from, NaN where missing.
        fold: Fold of each row [n], whole lives: each fold is held against the range of the others; `UNJUDGED`: it
            only adds to the range.
    """
    low, high = _range(x)
    strayed = np.zeros(x.shape[1])
    for number in np.unique(fold):
        held = fold == number
        if held.all() or number == UNJUDGED:
            continue
        strayed = np.maximum(strayed, _straying(x[held], *_range(x[~held])))
    with np.errstate(invalid="ignore", divide="ignore"):
        least = _NO_LESS * np.maximum(np.abs(low), np.abs(high)) / (high - low)
    reach = np.maximum(_TIMES * strayed + _MORE, np.where(np.isfinite(least), least, np.inf))
    # What follows from a level over time (`point.feature.trend`) strays with it, or because parts wear.
    reach[[name.count(".") > 1 for name in names]] = np.inf
    present = np.isfinite(x).mean(axis=0)
    return Domain(
        tuple(low.tolist()), tuple(high.tolist()), tuple(present.tolist()), tuple(reach.tolist()), names=names
    )


def fit_domain_of_few(names: tuple[str, ...], x: Floats, fold: Ints) -> Domain:
    """The domain where only a handful of lives are known, each of them outside of the others somewhere.

    Every range is widened by the reach of its feature (see `fit_domain`), and most of the features have to lie
    outside at once: a part that fails harder than a few others did breaks out in some of its readings, a machine
    of another kind, or a sensor in another unit, in all of them.

    Args:
        names: Of the columns; none: nothing is checked.
        x: Features [n, names] of all lives, NaN where missing.
        fold: Fold of each row [n], whole lives.
    """
    if not names:
        return Domain()
    found = fit_domain(names, x, fold)
    low, high, reach = (np.array(bound) for bound in (found.low, found.high, found.reach))
    with np.errstate(invalid="ignore"):
        more = np.where(high > low, reach * (high - low), np.inf)
    return replace(
        found,
        low=tuple((low - more).tolist()),
        high=tuple((high + more).tolist()),
        reach=(),
        tolerated_share=_FEW_OUTSIDE,
    )


def _range(x: Floats) -> tuple[Floats, Floats]:
    seen = np.isfinite(x)
    return np.where(seen, x, np.inf).min(axis=0), np.where(seen, x, -np.inf).max(axis=0)


def _straying(x: Floats, low: Floats, high: Floats) -> Floats:
    """The furthest that a row of x lies outside of a range, per feature, as a share of the range."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.maximum(low - x, x - high) / (high - low)
    return np.asarray(np.where(np.isfinite(share), np.maximum(share, 0.0), 0.0).max(axis=0, initial=0.0))
