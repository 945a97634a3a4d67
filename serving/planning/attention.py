"""What waits for a person: stops, incidents, dead letters, outcomes nobody could read, machines without a place.

Each matter says what happened, since when, which machines, and what to do. Nothing here decides anything.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from serving.orders import NO_MAPPING, OrderState, RecommendationState
from serving.planning.shadow import Shadow, compare
from serving.settings import ErpSettings
from serving.store import ALL_SITES, Incident, IncidentKind, Store, StoredRecommendation

__all__ = ["Act", "Attention", "Matter", "MatterKind", "attend", "matters"]


class MatterKind(StrEnum):
    """What it is about, what stops most first; `held` ends by itself and is only told."""

    STOP = "stop"
    CONNECTION = "connection"
    INCIDENT = "incident"
    DEAD_LETTER = "dead_letter"
    OUTCOME = "outcome"
    UNMAPPED = "unmapped"
    HELD = "held"


class Act(StrEnum):
    """What a person can do about it here."""

    CLOSE = "close"
    REQUEUE = "requeue"
    RELEASE = "release"
    REJECT = "reject"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that waits for a person.

    Attributes:
        kind: What it is about.
        head: What happened, in a few words.
        says: What is known of it, the ERP's own words among it.
        to_do: What ends it.
        since: Since when; None: not known.
        site_id: Site; None: all, or not known.
        machines: Machines it is about.
        command: Command line that ends it or helps to; empty: there is none.
        acts: What can be done about it by `id`.
        id: Of the incident, the recommendation or the change of an order, as `kind` has it.
    """

    kind: MatterKind
    head: str
    says: str
    to_do: str
    since: dt.datetime | None = None
    site_id: str | None = None
    machines: tuple[str, ...] = ()
    command: str = ""
    acts: tuple[Act, ...] = ()
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """All of it: what waits for a person, what a rule holds back for now, and what shadow mode shows.

    `shadow` covers the sites of `shadow_sites`: those for which nothing is written.
    """

    waiting: tuple[Matter, ...]
    held: tuple[Matter, ...]
    shadow: Shadow
    shadow_sites: tuple[str, ...]


def attend(store: Store, erp: ErpSettings, site_ids: tuple[str, ...], *, wall: dt.datetime) -> Attention:
    """Everything that a person should look at.

    Args:
        store: Holds it.
        erp: Modes of sites, files of outcomes.
        site_ids: Sites of the plant.
        wall: The real time: a breaker rests by it.
    """
    quiet = tuple(site_id for site_id in site_ids if not erp.writes_for(site_id))
    shadow = compare(store)
    own = tuple(one for one in shadow.recommendations if one.site_id in quiet)
    return Attention(
        matters(store, erp, wall=wall), tuple(_held(store)), replace(shadow, recommendations=own), quiet
    )


def matters(store: Store, erp: ErpSettings, *, wall: dt.datetime) -> tuple[Matter, ...]:
    """What waits for a person, what stops most first; within a kind the oldest first."""
    return (
        *_stops(store),
        *_connections(store, wall),
        *(_incident(store, one) for one in store.incidents.unclosed()),
        *_dead_letters(store),
        *_outcomes(store, erp),
        *_unmapped(store),
    )


def _stops(store: Store) -> Iterator[Matter]:
    for stop in store.brakes.stopped():
        is_all = stop.site_id == ALL_SITES
        yield Matter(
            MatterKind.STOP,
            "Every site is stopped" if is_all else f"{stop.site_id} is stopped",
            f"{stop.by} says: {stop.why}",
            "Nothing is written until a person resumes it; what was approved stays queued.",
            since=stop.at,
            site_id=None if is_all else stop.site_id,
            command="wearcast erp resume " + ("'*'" if is_all else stop.site_id),
        )


def _connections(store: Store, wall: dt.datetime) -> Iterator[Matter]:
    for breaker in store.brakes.breakers():
        if breaker.lets_through(wall):
            continue
        refused = breaker.needs_person
        known = store.audit_rows(subject=breaker.connection, limit=50)
        word = "breaker.refused" if refused else "breaker.opened"
        yield Matter(
            MatterKind.CONNECTION,
            "The ERP refuses our user" if refused else "The ERP does not answer",
            f"{breaker.connection}: {breaker.reason}",
            "Put right user, secret or rights. Nothing is sent until the check goes well."
            if refused
            else "Nothing, unless it lasts: it is tried again every minute, and nothing is lost.",
            since=next((row.at for row in known if row.action == word), None),
            command="wearcast erp check",
        )


_INCIDENTS = {
    IncidentKind.STORM: (
        "Many machines at once",
        "Look at sensors, historian and operation of these machines. When it is closed, what was held back is "
        "proposed with the next plan.",
    ),
    IncidentKind.TWICE: (
        "Two orders for one recommendation",
        "Cancel the one that nobody works on, in the ERP, then close this.",
    ),
    IncidentKind.MISSING: (
        "An order is gone from the ERP",
        "Find out who removed it. Send it again or reject it (below, among what was given up), then close this.",
    ),
    IncidentKind.ORPHAN: (
        "An order in the ERP that we do not know",
        "Another installation wrote it, or the store was put back to an older state. Cancel it in the ERP if "
        "nobody works on it, then close this.",
    ),
}


