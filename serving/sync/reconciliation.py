"""Holding both sides against each other: what is there twice, missing, closed or unknown."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from features.core.clock import require_utc
from features.core.errors import OrderRejectedError
from features.core.lake import Lake
from features.core.telemetry import log
from serving.erp.dry_run import DryRun
from serving.erp.port import Orders
from serving.orders import OrderChange, OrderState, RecommendationState, WorkOrder
from serving.store import IncidentKind, Store, StoredRecommendation, fitting
from serving.sync.outcomes import OutcomeMaps
from serving.sync.read_back import OVERLAP, SyncReport, take

__all__ = ["PREFIX", "Reconciliation", "reconcile"]

PREFIX = "WC-"
# An ERP may index an order late; a younger one is not missed yet.
_SETTLED = dt.timedelta(minutes=10)
_SENT = (RecommendationState.SENT, RecommendationState.IN_PROGRESS)
# What was given up may be in the ERP after all.
_HELD = (*_SENT, RecommendationState.DEAD_LETTER)
# The further an order got, the more a person has done with it.
_UNTOUCHED = (OrderState.OPEN, OrderState.PLANNED, OrderState.ON_HOLD)
_PROGRESS = (
    OrderState.CANCELLED,
    *_UNTOUCHED,
    # A status that we do not know is one that somebody has set.
    OrderState.UNKNOWN,
    OrderState.IN_PROGRESS,
    OrderState.COMPLETED,
    OrderState.CLOSED,
)


@dataclass(slots=True)
class Reconciliation:
    """What did not fit, by order key; `cancelled` are numbers of duplicates that were closed."""

    orders: int = 0
    twice: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Both sides tell the same."""
        return not (self.twice or self.missing or self.closed or self.orphans)


def reconcile(
    store: Store,
    orders: Orders,
    lake: Lake,
    *,
    now: dt.datetime,
    outcomes: OutcomeMaps | None = None,
    writes_for: Callable[[str], bool] = lambda _site_id: True,
) -> Reconciliation:
    """Compare all orders of ours with the store, and put right what can be without a person.

    Of two orders with one key the further one stays, of equal ones the lowest number; the others are
    cancelled with a note, unless somebody has begun them. An order that is gone becomes a dead letter for a person
    to send again; one that was given up and is there after all is held again. One that is closed there and open
    here is read back. One that nobody here waits for is only told of, and so are its doubles. What a person has
    seen and closed is not told again, and what is over is settled.

    Args:
        store: Our side.
        orders: The ERP; a dry run reads none, so that there is nothing to compare.
        lake: Gets the events of orders that were closed unseen.
        now: Moment of the comparison.
        outcomes: What codes mean.
        writes_for: Whether duplicates of a site may be cancelled in the ERP; never while it is stopped.
    """
    now, report = require_utc(now), Reconciliation()
    if isinstance(orders, DryRun) and orders.is_blind:
        return report
    held = {one.key: one for one in store.recommendations()}
    there: dict[str, list[WorkOrder]] = defaultdict(list)
    for order in orders.keys(PREFIX):
        there[order.key].append(order)
        report.orders += 1
    for key, found in there.items():
        owner = held.get(key)
        may_write = owner is not None and writes_for(owner.site_id) and not store.brakes.is_stopped(owner.site_id)
        kept = _one_of(key, found, orders, store, may_write, now, report)
        if owner is None or (not owner.is_open and owner.order_number != kept.number):
            _tell_orphan(key, kept, owner, store, now, report)
            continue
        if owner.state not in _HELD:
            continue
        is_other = owner.order_number != kept.number or owner.state == RecommendationState.DEAD_LETTER
        if is_other and store.compared.found(owner.id, kept, now=now):
            report.adopted.append(key)
        if kept.state.is_terminal:
            _close(owner, kept, store, orders, lake, outcomes or OutcomeMaps(), now)
            report.closed.append(key)
    for owner in held.values():
        is_settled = now - owner.updated_at >= _SETTLED
        if owner.state in _SENT and owner.key not in there and is_settled and not orders.find(owner.key):
            _miss(owner, store, now, report)
    _settle(store, there, report, now)
    _tell(report, orders.name)
    return report


