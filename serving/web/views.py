"""From statements and recommendations to the texts of a page; templates only lay them out."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.core.plant import Site
from features.core.statements import PAST_LIFE, Evidence, Prediction, Refusal, Rung
from features.registry.words import fault_words, feature_words, line_words
from serving.orders import OPEN_STATES, RecommendationState
from serving.predictor.fleet import ComponentStatus, MachineStatus
from serving.store import StoredRecommendation
from serving.web import words

__all__ = [
    "ComponentView",
    "EvidenceView",
    "LineView",
    "OrderView",
    "PhysicsView",
    "component_view",
    "counts",
    "list_views",
    "order_view",
]

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


# Nothing of these has reached the ERP.
_REJECTABLE = (RecommendationState.PROPOSED, RecommendationState.SUPPRESSED, RecommendationState.WOULD_SEND)


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


@dataclass(frozen=True, slots=True)
class OrderView:
    """A recommendation and its order."""

    id: int
    title: str
    failure_mode: str
    priority: int
    reason: str
    due: str
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


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A component of a machine as a row or a section of a page."""

    machine_id: str
    machine_name: str
    criticality: str
    slot: str
    component_class: str
    time_zone: str
    state: words.StateWord
    quantiles: tuple[tuple[str, str, str], ...]  # label, date, amount
    refusal: str
    refusal_detail: str
    note: str
    stands_on: str
    data_time: str
    data_age: str
    is_stale: bool
    reason: str
    evidence: tuple[EvidenceView, ...]
    by_age: tuple[str, ...]
    past_lives: tuple[str, ...]
    limits: tuple[EvidenceView, ...]
    physics: PhysicsView | None
    orders: tuple[OrderView, ...]

    @property
    def open_order(self) -> OrderView | None:
        """The newest recommendation that is not over."""
        return next((order for order in self.orders if order.is_open), None)


def list_views(
    statuses: Iterable[MachineStatus], recommendations: Sequence[StoredRecommendation], now: dt.datetime
) -> list[ComponentView]:
    """One row a component, the one at most risk first."""
    by_component = _by_component(recommendations)
    rows = [(component, machine.site) for machine in statuses for component in machine.components]
    rows.sort(key=lambda row: (*row[0].risk, row[0].component_id))
    return [
        component_view(status, site, by_component.get((status.machine.id, status.component.slot), []), now)
        for status, site in rows
    ]


def component_view(
    status: ComponentStatus, site: Site, recommendations: Sequence[StoredRecommendation], now: dt.datetime
) -> ComponentView:
    """Everything that is told about one component."""
    statement = None if status.told is None else status.told.statement
    orders = tuple(order_view(stored, site) for stored in _newest_first(recommendations))
    data_time = None if statement is None else statement.data_time
    opened = next((order for order in orders if order.is_open), None)
    refusal, detail = _refusal(statement)
    reasons = () if statement is None else statement.evidence
    return ComponentView(
        machine_id=status.machine.id,
        machine_name=status.machine.name,
        criticality=status.machine.criticality.value,
        slot=status.component.slot,
        component_class=status.component.component_class.replace("_", " "),
        time_zone=site.time_zone,
        state=words.state_word(status.health_state),
        quantiles=_quantiles(status, site.time_zone),
        refusal=refusal,
        refusal_detail=detail,
        note=_note(status),
        stands_on=words.rung_words(Rung.NONE if statement is None else statement.rung),
        data_time=words.local_time(data_time, site.time_zone),
        data_age=words.since(data_time, now),
        is_stale=status.stale,
        reason=opened.reason if opened else ("" if statement is None else words.one_line(statement)),
        evidence=tuple(_evidence_view(item) for item in reasons if item.rung is None),
        by_age=tuple(words.evidence_sentence(item) for item in reasons if item.rung is Rung.CLASS_PRIOR),
        past_lives=tuple(words.evidence_sentence(item) for item in reasons if item.feature == PAST_LIFE),
        limits=tuple(_evidence_view(item) for item in reasons if item.rung is Rung.LIMITS),
        physics=_physics_view([item for item in reasons if item.rung is Rung.PHYSICS]),
        orders=orders,
    )


