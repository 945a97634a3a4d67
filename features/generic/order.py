"""Calculators of what follows what in a window: changes, runs, places, lags.

All follow tsfresh 0.21, which the tests compare them with.
"""

import numpy as np

from features.generic.calculator import calculator

__all__: list[str] = []

# What numpy calls close to 0 (`isclose`): windows of less variance have no autocorrelation.
_CLOSE_TO_ZERO = 1e-8


@calculator(unit="{unit}")
def mean_abs_change(x: np.ndarray) -> np.ndarray:
    """Mean magnitude of the change from value to value.

    Example:
        >>> mean_abs_change(np.array([[1.0, 3.0, 2.0]]))
        array([1.5])
    """
    if x.shape[1] < 2:
        return np.full(len(x), np.nan)
    return np.asarray(np.abs(np.diff(x, axis=1)).mean(axis=1))


@calculator(unit="{unit}")
def mean_change(x: np.ndarray) -> np.ndarray:
    """Mean change from value to value: (last - first) / (m - 1).

    Example:
        >>> mean_change(np.array([[1.0, 9.0, 3.0]]))
        array([1.])
    """
    return (x[:, -1] - x[:, 0]) / (x.shape[1] - 1) if x.shape[1] > 1 else np.full(len(x), np.nan)


@calculator(unit="{unit}")
def absolute_sum_of_changes(x: np.ndarray) -> np.ndarray:
    """Sum of the magnitudes of the changes from value to value.

    Example:
        >>> absolute_sum_of_changes(np.array([[1.0, 3.0, 2.0]]))
        array([3.])
    """
    return np.asarray(np.abs(np.diff(x, axis=1)).sum(axis=1))


@calculator(unit="{unit}")
def mean_second_derivative_central(x: np.ndarray) -> np.ndarray:
    """Mean central second difference; not defined below 3 values.

    Example:
        >>> mean_second_derivative_central(np.array([[0.0, 1.0, 4.0]]))
        array([1.])
    """
    m = x.shape[1]
    if m < 3:
        return np.full(len(x), np.nan)
    return np.asarray((x[:, -1] - x[:, -2] - x[:, 1] + x[:, 0]) / (2 * (m - 2)))


@calculator(unit="{unit}")
def cid_ce(x: np.ndarray, normalize: bool) -> np.ndarray:
    """Complexity: root of the sum of squared changes, of the values as they are or standardised.

    References:
        G. Batista et al., "CID: an efficient complexity-invariant distance for time series", Data Mining
        and Knowledge Discovery 28 (2014), section 4.

    Example:
        >>> cid_ce(np.array([[0.0, 3.0, 7.0]]), normalize=False)
        array([5.])
    """
    if normalize:
        spread = x.std(axis=1, keepdims=True)
        x = np.where(spread == 0, 0.0, (x - x.mean(axis=1, keepdims=True)) / spread)
    change = np.diff(x, axis=1)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", change, change)))


@calculator(unit="{unit}^3")
def c3(x: np.ndarray, lag: int) -> np.ndarray:
    """Mean of x(t + 2 lag) x(t + lag) x(t): non-linearity; 0 when the window is too short.

    References:
        T. Schreiber, A. Schmitz, "Discrimination power of measures for nonlinearity in a time series",
        Physical Review E 55 (1997), equation for C3.

    Example:
        >>> c3(np.array([[1.0, 2.0, 3.0, 4.0]]), lag=1)
        array([15.])
    """
    last = x.shape[1] - 2 * lag
    if last <= 0:
        return np.zeros(len(x))
    return np.asarray((x[:, 2 * lag :] * x[:, lag:-lag] * x[:, :last]).mean(axis=1))


@calculator(unit="{unit}^3")
def time_reversal_asymmetry_statistic(x: np.ndarray, lag: int) -> np.ndarray:
    """Mean of x(t + 2 lag)^2 x(t + lag) - x(t + lag) x(t)^2; 0 when the window is too short.

    References:
        B. D. Fulcher, N. S. Jones, "Highly comparative feature-based time-series classification", IEEE
        Transactions on Knowledge and Data Engineering 26 (2014).

    Example:
        >>> time_reversal_asymmetry_statistic(np.array([[1.0, 2.0, 3.0]]), lag=1)
        array([16.])
    """
    last = x.shape[1] - 2 * lag
    if last <= 0:
        return np.zeros(len(x))
    now, next_, then = x[:, :last], x[:, lag:-lag], x[:, 2 * lag :]
    return np.asarray((then * then * next_ - next_ * now * now).mean(axis=1))


