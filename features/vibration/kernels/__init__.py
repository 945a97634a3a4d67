"""Compiled passes over blocks of windows that fit the cache; `features.vibration.plain` is their oracle.

moments   one pass over samples: centred copy, power sums, crossings, clipped samples
bins      one pass over an `rfft`: Hann power, moments of the spectrum, bands, peaks
lines     energies of spectral lines and of what lies beside them
analytic  magnitude of an analytic signal and its moments
assembly  from these to one row of numbers a window

Sums run in float32 over at most 256 terms, several at a time, and in float64 over these: their relative
error stays below 1e-6. That is why sums may be reordered (`reassoc`); nothing else is relaxed that could
change what happens to NaN or infinity.
"""

from features.vibration.kernels.analytic import magnitude, magnitude_moments
from features.vibration.kernels.assembly import envelope_columns, spectrum_columns, time_columns
from features.vibration.kernels.bins import band_sums, highest, integrated, power_and_log, spectral_sums
from features.vibration.kernels.lines import line_energies
from features.vibration.kernels.moments import SUMS, centre, clipped_samples, means

__all__ = [
    "SUMS",
    "band_sums",
    "centre",
    "clipped_samples",
    "envelope_columns",
    "highest",
    "integrated",
    "line_energies",
    "magnitude",
    "magnitude_moments",
    "means",
    "power_and_log",
    "spectral_sums",
    "spectrum_columns",
    "time_columns",
]
