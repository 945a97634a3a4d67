"""Rolling bearings: which fault's lines the envelope spectra of a point hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from features.core.plant import FaultOrders
from features.diagnosis.envelope import EnvelopeSpectrum
from features.diagnosis.verdicts import Fault, Finding, MatchedLine

__all__ = ["BearingEvidence", "BearingLimits", "bearing_evidence", "highest_bearing_order"]

# Harmonics of a fault that are looked at, and steps of sidebands shown with them.
_HARMONICS, _SIDEBANDS = 3, 2

# Two lines are the same one when so many bins lie between them at most.
_SAME_LINE = 1.5

# Probability that noise alone makes any line of a point significant.
_FALSE_ALARM = 1e-3


@dataclass(frozen=True, slots=True)
class BearingLimits:
    """From which height on lines name a fault; the values hold for all bearings and speeds.

    Attributes:
        naming_db: Height of a fault's first line over its floor.
        second_db: Height of its second harmonic.
        part_db: By how much more lines must stand out in a part of the band: the best of several parts
            is taken, and what only one part shows may come from elsewhere.
        ambiguous_db: Two faults whose lines are as high as each other to within this are not told apart.
        slip: Share of its frequency by which a line may lie off its place: R. B. Randall, J. Antoni, MSSP
            25 (2011), section 2: slip is "of the order of 1-2 %".
    """

    naming_db: float = 15.0
    second_db: float = 8.0
    part_db: float = 6.0
    ambiguous_db: float = 3.0
    slip: float = 0.015


@dataclass(frozen=True, slots=True)
class _Family:
    fault: Fault
    name: str
    order: float
    modulation: float | None
    """Spacing of sidebands in orders."""


@dataclass(frozen=True, slots=True)
class BearingEvidence:
    """Faults that are supported at a point, and lines that stand out without supporting one enough."""

    findings: tuple[Finding, ...]
    weak: tuple[MatchedLine, ...]
    is_ambiguous: bool


def _families(orders: FaultOrders) -> tuple[_Family, ...]:
    # A damaged ball strikes both rings once a turn: the even harmonics of its spin dominate.
    return (
        _Family(Fault.OUTER_RACE, "bpfo", orders.bpfo, None),
        _Family(Fault.INNER_RACE, "bpfi", orders.bpfi, 1.0),
        _Family(Fault.BALL, "2xbsf", 2 * orders.bsf, orders.ftf),
        _Family(Fault.CAGE, "ftf", orders.ftf, None),
    )


def highest_bearing_order(orders: FaultOrders) -> float:
    """Up to which order the envelope spectra must reach: the second harmonic of the fastest fault."""
    return 1.03 * 2 * max(orders.bpfi, orders.bpfo, 2 * orders.bsf) + 1


def bearing_evidence(
    spectra: Sequence[EnvelopeSpectrum],
    orders: FaultOrders,
    *,
    point: str,
    speed_hz: float,
    limits: BearingLimits = BearingLimits(),
) -> BearingEvidence:
    """What the envelope spectra of one point say about a bearing.

    Args:
        spectra: Of the whole band and its parts.
        orders: Fault orders of the bearing.
        point: Name of the measuring point, for the lines.
        speed_hz: Shaft speed as given.
        limits: From which height on lines name a fault.
    """
    families = _families(orders)
    tests = len(spectra) * sum(
        2 * limits.slip * harmonic * family.order / spectra[0].step + 1
        for family in families
        for harmonic in range(1, _HARMONICS + 1)
    )
    best: dict[Fault, Finding] = {}
    weak: list[MatchedLine] = []
    for spectrum in spectra:
        significant = spectrum.significant_db(_FALSE_ALARM / tests)
        for family in families:
            lines = _lines(spectrum, family, point, speed_hz, limits.slip)
            margin = _margin(spectrum, family, lines, significant, limits)
            if margin is None:
                weak += [line for line in lines if line.sideband == 0 and line.snr_db >= significant]
            elif family.fault not in best or margin > best[family.fault].margin_db:
                best[family.fault] = Finding(family.fault, margin, point, lines)
    findings = [each for each in best.values() if not _is_sideband(each, best.values(), limits, spectra[0].step)]
    findings.sort(key=lambda finding: -finding.margin_db)
    return BearingEvidence(tuple(findings), _strongest(weak), _ambiguous(findings, limits.ambiguous_db))


def _lines(
    spectrum: EnvelopeSpectrum, family: _Family, point: str, speed_hz: float, slip: float
) -> tuple[MatchedLine, ...]:
    """Lines at the fault's harmonics, then the sidebands of the first; the first one decides the slip."""
    found: list[MatchedLine] = []

    def add(harmonic: int, sideband: int, expected: float, half: float) -> float | None:
        peak = spectrum.peak(expected, expected - half, expected + half)
        if peak is None:
            return None
        order, height, depth = peak
        hz = speed_hz * spectrum.speed_share
        label = f"envelope {spectrum.band_hz[0]:.0f}-{spectrum.band_hz[1]:.0f} Hz"
        found.append(
            MatchedLine(
                family.name, point, label, harmonic, sideband, order, order * hz, expected * hz, depth, "1", height
            )
        )
        return order

    first = add(1, 0, family.order, max(slip * family.order, spectrum.step))
    if first is None:
        return ()
    for harmonic in range(2, _HARMONICS + 1):
        add(harmonic, 0, harmonic * first, (0.5 * harmonic + 1.0) * spectrum.step)
    for step in range(1, _SIDEBANDS + 1) if family.modulation is not None else ():
        for side in (-step, step):
            add(1, side, first + side * (family.modulation or 0.0), 1.5 * spectrum.step)
    return tuple(found)


def _margin(
    spectrum: EnvelopeSpectrum,
    family: _Family,
    lines: Sequence[MatchedLine],
    significant: float,
    limits: BearingLimits,
) -> float | None:
    """How far the lines exceed what naming the fault asks for, dB; None: they do not."""
    extra = 0.0 if spectrum.whole else limits.part_db
    heights = {line.harmonic: line.snr_db for line in lines if line.sideband == 0}
    needed = {1: max(limits.naming_db + extra, significant), 2: max(limits.second_db + extra, significant)}
    if family.fault is Fault.CAGE:
        # Every fault that passes the load zone is modulated by the cage: only its own whole series tells.
        needed = dict.fromkeys(range(1, _HARMONICS + 1), needed[1])
    margins = [heights.get(harmonic, 0.0) - level for harmonic, level in needed.items()]
    return min(margins) if min(margins) >= 0 else None


def _is_sideband(finding: Finding, findings: Iterable[Finding], limits: BearingLimits, step: float) -> bool:
    """Whether a finding's first line is one of the sidebands of another's, and not higher than that one.

    Sidebands of an inner race lie at a ball's lines in some bearings: 4.95 - 1 and 3.99 orders in a 6203.
    """
    first = finding.lines[0]
    return any(
        abs(line.order - first.order) <= _SAME_LINE * step
        and first.snr_db < other.lines[0].snr_db + limits.ambiguous_db
        for other in findings
        if other is not finding
        for line in other.lines
        if line.sideband != 0
    )


def _ambiguous(findings: Sequence[Finding], within_db: float) -> bool:
    if len(findings) < 2:
        return False
    first, second = (finding.lines[0].snr_db for finding in findings[:2])
    return abs(first - second) < within_db


def _strongest(lines: Sequence[MatchedLine], count: int = 6) -> tuple[MatchedLine, ...]:
    return tuple(sorted(lines, key=lambda line: -line.snr_db)[:count])
