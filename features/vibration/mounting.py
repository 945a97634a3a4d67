"""What is wrong with a sensor or its mounting, as far as one waveform tells."""

from enum import StrEnum

import numpy as np

from features.registry import FeatureRefusal, codes_of
from features.vibration.batch import WaveformBatch

__all__ = ["SensorFinding", "sensor_findings"]

# Power of velocity from 1 to 10 Hz over that from 10 to 1000 Hz that no sound machine shows.
_SKI_SLOPE = 100.0

# Mean over peak from which on a signal hangs to one side.
_ONE_SIDED = 0.5

# Distinct values of a window below which the amplitude is not resolved.
_LEAST_VALUES = 16


class SensorFinding(StrEnum):
    """Why a waveform is more about its sensor than about the machine."""

    DEAD = "dead"
    NOT_FINITE = "not_finite"
    SATURATED = "saturated"
    ONE_SIDED = "one_sided"
    NOT_RESOLVED = "not_resolved"
    SKI_SLOPE = "ski_slope"


def sensor_findings(batch: WaveformBatch) -> list[tuple[SensorFinding, ...]]:
    """What speaks against the sensor of each window, nothing where nothing does.

    `dead`: constant. `saturated`: more than 1 % of the samples in runs at the largest or smallest value.
    `one_sided`: the mean is more than half of the peak around it (loose cable, bias lost). `not_resolved`:
    fewer than 16 distinct values. `ski_slope`: an accelerometer whose velocity spectrum falls from the
    lowest lines on and holds 100 times more power from 1 to 10 Hz than from 10 Hz to 1000 Hz: overload,
    thermal shock or a loose mounting; only for windows of at least 2 s.

    References:
        R. B. Randall, Vibration-based Condition Monitoring (2011), section 1.4 (transducers, mounting).

    Example:
        >>> flat, fine = np.full(4096, 3.0), np.sin(np.arange(4096.0))
        >>> sensor_findings(WaveformBatch(np.stack([flat, fine]), 8192.0, np.array([25.0, 25.0])))
        [(<SensorFinding.DEAD: 'dead'>,), ()]
    """
    codes = batch.codes
    found: list[list[SensorFinding]] = [[] for _ in range(batch.windows)]
    by_code = {
        codes_of(FeatureRefusal.CONSTANT): SensorFinding.DEAD,
        codes_of(FeatureRefusal.NOT_FINITE): SensorFinding.NOT_FINITE,
        codes_of(FeatureRefusal.SATURATED): SensorFinding.SATURATED,
    }
    for row, code in enumerate(codes.tolist()):
        if code in by_code:
            found[row].append(by_code[code])
    usable = np.flatnonzero(codes == 0)
    for row in usable[np.abs(batch.column("mean")[usable]) > _ONE_SIDED * batch.column("peak")[usable]].tolist():
        found[row].append(SensorFinding.ONE_SIDED)
    for row in usable.tolist():
        if batch.distinct_values(row) < _LEAST_VALUES:
            found[row].append(SensorFinding.NOT_RESOLVED)
    if len(usable) and batch.duration_s >= 2.0 and batch.plan.exponent < 0:
        frequencies = batch.plan.frequencies_hz
        low, high = (frequencies >= 1.0) & (frequencies < 10.0), (frequencies >= 10.0) & (frequencies <= 1000.0)
        power = batch.power()
        slow = (power[:, low] / frequencies[low] ** 2).sum(axis=1)
        fast = (power[:, high] / frequencies[high] ** 2).sum(axis=1)
        for row in usable[slow[usable] > _SKI_SLOPE * fast[usable]].tolist():
            found[row].append(SensorFinding.SKI_SLOPE)
    return [tuple(each) for each in found]
