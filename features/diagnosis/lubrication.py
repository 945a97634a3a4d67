"""Lubrication: a broadband rise at high frequency over a healthy time, without lines."""

from collections.abc import Sequence

import numpy as np
import scipy.fft

from features.diagnosis.recording import Recording
from features.diagnosis.verdicts import Fault, Finding, MatchedLine

__all__ = ["lubrication_evidence"]

# Band in shares of the Nyquist frequency: where contact noise rises and harmonics of the shaft are weak.
_BAND = (0.5, 0.9)

# Rise over healthy time: 8 dB is the usual limit of airborne and structure-borne ultrasound for "needs
# grease" (ASTM E1002 covers leaks; the 8/12/16 dB steps: NASA, Reliability-Centered Maintenance Guide
# for Facilities and Collateral Equipment, 2008, chapter 6, ultrasonics).
_RISE_DB = 8.0

# Pieces of the band: the rise must show in most of them, else it is a resonance or a line.
_PIECES, _LEAST_PIECES = 8, 6

# Kurtosis of the band up to which it is friction: noise has 3, impulses of damage much more.
_MOST_KURTOSIS = 4.0


def lubrication_evidence(recordings: Sequence[Recording], reference: Sequence[Recording]) -> Finding | None:
    """Whether the floor of the spectrum at one point rose everywhere in the upper band, without impulses.

    Args:
        recordings: Usable ones of one point.
        reference: Usable ones of the same point in healthy time, at the same sample rate; others are
            left out, and without any there is no finding.
    """
    rate = recordings[0].sample_rate_hz
    now = [_floors(each) for each in recordings if each.sample_rate_hz == rate]
    then = [_floors(each) for each in reference if each.sample_rate_hz == rate]
    if not then:
        return None
    rises = 10.0 * np.log10(np.median(now, axis=0) / np.maximum(np.median(then, axis=0), 1e-300))
    risen = np.sort(rises)[-_LEAST_PIECES]
    if risen < _RISE_DB or np.median([_kurtosis(each) for each in recordings]) > _MOST_KURTOSIS:
        return None
    floor = np.median(now, axis=0)
    low, high = (share * rate / 2 for share in _BAND)
    speed = recordings[0].speed_hz or 1.0
    line = MatchedLine(
        name="high-frequency floor",
        point=recordings[0].point,
        spectrum=f"acceleration {low:.0f}-{high:.0f} Hz",
        harmonic=1,
        sideband=0,
        order=(low + high) / 2 / speed,
        frequency_hz=(low + high) / 2,
        expected_hz=(low + high) / 2,
        amplitude=float(np.sqrt(floor.mean() * (high - low))),
        unit="m/s^2",
        snr_db=float(risen),
    )
    return Finding(Fault.LUBRICATION, float(risen - _RISE_DB), recordings[0].point, (line,))


def _kurtosis(recording: Recording) -> float:
    """Fourth over squared second moment of the signal in the band: 3 for friction noise."""
    samples = np.asarray(recording.samples, dtype=np.float64)
    spectrum = scipy.fft.rfft(samples - samples.mean())
    low, high = (round(share * (len(spectrum) - 1)) for share in _BAND)
    spectrum[:low] = 0.0
    spectrum[high:] = 0.0
    square = scipy.fft.irfft(spectrum, n=len(samples)) ** 2
    return float(np.mean(square**2) / np.mean(square) ** 2)


def _floors(recording: Recording) -> np.ndarray:
    """Median power density in each piece of the band, (m/s^2)^2/Hz."""
    samples = np.asarray(recording.samples, dtype=np.float64)
    power = np.abs(scipy.fft.rfft(samples - samples.mean())) ** 2
    power *= 2.0 / (len(samples) * recording.sample_rate_hz)
    low, high = (round(share * (len(power) - 1)) for share in _BAND)
    pieces = np.array_split(power[low:high], _PIECES)
    # Median of an exponential distribution is its mean times ln 2.
    return np.asarray([float(np.median(piece)) / np.log(2.0) for piece in pieces])