def _incident(store: Store, incident: Incident) -> Matter:
    head, to_do = _INCIDENTS[incident.kind]
    says, site_id, machines = (
        incident.message,
        None,
        tuple(str(one) for one in _listed(incident.detail.get("machines"))),
    )
    if incident.kind is IncidentKind.STORM:
        site_id, _, class_id = incident.subject.partition("/")
        told = class_id.replace("_", " ")
        head, says = f"{head}: {told} at {site_id}", says.replace(class_id, told)
    else:
        owner = store.changes.owner_of_key(incident.subject)
        head = f"{head}: {incident.subject}"
        if owner is not None:
            site_id, machines = owner.site_id, (owner.recommendation.machine_id,)
    return Matter(
        MatterKind.INCIDENT,
        head,
        says,
        to_do,
        since=incident.opened_at,
        site_id=site_id,
        machines=machines,
        command=f"wearcast erp incidents --close {incident.id}",
        acts=(Act.CLOSE,),
        id=incident.id,
    )


def _listed(found: object) -> list[object]:
    return list(found) if isinstance(found, list) else []


def _dead_letters(store: Store) -> Iterator[Matter]:
    for dead in store.deliveries.dead():
        held = store.recommendation(dead.recommendation_id)
        is_note = dead.kind == "note"
        yield Matter(
            MatterKind.DEAD_LETTER,
            f"No note could be added to order {held.order_number}" if is_note else f"No order for {_wanted(held)}",
            dead.why or held.detail,
            "Tell the planner of the order, or put right what the ERP names and send the note again."
            if is_note
            else "Put right what the ERP names and send it again: it is looked up first, never made twice. "
            "Or reject it.",
            since=dead.since,
            site_id=held.site_id,
            machines=(held.recommendation.machine_id,),
            command=f"wearcast erp requeue {held.id}",
            acts=(Act.REQUEUE,) if is_note else (Act.REQUEUE, Act.REJECT),
            id=held.id,
        )


def _outcomes(store: Store, erp: ErpSettings) -> Iterator[Matter]:
    for row in store.changes.to_review():
        owner = store.changes.owner_of_order(str(row["key"]), str(row["number"]))
        site_id = None if owner is None else owner.site_id
        file = erp.outcomes if site_id is None else erp.outcomes_of(site_id)
        rule = f"add a rule to {file}" if file else "name a file of rules in serving.toml (erp.outcomes)"
        told = row["raw_outcome"] or "no code"
        done = "was cancelled" if row["state"] == OrderState.CANCELLED else "was closed"
        changed_at = row["changed_at"]
        yield Matter(
            MatterKind.OUTCOME,
            f"Order {row['number']} {done}, and no rule reads its codes",
            f"the ERP says {told} (status {row['raw_status'] or 'not told'}); "
            + ("" if owner is None else f"it was to {_wanted(owner, lower=True)}"),
            f"Say what was found: until then nothing is learnt from it. For later orders {rule}.",
            since=changed_at if isinstance(changed_at, dt.datetime) else None,
            site_id=site_id,
            machines=() if owner is None else (owner.recommendation.machine_id,),
            acts=(Act.TELL,),
            id=int(str(row["id"])),
        )


def _unmapped(store: Store) -> Iterator[Matter]:
    by_machine: dict[str, list[StoredRecommendation]] = defaultdict(list)
    for held in reversed(store.recommendations(RecommendationState.SUPPRESSED)):
        if NO_MAPPING in held.detail:
            by_machine[held.recommendation.machine_id].append(held)
    for machine_id, waiting in by_machine.items():
        yield Matter(
            MatterKind.UNMAPPED,
            f"{machine_id} {NO_MAPPING}",
            "Held back: "
            + "; ".join(f"{_wanted(one)}, priority {one.recommendation.priority}" for one in waiting),
            "Confirm which equipment it is; the next plan then proposes what was held back.",
            since=min(one.created_at for one in waiting),
            site_id=waiting[0].site_id,
            machines=(machine_id,),
            command="wearcast erp assets match",
        )


def _held(store: Store) -> Iterator[Matter]:
    for held in reversed(store.recommendations(RecommendationState.SUPPRESSED)):
        if NO_MAPPING in held.detail:
            continue
        yield Matter(
            MatterKind.HELD,
            _wanted(held),
            held.detail,
            "Nothing: it is proposed as soon as that is over. Propose it now if it cannot wait.",
            since=held.created_at,
            site_id=held.site_id,
            machines=(held.recommendation.machine_id,),
            acts=(Act.RELEASE, Act.REJECT),
            id=held.id,
        )


def _wanted(held: StoredRecommendation, *, lower: bool = False) -> str:
    what = held.recommendation
    action = what.action.value if lower else what.action.value.capitalize()
    return f"{action} {what.machine_id}/{what.slot}"
