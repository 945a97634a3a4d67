"""Kernels in a row: all that can be told of a window between two transforms, while it lies in the cache.

One call a stage also keeps several threads out of each other's way: they meet wherever they enter Python.
"""

import numpy as np
from numba import njit

from features.vibration.kernels.assembly import envelope_columns, spectrum_columns, time_columns
from features.vibration.kernels.bins import band_sums, highest, power_and_log, spectral_sums
from features.vibration.kernels.lines import line_energies
from features.vibration.kernels.moments import SUMS, centre, clipped_samples, means

__all__ = ["envelope_pass", "spectrum_pass", "time_pass"]

_ONE = np.float32(1.0)


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def time_pass(samples, duration_s, extremes, finite, centred, out):  # type: ignore[no-untyped-def] # compiled
    """Windows without their means, and the columns of `columns.TIME`.

    Args:
        samples: float32 [n, m].
        duration_s: Of a window.
        extremes: float32 [n, 2], written: smallest and largest sample.
        finite: bool [n], written: whether all samples are; a window where not is taken as zeros.
        centred: float32 [n, m], written.
        out: float64 [n, columns], written.
    """
    length = samples.shape[1]
    mean, sums, clipped, peak = np.empty(1), np.empty((1, SUMS)), np.empty(1), np.empty(1)
    middle, scale = np.empty(1, np.float32), np.empty(1, np.float32)
    for row in range(len(samples)):
        window, ends, to = samples[row : row + 1], extremes[row : row + 1], centred[row : row + 1]
        means(window, mean, ends)
        finite[row] = np.isfinite(mean[0])
        if not finite[row]:
            to[:] = np.float32(0.0)
            window = to
            means(window, mean, ends)
        middle[0] = mean[0]
        most = max(ends[0, 1] - middle[0], middle[0] - ends[0, 0])
        peak[0], scale[0] = most, _ONE / (most if most > 0 else _ONE)
        centre(window, middle, scale, ends, to, sums)
        clipped[0] = 0.0
        if sums[0, 6] > 2:
            for end in range(2):
                clipped[0] += clipped_samples(window[0], ends[0, end])
        time_columns(length, duration_s, ends, mean, peak, sums, clipped, out[row : row + 1])


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def spectrum_pass(  # type: ignore[no-untyped-def] # compiled
    power,
    logs,
    roll_off,
    peaks,
    band_edges,
    weights,
    low,
    centres,
    shares,
    limit,
    resolution_hz,
    speed_hz,
    exponent,
    covered,
    thinned,
    out,
):
    """Columns of `columns.SPECTRUM`, and means of four neighbouring logarithms.

    Args:
        power: float32 [n, bins], Hann power.
        logs: float32 [n, bins], its logarithms.
        roll_off: As for `spectral_sums`.
        peaks: How many of the highest peaks.
        band_edges: As `edges` for `band_sums`, with `weights` and `low`.
        weights: See `band_edges`.
        low: See `band_edges`.
        centres: As for `line_energies`, with `shares` and `limit`.
        shares: See `centres`.
        limit: See `centres`.
        resolution_hz: As for `spectrum_columns`, with `speed_hz`, `exponent` and `covered`.
        speed_hz: See `resolution_hz`.
        exponent: See `resolution_hz`.
        covered: See `resolution_hz`.
        thinned: float32 [n, bins // 4], written.
        out: float64 [n, columns], written.
    """
    bins = power.shape[1]
    spectral, bands = np.empty((1, 6)), np.empty((1, len(band_edges) + 1))
    places, energies = np.empty((1, peaks)), np.empty((1, peaks))
    lines, beside = np.empty((1, centres.shape[1])), np.empty((1, 0))
    for row in range(len(power)):
        one = slice(row, row + 1)
        line, to = power[one], out[one]
        spectral_sums(line, logs[one], roll_off, spectral, thinned[one])
        band_sums(line, band_edges, weights, low, bands)
        highest(line, 2, 3, places, energies)
        line_energies(line, centres[one], shares, limit, lines, beside)
        spectrum_columns(
            bins, resolution_hz, speed_hz[one], exponent, covered, spectral, bands, places, energies, lines, to
        )


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def envelope_pass(parts, length, moments, centres, shares, limit, out):  # type: ignore[no-untyped-def] # compiled
    """Columns of `columns.ENVELOPE`.

    Args:
        parts: `rfft` of the envelopes as real and imaginary parts, float32 [n, 2 * bins].
        length: Samples of an envelope.
        moments: float64 [n, 3], as written by `magnitude`.
        centres: As for `line_energies`, with `shares` and `limit`.
        shares: See `centres`.
        limit: See `centres`.
        out: float64 [n, columns], written.
    """
    power, no_logs = np.empty((1, length // 2 + 1), np.float32), np.empty((1, 0), np.float32)
    energy, beside = np.empty((1, centres.shape[1])), np.empty((1, centres.shape[1]))
    for row in range(len(parts)):
        one = slice(row, row + 1)
        power_and_log(parts[one], length, power, no_logs)
        line_energies(power, centres[one], shares, limit, energy, beside)
        envelope_columns(moments[one], energy, beside, out[one])
