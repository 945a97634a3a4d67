"""Memory over the rows of lives, compiled; one pass from each life's first row, so that later rows change nothing.

All take rows [n] of one or several lives, each in order of time: `x` float64 [n, m], NaN where there is no value;
`hours` [n], time of each row; `first` int64 [n], place of the first row of the row's life. Spans are in hours.
"""

from collections.abc import Callable
from typing import TypeVar

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["below", "expanding_mean", "first_stretch", "lagged", "mean", "project", "slope", "spread"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_F = TypeVar("_F", bound=Callable[..., Floats])

# A slope or a spread needs that many values, and a slope that they lie at least that share of the span apart.
_FEWEST, _COVER = 3, 0.4

# An earlier value may be that many spans old.
_OLDEST = 1.5


def _compiled(function: _F) -> _F:
    compiled: _F = numba.njit(cache=True, nogil=True)(function)
    return compiled


@_compiled
def mean(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Exponential mean [n, m], weights exp(-2 age / span); NaN before the first value."""
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        total, weight = 0.0, 0.0
        for i in range(x.shape[0]):
            if first[i] == i:
                total, weight = 0.0, 0.0
            else:
                kept = np.exp(-2.0 * (hours[i] - hours[i - 1]) / span)
                total, weight = total * kept, weight * kept
            if not np.isnan(x[i, j]):
                total, weight = total + x[i, j], weight + 1.0
            if weight > 1e-6:
                out[i, j] = total / weight
    return out


@_compiled
def slope(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Least-squares slope [n, m] per hour over the last span; NaN where values are few or near together."""
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        oldest, origin = 0, np.nan
        n, t1, t2, y1, ty = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(x.shape[0]):
            if first[i] == i:
                oldest, origin = i, np.nan
                n, t1, t2, y1, ty = 0.0, 0.0, 0.0, 0.0, 0.0
            if not np.isnan(x[i, j]):
                if np.isnan(origin):
                    origin = x[i, j]
                t, y = hours[i] - hours[first[i]], x[i, j] - origin
                n, t1, t2, y1, ty = n + 1.0, t1 + t, t2 + t * t, y1 + y, ty + t * y
            while hours[oldest] <= hours[i] - span:
                if not np.isnan(x[oldest, j]):
                    t, y = hours[oldest] - hours[first[i]], x[oldest, j] - origin
                    n, t1, t2, y1, ty = n - 1.0, t1 - t, t2 - t * t, y1 - y, ty - t * y
                oldest += 1
            if n >= _FEWEST and hours[i] - hours[oldest] >= _COVER * span:
                scatter = t2 - t1 * t1 / n
                if scatter > 1e-9 * t2:
                    out[i, j] = (ty - t1 * y1 / n) / scatter
    return out


@_compiled
def spread(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Standard deviation [n, m] over the last span; NaN below three values."""
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        oldest, origin, n, y1, y2 = 0, np.nan, 0.0, 0.0, 0.0
        for i in range(x.shape[0]):
            if first[i] == i:
                oldest, origin, n, y1, y2 = i, np.nan, 0.0, 0.0, 0.0
            if not np.isnan(x[i, j]):
                if np.isnan(origin):
                    origin = x[i, j]
                y = x[i, j] - origin
                n, y1, y2 = n + 1.0, y1 + y, y2 + y * y
            while hours[oldest] <= hours[i] - span:
                if not np.isnan(x[oldest, j]):
                    y = x[oldest, j] - origin
                    n, y1, y2 = n - 1.0, y1 - y, y2 - y * y
                oldest += 1
            if n >= _FEWEST:
                out[i, j] = np.sqrt(max(y2 / n - (y1 / n) ** 2, 0.0))
    return out


@_compiled
def lagged(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Values [n, m] of the newest row that is at least one span and at most one and a half spans old, else NaN."""
    out = np.full(x.shape, np.nan)
    place = 0
    for i in range(x.shape[0]):
        place = max(place, first[i])
        while place + 1 <= i and hours[place + 1] <= hours[i] - span:
            place += 1
        age = hours[i] - hours[place]
        if span <= age <= _OLDEST * span:
            out[i] = x[place]
    return out


@_compiled
def expanding_mean(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Mean [n, m] of all values of the life so far; `span` is not used."""
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        total, n = 0.0, 0.0
        for i in range(x.shape[0]):
            if first[i] == i:
                total, n = 0.0, 0.0
            if not np.isnan(x[i, j]):
                total, n = total + x[i, j], n + 1.0
            if n > 0:
                out[i, j] = total / n
    return out


@_compiled
def first_stretch(x: Floats, hours: Floats, first: Ints, span: float) -> Floats:
    """Mean [n, m] of the values of the life's first span, so far as it has passed; NaN before the first value."""
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        total, n = 0.0, 0.0
        for i in range(x.shape[0]):
            if first[i] == i:
                total, n = 0.0, 0.0
            if hours[i] - hours[first[i]] < span and not np.isnan(x[i, j]):
                total, n = total + x[i, j], n + 1.0
            if n > 0:
                out[i, j] = total / n
    return out


@_compiled
def below(x: Floats, hours: Floats, first: Ints, threshold: float) -> Floats:
    """Hours [n, m] that the life has spent below the threshold so far; the first row counts none."""
    out = np.zeros(x.shape)
    for j in range(x.shape[1]):
        for i in range(x.shape[0]):
            if first[i] != i:
                out[i, j] = out[i - 1, j]
                if x[i, j] < threshold:
                    out[i, j] += hours[i] - hours[i - 1]
    return out


@_compiled
def project(x: Floats, regime: Ints, weights: Floats, offset: Floats) -> Floats:
    """Weighted sums [n, k] of each row by its regime's weights [regimes, k, m] and offset [regimes, k].

    The order of the sum never depends on the number of rows; NaN stays NaN, an unknown regime (-1) gives NaN.
    """
    out = np.full((x.shape[0], weights.shape[1]), np.nan)
    for i in range(x.shape[0]):
        r = regime[i]
        if r < 0:
            continue
        for k in range(weights.shape[1]):
            total = offset[r, k]
            for j in range(x.shape[1]):
                total += x[i, j] * weights[r, k, j]
            out[i, k] = total
    return out