@calculator(unit="1", varies=True)
def autocorrelation(x: np.ndarray, lag: int) -> np.ndarray:
    """Autocorrelation at a lag, unbiased; not defined when the window is too short or hardly varies.

    Example:
        >>> autocorrelation(np.array([[1.0, -1.0, 1.0, -1.0]]), lag=1)
        array([-1.])
    """
    m = x.shape[1]
    if m <= lag:
        return np.full(len(x), np.nan)
    apart = x - x.mean(axis=1, keepdims=True)
    spread = x.var(axis=1)
    together = (apart[:, : m - lag] * apart[:, lag:]).sum(axis=1)
    return np.where(spread <= _CLOSE_TO_ZERO, np.nan, together / ((m - lag) * spread))


@calculator(unit="1")
def number_peaks(x: np.ndarray, n: int) -> np.ndarray:
    """Number of values higher than each of their n neighbours to either side.

    Example:
        >>> number_peaks(np.array([[0.0, 2.0, 1.0, 3.0, 0.0]]), n=1)
        array([2.])
    """
    m = x.shape[1]
    if m <= 2 * n:
        return np.zeros(len(x))
    centre = x[:, n : m - n]
    peak = np.ones(centre.shape, dtype=np.bool_)
    for apart in range(1, n + 1):
        peak &= (centre > x[:, n - apart : m - n - apart]) & (centre > x[:, n + apart : m - n + apart])
    return np.asarray(peak.sum(axis=1), dtype=np.float64)


@calculator(unit="1")
def number_crossing_m(x: np.ndarray, m: float) -> np.ndarray:
    """How often the values cross the level m.

    Example:
        >>> number_crossing_m(np.array([[-1.0, 1.0, -1.0]]), m=0)
        array([2.])
    """
    return np.asarray(np.diff(x > m, axis=1).sum(axis=1), dtype=np.float64)


@calculator(unit="1", varies=True)
def count_above_mean(x: np.ndarray) -> np.ndarray:
    """Number of values above the window's mean.

    Example:
        >>> count_above_mean(np.array([[0.0, 0.0, 3.0]]))
        array([1.])
    """
    return np.asarray((x > x.mean(axis=1, keepdims=True)).sum(axis=1), dtype=np.float64)


@calculator(unit="1", varies=True)
def count_below_mean(x: np.ndarray) -> np.ndarray:
    """Number of values below the window's mean.

    Example:
        >>> count_below_mean(np.array([[0.0, 0.0, 3.0]]))
        array([2.])
    """
    return np.asarray((x < x.mean(axis=1, keepdims=True)).sum(axis=1), dtype=np.float64)


@calculator(unit="1", varies=True)
def longest_strike_above_mean(x: np.ndarray) -> np.ndarray:
    """Length of the longest run of values above the window's mean.

    Example:
        >>> longest_strike_above_mean(np.array([[0.0, 5.0, 6.0, 0.0, 7.0]]))
        array([2.])
    """
    return _longest(x > x.mean(axis=1, keepdims=True))


@calculator(unit="1", varies=True)
def longest_strike_below_mean(x: np.ndarray) -> np.ndarray:
    """Length of the longest run of values below the window's mean.

    Example:
        >>> longest_strike_below_mean(np.array([[0.0, 0.0, 6.0, 0.0, 7.0]]))
        array([2.])
    """
    return _longest(x < x.mean(axis=1, keepdims=True))


def _longest(inside: np.ndarray) -> np.ndarray:
    """Longest run of True in each row."""
    place = np.arange(1, inside.shape[1] + 1)
    outside = np.maximum.accumulate(np.where(inside, 0, place), axis=1)
    return np.asarray((place - outside).max(axis=1), dtype=np.float64)