def _tell_orphan(
    key: str,
    order: WorkOrder,
    owner: StoredRecommendation | None,
    store: Store,
    now: dt.datetime,
    report: Reconciliation,
) -> None:
    """Nobody here waits for that order; one that is finished needs nobody either."""
    if order.state.is_terminal:
        return
    report.orphans.append(key)
    why = "that we do not know" if owner is None else f"whose recommendation is {owner.state} here"
    message = f"order {order.number} in the ERP has a key of ours {why}"
    store.incidents.open(IncidentKind.ORPHAN, key, message, {"number": order.number}, now=now, again=False)


def _miss(owner: StoredRecommendation, store: Store, now: dt.datetime, report: Reconciliation) -> None:
    message = f"order {owner.order_number} is no longer in the ERP: send it again or reject it"
    if store.compared.lost(owner.id, message, now=now):
        report.missing.append(owner.key)
        store.incidents.open(IncidentKind.MISSING, owner.key, message, {"number": owner.order_number}, now=now)


def _settle(store: Store, there: Mapping[str, list[WorkOrder]], report: Reconciliation, now: dt.datetime) -> None:
    """Close the incidents that are over."""
    for one in store.incidents.unclosed():
        still_open = [order for order in there.get(one.subject, []) if not order.state.is_terminal]
        is_over = {
            IncidentKind.TWICE: len(still_open) < 2,
            IncidentKind.ORPHAN: one.subject not in report.orphans,
            IncidentKind.MISSING: one.subject in there,
            IncidentKind.STORM: False,
        }
        if is_over[one.kind]:
            store.incidents.settle(one.kind, one.subject, now=now)


def _one_of(
    key: str,
    found: list[WorkOrder],
    orders: Orders,
    store: Store,
    may_write: bool,
    now: dt.datetime,
    report: Reconciliation,
) -> WorkOrder:
    """The order that stays; the others are cancelled."""
    kept = max(found, key=lambda order: _PROGRESS.index(order.state))
    doubles = [order for order in found if order is not kept and not order.state.is_terminal]
    if not doubles:
        return kept
    report.twice.append(key)
    numbers = [str(order.number) for order in found]
    message = f"the ERP has orders {', '.join(numbers)} for one key; {kept.number} stays"
    facts = {"orders": numbers, "kept": kept.number}
    store.incidents.open(IncidentKind.TWICE, key, message, facts, now=now, again=False)
    # Each one is tried, whatever became of the one before; what somebody has begun is left to people.
    untouched = [order for order in doubles if order.state in _UNTOUCHED] if may_write else []
    ended = [_cancelled(order, kept, orders, report) for order in untouched]
    if all(ended) and len(ended) == len(doubles):
        store.incidents.settle(IncidentKind.TWICE, key, now=now)
    return kept


def _cancelled(order: WorkOrder, kept: WorkOrder, orders: Orders, report: Reconciliation) -> bool:
    try:
        orders.cancel(str(order.number), f"duplicate of {kept.number}")
    except OrderRejectedError as err:
        # A person has gone on with it: the incident stays open for people.
        log("sync").warning("reconciliation.not_cancelled", number=order.number, reason=str(err))
        return False
    report.cancelled.append(str(order.number))
    return True


def _close(
    owner: StoredRecommendation,
    order: WorkOrder,
    store: Store,
    orders: Orders,
    lake: Lake,
    outcomes: OutcomeMaps,
    now: dt.datetime,
) -> None:
    """Read the end of an order whose change was never seen; if the ERP tells of none, only its state."""
    told = [one for one in orders.changes(owner.created_at - OVERLAP) if one.number == order.number]
    last = [one for one in told if one.state.is_terminal][-1:] or [
        OrderChange(
            number=str(order.number),
            key=owner.key,
            change_id=f"reconciled:{order.number}:{order.state}",
            state=order.state,
            raw_status=order.raw_status,
            changed_at=now,
        )
    ]
    change = fitting(last[0])
    if store.changes.is_known(orders.name, change.change_id):
        # It was read while we held another order of that key, or none: read it anew.
        change = fitting(replace(change, change_id=f"again:{change.change_id}"))
    if not store.changes.is_known(orders.name, change.change_id):
        take(change, store, orders.name, lake, outcomes, now, SyncReport())


def _tell(report: Reconciliation, name: str) -> None:
    telling = log("sync").info if report.is_clean else log("sync").warning
    telling(
        "reconciliation.finished",
        connection=name,
        orders=report.orders,
        twice=len(report.twice),
        missing=len(report.missing),
        closed=len(report.closed),
        orphans=len(report.orphans),
    )
