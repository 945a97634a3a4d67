"""Medians along time, and values held over rows that have none."""

import warnings

import numpy as np

from features.rul.condition.rows import Bools, Floats

__all__ = ["MAD_TO_SIGMA", "RECENT_OBSERVATIONS", "hold", "median", "robust_sigma", "rolling_median"]

# A level is the median of this many latest observations: one or two spikes of five never move it.
RECENT_OBSERVATIONS = 5

# Scale of the median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826


def rolling_median(values: Floats, width: int) -> Floats:
    """Median of the latest `width` rows, [n, columns]; NaN before there are as many, and of NaN alone."""
    result = np.full(values.shape, np.nan)
    if values.shape[0] >= width:
        windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)
        result[width - 1 :] = median(windows)
    return result


def median(values: Floats) -> Floats:
    """Median over the last axis without NaN; NaN where nothing is left."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    if np.isfinite(values).all():
        return np.asarray(np.median(values, axis=-1), dtype=np.float64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=-1), dtype=np.float64)


def robust_sigma(values: Floats) -> float:
    """Standard deviation of a normal distribution of the same median absolute deviation; NaN are left out.

    Example:
        >>> round(robust_sigma(np.array([1.0, 2.0, 3.0, np.nan, 99.0])), 4)
        1.4826
    """
    middle = median(values)
    return MAD_TO_SIGMA * float(median(np.abs(values - middle)))


def hold(values: Floats, seen: Bools) -> Floats:
    """Each row's value, or the one of the latest row that was seen; NaN before the first."""
    latest = np.maximum.accumulate(np.where(seen, np.arange(values.size), -1))
    return np.where(latest >= 0, values[np.maximum(latest, 0)], np.nan)
