"""Calculators of straight lines and of spectra over a window.

All follow tsfresh 0.21, which the tests compare them with; frequencies are in cycles a value.
"""

import numpy as np
import scipy.fft
import scipy.special

from features.generic.calculator import calculator

__all__: list[str] = []

# Keeps the t statistic of a perfect line finite, as in scipy.stats.linregress.
_TINY = 1e-20

# Spectra narrower than this (in squared bins) have no skewness and kurtosis.
_NARROW = 0.5

# Values in one segment of Welch's method.
_SEGMENT = 256


@calculator(unit="{unit}", varies=True)
def linear_trend(x: np.ndarray, attr: str) -> np.ndarray:
    """Least-squares line over the values' numbers 0, 1, ...: slope, intercept, stderr, rvalue or pvalue.

    `rvalue` and `pvalue` (two-sided, slope against 0) are ratios.

    Example:
        >>> linear_trend(np.array([[1.0, 3.0, 5.0, 7.0]]), attr="slope")
        array([2.])
    """
    return _line(x, attr)


@calculator(unit="{unit}", varies=True)
def agg_linear_trend(x: np.ndarray, attr: str, chunk_len: int, f_agg: str) -> np.ndarray:
    """Least-squares line, as `linear_trend`, over the max, min, mean or var of chunks of the window.

    The last chunk may be shorter; not defined with less than two chunks.

    Example:
        >>> agg_linear_trend(np.array([[1.0, 3.0, 5.0, 7.0]]), attr="slope", chunk_len=2, f_agg="mean")
        array([4.])
    """
    m = x.shape[1]
    if chunk_len >= m:
        return np.full(len(x), np.nan)
    starts = range(0, m, chunk_len)
    return _line(np.stack([getattr(x[:, s : s + chunk_len], f_agg)(axis=1) for s in starts], axis=1), attr)


def _line(y: np.ndarray, attr: str) -> np.ndarray:
    n = y.shape[1]
    if n < 2:
        return np.full(len(y), np.nan)
    place = np.arange(n) - (n - 1) / 2
    centre = y.mean(axis=1)
    apart = y - centre[:, None]
    across, along = np.mean(place**2), np.mean(apart**2, axis=1)
    slope = apart @ place / n / across
    if attr == "slope":
        return np.asarray(slope)
    if attr == "intercept":
        return np.asarray(centre - slope * (n - 1) / 2)
    r = np.clip(np.where(along == 0, np.nan, slope * across / np.sqrt(across * along)), -1.0, 1.0)
    if attr == "rvalue":
        return np.asarray(r)
    if n == 2:
        flat = (y[:, 0] == y[:, 1]).astype(np.float64)
        return np.zeros(len(y)) if attr == "stderr" else flat
    if attr == "stderr":
        return np.asarray(np.sqrt((1 - r**2) * along / across / (n - 2)))
    t = r * np.sqrt((n - 2) / ((1.0 - r + _TINY) * (1.0 + r + _TINY)))
    return np.asarray(2 * scipy.special.stdtr(n - 2, -np.abs(t)))


@calculator(unit="{unit}")
def fft_coefficient(x: np.ndarray, coeff: int, attr: str) -> np.ndarray:
    """One coefficient of the discrete Fourier transform: real, imag, abs, or angle in degrees.

    Not scaled; not defined beyond m // 2.

    Example:
        >>> fft_coefficient(np.array([[1.0, -1.0, 1.0, -1.0]]), coeff=2, attr="abs")
        array([4.])
    """
    if coeff > x.shape[1] // 2:
        return np.full(len(x), np.nan)
    value = scipy.fft.rfft(x, axis=1)[:, coeff]
    if attr == "real":
        return np.asarray(value.real)
    if attr == "imag":
        return np.asarray(value.imag)
    return np.asarray(np.abs(value) if attr == "abs" else np.angle(value, deg=True))


@calculator(unit="1")
def fft_aggregated(x: np.ndarray, aggtype: str) -> np.ndarray:
    """Centroid, variance, skew or kurtosis of the magnitudes of the transform over their bins.

    Skew and kurtosis are not defined where the variance is below 0.5 squared bins. The kurtosis has a term
    -3 c where c^4 is meant (c: centroid); it is kept as tsfresh has it.

    Example:
        >>> fft_aggregated(np.array([[1.0, -1.0, 1.0, -1.0]]), aggtype="centroid")
        array([2.])
    """
    size = np.abs(scipy.fft.rfft(x, axis=1))
    bins, total = np.arange(size.shape[1], dtype=np.float64), size.sum(axis=1)
    first, second = size @ bins / total, size @ bins**2 / total
    if aggtype == "centroid":
        return np.asarray(first)
    spread = second - first**2
    if aggtype == "variance":
        return np.asarray(spread)
    third = size @ bins**3 / total
    if aggtype == "skew":
        value = (third - 3 * first * spread - first**3) / spread**1.5
    else:
        fourth = size @ bins**4 / total
        value = (fourth - 4 * first * third + 6 * second * first**2 - 3 * first) / spread**2
    return np.where(spread < _NARROW, np.nan, value)


@calculator(unit="{unit}^2", varies=True)
def spkt_welch_density(x: np.ndarray, coeff: int) -> np.ndarray:
    """Power density at one bin by Welch's method: Hann windows of up to 256 values, half overlapping.

    One-sided, mean removed; not defined beyond the last bin.

    References:
        P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE
        Transactions on Audio and Electroacoustics 15 (1967).

    Example:
        >>> wave = np.cos(np.pi * np.arange(16) / 2)[None, :]
        >>> spkt_welch_density(wave, coeff=4).round(6)
        array([5.333333])
    """
    length = min(x.shape[1], _SEGMENT)
    if coeff > length // 2:
        return np.full(len(x), np.nan)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    parts = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)[:, :: max(length - length // 2, 1)]
    parts = (parts - parts.mean(axis=2, keepdims=True)) * window
    density = np.abs(scipy.fft.rfft(parts, axis=2)[:, :, coeff]) ** 2 / (window**2).sum()
    double = 1.0 if coeff == 0 or 2 * coeff == length else 2.0
    return np.asarray(double * density.mean(axis=1))
