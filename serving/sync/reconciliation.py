"""Holding both sides against each other: what is there twice, missing, closed or unknown."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

from features.core.clock import require_utc
from features.core.errors import OrderRejectedError
from features.core.lake import Lake
from features.core.telemetry import log
from serving.erp.port import Orders
from serving.orders import OrderChange, OrderState, RecommendationState, WorkOrder
from serving.store import IncidentKind, Store, StoredRecommendation
from serving.sync.outcomes import OutcomeMaps
from serving.sync.read_back import OVERLAP, SyncReport, take

__all__ = ["PREFIX", "Reconciliation", "reconcile"]

PREFIX = "WC-"
# An ERP may index an order late; a younger one is not missed yet.
_SETTLED = dt.timedelta(minutes=10)
_SENT = (RecommendationState.SENT, RecommendationState.IN_PROGRESS)
# The further an order got, the more a person has done with it.
_PROGRESS = (
    OrderState.CANCELLED,
    OrderState.UNKNOWN,
    OrderState.OPEN,
    OrderState.PLANNED,
    OrderState.ON_HOLD,
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
    may_write: bool = True,
) -> Reconciliation:
    """Compare all orders of ours with the store, and put right what can be without a person.

    Of two orders with one key the further one stays, of equal ones the lowest number; the others are
    cancelled with a note. An order that is gone becomes a dead letter for a person to send again. One that
    is closed there and open here is read back. One with an unknown key is only told of.

    Args:
        store: Our side.
        orders: The ERP.
        lake: Gets the events of orders that were closed unseen.
        now: Moment of the comparison.
        outcomes: What codes mean.
        may_write: Whether duplicates may be cancelled in the ERP.
    """
    now, report = require_utc(now), Reconciliation()
    held = {one.key: one for one in store.recommendations()}
    there: dict[str, list[WorkOrder]] = defaultdict(list)
    for order in orders.keys(PREFIX):
        there[order.key].append(order)
        report.orders += 1
    for key, found in there.items():
        kept = _one_of(key, found, orders, store, may_write, now, report)
        owner = held.get(key)
        if owner is None:
            report.orphans.append(key)
            message = f"order {kept.number} in the ERP has a key of ours that we do not know"
            store.incidents.open(IncidentKind.ORPHAN, key, message, {"number": kept.number}, now=now)
        elif owner.state in _SENT and owner.order_number != kept.number:
            store.changes.adopt(owner.id, kept, now=now)
            report.adopted.append(key)
        if owner is not None and owner.state in _SENT and kept.state.is_terminal:
            _close(owner, kept, store, orders, lake, outcomes or OutcomeMaps(), now)
            report.closed.append(key)
    for owner in held.values():
        is_settled = now - owner.updated_at >= _SETTLED
        if owner.state in _SENT and owner.key not in there and is_settled and not orders.find(owner.key):
            report.missing.append(owner.key)
            message = f"order {owner.order_number} is no longer in the ERP: send it again or reject it"
            store.incidents.open(IncidentKind.MISSING, owner.key, message, {"number": owner.order_number}, now=now)
            store.deliveries.lost(owner.id, message, now=now)
    _tell(report, orders.name)
    return report


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
    store.incidents.open(IncidentKind.TWICE, key, message, {"orders": numbers, "kept": kept.number}, now=now)
    # Each one is tried, whatever became of the one before.
    ended = [_cancelled(order, kept, orders, report) for order in doubles] if may_write else [False]
    if all(ended):
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
    if not store.changes.is_known(orders.name, last[0].change_id):
        take(last[0], store, orders.name, lake, outcomes, now, SyncReport())


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
