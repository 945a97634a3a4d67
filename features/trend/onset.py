"""Since when a level is no longer what it was in the life's own first stretch.

References:
    E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954): the cumulative sum, and its latest
    zero before the alarm as the estimate of the change point.
"""

import numpy as np

from features.registry import Column, FeatureRefusal, LifeSeries, trend

__all__ = ["change_points", "hours_since_onset"]

# Deviations smaller than that many standard deviations are not summed.
_SLACK = 1.0

# A sum of that many standard deviations is a change.
_ALARM = 10.0

# One row counts for at most that many standard deviations, so that no single spike is a change: three
# rows far away, or more that are nearer, are needed.
_CLIP = 5.0

# Scale of the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826

# Fewer values in the first stretch give no scatter.
_MIN_VALUES = 5

_HOUR_US = 3_600_000_000


@trend(
    unit="h",
    per_span=False,
    source="two-sided cumulative sum, Page 1954, against median and scatter of the life's own first stretch",
    version=1,
    levels=("rms_m_s2", "rise_over_ambient_k"),
)
def hours_since_onset(life: LifeSeries, span_us: int) -> Column:
    """Hours since the level left what it was in the life's own first stretch.

    Counted from the latest row at which the cumulative sum was zero. Refused as `too_few_windows` until
    that stretch is over or when it held less than five values, as `constant` when these did not scatter,
    as `no_change` while nothing has changed, also when a change has gone again.

    Example:
        >>> hour = 3_600_000_000
        >>> values = np.array([[1.0, 1.1, 0.9, 1.0, 1.05, 1.0, 9.0, 9.0, 9.0, 9.0]])
        >>> life = LifeSeries(np.arange(1, 11) * hour, values, 0, 0, 5 * hour, hour, hour)
        >>> hours_since_onset(life, 0).values
        array([[nan, nan, nan, nan, nan, nan, nan, nan,  3.,  4.]])
    """
    inside = life.values[:, life.in_baseline()]
    enough = np.count_nonzero(~np.isnan(inside), axis=1) >= _MIN_VALUES
    middle, sigma = _scatter(np.where(enough[:, None], inside, 0.0))
    over = life.after_baseline()
    moved = np.where(over, (life.values - middle) / np.where(sigma > 0, sigma, np.inf), np.nan)
    onset = change_points(moved)
    hours = (life.time_us - life.time_us[np.maximum(onset, 0)]) / _HOUR_US
    return Column.of(
        hours,
        (FeatureRefusal.TOO_FEW_WINDOWS, ~(over & enough[:, None])),
        (FeatureRefusal.CONSTANT, np.broadcast_to(sigma <= 0, hours.shape)),
        (FeatureRefusal.NO_CHANGE, onset < 0),
    )


def change_points(deviations: np.ndarray) -> np.ndarray:
    """Change point as seen from each row, from that row and earlier ones only.

    Args:
        deviations: float64 [f, n] in standard deviations, NaN where there is no value: it moves nothing.

    Returns:
        int64 [f, n], the row after which the level changed; -1 while there is no change. The first row of
        all stands for one before the series.

    Example:
        >>> change_points(np.array([[0.0, 0.0, 4.0, 4.0, 4.0, 4.0, -9.0, -9.0, -9.0]]))
        array([[-1, -1, -1, -1, -1,  1,  1, -1,  5]])
    """
    clipped = np.clip(deviations, -_CLIP, _CLIP)
    found = np.full(deviations.shape, -1)
    for side in (clipped, -clipped):
        sums = np.cumsum(np.where(np.isnan(side), 0.0, side - _SLACK), axis=1)
        lowest = np.minimum(np.minimum.accumulate(sums, axis=1), 0.0)
        page = sums - lowest
        place = np.arange(page.shape[1])
        zero = np.maximum.accumulate(np.where(page <= 0, place, -1), axis=1)
        alarm = np.maximum.accumulate(np.where(page >= _ALARM, place, -1), axis=1)
        found = np.maximum(found, np.where(alarm > zero, np.maximum(zero, 0), -1))
    return found


def _scatter(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust standard deviation of each row, [f, 1]."""
    if not inside.shape[1]:
        nothing = np.zeros((len(inside), 1))
        return nothing, nothing
    middle = np.nanmedian(inside, axis=1, keepdims=True)
    return middle, _MAD_TO_SIGMA * np.nanmedian(np.abs(inside - middle), axis=1, keepdims=True)
