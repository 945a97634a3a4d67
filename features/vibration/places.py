"""Where vibration features exist, and the words that their registrations share."""

from collections.abc import Callable

import numpy as np

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, FeatureRefusal, Placement
from features.vibration.batch import WaveformBatch

__all__ = ["INPUTS", "WINDOW", "column", "has_bearing", "has_blades", "has_gear", "is_acceleration", "line"]

INPUTS = ("acceleration waveform",)
WINDOW = "one waveform"

# Fewer cycles than this in a window cannot be told from its mean and trend.
_MIN_CYCLES = 3.0 - 1e-6


def is_acceleration(placement: Placement) -> bool:
    """Waveforms of acceleration."""
    return placement.kind is PointKind.WAVEFORM and placement.quantity is Quantity.ACCELERATION


def has_bearing(placement: Placement) -> bool:
    """Waveforms of acceleration on a component whose bearing geometry is known."""
    return is_acceleration(placement) and placement.has_bearing


def has_gear(placement: Placement) -> bool:
    """Waveforms of acceleration on a component with a toothed wheel on the shaft."""
    return is_acceleration(placement) and placement.has_gear


def has_blades(placement: Placement) -> bool:
    """Waveforms of acceleration on a component with blades on the shaft."""
    return is_acceleration(placement) and placement.has_blades


def column(
    batch: WaveformBatch,
    values: Callable[[], np.ndarray],
    *refused: tuple[FeatureRefusal, np.ndarray | bool],
) -> Column:
    """Values of the usable windows; nothing is computed when there is none."""
    if (batch.codes != 0).all():
        return Column.of(np.zeros(batch.windows)).refuse(batch.codes)
    return Column.of(values(), *refused).refuse(batch.codes)


def line(
    batch: WaveformBatch,
    order: float | None,
    amplitude: Callable[[np.ndarray], np.ndarray],
    nyquist_hz: float | None = None,
) -> Column:
    """Amplitude of the line at a multiple of the shaft speed, refused where it cannot be told.

    Args:
        batch: The windows.
        order: Multiple of the shaft speed; None: the geometry is not known.
        amplitude: From positions in bins to amplitudes.
        nyquist_hz: Highest frequency of the spectrum in which the line is read.
    """
    if order is None:
        nothing = np.zeros(batch.windows)
        return column(batch, lambda: nothing, (FeatureRefusal.NO_GEOMETRY, True))
    speed = batch.speed_hz
    unknown, still = np.isnan(speed), speed <= 0
    bins = np.where(unknown | still, 0.0, speed) * order / batch.resolution_hz
    limit = (batch.sample_rate_hz / 2 if nyquist_hz is None else nyquist_hz) / batch.resolution_hz
    short, beyond = bins < _MIN_CYCLES, bins > limit - 3
    usable = np.where(unknown | still | short | beyond, _MIN_CYCLES, bins)
    return column(
        batch,
        lambda: amplitude(usable),
        (FeatureRefusal.NO_SPEED, unknown),
        (FeatureRefusal.SPEED_ZERO, still),
        (FeatureRefusal.TOO_SHORT, short),
        (FeatureRefusal.BAND_NOT_COVERED, beyond),
    )
