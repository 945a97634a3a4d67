"""Gears: lines at the tooth mesh with sidebands at the shaft's rate.

The mesh itself is no damage: every pair of wheels has it. A broken, cracked or eccentric wheel modulates
the mesh once a revolution, which puts sidebands beside it.

References:
    R. B. Randall, "A new method of modeling gear faults", Journal of Mechanical Design 104 (1982); the
    sideband level factor (sidebands over the level they modulate) as in P. Vecer, M. Kreidl, R. Smid,
    "Condition indicators for gearbox condition monitoring systems", Acta Polytechnica 45 (2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features import signals
from features.diagnosis.recording import Recording
from features.diagnosis.verdicts import Fault, Finding, MatchedLine

__all__ = ["gear_evidence"]

# Mesh harmonics that are looked at, and steps of sidebands on either side.
_HARMONICS, _SIDEBANDS = 2, 2

# How far the mesh may lie from its place: slip of the given speed, at most so many orders.
_SPEED_SHARE, _MOST_ORDERS = 0.01, 0.4

# Height of the mesh line and of a sideband over their floor; so many of the four sidebands are asked for.
_MESH_DB, _SIDEBAND_DB, _LEAST_SIDEBANDS = 15.0, 10.0, 3

# Sum of the first sidebands' amplitudes over the mesh's: a modulation of half or more.
_MODULATION = 0.5

# Share of the Nyquist frequency up to which lines are read: below the anti-aliasing filter.
_USABLE_SHARE = 0.9


def gear_evidence(recordings: Sequence[Recording], teeth: int, *, speed_share: float = 1.0) -> Finding | None:
    """Whether the tooth mesh at one point is modulated by the shaft.

    Most of the recordings must show it; the clearest one is given.

    Args:
        recordings: Usable ones of one point.
        teeth: On the shaft of the given speed.
        speed_share: True speed over the one given.
    """
    found = [best for each in recordings if (best := _modulated(each, teeth, speed_share)) is not None]
    if 2 * len(found) <= len(recordings):
        return None
    return max(found, key=lambda finding: finding.margin_db)


def _modulated(recording: Recording, teeth: int, speed_share: float) -> Finding | None:
    samples = np.asarray(recording.samples, dtype=np.float64)[None, :]
    count = samples.shape[1]
    power = signals.power(signals.hann(signals.transform(samples - samples.mean()), count), count)[0]
    speed = (recording.speed_hz or 0.0) * speed_share
    spectrum = _Spectrum(power, recording.sample_rate_hz / count / speed, recording.point, speed)
    found = [spectrum.finding(teeth * harmonic, harmonic) for harmonic in range(1, _HARMONICS + 1)]
    return max((each for each in found if each is not None), key=lambda each: each.margin_db, default=None)


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """Hann power [bins] of one recording; bin k lies at k * `step` orders."""

    power: np.ndarray
    step: float
    point: str
    speed_hz: float

    def finding(self, order: int, harmonic: int) -> Finding | None:
        """What the mesh at that order and its sidebands say, None: no damage."""
        if (order + _SIDEBANDS + 1) / self.step >= _USABLE_SHARE * (len(self.power) - 1):
            return None
        half = min(_MOST_ORDERS, max(_SPEED_SHARE * order, 2 * self.step))
        floor = self._floor(order)
        mesh = self._line(order, half, floor, harmonic, 0)
        sides = [
            self._line(mesh.order + side, 1.5 * self.step, floor, harmonic, side)
            for step in range(1, _SIDEBANDS + 1)
            for side in (-step, step)
        ]
        third = sorted(line.snr_db for line in sides)[-_LEAST_SIDEBANDS]
        first = sides[0].amplitude + sides[1].amplitude
        if mesh.snr_db < _MESH_DB or third < _SIDEBAND_DB or first < _MODULATION * mesh.amplitude:
            return None
        margin = min(mesh.snr_db - _MESH_DB, third - _SIDEBAND_DB)
        return Finding(Fault.GEAR, margin, self.point, (mesh, *sides))

    def _floor(self, order: float) -> float:
        """Power of five bins of the floor around the mesh, out to where the next sidebands would be."""
        reach, centre = (_SIDEBANDS + 1.5) / self.step, order / self.step
        low, high = max(1, round(centre - reach)), min(len(self.power), round(centre + reach) + 1)
        return 5.0 * float(np.median(self.power[low:high]))

    def _line(self, expected: float, half: float, floor: float, harmonic: int, sideband: int) -> MatchedLine:
        """The highest line within `half` orders of a place, with the energy of its main lobe."""
        low = max(2, round((expected - half) / self.step))
        high = min(len(self.power) - 3, round((expected + half) / self.step))
        best = low + int(np.argmax(self.power[low : high + 1]))
        energy = float(self.power[best - 2 : best + 3].sum())
        order = best * self.step
        return MatchedLine(
            name="mesh",
            point=self.point,
            spectrum="acceleration",
            harmonic=harmonic,
            sideband=sideband,
            order=order,
            frequency_hz=order * self.speed_hz,
            expected_hz=expected * self.speed_hz,
            amplitude=float(np.sqrt(2.0 * energy)),
            unit="m/s^2",
            snr_db=float(10.0 * np.log10(max(energy, 1e-300) / max(floor, 1e-300))),
        )
