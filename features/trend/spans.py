"""Trends over spans of time, and against the life's own first stretch.

Every span is finite. The exponential mean is cut off after four spans (the rest of an endless one weighs
exp(-8) = 0.03 %).
"""

import numpy as np

from features.registry import Column, FeatureRefusal, LifeSeries, trend, window_sum

__all__ = ["delta", "difference_to_baseline", "mean", "ratio_to_baseline", "slope"]

# Fewer values give no slope and no baseline.
_MIN_VALUES = 3

# A slope or delta needs values over at least this share of its span.
_MIN_COVER = 0.5

_HOUR_US = 3_600_000_000


@trend(unit="{unit}", per_span=True, source="exponentially weighted mean, cut off after four spans", version=1)
def mean(life: LifeSeries, span_us: int) -> Column:
    """Exponential mean over the span.

    Weights exp(-2 age / span) over the last four spans; refused as `too_few_windows` when the last span
    holds no value.

    Example:
        >>> hour = 3_600_000_000
        >>> life = LifeSeries(np.arange(1, 5) * hour, np.full((1, 4), 2.0), 0, 0, hour, hour, hour)
        >>> mean(life, 2 * hour).values
        array([[2., 2., 2., 2.]])
    """
    means = life.mean(span_us)
    return Column.of(means, (FeatureRefusal.TOO_FEW_WINDOWS, np.isnan(means)))


@trend(unit="{unit}/h", per_span=True, source="ordinary least squares of value on time", version=1)
def slope(life: LifeSeries, span_us: int) -> Column:
    """Least-squares slope over the span, per hour.

    Refused as `too_few_windows` with less than three values or when they cover less than half the span.

    Example:
        >>> hour = 3_600_000_000
        >>> life = LifeSeries(np.arange(1, 5) * hour, np.array([[1.0, 3.0, 5.0, 7.0]]), 0, 0, hour, hour, hour)
        >>> slope(life, 4 * hour).values.round(6)
        array([[nan, nan,  2.,  2.]])
    """
    first = life.first_within(span_us)
    valid = ~np.isnan(life.values)
    hours = (life.time_us - life.time_us[0]) / _HOUR_US
    centre = np.nanmedian(np.where(valid.any(axis=1, keepdims=True), life.values, 0.0), axis=1, keepdims=True)
    y = np.where(valid, life.values - centre, 0.0)
    x = np.where(valid, hours, 0.0)
    count = window_sum(valid.astype(np.float64), first)
    sum_x, sum_y = window_sum(x, first), window_sum(y, first)
    n = np.maximum(count, 1.0)
    covariance = window_sum(x * y, first) - sum_x * sum_y / n
    variance = window_sum(x * x, first) - sum_x**2 / n
    few = (count < _MIN_VALUES) | (_cover_us(life, valid, first) < _MIN_COVER * span_us)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Column.of(covariance / variance, (FeatureRefusal.TOO_FEW_WINDOWS, few))


@trend(unit="{unit}", per_span=True, source="difference of smoothed values one span apart", version=1)
def delta(life: LifeSeries, span_us: int) -> Column:
    """Smoothed value now less the smoothed value one span ago.

    Both are exponential means of the shortest span; the earlier one is of the newest row that is at
    least one span and at most one and a half spans old. Refused as `too_few_windows` without such a row.

    Example:
        >>> hour = 3_600_000_000
        >>> life = LifeSeries(np.arange(1, 4) * hour, np.array([[1.0, 1.0, 5.0]]), 0, 0, hour, hour // 1000, hour)
        >>> delta(life, hour).values.round(6)
        array([[nan,  0.,  4.]])
    """
    smooth = life.mean(life.shortest_us)
    before = np.searchsorted(life.time_us, life.time_us - span_us, side="right") - 1
    found = before >= 0
    age = np.where(found, life.time_us - life.time_us[np.maximum(before, 0)], 0)
    found &= age <= (1 + _MIN_COVER) * span_us
    earlier = np.where(found, smooth[:, np.maximum(before, 0)], np.nan)
    values = smooth - earlier
    return Column.of(values, (FeatureRefusal.TOO_FEW_WINDOWS, np.isnan(values)))


@trend(
    unit="1",
    per_span=False,
    positive=True,
    source="smoothed value over the median of the life's own first stretch",
    version=1,
)
def ratio_to_baseline(life: LifeSeries, span_us: int) -> Column:
    """Exponential mean of the shortest span over the median of the life's own first stretch.

    Refused as `too_few_windows` until that stretch is over, or when it held less than three values.

    Example:
        >>> hour = 3_600_000_000
        >>> values = np.array([[2.0, 2.0, 2.0, 2.0, 6.0]])
        >>> life = LifeSeries(np.arange(1, 6) * hour, values, 0, 0, 3 * hour, 1, hour)
        >>> ratio_to_baseline(life, 0).values
        array([[nan, nan,  1.,  1.,  3.]])
    """
    reference = life.baseline()
    smooth = life.mean(life.shortest_us)
    few = np.isnan(reference) | np.isnan(smooth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Column.of(smooth / reference, (FeatureRefusal.TOO_FEW_WINDOWS, few))


@trend(
    unit="{unit}",
    per_span=False,
    positive=False,
    source="smoothed value less the median of the life's own first stretch",
    version=1,
)
def difference_to_baseline(life: LifeSeries, span_us: int) -> Column:
    """Exponential mean of the shortest span less the median of the life's own first stretch.

    Refused as `ratio_to_baseline`.

    Example:
        >>> hour = 3_600_000_000
        >>> values = np.array([[2.0, 2.0, 2.0, 2.0, 6.0]])
        >>> life = LifeSeries(np.arange(1, 6) * hour, values, 0, 0, 3 * hour, 1, hour)
        >>> difference_to_baseline(life, 0).values
        array([[nan, nan,  0.,  0.,  4.]])
    """
    values = life.mean(life.shortest_us) - life.baseline()
    return Column.of(values, (FeatureRefusal.TOO_FEW_WINDOWS, np.isnan(values)))


def _cover_us(life: LifeSeries, valid: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Time from the first value at or after `first` to the newest value of each row, plus one step."""
    time_us, n = life.time_us, len(life.time_us)
    index = np.arange(n)
    newest = np.maximum.accumulate(np.where(valid, index, -1), axis=1)
    coming = np.minimum.accumulate(np.where(valid, index, n)[:, ::-1], axis=1)[:, ::-1]
    oldest = coming[:, np.minimum(first, n - 1)]
    inside = (oldest <= newest) & (newest >= 0)
    cover = time_us[np.maximum(newest, 0)] - time_us[np.minimum(oldest, n - 1)] + life.grid_us
    return np.where(inside, cover, 0)
