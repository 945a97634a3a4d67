"""Squared-envelope spectra of a whitened signal, over orders of the shaft speed.

Whitening takes away that some frequencies are transmitted better than others: every part of the band
counts the same, so that the impulses of a damaged bearing show in whatever resonance they ring, and no
band has to be known beforehand.

References:
    N. Sawalhi, R. B. Randall, "Signal pre-whitening using cepstrum editing (liftering) to enhance fault
    detection in rolling element bearings", COMADEM (2011); P. Borghesani, P. Pennacchi, R. B. Randall,
    N. Sawalhi, R. Ricci, "Application of cepstrum pre-whitening for the diagnosis of bearing faults under
    variable speed conditions", MSSP 36 (2013); W. A. Smith, R. B. Randall, "Rolling element bearing
    diagnostics using the Case Western Reserve University data: a benchmark study", MSSP 64-65 (2015).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.special

from features.diagnosis.recording import Recording
from features.diagnosis.speed import at_true_speed

__all__ = ["EnvelopeSpectrum", "envelope_spectra"]

# Revolutions of one averaged segment: bins of 1/40 order, four to the width in which slip is looked for.
_SEGMENT_REVOLUTIONS = 40.0

# Width of the running mean that whitens, in orders: some bins of every record, less than a resonance.
_WHITENING_ORDERS = 3.0

# Lower edge of the band in orders: above the shaft's strongest harmonics.
_LOWEST_ORDER = 10.0

# Upper edge of the band as a share of the Nyquist frequency: below the anti-aliasing filter.
_HIGHEST_SHARE = 0.9

# Width over which the noise floor of a line is taken, orders; at least so many bins.
_FLOOR_ORDERS, _FLOOR_BINS = 1.0, 51

# Neighbouring bins of a Hann spectrum are not independent: so many make one (noise bandwidth).
_BINS_A_SAMPLE = 1.5

# Variance of the median of exponentially distributed values over that of their mean: 1 / ln(2)^2.
_MEDIAN_LOSS = 2.081

# Parts into which the band is cut besides being taken whole.
_PARTS = 4

# Variance of averaged Hann periodograms with half overlap over that of as many independent ones:
# P. D. Welch, IEEE Trans. Audio Electroacoustics AU-15 (1967), with the window's overlap correlation 1/6.
_OVERLAP_LOSS = 1.0 + 2.0 / 36.0

# Half width of a harmonic of the shaft: where its highest bin may lie, with an error of the speed of 0.5 %.
_SHAFT_BINS, _SHAFT_SHARE = 0.75, 0.005


@dataclass(frozen=True, slots=True)
class EnvelopeSpectrum:
    """Power of the squared envelope in one band over its own noise floor.

    `ratio` and `depth` are [bins]; bin k lies at k * `step` orders of the true speed. `averages` is the
    number of independent periodograms behind each bin, `floor_bins` that of bins behind its floor.
    """

    band_hz: tuple[float, float]
    whole: bool
    step: float
    ratio: np.ndarray
    depth: np.ndarray
    averages: float
    floor_bins: int
    speed_share: float = 1.0
    """True speed over the one given."""

    @property
    def highest_order(self) -> float:
        """Up to where lines can be read."""
        return (len(self.ratio) - 4) * self.step

    def significant_db(self, chance: float) -> float:
        """Height over the median that one bin of pure noise passes with that probability, dB."""
        line, floor = self.averages, self.averages * self.floor_bins / _BINS_A_SAMPLE / _MEDIAN_LOSS
        # Line and floor are both random: their ratio follows an F distribution, here by its beta form.
        share = scipy.special.betaincinv(floor, line, chance)
        passed = floor / line * (1.0 - share) / share
        median = scipy.special.gammaincinv(line, 0.5) / line
        return float(10.0 * np.log10(passed / median))

    def peak(self, order: float, low: float, high: float) -> tuple[float, float, float] | None:
        """Order, height in dB and depth of the highest line in [low, high], None without one.

        A line is a local maximum that is no harmonic of the shaft; flanks of lines outside do not count.
        """
        first, last = max(2, math.ceil(low / self.step)), math.floor(high / self.step)
        bins = np.arange(first, min(last, len(self.ratio) - 3) + 1)
        if len(bins) == 0 or order > self.highest_order:
            return None
        level = self.ratio[bins]
        is_peak = (level >= self.ratio[bins - 1]) & (level >= self.ratio[bins + 1])
        orders = bins * self.step
        away = np.abs(orders - np.round(orders)) > np.maximum(_SHAFT_BINS * self.step, _SHAFT_SHARE * orders)
        bins = bins[is_peak & away]
        if len(bins) == 0:
            return None
        best = int(bins[np.argmax(self.ratio[bins])])
        return best * self.step, float(10.0 * np.log10(self.ratio[best])), float(self.depth[best])


def envelope_spectra(recordings: Sequence[Recording], highest_order: float) -> list[EnvelopeSpectrum]:
    """Spectra of the whole band and of its parts, averaged over the recordings of one point.

    Args:
        recordings: Usable ones, see `features.diagnosis.recording`.
        highest_order: Up to where lines will be asked for; a part that does not reach it is left out.

    Returns:
        The whole band first; empty when the sample rate leaves no band that reaches that far.
    """
    given, recordings = recordings, at_true_speed(recordings)
    share = sum(each.speed_hz or 0.0 for each in recordings) / sum(each.speed_hz or 0.0 for each in given)
    revolutions = min(_SEGMENT_REVOLUTIONS, *(each.revolutions for each in recordings))
    whitened = [_whitened(each) for each in recordings]
    found: list[EnvelopeSpectrum] = []
    for index in range(_PARTS + 1):
        spectrum = _of_band(recordings, whitened, index, revolutions, highest_order)
        if spectrum is not None:
            found.append(replace(spectrum, speed_share=share))
    return found if found and found[0].whole else []


def _whitened(recording: Recording) -> np.ndarray:
    samples = np.asarray(recording.samples, dtype=np.float64)
    spectrum = scipy.fft.rfft(samples - samples.mean())
    power = spectrum.real**2 + spectrum.imag**2
    width = max(16, round(_WHITENING_ORDERS * recording.revolutions))
    level = scipy.ndimage.uniform_filter1d(power, width, mode="nearest")
    return np.asarray(spectrum / np.sqrt(np.maximum(level, 1e-30 * power.max())))


def _band(recording: Recording, index: int) -> tuple[float, float]:
    """Edges in Hz: index 0 the whole, 1 and above its parts."""
    speed = recording.speed_hz or 0.0
    low, high = _LOWEST_ORDER * speed, _HIGHEST_SHARE * recording.sample_rate_hz / 2
    if index == 0:
        return low, high
    part = (high - low) / _PARTS
    return low + (index - 1) * part, low + index * part


def _of_band(
    recordings: Sequence[Recording],
    whitened: Sequence[np.ndarray],
    index: int,
    revolutions: float,
    highest_order: float,
) -> EnvelopeSpectrum | None:
    bins = math.ceil(highest_order * revolutions) + _FLOOR_BINS
    total, averages = np.zeros(bins), 0
    for recording, spectrum in zip(recordings, whitened, strict=True):
        low, high = _band(recording, index)
        # A band of width B modulates up to B; half of it is kept for the lines.
        if (high - low) / 2 <= highest_order * (recording.speed_hz or 0.0):
            return None
        power, count = _periodograms(recording, spectrum, (low, high), revolutions, bins)
        total, averages = total + power, averages + count
    if averages == 0:
        return None
    width = max(_FLOOR_BINS, round(_FLOOR_ORDERS * revolutions)) | 1
    total[:2] = total[2]
    floor = scipy.ndimage.median_filter(total, width, mode="reflect")
    return EnvelopeSpectrum(
        band_hz=_band(recordings[0], index),
        whole=index == 0,
        step=1.0 / revolutions,
        ratio=total / np.maximum(floor, 1e-30 * total.max()),
        depth=np.sqrt(total / averages),
        averages=averages / _OVERLAP_LOSS if averages > 1 else 1.0,
        floor_bins=width,
    )


def _periodograms(
    recording: Recording, spectrum: np.ndarray, band: tuple[float, float], revolutions: float, bins: int
) -> tuple[np.ndarray, int]:
    """Sum over segments of the Hann power of the squared envelope, scaled to squared line amplitude."""
    samples, rate = len(recording.samples), recording.sample_rate_hz
    low, high = (round(edge * samples / rate) for edge in band)
    # Twice the band's width, so that the square of the envelope does not alias.
    length = scipy.fft.next_fast_len(2 * (high - low))
    squared = np.abs(scipy.fft.ifft(spectrum[low:high], n=length)) ** 2
    squared = squared / squared.mean() - 1.0
    segment = min(length, round(revolutions / (recording.speed_hz or 1.0) * rate * length / samples))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(segment) / segment)
    total, count = np.zeros(bins), 0
    for start in range(0, length - segment + 1, max(1, segment // 2)):
        piece = squared[start : start + segment]
        power = np.abs(scipy.fft.rfft((piece - piece.mean()) * window)[:bins]) ** 2
        total[: len(power)] += power * (2.0 / window.sum()) ** 2
        count += 1
    return total, count
