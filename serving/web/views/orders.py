"""A recommendation and its order in words."""

import datetime as dt
from dataclasses import dataclass

from features.core.plant import Site
from features.registry.words import fault_words
from serving.orders import NO_MAPPING, OPEN_STATES, RecommendationState
from serving.store import StoredRecommendation
from serving.web import words

__all__ = ["OrderView", "order_view"]

_ORDER_STATES = {
    RecommendationState.PROPOSED: "Waiting for approval",
    RecommendationState.APPROVED: "Approved, on its way to the ERP",
    RecommendationState.QUEUED: "Approved, on its way to the ERP",
    RecommendationState.SENDING: "Approved, on its way to the ERP",
    RecommendationState.SENT: "In the ERP",
    RecommendationState.IN_PROGRESS: "In the ERP, in progress",
    RecommendationState.COMPLETED: "Completed",
    RecommendationState.CANCELLED: "Cancelled in the ERP",
    RecommendationState.REJECTED: "Rejected",
    RecommendationState.UNKNOWN: "Sent, the ERP's answer was lost; being looked up",
    RecommendationState.DEAD_LETTER: "The ERP refuses it; a person must look",
    RecommendationState.SUPPRESSED: "Held back for now",
    RecommendationState.WOULD_SEND: "Approved; dry run, nothing was sent",
}

# Nothing of these is in the ERP, as far as anybody knows.
_REJECTABLE = (
    RecommendationState.PROPOSED,
    RecommendationState.SUPPRESSED,
    RecommendationState.WOULD_SEND,
    RecommendationState.DEAD_LETTER,
)


@dataclass(frozen=True, slots=True)
class OrderView:
    """A recommendation and its order."""

    id: int
    title: str
    failure_mode: str
    priority: int
    reason: str
    due: str
    is_overdue: bool
    window: str
    part: str
    waiting: str
    stands_on: str
    assumption: str
    state: str
    detail: str
    linked: str
    can_approve: bool
    can_reject: bool
    can_release: bool
    can_requeue: bool
    is_open: bool
    number: str
    order_state: str
    decided: str


def order_view(stored: StoredRecommendation, site: Site, now: dt.datetime) -> OrderView:
    """A recommendation and its order in words."""
    what, zone = stored.recommendation, site.time_zone
    state = RecommendationState(stored.state)
    return OrderView(
        id=stored.id,
        title=f"{words.action_word(what.action)} {what.slot}",
        failure_mode=fault_words(what.fault) if what.fault else "not named by what was measured",
        priority=what.priority,
        reason=what.reason,
        due=words.local_time(what.due, zone),
        is_overdue=what.due < now and state in OPEN_STATES,
        window=f"{what.window_id}, {words.local_time(what.window_start, zone)}" if what.window_start else "–",
        part=what.part_number or "–",
        waiting="–" if what.cost_of_waiting is None else f"{what.cost_of_waiting:,.0f} {what.currency}",
        stands_on=words.rung_words(what.rung),
        assumption=what.assumption,
        state=_ORDER_STATES[state],
        detail=words.in_site_words(stored.detail, zone),
        linked=stored.linked_order or "",
        can_approve=state is RecommendationState.PROPOSED,
        can_reject=state in _REJECTABLE,
        can_release=state is RecommendationState.SUPPRESSED and NO_MAPPING not in stored.detail,
        can_requeue=state in (RecommendationState.DEAD_LETTER, RecommendationState.WOULD_SEND),
        is_open=state in OPEN_STATES,
        number=stored.order_number or "–",
        order_state=(stored.order_state or "–").replace("_", " "),
        decided=f"{stored.decided_by}, {words.local_time(stored.decided_at, zone)}" if stored.decided_by else "–",
    )
