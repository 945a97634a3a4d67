"""Reasons of a statement in words: evidence, lines of a spectrum, what a diagnosis says."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.core.statements import Evidence
from features.registry.words import fault_words, feature_words, line_words
from serving.web import words

__all__ = ["EvidenceView", "LineView", "PhysicsView", "evidence_view", "physics_view"]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A row of the evidence table."""

    name: str
    feature: str
    value: str
    reference: str
    share: str
    verdict: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of a spectrum: its name, place and height over its floor."""

    name: str
    order: str
    frequency: str
    height: str
    note: str


@dataclass(frozen=True, slots=True)
class PhysicsView:
    """What a diagnosis says, why, and its lines."""

    says: str
    why: str
    lines: tuple[LineView, ...]


def evidence_view(evidence: Evidence, time_zone: str) -> EvidenceView:
    """One reason as a row of a table, in the site's time."""
    feature, unit = evidence.feature, evidence.unit
    return EvidenceView(
        name=feature_words(feature),
        feature=feature,
        value=words.quantity(feature, evidence.value, unit),
        reference=words.quantity(feature, evidence.reference, unit),
        share="–" if evidence.share is None else f"{evidence.share:.0%}",
        verdict=evidence.verdict[:1].upper() + evidence.verdict[1:],
        note=words.in_site_words(evidence.note, time_zone),
    )


def physics_view(found: Sequence[Evidence], time_zone: str) -> PhysicsView | None:
    """What a diagnosis found, the first item being the diagnosis itself; None: there is none."""
    if not found:
        return None
    says = fault_words(found[0].verdict)
    lines = tuple(
        LineView(
            name=line_words(line.feature.split(".", 2)[-1]),
            order=words.figure(line.order),
            frequency=f"{words.figure(line.frequency_hz)} Hz",
            height=f"{line.value:.0f} dB",
            note=words.in_site_words(line.note, time_zone),
        )
        for line in found[1:]
    )
    return PhysicsView(says[:1].upper() + says[1:], words.in_site_words(found[0].note, time_zone), lines)
