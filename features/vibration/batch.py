"""A batch of waveforms of one point, transformed once for all features."""

from functools import cached_property

import numpy as np

from features import signals
from features.core.plant import FaultOrders
from features.registry import FeatureRefusal, codes_of

__all__ = ["WaveformBatch"]

# Fewer samples than this are no waveform.
_MIN_SAMPLES = 16

# Share of clipped samples above which a window is refused as saturated.
_SATURATED_SHARE = 0.01

# Share of the Nyquist frequency at which the envelope's band begins and ends: above the shaft's and
# gears' harmonics, below the roll-off of the anti-aliasing filter.
_ENVELOPE_BAND = (0.25, 0.9)


class WaveformBatch:
    """Windows of equal length and sample rate, and everything that features share of them.

    Args:
        samples: float32 [n, m], acceleration in m/s^2.
        sample_rate_hz: Of all windows.
        speed_hz: Shaft speed of each window, [n]; NaN where not known.
        orders: Fault orders of the bearing, None without geometry.
        gear_teeth: Teeth on the shaft, None without a gear.
        blades: Blades on the shaft, None without.
    """

    def __init__(
        self,
        samples: np.ndarray,
        sample_rate_hz: float,
        speed_hz: np.ndarray,
        *,
        orders: FaultOrders | None = None,
        gear_teeth: int | None = None,
        blades: int | None = None,
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.speed_hz = np.asarray(speed_hz, dtype=np.float64)
        self.orders, self.gear_teeth, self.blades = orders, gear_teeth, blades
        self._raw = np.asarray(samples, dtype=np.float32)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self._raw)

    @property
    def samples(self) -> int:
        """Samples a window."""
        return int(self._raw.shape[1])

    @property
    def duration_s(self) -> float:
        """Length of a window."""
        return self.samples / self.sample_rate_hz

    @property
    def resolution_hz(self) -> float:
        """Distance of two spectral bins."""
        return self.sample_rate_hz / max(self.samples, 1)

    @cached_property
    def codes(self) -> np.ndarray:
        """Why a window is of no use for any feature, 0 where it is of use."""
        if self.samples == 0:
            return np.full(self.windows, codes_of(FeatureRefusal.EMPTY), np.int8)
        if self.samples < _MIN_SAMPLES:
            return np.full(self.windows, codes_of(FeatureRefusal.TOO_SHORT), np.int8)
        codes = np.zeros(self.windows, np.int8)
        codes[self.saturation > _SATURATED_SHARE] = codes_of(FeatureRefusal.SATURATED)
        codes[self._extremes[0] == self._extremes[1]] = codes_of(FeatureRefusal.CONSTANT)
        codes[~self._finite] = codes_of(FeatureRefusal.NOT_FINITE)
        return codes

    @cached_property
    def _finite(self) -> np.ndarray:
        return np.asarray(np.isfinite(self._raw).all(axis=1))

    @cached_property
    def _clean(self) -> np.ndarray:
        return self._raw if self._finite.all() else np.where(self._finite[:, None], self._raw, np.float32(0))

    @cached_property
    def _extremes(self) -> tuple[np.ndarray, np.ndarray]:
        return self._clean.min(axis=1), self._clean.max(axis=1)

    @cached_property
    def saturation(self) -> np.ndarray:
        """Share of samples inside a run of three or more at the window's largest or smallest value."""
        clipped = np.zeros(self.windows)
        for extreme in self._extremes:
            there = self._clean == extreme[:, None]
            clipped += np.count_nonzero(there[:, :-2] & there[:, 1:-1] & there[:, 2:], axis=1)
        return clipped / self.samples

    @cached_property
    def centred(self) -> np.ndarray:
        """The windows without their means, float32; unusable windows are all zero."""
        mean = self._clean.mean(axis=1, dtype=np.float64)
        centred = self._clean - mean[:, None].astype(np.float32)
        if self.codes.any():
            centred[self.codes != 0] = 0
        return np.asarray(centred)

    @cached_property
    def peak(self) -> np.ndarray:
        """Largest magnitude of the centred windows."""
        return np.asarray(np.maximum(self.centred.max(axis=1), -self.centred.min(axis=1)), dtype=np.float64)

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Second, third and fourth central moments of the windows after scaling their peak to 1."""
        scale = np.where(self.peak > 0, self.peak, 1.0).astype(np.float32)
        unit = self.centred / scale[:, None]
        square = unit * unit
        second = square.mean(axis=1, dtype=np.float64)
        third = np.multiply(square, unit, out=unit).mean(axis=1, dtype=np.float64)
        fourth = np.multiply(square, square, out=square).mean(axis=1, dtype=np.float64)
        return second, third, fourth

    @cached_property
    def spectrum(self) -> np.ndarray:
        """Rectangular `rfft` of the centred windows."""
        return signals.transform(self.centred)

    @cached_property
    def power(self) -> np.ndarray:
        """One-sided Hann power spectrum of acceleration, (m/s^2)^2 a bin."""
        return signals.power(signals.hann(self.spectrum, self.samples), self.samples)

    @cached_property
    def frequencies_hz(self) -> np.ndarray:
        """Frequency of each bin."""
        return np.arange(self.samples // 2 + 1) * self.resolution_hz

    @cached_property
    def cumulated(self) -> np.ndarray:
        """Sum of `power` up to and with each bin."""
        return np.cumsum(self.power, axis=1, dtype=np.float64)

    @cached_property
    def envelope_cumulated(self) -> np.ndarray:
        """Sum of the Hann power spectrum of the envelope up to each bin, (m/s^2)^2."""
        low = max(1, int(_ENVELOPE_BAND[0] * self.samples / 2))
        high = max(low + 4, int(_ENVELOPE_BAND[1] * self.samples / 2))
        envelope = signals.band_envelope(self.spectrum, self.samples, low, high)
        envelope -= envelope.mean(axis=1, keepdims=True)
        length = envelope.shape[1]
        spectrum = signals.hann(signals.transform(envelope), length)
        return np.cumsum(signals.power(spectrum, length), axis=1, dtype=np.float64)
