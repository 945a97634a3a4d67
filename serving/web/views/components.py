"""A component as a row of the list or a section of its machine's page."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.core.plant import Site
from features.core.statements import PAST_LIFE, Prediction, Refusal, Rung
from features.registry.words import life_unit_words
from serving.predictor.fleet import ComponentStatus, MachineStatus
from serving.store import StoredRecommendation
from serving.web import words
from serving.web.views.evidence import EvidenceView, PhysicsView, evidence_view, physics_view
from serving.web.views.orders import OrderView, order_view

__all__ = ["ComponentView", "component_view", "counts", "list_views"]


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
    is_calibrated: bool
    life_unit: str
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
    statuses: Iterable[MachineStatus],
    recommendations: Sequence[StoredRecommendation],
    now: dt.datetime,
    caps: Mapping[str, float] | None = None,
) -> list[ComponentView]:
    """One row a component, the one at most risk first; `caps` as in `component_view`, by component class."""
    caps = caps or {}
    by_component = _by_component(recommendations)
    rows = [(component, machine.site) for machine in statuses for component in machine.components]
    rows.sort(key=lambda row: (*row[0].risk, row[0].component_id))
    return [
        component_view(
            status,
            site,
            by_component.get((status.machine.id, status.component.slot), []),
            now,
            caps.get(status.component.component_class),
        )
        for status, site in rows
    ]


def component_view(
    status: ComponentStatus,
    site: Site,
    recommendations: Sequence[StoredRecommendation],
    now: dt.datetime,
    cap: float | None = None,
) -> ComponentView:
    """Everything that is told about one component.

    Args:
        status: The component, and what was last said about it.
        site: Its site.
        recommendations: Its own.
        now: To which ages count.
        cap: The longest remaining life that its model can tell, life unit; None: not known.
    """
    zone = site.time_zone
    statement = None if status.told is None else status.told.statement
    orders = tuple(order_view(stored, site, now) for stored in _newest_first(recommendations))
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
        quantiles=_quantiles(status, zone, now, cap),
        refusal=refusal,
        refusal_detail=words.in_site_words(detail, zone),
        note=_note(status, cap),
        stands_on=words.rung_words(Rung.NONE if statement is None else statement.rung),
        is_calibrated=isinstance(statement, Prediction) and statement.calibrated,
        life_unit=life_unit_words(statement.life_unit) if isinstance(statement, Prediction) else "",
        data_time=words.local_time(data_time, site.time_zone),
        data_age=words.since(data_time, now),
        is_stale=status.stale,
        reason=opened.reason if opened else ("" if statement is None else words.one_line(statement)),
        evidence=tuple(evidence_view(item, zone) for item in reasons if item.rung is None),
        by_age=tuple(words.evidence_sentence(item) for item in reasons if item.rung is Rung.CLASS_PRIOR),
        past_lives=tuple(words.evidence_sentence(item) for item in reasons if item.feature == PAST_LIFE),
        limits=tuple(evidence_view(item, zone) for item in reasons if item.rung is Rung.LIMITS),
        physics=physics_view([item for item in reasons if item.rung is Rung.PHYSICS], zone),
        orders=orders,
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


def _quantiles(
    status: ComponentStatus, time_zone: str, now: dt.datetime, cap: float | None
) -> tuple[tuple[str, str, str], ...]:
    statement = None if status.told is None else status.told.statement
    if not isinstance(statement, Prediction):
        return ()
    told = []
    for name, value in (("p10", statement.p10), ("p50", statement.p50), ("p90", statement.p90)):
        if value is None:
            continue
        date, amount = status.date(name), words.amount(value, statement.life_unit)
        # A day that has passed already is no forecast: it may fail from now on.
        day = "now" if date is not None and date <= now else words.local_day(date, time_zone)
        if _is_capped(value, cap):
            day, amount = f"{day} or later", f"at least {amount}"
        told.append((name.upper(), day, amount))
    return tuple(told)


def _is_capped(value: float, cap: float | None) -> bool:
    """It is the longest life that is taught: the model cannot tell more."""
    return cap is not None and math.isclose(value, cap, rel_tol=1e-6)


def _refusal(statement: Prediction | Refusal | None) -> tuple[str, str]:
    if statement is None:
        return "Nothing has been computed for this component yet.", ""
    if isinstance(statement, Refusal):
        return words.reason_words(statement), statement.detail
    return "", ""


def _note(status: ComponentStatus, cap: float | None) -> str:
    statement = None if status.told is None else status.told.statement
    if not isinstance(statement, Prediction):
        return ""
    if statement.rung is Rung.CLASS_PRIOR:
        return "By its age alone: no range, and no work is planned on it."
    if not statement.calibrated:
        return f"Band not calibrated: only {statement.calibration_units} failed units are known."
    if status.date("p50") is None:
        return "No dates: the utilisation of the last 28 days is not known."
    told = f"8 of 10 parts fail between P10 and P90 (calibrated on {statement.calibration_units} units)."
    if _is_capped(statement.p50, cap):
        told += f" More than {words.amount(cap, statement.life_unit)} is not told: nothing longer is taught."
    return told
