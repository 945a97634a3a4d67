"""From sums to features: one row of numbers a window."""

import numpy as np
from numba import njit

__all__ = ["envelope_columns", "spectrum_columns", "time_columns"]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def time_columns(samples, duration_s, extremes, mean, peak, sums, clipped, out):  # type: ignore[no-untyped-def] # compiled
    """Columns of `columns.TIME`, in that order, into float64 [n, columns]."""
    for row in range(len(out)):
        second, third, fourth = sums[row, 0] / samples, sums[row, 1] / samples, sums[row, 2] / samples
        first, root = sums[row, 3] / samples, sums[row, 4] / samples
        deviation = np.sqrt(second)
        rms = peak[row] * deviation
        to = out[row]
        to[0] = mean[row]
        to[1] = rms
        to[2] = np.sqrt(rms * rms + mean[row] * mean[row])
        to[3] = peak[row]
        to[4] = extremes[row, 1] - extremes[row, 0]
        to[5] = peak[row] * first
        to[6] = third / (second * deviation)
        to[7] = fourth / (second * second)
        to[8] = 1.0 / deviation
        to[9] = deviation / first
        to[10] = 1.0 / first
        to[11] = 1.0 / (root * root)
        to[12] = sums[row, 5] / duration_s
        to[13] = clipped[row] / samples


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def spectrum_columns(  # type: ignore[no-untyped-def] # compiled
    bins, resolution_hz, speed_hz, exponent, covered, spectral, bands, peak_bins, peak_energies, lines, out
):
    """Columns of `columns.SPECTRUM`, in that order, into float64 [n, columns].

    `exponent`: power of the angular frequency that makes velocity of the signal. `covered`: whether velocity
    RMS and each octave can be told. `lines`: as `Plan.spectrum_lines`, NaN where there is none.
    """
    for row in range(len(out)):
        total = spectral[row, 0]
        to = out[row]
        to[0] = spectral[row, 1] * resolution_hz
        to[1] = np.sqrt(max(spectral[row, 2], 0.0)) * resolution_hz
        to[2] = (np.log(total) - spectral[row, 4] / total) / np.log(float(bins))
        to[3] = np.exp(spectral[row, 3] / bins) / (total / bins)
        to[4] = spectral[row, 5] * resolution_hz
        to[5] = np.sqrt(bands[row, 0])
        for quarter in range(4):
            to[6 + quarter] = bands[row, 1 + quarter] / total
        for octave in range(5):
            to[10 + octave] = np.sqrt(bands[row, 5 + octave]) if covered[1 + octave] else np.nan
        to[15] = np.sqrt(bands[row, 10]) if covered[0] else np.nan
        for peak in range(3):
            to[16 + peak] = peak_bins[row, peak] * resolution_hz
            to[19 + peak] = np.sqrt(2.0 * peak_energies[row, peak])
        turning = 2.0 * np.pi * speed_hz[row]
        for order in range(5):
            to[22 + order] = _velocity(lines[row, order], (0.5, 1.0, 1.5, 2.0, 3.0)[order] * turning, exponent)
        high = 0.0
        for order in range(4, 11):
            amplitude = _velocity(lines[row, order + 1], order * turning, exponent)
            high += amplitude * amplitude if amplitude == amplitude else 0.0
        to[27] = np.sqrt(high) if lines[row, 5] == lines[row, 5] else np.nan
        to[28], to[29] = np.sqrt(2.0 * lines[row, 12]), np.sqrt(2.0 * lines[row, 13])
        to[30] = np.sqrt(2.0 * lines[row, 14])
        beside = lines[row, 15] + lines[row, 16] + lines[row, 17] + lines[row, 18]
        to[31] = np.sqrt(2.0 * beside)


@njit(cache=True, nogil=True, inline="always")
def _velocity(energy, angular, exponent):  # type: ignore[no-untyped-def] # compiled
    return 1000.0 * np.sqrt(2.0 * energy) * angular**exponent


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def envelope_columns(moments, energy, beside, out):  # type: ignore[no-untyped-def] # compiled
    """Columns of `columns.ENVELOPE`, in that order, into float64 [n, columns].

    `energy`, `beside`: as `Plan.envelope_lines`, NaN where there is none.
    """
    for row in range(len(out)):
        to = out[row]
        to[0] = np.sqrt(moments[row, 1])
        to[1] = moments[row, 2] / (moments[row, 1] * moments[row, 1])
        to[2] = np.sqrt(2.0 * energy[row, 0])
        # Lines stand as 1x, then first to third harmonic of bpfo, bpfi, bsf, ftf, then sidebands.
        for fault in range(4):
            line = 1 + 3 * fault
            to[3 + fault] = np.sqrt(2.0 * energy[row, line])
            to[8 + fault] = energy[row, line] / beside[row, line]
            harmonics = energy[row, line]
            for harmonic in range(1, 3):
                more = energy[row, line + harmonic]
                harmonics += more if more == more else 0.0
            to[13 + fault] = np.sqrt(2.0 * harmonics)
        to[7] = np.sqrt(2.0 * energy[row, 8])
        to[12] = energy[row, 8] / beside[row, 8]
        to[17] = np.sqrt(2.0 * (energy[row, 13] + energy[row, 14]))
        to[18] = np.sqrt(2.0 * (energy[row, 15] + energy[row, 16]))
