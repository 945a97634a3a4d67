"""Vibration features, all from batches of waveforms (windows x samples) of one measuring point.

batch      `WaveformBatch`: one transform for all features
places     where they exist, what they refuse
waveform   RMS, peak, crest, kurtosis, skewness, saturation
spectrum   velocity RMS, high-frequency RMS, centroid, orders, gear mesh, blade pass
octaves    RMS of octave bands, which the condition is read from
envelope   amplitudes at the bearing's fault frequencies
"""

from features.vibration import envelope, octaves, spectrum, waveform
from features.vibration.batch import WaveformBatch

__all__ = ["WaveformBatch", "envelope", "octaves", "spectrum", "waveform"]
