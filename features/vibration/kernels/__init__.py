"""Compiled passes over blocks of windows that fit the cache; `features.vibration.plain` is their oracle.

moments   one pass over samples: centred copy, power sums, crossings, clipped samples, extremes
bins      one pass over an `rfft`: Hann power, moments of the spectrum, bands, peaks
lines     energies of spectral lines and of what lies beside them
analytic  magnitude of an analytic signal and its moments
assembly  from these to one row of numbers a window
passes    kernels in a row, window by window

Sums run in float32 over at most 256 terms, several at a time, and in float64 over these: their relative
error stays below 1e-6. That is why sums may be reordered (`reassoc`); nothing else is relaxed that could
change what happens to NaN or infinity.
"""

from features.vibration.kernels.analytic import magnitude, magnitude_moments
from features.vibration.kernels.bins import integrated, power_and_log
from features.vibration.kernels.moments import rahmonics, swings
from features.vibration.kernels.passes import envelope_pass, spectrum_pass, time_pass

__all__ = [
    "envelope_pass",
    "integrated",
    "magnitude",
    "magnitude_moments",
    "power_and_log",
    "rahmonics",
    "spectrum_pass",
    "swings",
    "time_pass",
]
