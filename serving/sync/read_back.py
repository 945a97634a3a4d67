"""Changes of orders since the last look: their state into the store, what they found into the lake."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from features.core.clock import require_utc
from features.core.lake import Lake
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from features.core.telemetry import log
from serving.erp.port import Orders
from serving.orders import OrderChange, OrderState
from serving.store import Store, StoredRecommendation, fitting
from serving.sync.outcomes import OutcomeMaps

__all__ = ["LIFE_KINDS", "OVERLAP", "SyncReport", "event_of", "part_after", "sync", "take"]

# Changes that an ERP commits late are still seen. Five minutes: the reference for ERP integration.
OVERLAP = dt.timedelta(minutes=5)
_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# What each outcome does to the life of a component.
LIFE_KINDS: Mapping[Outcome, EventKind] = {
    Outcome.CONFIRMED_FAILURE: EventKind.FAILURE,
    Outcome.INCIPIENT_FAULT: EventKind.REPLACEMENT,
    Outcome.PREVENTIVE_REPLACEMENT: EventKind.REPLACEMENT,
}


@dataclass(slots=True)
class SyncReport:
    """What came back: changes seen for the first time, events new in the lake, orders of others."""

    changes: int = 0
    events: int = 0
    needs_review: list[str] = field(default_factory=list)
    foreign: int = 0


def sync(
    store: Store,
    orders: Orders,
    lake: Lake,
    *,
    now: dt.datetime,
    overlap: dt.timedelta = OVERLAP,
    outcomes: OutcomeMaps | None = None,
) -> SyncReport:
    """Read changes since the watermark, with an overlap; run again it changes nothing.

    The event goes to the lake before the change is recorded, so that a crash between the two only
    repeats an append that is idempotent by key.

    Args:
        store: Holds watermark, known changes and recommendations.
        orders: The ERP.
        lake: Gets a maintenance event for each closed order.
        now: Moment of the sync.
        overlap: How far before the watermark to read again.
        outcomes: What the codes of each site mean; none: only an ERP that speaks our words is understood.
    """
    now, report, outcomes = require_utc(now), SyncReport(), outcomes or OutcomeMaps()
    watermark = store.changes.watermark(orders.name)
    since = _EARLIEST if watermark is None else watermark - overlap
    for change in map(fitting, orders.changes(since)):
        # A stamp of the future, a planner's slip, must not hide what comes before it.
        seen_to = min(change.changed_at, now)
        watermark = seen_to if watermark is None else max(watermark, seen_to)
        if not store.changes.is_known(orders.name, change.change_id):
            take(change, store, orders.name, lake, outcomes, now, report)
    if watermark is not None:
        store.changes.move_watermark(orders.name, watermark)
    if report.changes:
        log("sync").info(
            "sync.finished",
            connection=orders.name,
            changes=report.changes,
            events=report.events,
            needs_review=len(report.needs_review),
        )
    return report


def event_of(
    change: OrderChange,
    owner: StoredRecommendation,
    *,
    source: str,
    event_id: str,
    revision: int,
    now: dt.datetime,
) -> MaintenanceEvent:
    """The maintenance event of a closed order.

    Its `available_at` is the ERP's stamp of the change, or `now` when the ERP's clock is ahead of ours. What was
    found had shown at the latest when the recommendation was made; the ERP may tell of an earlier begin.
    """
    outcome = change.outcome
    if outcome is None and change.state is OrderState.CANCELLED and not change.raw_outcome:
        outcome = Outcome.CANCELLED
    recommendation = owner.recommendation
    # A breakdown ends the life when it happens, a repair when it is done.
    broke = change.malfunction_at if outcome is Outcome.CONFIRMED_FAILURE else None
    occurred_at = min(broke or change.completed_at or change.changed_at, now)
    # A recommendation that was renewed since was made for what had shown before.
    first_at = min(recommendation.as_of, owner.created_at)
    detected_at = min(first_at, change.malfunction_at or first_at)
    return MaintenanceEvent(
        source=source,
        source_event_id=event_id,
        revision=revision,
        machine_id=recommendation.machine_id,
        slot=recommendation.slot,
        kind=EventKind.INSPECTION if outcome is None else LIFE_KINDS.get(outcome, EventKind.INSPECTION),
        outcome=outcome,
        failure_mode=change.failure_mode or recommendation.failure_mode,
        occurred_at=occurred_at,
        available_at=min(change.changed_at, now),
        order_key=owner.key,
        text=change.text,
        raw=change.raw_outcome or change.raw_status,
        detected_at=min(detected_at, occurred_at),
    )


def take(
    change: OrderChange,
    store: Store,
    name: str,
    lake: Lake,
    outcomes: OutcomeMaps,
    now: dt.datetime,
    report: SyncReport,
) -> None:
    """Deal with one change that was not seen before."""
    owner = store.changes.owner_of(change)
    report.changes += 1
    if owner is not None and _is_twin(change, owner):
        store.changes.record(name, change, event=None, now=now)
        return
    if owner is None:
        report.foreign += 1
        store.changes.record(name, change, event=None, now=now)
        return
    change = outcomes.read(change, owner.site_id)
    event = _event(change, owner, store, name, now) if change.state.is_terminal else None
    if event is not None:
        log("sync").info(
            "order.came_back",
            key=owner.key,
            order_number=change.number,
            machine_id=event.machine_id,
            slot=event.slot,
            kind=event.kind.value,
            outcome=None if event.outcome is None else event.outcome.value,
        )
        told = store.changes.told(name, change.number)
        part = part_after(event, change.completed_at, None if told is None else told.outcome, now)
        report.events += lake.append_events([event] if part is None else [event, part], writer="sync")
        if event.outcome is None:
            report.needs_review.append(change.number)
    store.changes.record(name, change, event=event, now=now)


def part_after(
    event: MaintenanceEvent, completed_at: dt.datetime | None, before: Outcome | None, now: dt.datetime
) -> MaintenanceEvent | None:
    """The new part after a breakdown: it runs from the end of the repair on, an event of its own.

    Where the order told of a breakdown before and tells something else now, the part is corrected along with it.

    Args:
        event: What the order tells now.
        completed_at: End of the repair; None: not told, then there is no part.
        before: What the order told before.
        now: Moment of the sync.
    """
    failed = Outcome.CONFIRMED_FAILURE
    if completed_at is None or failed not in (event.outcome, before):
        return None
    return replace(
        event,
        source_event_id=f"{event.source_event_id}:part",
        kind=EventKind.INSTALLATION,
        failure_mode=None,
        occurred_at=max(event.occurred_at, min(completed_at, now)),
        detected_at=None,
    )


def _is_twin(change: OrderChange, owner: StoredRecommendation) -> bool:
    """Another order of the same key than the one we hold: reconciliation deals with it."""
    return change.key == owner.key and owner.order_number not in (None, change.number)


def _event(
    change: OrderChange, owner: StoredRecommendation, store: Store, name: str, now: dt.datetime
) -> MaintenanceEvent | None:
    """The event, as a new revision when the order told something else before; None: nothing new."""
    source = f"erp:{name}"
    told = store.changes.told(name, change.number)
    if told is None:
        event_id = f"{change.number}:{change.change_id}"
        return event_of(change, owner, source=source, event_id=event_id, revision=1, now=now)
    event = event_of(change, owner, source=source, event_id=told.event_id, revision=told.revision + 1, now=now)
    says_nothing = change.outcome is None and not change.raw_outcome
    return None if says_nothing or event.outcome == told.outcome else event
