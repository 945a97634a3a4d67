"""From recordings and geometry to one diagnosis: all evidence is gathered, then weighed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.diagnosis.bearing import BearingEvidence, BearingLimits, bearing_evidence, highest_bearing_order
from features.diagnosis.envelope import envelope_spectra
from features.diagnosis.gear import gear_evidence
from features.diagnosis.lubrication import lubrication_evidence
from features.diagnosis.recording import Geometry, Recording, usable
from features.diagnosis.shaft import ShaftEvidence, shaft_evidence
from features.diagnosis.verdicts import Diagnosis, Fault, Finding, MatchedLine
from features.registry import FeatureRefusal

__all__ = ["SEVERE_MM_S", "diagnose"]

# Boundary of zones B and C for medium machines (15 to 300 kW) on rigid foundations: ISO 20816-3:2022,
# table A.2, RMS velocity in mm/s.
SEVERE_MM_S = 2.8

# Up to where the shaft's own harmonics are read when there is no bearing.
_SHAFT_ORDERS = 12.0

# What a finding says about the component itself comes before what it says about the machine.
_RANK = {
    Fault.OUTER_RACE: 0,
    Fault.INNER_RACE: 0,
    Fault.BALL: 0,
    Fault.CAGE: 0,
    Fault.GEAR: 0,
    Fault.LOOSENESS: 1,
    Fault.MISALIGNMENT: 1,
    Fault.UNBALANCE: 1,
    Fault.LUBRICATION: 2,
}


def diagnose(
    recordings: Sequence[Recording],
    geometry: Geometry,
    *,
    reference: Sequence[Recording] = (),
    severe_mm_s: float = SEVERE_MM_S,
    limits: BearingLimits = BearingLimits(),
) -> Diagnosis | FeatureRefusal:
    """The fault that the spectra of a component support, from physics alone.

    Args:
        recordings: Waveforms of one or several measuring points, taken in the same condition; those of
            one point are averaged, points are looked at one by one.
        geometry: Of the component.
        reference: Waveforms of the same points in healthy time; only lubrication needs them.
        severe_mm_s: RMS velocity above which harmonics of the shaft are more than normal.
        limits: From which height on lines name a fault of a bearing.

    Returns:
        A diagnosis, or why there is none: `no_input`, `no_geometry`, `no_speed`, `speed_zero`, `empty`,
        `too_short` (less than 6 revolutions), `constant`, `saturated`, `not_finite`, or
        `band_not_covered` when the sample rate does not reach the fault lines.

    Example:
        >>> wave = np.sin(2 * np.pi * 25 * np.arange(8192) / 8192)  # 1 s of a smooth unbalance
        >>> found = diagnose([Recording("vib", wave, 8192.0, 25.0)], Geometry(blades=5))
        >>> found.fault.value, found.lines[0].name
        ('unbalance', '1x')
    """
    if not recordings:
        return FeatureRefusal.NO_INPUT
    if not geometry.is_known:
        return FeatureRefusal.NO_GEOMETRY
    good, refusal = usable(recordings)
    if not good:
        return refusal or FeatureRefusal.NO_INPUT
    healthy, _ = usable(reference)
    gathered = [
        _of_point([each for each in good if each.point == point], geometry, healthy, severe_mm_s, limits)
        for point in dict.fromkeys(each.point for each in good)
    ]
    told = [each for each in gathered if not isinstance(each, FeatureRefusal)]
    if not told:
        return next(each for each in gathered if isinstance(each, FeatureRefusal))
    return _weighed(told)


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Evidence of one point; the speed is the true one."""

    bearing: BearingEvidence
    shaft: ShaftEvidence
    others: tuple[Finding, ...]
    speed_hz: float


def _of_point(
    recordings: Sequence[Recording],
    geometry: Geometry,
    healthy: Sequence[Recording],
    severe_mm_s: float,
    limits: BearingLimits,
) -> _Gathered | FeatureRefusal:
    orders, point = geometry.orders, recordings[0].point
    highest = _SHAFT_ORDERS if orders is None else max(_SHAFT_ORDERS, highest_bearing_order(orders))
    spectra = envelope_spectra(recordings, highest)
    if not spectra and orders is not None:
        return FeatureRefusal.BAND_NOT_COVERED
    share = spectra[0].speed_share if spectra else 1.0
    speed = float(np.mean([each.speed_hz or 0.0 for each in recordings]))
    bearing = BearingEvidence((), (), is_ambiguous=False)
    if orders is not None:
        bearing = bearing_evidence(spectra, orders, point=point, speed_hz=speed, limits=limits)
    shaft = shaft_evidence(recordings, geometry, limit_mm_s=severe_mm_s, speed_share=share)
    others = []
    if geometry.gear_teeth is not None:
        gear = gear_evidence(recordings, geometry.gear_teeth, speed_share=share)
        others += [] if gear is None else [gear]
    if not bearing.findings and not others:
        dry = lubrication_evidence(recordings, [each for each in healthy if each.point == point])
        others += [] if dry is None else [dry]
    return _Gathered(bearing, shaft, tuple(others), speed * share)


def _weighed(gathered: Sequence[_Gathered]) -> Diagnosis:
    findings = sorted(
        (finding for each in gathered for finding in (*each.bearing.findings, *each.shaft.findings, *each.others)),
        key=lambda finding: (_RANK[finding.fault], -finding.margin_db),
    )
    weak = tuple(line for each in gathered for line in each.bearing.weak)
    speed = gathered[0].speed_hz
    if findings:
        top = findings[0]
        clash = [each for each in gathered if each.bearing.is_ambiguous and top in each.bearing.findings]
        if clash:
            names = " or ".join(finding.fault.value for finding in clash[0].bearing.findings[:2])
            return _open(top.lines, tuple(findings), f"{names}: lines of the same height", speed)
        return Diagnosis(top.fault, top.margin_db, top.lines, tuple(findings), _because(top), speed)
    if weak:
        reason = f"{weak[0].name} stands {weak[0].snr_db:.0f} dB over its floor: not enough to name a fault"
        return _open(weak, (), reason, speed)
    if any(each.shaft.severity >= 1.0 for each in gathered):
        return _open((), (), "harmonics of the shaft are severe, but their pattern is none of those known", speed)
    return Diagnosis(Fault.NORMAL, 0.0, (), (), "no line of a fault stands out of the noise", speed)


def _open(
    lines: tuple[MatchedLine, ...], findings: tuple[Finding, ...], reason: str, speed_hz: float
) -> Diagnosis:
    return Diagnosis(Fault.UNKNOWN, 0.0, lines, findings, reason, speed_hz)


def _because(finding: Finding) -> str:
    line = finding.lines[0]
    return (
        f"{line.name} at {line.frequency_hz:.1f} Hz (order {line.order:.2f}) stands {line.snr_db:.0f} dB over its "
        f"floor at {finding.point}"
    )
