"""Trend features: pure functions of the times and values of one life's rows, vectorised over rows.

Nothing is carried from call to call: every span is finite, so the same rows give the same numbers
whether they come in one batch, day by day with their history, or from a request. The exponential mean
is cut off after four spans (the rest of an endless one weighs exp(-8) = 0.03 %).
"""

from dataclasses import dataclass, field

import numpy as np

from features.registry import Column, FeatureRefusal, trend

__all__ = ["LifeSeries", "delta", "difference_to_baseline", "mean", "ratio_to_baseline", "slope"]

# Length of the exponential mean's window in spans.
_MEMORY_SPANS = 4

# Time constant of the exponential mean in spans: the mean age of its weights is then that of an
# exponential mean of the same span in the usual sense (weight 2/(span + 1) for the newest step).
_TIME_CONSTANT = 0.5

# Fewer values give no slope and no baseline.
_MIN_VALUES = 3

# A slope or delta needs values over at least this share of its span.
_MIN_COVER = 0.5

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class LifeSeries:
    """Rows of one life, in order of time.

    Args:
        time_us: Row times, int64 [n], n at least 1, strictly increasing.
        values: float64 [f, n], one row a level-1 feature, NaN where there is no value.
        start_us: Begin of the life.
        run_in_us: Time after it that is no reference.
        baseline_us: Length of the reference stretch after that.
        shortest_us: The shortest span of the class's memory, used to smooth deltas and ratios.
        grid_us: The machine's grid step.
    """

    time_us: np.ndarray
    values: np.ndarray
    start_us: int
    run_in_us: int
    baseline_us: int
    shortest_us: int
    grid_us: int
    _means: dict[int, np.ndarray] = field(default_factory=dict)

    def mean(self, span_us: int) -> np.ndarray:
        """Exponential mean of that span at each row, [f, n]; NaN without a value in the last span."""
        if span_us not in self._means:
            self._means[span_us] = _exponential_mean(self.time_us, self.values, span_us)
        return self._means[span_us]

    def first_within(self, span_us: int) -> np.ndarray:
        """Index of the first row later than `time - span`, for each row."""
        return np.searchsorted(self.time_us, self.time_us - span_us, side="right")

    def baseline(self) -> np.ndarray:
        """Median of the life's own first stretch, [f, n]; NaN until it is over or with too few values."""
        first = self.start_us + self.run_in_us
        last = first + self.baseline_us
        inside = self.values[:, (self.time_us > first) & (self.time_us <= last)]
        enough = np.count_nonzero(~np.isnan(inside), axis=1) >= _MIN_VALUES
        reference = np.full(len(self.values), np.nan)
        if enough.any():
            reference[enough] = np.nanmedian(inside[enough], axis=1)
        return np.where(self.time_us >= last, reference[:, None], np.nan)


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
    count = _window_sum(valid.astype(np.float64), first)
    sum_x, sum_y = _window_sum(x, first), _window_sum(y, first)
    n = np.maximum(count, 1.0)
    covariance = _window_sum(x * y, first) - sum_x * sum_y / n
    variance = _window_sum(x * x, first) - sum_x**2 / n
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


def _window_sum(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum over the rows from `first` to each row, [f, n]."""
    cumulated = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    return np.asarray(cumulated[:, 1:] - cumulated[:, first])


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


def _exponential_mean(time_us: np.ndarray, values: np.ndarray, span_us: int) -> np.ndarray:
    """Mean with weights exp(-age / time constant) over the last four spans, [f, n]."""
    n = len(time_us)
    if n == 0:
        return values.copy()
    gaps = np.diff(time_us)
    step = int(np.gcd.reduce(gaps)) if n > 1 else span_us
    window = -(-_MEMORY_SPANS * span_us // step)
    # Rows on an even axis; gaps beyond the window are all the same.
    at = np.concatenate([[0], np.cumsum(np.minimum(gaps // step, window + 1))])
    valid = ~np.isnan(values)
    axis = np.zeros((2, len(values), int(at[-1]) + 1))
    axis[0][:, at] = np.where(valid, values, 0.0)
    axis[1][:, at] = valid
    decay = np.exp(-step / (_TIME_CONSTANT * span_us))
    sums = _decayed_sum(axis, decay, window)
    found = _window_sum(valid.astype(np.float64), np.searchsorted(time_us, time_us - span_us, side="right")) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found, sums[0][:, at] / sums[1][:, at], np.nan)


def _decayed_sum(values: np.ndarray, decay: float, window: int) -> np.ndarray:
    """Sum of `decay ** k` times the value k places before, over k < window, along the last axis.

    By doubling: the sum over 2 m places is the one over m places plus its decayed self m places before.
    Nothing is subtracted, so that no rounding is left behind by values outside the window.
    """
    total, block = np.zeros_like(values), values.copy()
    covered, size, rest = 0, 1, min(window, values.shape[-1])
    while rest:
        if rest & 1:
            total[..., covered:] += decay**covered * block[..., : block.shape[-1] - covered]
            covered += size
        rest >>= 1
        if rest:
            earlier = decay**size * block[..., :-size]
            block[..., size:] += earlier
            size *= 2
    return total
