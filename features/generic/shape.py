"""Calculators of the distribution of a window's values; their order in time does not matter.

All follow tsfresh 0.21 (M. Christ et al., "Time Series FeatuRe Extraction on basis of Scalable Hypothesis
tests", Neurocomputing 307 (2018)), which the tests compare them with.
"""

import numpy as np

from features.generic.calculator import calculator

__all__: list[str] = []


@calculator(unit="{unit}")
def mean(x: np.ndarray) -> np.ndarray:
    """Arithmetic mean.

    Example:
        >>> mean(np.array([[1.0, 2.0, 6.0]]))
        array([3.])
    """
    return np.asarray(x.mean(axis=1))


@calculator(unit="{unit}")
def median(x: np.ndarray) -> np.ndarray:
    """Median.

    Example:
        >>> median(np.array([[1.0, 2.0, 6.0]]))
        array([2.])
    """
    return np.asarray(np.median(x, axis=1))


@calculator(unit="{unit}")
def minimum(x: np.ndarray) -> np.ndarray:
    """Lowest value.

    Example:
        >>> minimum(np.array([[1.0, -2.0, 6.0]]))
        array([-2.])
    """
    return np.asarray(x.min(axis=1))


@calculator(unit="{unit}")
def maximum(x: np.ndarray) -> np.ndarray:
    """Highest value.

    Example:
        >>> maximum(np.array([[1.0, -2.0, 6.0]]))
        array([6.])
    """
    return np.asarray(x.max(axis=1))


@calculator(unit="{unit}")
def absolute_maximum(x: np.ndarray) -> np.ndarray:
    """Largest magnitude.

    Example:
        >>> absolute_maximum(np.array([[1.0, -7.0, 6.0]]))
        array([7.])
    """
    return np.asarray(np.abs(x).max(axis=1))


@calculator(unit="{unit}")
def standard_deviation(x: np.ndarray) -> np.ndarray:
    """Standard deviation of the population (divided by m).

    Example:
        >>> standard_deviation(np.array([[1.0, 3.0, 1.0, 3.0]]))
        array([1.])
    """
    return np.asarray(x.std(axis=1))


@calculator(unit="{unit}^2")
def variance(x: np.ndarray) -> np.ndarray:
    """Variance of the population (divided by m).

    Example:
        >>> variance(np.array([[1.0, 5.0, 1.0, 5.0]]))
        array([4.])
    """
    return np.asarray(x.var(axis=1))


@calculator(unit="{unit}")
def root_mean_square(x: np.ndarray) -> np.ndarray:
    """Root of the mean square.

    Example:
        >>> root_mean_square(np.array([[3.0, -3.0]]))
        array([3.])
    """
    return np.asarray(np.sqrt(np.mean(np.square(x), axis=1)))


@calculator(unit="{unit}^2")
def abs_energy(x: np.ndarray) -> np.ndarray:
    """Sum of squares.

    Example:
        >>> abs_energy(np.array([[3.0, -4.0]]))
        array([25.])
    """
    return np.asarray(np.einsum("ij,ij->i", x, x))


@calculator(unit="1")
def variation_coefficient(x: np.ndarray) -> np.ndarray:
    """Standard deviation over mean; not defined when the mean is 0.

    Example:
        >>> variation_coefficient(np.array([[1.0, 3.0]]))
        array([0.5])
    """
    centre = x.mean(axis=1)
    return np.where(centre == 0, np.nan, x.std(axis=1) / centre)


@calculator(unit="1", varies=True)
def skewness(x: np.ndarray) -> np.ndarray:
    """Adjusted Fisher-Pearson skewness G1; not defined below 3 values.

    References:
        D. N. Joanes, C. A. Gill, "Comparing measures of sample skewness and kurtosis", The Statistician
        47 (1998), equation for G1.

    Example:
        >>> skewness(np.array([[0.0, 0.0, 0.0, 1.0]]))
        array([2.])
    """
    m = x.shape[1]
    if m < 3:
        return np.full(len(x), np.nan)
    apart = x - x.mean(axis=1, keepdims=True)
    second, third = (apart**2).sum(axis=1), (apart**3).sum(axis=1)
    return np.asarray(m * np.sqrt(m - 1) / (m - 2) * third / second**1.5)


@calculator(unit="1", varies=True)
def kurtosis(x: np.ndarray) -> np.ndarray:
    """Adjusted excess kurtosis G2 (0 for a normal distribution); not defined below 4 values.

    References:
        D. N. Joanes, C. A. Gill, "Comparing measures of sample skewness and kurtosis", The Statistician
        47 (1998), equation for G2.

    Example:
        >>> kurtosis(np.array([[0.0, 0.0, 0.0, 1.0]]))
        array([4.])
    """
    m = x.shape[1]
    if m < 4:
        return np.full(len(x), np.nan)
    apart = x - x.mean(axis=1, keepdims=True)
    second, fourth = (apart**2).sum(axis=1), (apart**4).sum(axis=1)
    less = 3 * (m - 1) ** 2 / ((m - 2) * (m - 3))
    return np.asarray(m * (m + 1) * (m - 1) / ((m - 2) * (m - 3)) * fourth / second**2 - less)


