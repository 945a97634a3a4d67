"""What a person says that a closed order found, where no rule could read its codes."""

import datetime as dt
from dataclasses import replace

import polars as pl

from features.core.clock import require_utc
from features.core.errors import RequestRejectedError
from features.core.lake import Lake
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from features.core.tables import MAINTENANCE_EVENTS
from features.core.telemetry import log
from serving.store import Store
from serving.sync.read_back import LIFE_KINDS, part_after

__all__ = ["tell_outcome"]


def tell_outcome(
    store: Store, lake: Lake, change_row_id: int, outcome: Outcome, *, by: str, now: dt.datetime
) -> MaintenanceEvent:
    """Take a person's word for what a closed order found: a new revision of its event, known from now on.

    The event goes to the lake first; a crash before the store knows only lets the person say it again.
    A later code of the ERP that a rule reads is a revision after that.

    Args:
        store: Has the queue.
        lake: Gets the revision.
        change_row_id: `id` of a row that waits for a person.
        outcome: What was found.
        by: Who says it, for the audit.
        now: Moment of it.

    Raises:
        RequestRejectedError: No such row waits (`context["reason"] == "not_found"`).
    """
    now = require_utc(now)
    row = next((one for one in store.changes.to_review() if one["id"] == change_row_id), None)
    if row is None:
        raise RequestRejectedError(
            f"no closed order {change_row_id} waits for an outcome", {"reason": "not_found", "id": change_row_id}
        )
    name, number = str(row["connection"]), str(row["number"])
    before = _event(store, lake, name, number)
    event = replace(
        before,
        revision=before.revision + 1,
        kind=LIFE_KINDS.get(outcome, EventKind.INSPECTION),
        outcome=outcome,
        available_at=max(now, before.available_at),
    )
    # When it broke was not kept with an order that nobody could read: it ended with the repair.
    part = part_after(event, before.occurred_at, before.outcome, now)
    lake.append_events([event] if part is None else [event, part], writer="sync")
    store.changes.settle(change_row_id, event, by=by, now=now)
    log("sync").info("order.outcome_told", key=event.order_key, order_number=number, outcome=outcome.value)
    return event


def _event(store: Store, lake: Lake, name: str, number: str) -> MaintenanceEvent:
    """The newest event of an order, as the lake has it."""
    told = store.changes.told(name, number)
    if told is not None:
        same = (pl.col("source") == f"erp:{name}") & (pl.col("source_event_id") == told.event_id)
        # The lake may be one revision ahead: that of a word that was cut short.
        found = lake.read(MAINTENANCE_EVENTS).filter(same).sort("revision").collect()
        if found.height:
            row = {field: found.row(-1, named=True)[field] for field in MaintenanceEvent.__dataclass_fields__}
            outcome = None if row["outcome"] is None else Outcome(row["outcome"])
            return MaintenanceEvent(**row | {"kind": EventKind(row["kind"]), "outcome": outcome})
    raise RequestRejectedError(
        f"the lake has no event of order {number}: it was made anew; code the order in the ERP instead",
        {"reason": "conflict", "number": number},
    )
