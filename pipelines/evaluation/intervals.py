"""How honest and how narrow a band is."""

import numpy as np

from pipelines.evaluation.errors import Floats, Strings, bias

__all__ = ["coverage", "interval_score", "interval_scores", "width"]


def coverage(truth: Floats, low: Floats, high: Floats, unit: Strings) -> float:
    """Mean over lives of the share of truths [n] inside [low, high]; NaN without rows."""
    return bias(((low <= truth) & (truth <= high)).astype(np.float64), unit)


def width(low: Floats, high: Floats, unit: Strings) -> float:
    """Mean over lives of the mean width, life units; NaN without rows."""
    return bias(high - low, unit)


def interval_score(truth: Floats, low: Floats, high: Floats, unit: Strings, *, nominal: float) -> float:
    """Mean over lives of `interval_scores`; NaN without rows."""
    return bias(interval_scores(truth, low, high, nominal=nominal), unit)


def interval_scores(truth: Floats, low: Floats, high: Floats, *, nominal: float) -> Floats:
    """Width plus a penalty for a miss [n]; smaller is better, life units.

    References:
        T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102
        (2007), eq. 43, with alpha = 1 - nominal.
    """
    penalty = 2.0 / (1.0 - nominal)
    missed = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return np.asarray(high - low + penalty * missed, dtype=np.float64)