@calculator(unit="{unit}")
def quantile(x: np.ndarray, q: float) -> np.ndarray:
    """Quantile by linear interpolation.

    Example:
        >>> quantile(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), q=0.25)
        array([2.])
    """
    return np.asarray(np.quantile(x, q, axis=1))


@calculator(unit="{unit}")
def mean_n_absolute_max(x: np.ndarray, number_of_maxima: int) -> np.ndarray:
    """Mean of the n largest magnitudes; not defined with n values or fewer.

    Example:
        >>> mean_n_absolute_max(np.array([[1.0, -5.0, 3.0]]), number_of_maxima=2)
        array([4.])
    """
    if x.shape[1] <= number_of_maxima:
        return np.full(len(x), np.nan)
    return np.asarray(np.sort(np.abs(x), axis=1)[:, -number_of_maxima:].mean(axis=1))


@calculator(unit="1", varies=True)
def ratio_beyond_r_sigma(x: np.ndarray, r: float) -> np.ndarray:
    """Share of values more than r standard deviations from the mean.

    Example:
        >>> ratio_beyond_r_sigma(np.array([[0.0, 0.0, 0.0, 4.0]]), r=1.5)
        array([0.25])
    """
    beyond = np.abs(x - x.mean(axis=1, keepdims=True)) > r * x.std(axis=1, keepdims=True)
    return np.asarray(beyond.mean(axis=1))


@calculator(unit="1", varies=True)
def large_standard_deviation(x: np.ndarray, r: float) -> np.ndarray:
    """1 where the standard deviation exceeds r times the range, else 0.

    Example:
        >>> large_standard_deviation(np.array([[0.0, 1.0, 0.0, 1.0]]), r=0.4)
        array([1.])
    """
    return np.asarray((x.std(axis=1) > r * np.ptp(x, axis=1)), dtype=np.float64)


@calculator(unit="1", varies=True)
def symmetry_looking(x: np.ndarray, r: float) -> np.ndarray:
    """1 where mean and median differ by less than r times the range, else 0.

    Example:
        >>> symmetry_looking(np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0]]), r=0.1)
        array([1., 0.])
    """
    apart = np.abs(x.mean(axis=1) - np.median(x, axis=1))
    return np.asarray((apart < r * np.ptp(x, axis=1)), dtype=np.float64)


@calculator(unit="1")
def range_count(x: np.ndarray, min: float, max: float) -> np.ndarray:  # noqa: A002 - as tsfresh names them
    """Number of values in [min, max).

    Example:
        >>> range_count(np.array([[-1.0, 0.0, 1.0]]), min=-1, max=1)
        array([2.])
    """
    return np.asarray(((x >= min) & (x < max)).sum(axis=1), dtype=np.float64)


@calculator(unit="1")
def ratio_value_number_to_time_series_length(x: np.ndarray) -> np.ndarray:
    """Share of different values among all.

    Example:
        >>> ratio_value_number_to_time_series_length(np.array([[1.0, 1.0, 2.0, 2.0]]))
        array([0.5])
    """
    different = 1 + (np.diff(np.sort(x, axis=1), axis=1) != 0).sum(axis=1)
    return np.asarray(different / x.shape[1])


@calculator(unit="1", varies=True)
def binned_entropy(x: np.ndarray, max_bins: int) -> np.ndarray:
    """Entropy, in nats, of the histogram over equal bins between the lowest and the highest value.

    Example:
        >>> binned_entropy(np.array([[0.0, 0.0, 1.0, 1.0]]), max_bins=10).round(6)
        array([0.693147])
    """
    low, high = x.min(axis=1), x.max(axis=1)
    flat = low == high
    low, high = np.where(flat, low - 0.5, low), np.where(flat, high + 0.5, high)
    edges = np.linspace(low, high, max_bins + 1, axis=1)
    at = ((x - low[:, None]) / (high - low)[:, None] * max_bins).astype(np.intp)
    at[at == max_bins] -= 1
    # A value within rounding of an edge belongs where the edges themselves say.
    at[x < np.take_along_axis(edges, at, axis=1)] -= 1
    at[(x >= np.take_along_axis(edges, at + 1, axis=1)) & (at != max_bins - 1)] += 1
    share = (at[:, :, None] == np.arange(max_bins)).sum(axis=1) / x.shape[1]
    return np.asarray(-np.sum(share * np.log(np.where(share == 0, 1.0, share)), axis=1))