@calculator(unit="1", varies=True)
def first_location_of_maximum(x: np.ndarray) -> np.ndarray:
    """Where the highest value is first, as a share of the window.

    Example:
        >>> first_location_of_maximum(np.array([[0.0, 3.0, 3.0, 0.0]]))
        array([0.25])
    """
    return np.asarray(np.argmax(x, axis=1) / x.shape[1])


@calculator(unit="1", varies=True)
def last_location_of_maximum(x: np.ndarray) -> np.ndarray:
    """Where the stretch after the last highest value begins, as a share of the window.

    Example:
        >>> last_location_of_maximum(np.array([[0.0, 3.0, 3.0, 0.0]]))
        array([0.75])
    """
    return np.asarray(1.0 - np.argmax(x[:, ::-1], axis=1) / x.shape[1])


@calculator(unit="1", varies=True)
def first_location_of_minimum(x: np.ndarray) -> np.ndarray:
    """Where the lowest value is first, as a share of the window.

    Example:
        >>> first_location_of_minimum(np.array([[2.0, 0.0, 0.0, 2.0]]))
        array([0.25])
    """
    return np.asarray(np.argmin(x, axis=1) / x.shape[1])


@calculator(unit="1", varies=True)
def last_location_of_minimum(x: np.ndarray) -> np.ndarray:
    """Where the stretch after the last lowest value begins, as a share of the window.

    Example:
        >>> last_location_of_minimum(np.array([[2.0, 0.0, 0.0, 2.0]]))
        array([0.75])
    """
    return np.asarray(1.0 - np.argmin(x[:, ::-1], axis=1) / x.shape[1])


@calculator(unit="1")
def index_mass_quantile(x: np.ndarray, q: float) -> np.ndarray:
    """Share of the window until the share q of its summed magnitude is reached; not defined when that is 0.

    Example:
        >>> index_mass_quantile(np.array([[1.0, 1.0, 1.0, 1.0]]), q=0.5)
        array([0.5])
    """
    size = np.abs(x)
    total = size.sum(axis=1, keepdims=True)
    reached = np.cumsum(size, axis=1) / total >= q
    return np.where(total[:, 0] == 0, np.nan, (np.argmax(reached, axis=1) + 1) / x.shape[1])


@calculator(unit="1")
def energy_ratio_by_chunks(x: np.ndarray, num_segments: int, segment_focus: int) -> np.ndarray:
    """Share of the sum of squares that lies in one of several segments; not defined when that sum is 0.

    Example:
        >>> energy_ratio_by_chunks(np.array([[1.0, 1.0, 1.0, 1.0]]), num_segments=2, segment_focus=0)
        array([0.5])
    """
    part = np.array_split(x, num_segments, axis=1)[segment_focus]
    total = (x**2).sum(axis=1)
    return np.where(total == 0, np.nan, (part**2).sum(axis=1) / total)


@calculator(unit="{unit}")
def change_quantiles(x: np.ndarray, ql: float, qh: float, isabs: bool, f_agg: str) -> np.ndarray:
    """Mean or variance (`f_agg`: mean, var) of the changes that stay between two quantiles of the window.

    0 where no change does, or where both quantiles are equal. The variance is in the square of the unit.

    Example:
        >>> change_quantiles(np.array([[0.0, 1.0, 2.0, 9.0]]), ql=0.0, qh=0.7, isabs=True, f_agg="mean")
        array([1.])
    """
    if ql >= qh:
        return np.zeros(len(x))
    change = np.diff(x, axis=1)
    change = np.abs(change) if isabs else change
    low, high = np.percentile(x, [100 * ql, 100 * qh], axis=1)
    inside = (x >= low[:, None]) & (x <= high[:, None])
    stays = inside[:, 1:] & inside[:, :-1]
    count = stays.sum(axis=1)
    centre = np.where(stays, change, 0.0).sum(axis=1) / count
    if f_agg == "var":
        centre = np.where(stays, (change - centre[:, None]) ** 2, 0.0).sum(axis=1) / count
    return np.where((count == 0) | (low == high), 0.0, centre)
