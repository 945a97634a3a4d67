"""Where vibration features exist, what they refuse, and the words that their registrations share."""

import numpy as np

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, FeatureRefusal, Placement
from features.vibration.batch import WaveformBatch

__all__ = [
    "INPUTS",
    "WINDOW",
    "WITH_SPEED",
    "column",
    "fault_line",
    "has_bearing",
    "has_blades",
    "has_gear",
    "is_acceleration",
    "is_displacement",
    "is_not_displacement",
    "is_velocity",
    "is_vibration",
    "line",
]

INPUTS = ("acceleration waveform",)
WITH_SPEED = (*INPUTS, "shaft speed")
WINDOW = "one waveform"

# Fewer cycles than this in a window cannot be told from its mean and trend.
_MIN_CYCLES = 3.0 - 1e-6


def _is_waveform(placement: Placement, *quantities: Quantity) -> bool:
    return placement.kind is PointKind.WAVEFORM and placement.quantity in quantities


def is_acceleration(placement: Placement) -> bool:
    """Waveforms of acceleration."""
    return _is_waveform(placement, Quantity.ACCELERATION)


def is_velocity(placement: Placement) -> bool:
    """Waveforms of velocity."""
    return _is_waveform(placement, Quantity.VELOCITY)


def is_displacement(placement: Placement) -> bool:
    """Waveforms of displacement."""
    return _is_waveform(placement, Quantity.DISPLACEMENT)


def is_not_displacement(placement: Placement) -> bool:
    """Waveforms of acceleration or velocity."""
    return is_acceleration(placement) or is_velocity(placement)


def is_vibration(placement: Placement) -> bool:
    """Waveforms of acceleration, velocity or displacement."""
    return is_not_displacement(placement) or is_displacement(placement)


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
    batch: WaveformBatch, name: str, *refused: tuple[FeatureRefusal, np.ndarray | bool], factor: float = 1.0
) -> Column:
    """A measured column, refused for useless windows first; nothing is measured when there is no other."""
    if (batch.codes != 0).all():
        return Column.of(np.zeros(batch.windows)).refuse(batch.codes)
    return Column.of(factor * batch.column(name), *refused).refuse(batch.codes)


def line(
    batch: WaveformBatch,
    name: str,
    order: float | None,
    *,
    reach_hz: float | None = None,
    factor: float = 1.0,
    more: tuple[tuple[FeatureRefusal, np.ndarray | bool], ...] = (),
) -> Column:
    """The column of the line at a multiple of the shaft speed, refused where it cannot be told.

    Args:
        batch: The windows.
        name: Of the column.
        order: Multiple of the shaft speed; None: the geometry is not known.
        reach_hz: Highest frequency of the spectrum in which the line is read; None: half the sample rate.
        factor: What the column is multiplied by.
        more: Further refusals, after the ones of the line.
    """
    if order is None:
        return Column.of(np.zeros(batch.windows), (FeatureRefusal.NO_GEOMETRY, True)).refuse(batch.codes)
    speed, resolution = batch.speed_hz, batch.plan.resolution_hz
    unknown, still = np.isnan(speed), speed <= 0
    bins = np.where(unknown | still, 0.0, speed) * order / resolution
    limit = (batch.sample_rate_hz / 2 if reach_hz is None else reach_hz) / resolution
    return column(
        batch,
        name,
        (FeatureRefusal.NO_SPEED, unknown),
        (FeatureRefusal.SPEED_ZERO, still),
        (FeatureRefusal.TOO_SHORT, bins < _MIN_CYCLES),
        (FeatureRefusal.BAND_NOT_COVERED, bins > limit - 3),
        *more,
        factor=factor,
    )


def fault_line(batch: WaveformBatch, name: str, order: float | None) -> Column:
    """As `line`, in the spectrum of the envelope."""
    return line(batch, name, order, reach_hz=batch.plan.envelope_reach_hz)
