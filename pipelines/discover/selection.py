"""Which calculators are relevant, at a controlled rate of false ones, and which of them tell new things."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.stats

from pipelines.discover.extraction import Column

__all__ = ["Candidate", "adjusted", "combined", "distinct"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Fewer common windows tell nothing of whether two features are alike.
_MIN_COMMON = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A calculator over windows of a level-1 feature, with its values at the drawn rows."""

    level: str
    span: str
    column: Column
    p_value: float
    rows: Ints
    values: Floats

    @property
    def order(self) -> tuple[float, str, str, str]:
        """The most telling first; equal ones by name, so that the choice is always the same."""
        return self.p_value, self.level, self.span, self.column.name


def combined(p: Floats) -> Floats:
    """One p-value from those of several draws of the same lives: twice their median, at most 1.

    The draws depend on each other in an unknown way, as they show the same lives; twice the median of p-values
    is valid whatever their dependence. NaN (not tested in a draw) counts as 1; NaN in all draws stays.

    Args:
        p: float64 [draws, columns].

    References:
        N. Meinshausen, L. Meier, P. Buehlmann, "p-values for high-dimensional regression", Journal of the
        American Statistical Association 104 (2009), theorem 3.1 with gamma = 1/2.

    Example:
        >>> combined(np.array([[0.01, 0.5], [0.02, 0.9], [0.3, np.nan]]))
        array([0.04, 1.  ])
    """
    tested = ~np.isnan(p).all(axis=0)
    twice = np.minimum(1.0, 2 * np.median(np.where(np.isnan(p), 1.0, p), axis=0))
    return np.where(tested, twice, np.nan)


def adjusted(p: Floats) -> Floats:
    """p-values [k] adjusted for their number, under any dependence: those up to q have a false share of q.

    References:
        Y. Benjamini, D. Yekutieli, "The control of the false discovery rate in multiple testing under
        dependency", The Annals of Statistics 29 (2001), theorem 1.3.

    Example:
        >>> adjusted(np.array([0.01, 0.04])).round(4)
        array([0.03, 0.06])
    """
    k = p.size
    order = np.argsort(p, kind="stable")
    raised = p[order] * k * np.sum(1.0 / np.arange(1, k + 1)) / np.arange(1, k + 1)
    found = np.empty(k)
    found[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return found


def distinct(
    candidates: Sequence[Candidate], existing: Floats, *, of_level: dict[str, Ints], alike: float, keep: int
) -> list[Candidate]:
    """The most telling candidates of which none tells what another, or a feature that is there, tells already.

    Args:
        candidates: In any order.
        existing: float64 [n, features], the training set's features.
        of_level: Level-1 feature -> columns of `existing` that stand on it.
        alike: Magnitude of the rank correlation from which on two tell the same.
        keep: At most so many.
    """
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: c.order):
        if len(kept) == keep:
            break
        there = existing[np.ix_(one.rows, of_level.get(one.level, np.zeros(0, np.int64)))]
        known = any(_alike(one.values, column, alike) for column in there.T)
        if not known and not any(_same(one, other, alike) for other in kept):
            kept.append(one)
    return kept


def _same(one: Candidate, other: Candidate, alike: float) -> bool:
    _, here, there = np.intersect1d(one.rows, other.rows, return_indices=True)
    return _alike(one.values[here], other.values[there], alike)


def _alike(one: Floats, other: Floats, alike: float) -> bool:
    both = np.isfinite(one) & np.isfinite(other)
    if np.count_nonzero(both) < _MIN_COMMON:
        return False
    a, b = scipy.stats.rankdata(one[both]), scipy.stats.rankdata(other[both])
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return bool(spread > 0 and abs(a @ b) >= alike * spread)
