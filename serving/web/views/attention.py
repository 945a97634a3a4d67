"""What waits for a person, in words."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.core.plant import Site
from features.core.statements import Outcome
from serving.planning.attention import Act, Attention, Matter, MatterKind
from serving.planning.shadow import Shadow
from serving.web import words

__all__ = ["OUTCOMES", "AttentionView", "MatterView", "Section", "ShadowRowView", "attention_view"]

# What a person can say of a closed order, most often said first.
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.INCIPIENT_FAULT: "A beginning fault was found and repaired",
    Outcome.CONFIRMED_FAILURE: "It had failed",
    Outcome.NO_FAULT_FOUND: "No fault was found",
    Outcome.SENSOR_FAULT: "The sensor was wrong",
    Outcome.PREVENTIVE_REPLACEMENT: "A good part was replaced as a precaution",
    Outcome.DEFERRED: "Nothing was done, it was put off",
    Outcome.DUPLICATE: "Another order did the work",
    Outcome.CANCELLED: "It was cancelled",
}

_SECTIONS = {
    MatterKind.STOP: "Stopped by a person",
    MatterKind.CONNECTION: "Connection to the ERP",
    MatterKind.INCIDENT: "Incidents",
    MatterKind.DEAD_LETTER: "Given up: the ERP refuses it",
    MatterKind.OUTCOME: "Closed orders without a known outcome",
    MatterKind.UNMAPPED: "Machines that are not mapped",
}


@dataclass(frozen=True, slots=True)
class MatterView:
    """One thing that waits for a person; `acts` are names of `Act`."""

    anchor: str
    head: str
    says: str
    to_do: str
    since: str
    age: str
    site: str
    machines: tuple[str, ...]
    command: str
    acts: tuple[str, ...]
    id: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """Things of one kind."""

    anchor: str
    title: str
    matters: tuple[MatterView, ...]


@dataclass(frozen=True, slots=True)
class ShadowRowView:
    """A recommendation that was not written, and what planners did."""

    machine_id: str
    component: str
    action: str
    made: str
    planners_order: str
    lead: str


@dataclass(frozen=True, slots=True)
class AttentionView:
    """The whole page."""

    sections: tuple[Section, ...]
    held: tuple[MatterView, ...]
    shadow_sites: str
    shadow_facts: tuple[tuple[str, str], ...]
    shadow_rows: tuple[ShadowRowView, ...]
    shadow_left_out: int

    @property
    def count(self) -> int:
        """How many things wait for a person."""
        return sum(len(section.matters) for section in self.sections)


# Rows of the shadow report on the page; the API and the command line have all.
_MOST_ROWS = 50


def attention_view(found: Attention, sites: Sequence[Site], now: dt.datetime) -> AttentionView:
    """Everything that a person should look at, in words.

    Args:
        found: What was found.
        sites: Of the plant, for local times; a matter without a site is told in the first one's.
        now: The moment to which ages count.
    """
    zones = {site.id: site.time_zone for site in sites}
    told = [(matter.kind, _matter(matter, zones, sites, now)) for matter in found.waiting]
    sections = (
        Section(kind.value.replace("_", "-"), title, tuple(view for own, view in told if own is kind))
        for kind, title in _SECTIONS.items()
    )
    return AttentionView(
        sections=tuple(section for section in sections if section.matters),
        held=tuple(_matter(matter, zones, sites, now) for matter in found.held),
        shadow_sites=", ".join(found.shadow_sites),
        shadow_facts=_shadow_facts(found.shadow),
        shadow_rows=_shadow_rows(found.shadow, zones, sites),
        shadow_left_out=max(0, len(found.shadow.recommendations) - _MOST_ROWS),
    )


def _zone(site_id: str | None, zones: Mapping[str, str], sites: Sequence[Site]) -> str:
    return zones.get(site_id or "", sites[0].time_zone)


def _matter(matter: Matter, zones: Mapping[str, str], sites: Sequence[Site], now: dt.datetime) -> MatterView:
    names = {site.id: site.name or site.id for site in sites}
    return MatterView(
        anchor=f"{matter.kind.value}-{matter.id or ''}",
        head=matter.head,
        says=matter.says[:1].upper() + matter.says[1:],
        to_do=matter.to_do,
        since=words.local_time(matter.since, _zone(matter.site_id, zones, sites)),
        age="" if matter.since is None else words.since(matter.since, now),
        site=names.get(matter.site_id or "", ""),
        machines=matter.machines,
        command=matter.command,
        acts=tuple(act.value for act in Act if act in matter.acts),
        id=matter.id,
    )


def _shadow_facts(shadow: Shadow) -> tuple[tuple[str, str], ...]:
    facts = shadow.facts()
    lead = facts["median_lead_hours"]
    return (
        ("Would have been written", str(facts["would_have_been_written"])),
        ("Planners ordered it too", str(facts["planners_ordered_too"])),
        ("Nobody ordered", str(facts["nobody_ordered"])),
        ("Wearcast was earlier by (median)", "–" if lead is None else f"{words.figure(lead)} h"),
    )


def _shadow_rows(shadow: Shadow, zones: Mapping[str, str], sites: Sequence[Site]) -> tuple[ShadowRowView, ...]:
    rows = []
    for held in shadow.recommendations[:_MOST_ROWS]:
        what, seen = held.recommendation, held.linked_at
        hours = None if seen is None else (seen - held.created_at).total_seconds() / 3600.0
        rows.append(
            ShadowRowView(
                machine_id=what.machine_id,
                component=what.slot,
                action=words.action_word(what.action),
                made=words.local_time(held.created_at, _zone(held.site_id, zones, sites)),
                planners_order=held.linked_order or "–",
                lead="–" if hours is None else f"{words.figure(hours)} h",
            )
        )
    return tuple(rows)
