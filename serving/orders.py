"""The nouns of this side: what is asked of the ERP, and what the ERP says of it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from features.core.statements import Action, Outcome

__all__ = [
    "CLOSED_STATES",
    "NO_MAPPING",
    "OPEN_STATES",
    "MaintenanceRequest",
    "OrderChange",
    "OrderState",
    "RecommendationState",
    "WorkOrder",
    "by_number",
]


class OrderState(StrEnum):
    """State of an order in the ERP, in neutral words; the ERP's own word is kept beside it."""

    OPEN = "open"
    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Nothing more will happen to the order."""
        return self in (OrderState.COMPLETED, OrderState.CLOSED, OrderState.CANCELLED)


class RecommendationState(StrEnum):
    """Where a recommendation stands on its way to a finished order.

    proposed -> approved -> queued -> sending -> sent -> in_progress -> completed | cancelled.
    A person's no is `rejected`. On the side: `unknown` (the ERP may have it: only a look-up leaves
    this state), `dead_letter` (given up, a person must look), `suppressed` (held back for now),
    `would_send` (dry run or shadow: nothing left the house).
    """

    PROPOSED = "proposed"
    APPROVED = "approved"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    DEAD_LETTER = "dead_letter"
    SUPPRESSED = "suppressed"
    WOULD_SEND = "would_send"

    @property
    def is_terminal(self) -> bool:
        """Its episode is over; the next recommendation is a new one."""
        return self in CLOSED_STATES


CLOSED_STATES = frozenset(
    {RecommendationState.COMPLETED, RecommendationState.CANCELLED, RecommendationState.REJECTED}
)
OPEN_STATES = frozenset(RecommendationState) - CLOSED_STATES
# Said where a recommendation is held back because nobody confirmed which equipment its machine is.
NO_MAPPING = "is not mapped to the ERP's equipment"


@dataclass(frozen=True, slots=True)
class MaintenanceRequest:
    """What is written to the ERP; `key` is decided before the first attempt and never changes.

    `title` has at most 40 characters (the shortest field of the ERPs that were looked at).
    `due` is the latest end, `planned_start` the start of the chosen window if there is one.
    """

    key: str
    site_id: str
    machine_id: str
    slot: str
    functional_location: str
    equipment_number: str
    action: Action
    failure_mode: str
    priority: int
    title: str
    text: str
    due: dt.datetime
    planned_start: dt.datetime | None = None
    part_number: str | None = None
    target: str = "request"


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """An order as the ERP holds it; `number` is None when nothing was really sent."""

    key: str
    number: str | None
    state: OrderState
    raw_status: str = ""
    functional_location: str = ""
    text: str = ""


def by_number(orders: Iterable[WorkOrder]) -> list[WorkOrder]:
    """Orders, lowest number first: 9 before 10, and WO9 before WO10."""
    return sorted(orders, key=lambda order: (len(order.number or ""), order.number or ""))


@dataclass(frozen=True, slots=True)
class OrderChange:
    """One change of an order's status in the ERP; `change_id` is the ERP's own, unique in it.

    `outcome` is None while open, and when the ERP's code has no known meaning (`raw_outcome` keeps it).
    `codes` are what a finished order was coded with, by the ERP's own names (`damage`, `cause`, `activity`,
    `remedy`, `downtime_h`, ...): a site's outcome map reads them. `malfunction_at` is when it broke, if told.
    """

    number: str
    key: str
    change_id: str
    state: OrderState
    raw_status: str
    changed_at: dt.datetime
    completed_at: dt.datetime | None = None
    outcome: Outcome | None = None
    raw_outcome: str = ""
    failure_mode: str | None = None
    text: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    malfunction_at: dt.datetime | None = None
