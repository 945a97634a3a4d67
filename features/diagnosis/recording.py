"""What a diagnosis is made from: waveforms of a component and its geometry, checked before use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.core.plant import FaultOrders
from features.registry import FeatureRefusal, reason_of
from features.vibration import WaveformBatch

__all__ = ["Geometry", "Recording", "refusal_of", "usable"]

# Fewer revolutions cannot part a fault line from the shaft's harmonics: to its first zero a line (Hann)
# reaches two bins, here a third of an order.
_MIN_REVOLUTIONS = 6.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One waveform of one measuring point: acceleration in m/s^2, [samples]; speed None: not known."""

    point: str
    samples: np.ndarray
    sample_rate_hz: float
    speed_hz: float | None

    @property
    def revolutions(self) -> float:
        """Shaft revolutions that the waveform covers, 0 without a speed."""
        return len(self.samples) / self.sample_rate_hz * (self.speed_hz or 0.0)


@dataclass(frozen=True, slots=True)
class Geometry:
    """What turns on the shaft: fault orders of the bearing, teeth, blades; None: not there or not known."""

    orders: FaultOrders | None = None
    gear_teeth: int | None = None
    blades: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is anything to look for."""
        return not (self.orders is None and self.gear_teeth is None and self.blades is None)


def refusal_of(recording: Recording) -> FeatureRefusal | None:
    """Why a recording cannot be diagnosed, None when it can.

    Example:
        >>> refusal_of(Recording("vib", np.ones(100), 1000.0, 25.0)).value
        'constant'
        >>> refusal_of(Recording("vib", np.sin(np.arange(4096.0)), 8192.0, None)).value
        'no_speed'
    """
    speed = np.array([np.nan if recording.speed_hz is None else recording.speed_hz])
    batch = WaveformBatch(np.asarray(recording.samples)[None, :], recording.sample_rate_hz, speed)
    code = int(batch.codes[0])
    if code != 0:
        return reason_of(code)
    if recording.speed_hz is None or not np.isfinite(recording.speed_hz):
        return FeatureRefusal.NO_SPEED
    if recording.speed_hz <= 0:
        return FeatureRefusal.SPEED_ZERO
    if recording.revolutions < _MIN_REVOLUTIONS:
        return FeatureRefusal.TOO_SHORT
    return None


def usable(recordings: Sequence[Recording]) -> tuple[list[Recording], FeatureRefusal | None]:
    """Recordings that can be diagnosed, and the first reason why others cannot."""
    reasons = [refusal_of(each) for each in recordings]
    good = [each for each, reason in zip(recordings, reasons, strict=True) if reason is None]
    return good, next((reason for reason in reasons if reason is not None), None)
