"""Which band of a spectrum is struck most: the kurtogram, and the band that it chooses for the envelope."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from features.vibration import kernels

__all__ = ["LEVELS", "Kurtogram", "bands", "kurtogram", "tree", "tree_values"]

# Levels of the tree that a batch is measured with.
LEVELS = 3

# Fewest bins of a band: the kurtosis of fewer samples scatters too much to choose by.
_LEAST_BINS = 32

# Samples of a block of windows.
_BLOCK_SAMPLES, _LEAST_ROWS = 1 << 18, 8


@dataclass(frozen=True, slots=True)
class Kurtogram:
    """Kurtosis of the complex envelope of bands, 0 for Gaussian noise.

    Args:
        bands_hz: float64 [bands, 2], lower and upper edge.
        values: float64 [n, bands]: E|x|^4 / (E|x|^2)^2 - 2; -1 for one steady line, NaN without power.
    """

    bands_hz: np.ndarray
    values: np.ndarray

    def best(self) -> tuple[np.ndarray, np.ndarray]:
        """Band [n, 2] and kurtosis [n] of the most impulsive band of each window; NaN without power."""
        known = np.where(np.isnan(self.values), -np.inf, self.values)
        at = known.argmax(axis=1)
        value = known[np.arange(len(at)), at]
        none = np.isinf(value)
        return np.where(none[:, None], np.nan, self.bands_hz[at]), np.where(none, np.nan, value)


def kurtogram(
    samples: np.ndarray, sample_rate_hz: float, levels: int = LEVELS, *, thirds: bool = True
) -> Kurtogram:
    """Kurtogram of each window over a tree of bands that halve, with thirds in between.

    Level k divides 0 to half the sample rate into 2^k bands, level k + 0.6 into 3 x 2^(k-1). A band is cut out of
    one `rfft` of the window by an ideal filter and transformed back at its own rate, which decimates it. The
    published fast kurtogram has the same bands through a bank of short filters that overlap: each passes 0.4 of
    the rate where its band is 0.25 wide. Both choose the same band where one stands out; its kurtosis is up to a
    fifth less here, as a strike rings longer in a narrower band.

    Args:
        samples: float32 [n, m], m at least 64 x 2^levels.
        sample_rate_hz: Sample rate.
        levels: 1 or more.
        thirds: Also the levels 1.6 to levels - 0.4.

    Returns:
        Bands in the order of levels 1, 1.6, 2, 2.6, ..., levels.

    Raises:
        ValueError: Windows too short for so many levels.

    References:
        J. Antoni, "Fast computation of the kurtogram for the detection of transient faults", Mechanical
        Systems and Signal Processing 21 (2007) 108-124: kurtosis of the complex envelope, 1/3-binary tree.

    Example:
        >>> t = np.arange(8192) / 8192
        >>> strikes = np.exp(-800 * np.mod(t, 0.05)) * np.sin(2 * np.pi * 3300 * np.mod(t, 0.05))
        >>> noise = 0.3 * np.modf(43758.5453 * np.sin(12.9898 * np.arange(8192)))[0]
        >>> band, kurtosis = kurtogram((strikes + noise)[None, :].astype(np.float32), 8192.0).best()
        >>> bool(band[0, 0] < 3300 < band[0, 1]), bool(kurtosis[0] > 3)
        (True, True)
    """
    n, length = samples.shape
    counts = tree(length, levels, thirds=thirds)
    if not counts:
        least = 2 * _LEAST_BINS << max(levels, 1)
        raise ValueError(f"{length} samples are too few for {levels} levels; at least {least}")
    values = np.empty((n, sum(counts)))
    rows = max(_BLOCK_SAMPLES // length // _LEAST_ROWS, 1) * _LEAST_ROWS
    for first in range(0, n, rows):
        block = np.asarray(samples[first : first + rows], dtype=np.float32)
        block = block - block.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
        peak = np.abs(block).max(axis=1)
        tree_values(scipy.fft.rfft(block, axis=1), length, peak, counts, values[first : first + rows])
    return Kurtogram(bands(length, sample_rate_hz, counts), values)


def tree(length: int, levels: int, *, thirds: bool) -> tuple[int, ...]:
    """How many bands each level has, for windows of that length; nothing when they are too short.

    Example:
        >>> tree(8192, 3, thirds=True), tree(8192, 3, thirds=False), tree(100, 3, thirds=False)
        ((2, 3, 4, 6, 8), (2, 4, 8), ())
    """
    if levels < 1 or (length // 2) >> levels < _LEAST_BINS:
        return ()
    found: list[int] = []
    for level in range(1, levels + 1):
        found += [1 << level, *((3 << (level - 1),) if thirds and level < levels else ())]
    return tuple(found)


def bands(length: int, sample_rate_hz: float, counts: tuple[int, ...]) -> np.ndarray:
    """Lower and upper edges of the bands of a tree, Hz, [bands, 2]."""
    edges = [
        (i * width, (i + 1) * width)
        for count, width in ((count, length // 2 // count) for count in counts)
        for i in range(count)
    ]
    return np.array(edges, dtype=np.float64) * sample_rate_hz / length


def tree_values(
    spectrum: np.ndarray, length: int, peak: np.ndarray, counts: tuple[int, ...], out: np.ndarray
) -> None:
    """Kurtosis of all bands of a tree.

    Args:
        spectrum: `rfft` of the windows without their means, complex64 [n, length // 2 + 1].
        length: Samples a window.
        peak: Largest magnitude of each window; values are scaled by it, float32 holds their fourth powers then.
        counts: As `tree` gives them.
        out: float64 [n, bands], written; NaN for a band without power.
    """
    n, at = len(spectrum), 0
    scale = np.float32(1) / np.where(peak > 0, peak, np.float32(1)).astype(np.float32)
    for count in counts:
        width = length // 2 // count
        parts = spectrum[:, : width * count].reshape(n * count, width)
        analytic = scipy.fft.ifft(parts, n=scipy.fft.next_fast_len(width), axis=1)
        moments = np.empty((n * count, 2))
        kernels.magnitude_moments(analytic.view(np.float32), np.repeat(scale, count), moments)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[:, at : at + count] = (moments[:, 1] / moments[:, 0] ** 2 - 2.0).reshape(n, count)
        at += count
