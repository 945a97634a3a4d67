"""Signals: arrays in, arrays out.

spectra      Hann spectra, envelopes and spectral lines
resampling   samples at equal times -> samples at equal angles of the shaft
"""

from features.signals.resampling import by_angle, revolutions
from features.signals.spectra import band_envelope, hann, line_amplitude, power, transform

__all__ = ["band_envelope", "by_angle", "hann", "line_amplitude", "power", "revolutions", "transform"]
