"""Vibration features, all from batches of waveforms (windows x samples) of one measuring point.

plan       bands, lines and stages of what is measured
kernels    compiled passes over blocks of windows
measure    the stages, block after block; `plain` is the same in plain NumPy, as the tests' oracle
columns    names of what is measured
batch      `WaveformBatch`: measured once for all features
places     where they exist, what they refuse
waveform   RMS, peak, crest, kurtosis, skewness, saturation
spectrum   velocity RMS, high-frequency RMS, centroid, orders, gear mesh, blade pass
octaves    RMS of octave bands, which the condition is read from
envelope   amplitudes at the bearing's fault frequencies
readings   the rest of the catalogue, which is not in every feature set
kurtogram  which band is the most impulsive
severity   ISO 20816-3 zones
mounting   what is wrong with the sensor
"""

from features.vibration import envelope, octaves, readings, spectrum, waveform
from features.vibration.batch import WaveformBatch

__all__ = ["WaveformBatch", "envelope", "octaves", "readings", "spectrum", "waveform"]
