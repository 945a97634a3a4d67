"""Unbalance, misalignment and looseness: the pattern of the shaft's harmonics in vibration velocity.

Every healthy machine shows some of each pattern, so a pattern counts only where the harmonics together
are severe: above the boundary of zones B and C of ISO 20816-3.

References:
    ISO 20816-3:2022, annex A (zone boundaries); ISO 13373-3:2015, annex A (patterns); C. Scheffer,
    P. Girdhar, "Practical Machinery Vibration Analysis and Predictive Maintenance" (2004), chapter 5
    (2x above half of 1x: misalignment; long series and half orders: looseness).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features import signals
from features.diagnosis.recording import Geometry, Recording
from features.diagnosis.verdicts import Fault, Finding, MatchedLine

__all__ = ["ShaftEvidence", "shaft_evidence"]

# Harmonics that are read: whole ones to 10, half ones to 5.5.
_WHOLE, _HALF = tuple(range(1, 11)), (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)

# Range in which vibration severity is defined: ISO 20816-3:2022, 4.2 (2 Hz for machines below 600/min).
_LOWEST_HZ, _HIGHEST_HZ = 2.0, 1000.0

# Share of the harmonics' energy at 1x that makes unbalance.
_UNBALANCE_SHARE = 0.8

# 2x over 1x that makes misalignment, and the share of the energy that 1x to 3x then hold.
_MISALIGNMENT_RATIO, _MISALIGNMENT_SHARE = 0.5, 0.75

# A harmonic counts for looseness from this share of the highest and this height over its floor.
_LOOSENESS_SHARE, _LOOSENESS_DB = 0.15, 10.0

# So many whole harmonics above 3x, or half ones, make looseness.
_LOOSENESS_WHOLE, _LOOSENESS_HALF = 4, 3


@dataclass(frozen=True, slots=True)
class ShaftEvidence:
    """Supported faults of the shaft; `severity` is the RMS of its harmonics over the limit."""

    findings: tuple[Finding, ...]
    severity: float


def shaft_evidence(
    recordings: Sequence[Recording], geometry: Geometry, *, limit_mm_s: float, speed_share: float = 1.0
) -> ShaftEvidence:
    """Which pattern the harmonics at one point show.

    Args:
        recordings: Usable ones of one point.
        geometry: Multiples of the number of teeth or blades are no harmonics of the shaft.
        limit_mm_s: RMS velocity of the harmonics together above which a pattern counts.
        speed_share: True speed over the one given.
    """
    lines = _harmonics(recordings, geometry, speed_share)
    rms = {line.order: line.amplitude / np.sqrt(2.0) for line in lines}
    total = float(np.sqrt(sum(value**2 for value in rms.values())))
    severity = total / limit_mm_s
    if severity < 1.0:
        return ShaftEvidence((), severity)
    fault, shown = _pattern(lines, rms, total)
    if fault is None:
        return ShaftEvidence((), severity)
    margin = float(20.0 * np.log10(severity))
    return ShaftEvidence((Finding(fault, margin, recordings[0].point, tuple(shown)),), severity)


def _pattern(
    lines: Sequence[MatchedLine], rms: dict[float, float], total: float
) -> tuple[Fault | None, list[MatchedLine]]:
    highest = max(rms.values())
    series = [
        line for line in lines if rms[line.order] >= _LOOSENESS_SHARE * highest and line.snr_db >= _LOOSENESS_DB
    ]
    long = [line for line in series if line.order > 3 and line.order % 1 == 0]
    half = [line for line in series if line.order % 1 != 0]
    if len(long) >= _LOOSENESS_WHOLE or len(half) >= _LOOSENESS_HALF:
        return Fault.LOOSENESS, series
    one, two, three = (rms.get(order, 0.0) for order in (1.0, 2.0, 3.0))
    first = [line for line in lines if line.order in (1.0, 2.0, 3.0)]
    if two >= _MISALIGNMENT_RATIO * one:
        held = one**2 + two**2 + three**2 >= _MISALIGNMENT_SHARE * total**2
        return (Fault.MISALIGNMENT, first) if held else (None, [])
    if one**2 >= _UNBALANCE_SHARE * total**2:
        return Fault.UNBALANCE, first[:1]
    return None, []


def _harmonics(recordings: Sequence[Recording], geometry: Geometry, speed_share: float) -> list[MatchedLine]:
    """Lines in mm/s (amplitude, not RMS) at whole and half orders, averaged in energy."""
    other = [count for count in (geometry.gear_teeth, geometry.blades) if count is not None]
    found = []
    spectra = [_cumulated(each) for each in recordings]
    for order in sorted((*_WHOLE, *_HALF)):
        if any(order % count == 0 for count in other):
            continue
        read = [
            _velocity(each, power, order * (each.speed_hz or 0.0) * speed_share)
            for each, power in zip(recordings, spectra, strict=True)
        ]
        values = [value for value in read if value is not None]
        if not values:
            continue
        amplitude = float(np.sqrt(np.mean([value[0] ** 2 for value in values])))
        height = float(np.mean([value[1] for value in values]))
        hz = order * float(np.mean([each.speed_hz or 0.0 for each in recordings])) * speed_share
        found.append(
            MatchedLine(
                f"{order:g}x", recordings[0].point, "velocity", 1, 0, order, hz, hz, amplitude, "mm/s", height
            )
        )
    return found


def _cumulated(recording: Recording) -> np.ndarray:
    samples = np.asarray(recording.samples, dtype=np.float64)[None, :]
    spectrum = signals.transform(samples - samples.mean())
    power = signals.power(signals.hann(spectrum, samples.shape[1]), samples.shape[1])
    return np.asarray(np.cumsum(power, axis=1))


def _velocity(recording: Recording, cumulated: np.ndarray, hz: float) -> tuple[float, float] | None:
    """Amplitude of velocity in mm/s and height in dB of the line at `hz`, None outside the range."""
    resolution = recording.sample_rate_hz / len(recording.samples)
    centre = hz / resolution
    if not _LOWEST_HZ <= hz <= _HIGHEST_HZ or centre < 3 or centre > cumulated.shape[1] - 4:
        return None
    amplitude = float(signals.line_amplitude(cumulated, np.array([centre]))[0])
    # The neighbourhood: to half-way to the next half order on either side.
    reach = max(5, round(0.25 * (recording.speed_hz or 0.0) / resolution))
    low, high = max(1, round(centre) - 2 * reach), min(cumulated.shape[1] - 1, round(centre) + 2 * reach)
    around = np.diff(cumulated[0, low - 1 : high + 1])
    floor = float(np.median(around)) * 5.0
    height = 10.0 * np.log10(max(amplitude**2 / 2.0, 1e-300) / max(floor, 1e-300))
    return amplitude / (2.0 * np.pi * hz) * 1000.0, float(height)