def order_view(stored: StoredRecommendation, site: Site) -> OrderView:
    """A recommendation and its order in words."""
    what, zone = stored.recommendation, site.time_zone
    state = RecommendationState(stored.state)
    return OrderView(
        id=stored.id,
        title=f"{words.action_word(what.action)} {what.slot}",
        failure_mode=fault_words(what.fault) if what.fault else what.failure_mode.replace("_", " "),
        priority=what.priority,
        reason=what.reason,
        due=words.local_time(what.due, zone),
        window=f"{what.window_id}, {words.local_time(what.window_start, zone)}" if what.window_start else "–",
        part=what.part_number or "–",
        waiting="–" if what.cost_of_waiting is None else f"{what.cost_of_waiting:,.0f} {what.currency}",
        stands_on=words.rung_words(what.rung),
        assumption=what.assumption,
        state=_ORDER_STATES[state],
        detail=stored.detail,
        linked=stored.linked_order or "",
        can_approve=state is RecommendationState.PROPOSED,
        can_reject=state in _REJECTABLE,
        can_release=state is RecommendationState.SUPPRESSED,
        can_requeue=state in (RecommendationState.DEAD_LETTER, RecommendationState.WOULD_SEND),
        is_open=state in OPEN_STATES,
        number=stored.order_number or "–",
        order_state=(stored.order_state or "–").replace("_", " "),
        decided=f"{stored.decided_by}, {words.local_time(stored.decided_at, zone)}" if stored.decided_by else "–",
    )


def counts(views: Sequence[ComponentView]) -> Mapping[str, int]:
    """Figures of the strip above the list."""
    return {
        "failing": sum(view.state.style in ("failure", "maintenance") for view in views),
        "unjudged": sum(view.state.style == "unknown" for view in views),
        "stale": sum(view.is_stale for view in views),
        "waiting": sum(order.can_approve for view in views for order in view.orders),
    }


def _by_component(
    recommendations: Sequence[StoredRecommendation],
) -> dict[tuple[str, str], list[StoredRecommendation]]:
    found: dict[tuple[str, str], list[StoredRecommendation]] = {}
    for stored in recommendations:
        found.setdefault((stored.recommendation.machine_id, stored.recommendation.slot), []).append(stored)
    return found


def _newest_first(recommendations: Sequence[StoredRecommendation]) -> list[StoredRecommendation]:
    return sorted(recommendations, key=lambda stored: (stored.created_at, stored.id), reverse=True)


def _quantiles(status: ComponentStatus, time_zone: str) -> tuple[tuple[str, str, str], ...]:
    statement = None if status.told is None else status.told.statement
    if not isinstance(statement, Prediction):
        return ()
    return tuple(
        (name.upper(), words.local_day(status.date(name), time_zone), words.amount(value, statement.life_unit))
        for name, value in (("p10", statement.p10), ("p50", statement.p50), ("p90", statement.p90))
        if value is not None
    )


def _refusal(statement: Prediction | Refusal | None) -> tuple[str, str]:
    if statement is None:
        return "Nothing has been computed for this component yet.", ""
    if isinstance(statement, Refusal):
        return words.reason_words(statement), statement.detail
    return "", ""


def _note(status: ComponentStatus) -> str:
    statement = None if status.told is None else status.told.statement
    if not isinstance(statement, Prediction):
        return ""
    if statement.rung is Rung.CLASS_PRIOR:
        return "By its age alone: no range, and no work is planned on it."
    if not statement.calibrated:
        return f"Band not calibrated: only {statement.calibration_units} failed units are known."
    if status.date("p50") is None:
        return "No dates: the utilisation of the last 28 days is not known."
    return f"8 of 10 parts fail between P10 and P90 (calibrated on {statement.calibration_units} units)."


def _evidence_view(evidence: Evidence) -> EvidenceView:
    feature, unit = evidence.feature, evidence.unit
    return EvidenceView(
        name=feature_words(feature),
        feature=feature,
        value=words.quantity(feature, evidence.value, unit),
        reference=words.quantity(feature, evidence.reference, unit),
        share="–" if evidence.share is None else f"{evidence.share:.0%}",
        verdict=evidence.verdict[:1].upper() + evidence.verdict[1:],
        note=evidence.note,
    )


def _physics_view(found: Sequence[Evidence]) -> PhysicsView | None:
    if not found:
        return None
    says = fault_words(found[0].verdict)
    lines = tuple(
        LineView(
            name=line_words(line.feature.split(".", 2)[-1]),
            order=words.figure(line.order),
            frequency=f"{words.figure(line.frequency_hz)} Hz",
            height=f"{line.value:.0f} dB",
            note=line.note,
        )
        for line in found[1:]
    )
    return PhysicsView(says[:1].upper() + says[1:], found[0].note, lines)
