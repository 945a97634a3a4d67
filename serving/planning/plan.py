"""One round of planning over all components."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field, replace

from features.core.clock import require_utc
from features.core.errors import RequestRejectedError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import Recommendation
from features.core.telemetry import log
from features.policy import NoAction, decide
from serving.erp.port import Assets
from serving.orders import MaintenanceRequest, RecommendationState
from serving.planning.cases import Case, cases
from serving.planning.limits import WEEK, Limits, Storms
from serving.planning.requests import request_for
from serving.planning.rules import Hold, PlanRules, end_of, has_grown, hold_of, is_news, order_of_others
from serving.settings import ErpSettings
from serving.store import Precision, Store, StoredRecommendation

__all__ = ["PlanReport", "approve", "plan"]


# Without settings of an ERP: nothing is counted, nothing is a storm.
_UNLIMITED = Limits(ErpSettings(storm_machines=1_000_000))


@dataclass(slots=True)
class PlanReport:
    """What a plan did, by order key; `held` are those it deliberately did not make again.

    `reasons` says for each component without an action why. `approved` went without a person, `linked` are
    covered by an order of others, `storms` are incidents that were opened, as `site/class`.
    """

    components: int = 0
    no_action: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    storms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A recommendation that should be before people; `held` is the stored one that waited so far."""

    case: Case
    decision: Recommendation
    episode: int
    held: StoredRecommendation | None = None

    @property
    def urgency(self) -> tuple[int, dt.datetime, str]:
        """The most urgent first."""
        wanted = self.decision
        return wanted.priority, wanted.p10_at or wanted.due, self.case.machine.id


@dataclass(frozen=True, slots=True)
class _Round:
    """What all steps of one plan share."""

    store: Store
    now: dt.datetime
    assets: Assets | None
    target: str
    rules: PlanRules
    limits: Limits
    report: PlanReport
    wishes: list[_Wish] = field(default_factory=list)


def plan(
    lake: Lake,
    plant: Plant,
    store: Store,
    *,
    now: dt.datetime,
    assets: Assets | None = None,
    target: str = "request",
    rules: PlanRules | None = None,
    limits: Limits | None = None,
) -> PlanReport:
    """Decide about every component from what could be known at `now`.

    At most one recommendation is open per component and failure mode. Run again at the same moment, or
    in several processes at once, it makes nothing twice. The most urgent come first: what a site's weekly
    budget does not allow, what an order of others covers, and what looks like a problem of the data (many
    machines at once) is held back, with the reason.

    Args:
        lake: Predictions and maintenance events, read as of `now`.
        plant: The plant.
        store: Where recommendations are kept.
        now: Moment of the plan, also one of the past (replay).
        assets: The ERP's open orders, whoever made them; None: not asked.
        target: `request` or `order`: what is to be written to the ERP.
        rules: How calm the plan is.
        limits: Modes, budgets and the confirmed map of assets; None: no limit, the plant file's assets.
    """
    rules = rules or PlanRules()
    now = require_utc(now)
    work = _Round(store, now, assets, target, rules, limits or _UNLIMITED, PlanReport())
    longest = max((3 * machine.grid for machine in plant.machines), default=rules.stale_after)
    for case in cases(lake, plant, now=now, since=now - max(longest, rules.stale_after)):
        work.report.components += 1
        try:
            _plan_component(case, work)
        except RequestRejectedError as err:
            # A person or the ERP changed it between our look and our write: the next plan sees that.
            log("planning").info("plan.overtaken", machine_id=case.machine.id, reason=str(err))
    _grant(plant, work)
    report = work.report
    log("planning").info(
        "plan.finished",
        as_of=now.isoformat(),
        components=report.components,
        proposed=len(report.proposed),
        revised=len(report.revised),
        suppressed=len(report.suppressed),
        closed=len(report.closed),
        held=len(report.held),
    )
    return report


def approve(store: Store, recommendation_id: int, actor: str, now: dt.datetime) -> StoredRecommendation:
    """A person's yes; see `Store.approve`."""
    return store.approve(recommendation_id, actor, now)


def _plan_component(case: Case, work: _Round) -> None:
    stale = _staleness(case, work)
    decision = NoAction(stale) if stale else decide(case.statement, case.context, now=work.now)
    is_calm = isinstance(decision, NoAction) and not stale
    held = work.store.latest(case.machine.id, case.component.slot, case.component.component_class)
    if held is not None and held.is_open:
        end = end_of(held, case, is_calm=is_calm, now=work.now)
        if end is not None:
            held = _move(held, end[0], end[1], work)
            work.report.closed.append(held.key)
    if isinstance(decision, NoAction):
        work.report.no_action += 1
        work.report.reasons[case.machine.component_id(case.component)] = decision.reason
    elif held is not None and held.state == RecommendationState.SUPPRESSED:
        work.wishes.append(_Wish(case, decision, held.episode, held))
    elif held is not None and held.is_open:
        _revise(held, decision, case, work)
    elif held is not None and not _is_new_episode(held, decision, case, work):
        work.report.held.append(held.key)
    else:
        work.wishes.append(_Wish(case, decision, 1 if held is None else held.episode + 1))


def _staleness(case: Case, work: _Round) -> str:
    limit = max(3 * case.machine.grid, work.rules.stale_after)
    if work.now - case.statement.as_of > limit:
        return f"the newest prediction is of {case.statement.as_of:%Y-%m-%d %H:%M} UTC"
    if case.reset_at is not None and case.data_time <= case.reset_at:
        return "the newest prediction is about the former life"
    return ""


def _is_new_episode(held: StoredRecommendation, decision: Recommendation, case: Case, work: _Round) -> bool:
    old = held.recommendation
    if case.reset_at is not None and case.reset_at > old.as_of:
        return True
    return has_grown(old, decision, now=work.now, hysteresis=work.rules.hysteresis)


def _grant(plant: Plant, work: _Round) -> None:
    """Put the wishes before people, the most urgent first, as far as nothing holds them back."""
    machines = Counter(
        (site.id, class_id)
        for site in plant.sites
        for machine in site.machines
        for class_id in {component.component_class for component in machine.components}
    )
    storms = Storms(work.store, work.limits.erp, machines, work.now)
    new = [(wish.case, wish.decision) for wish in work.wishes if wish.held is None]
    work.report.storms.extend(storms.look(new))
    measured = work.store.precision()
    for wish in sorted(work.wishes, key=lambda wish: wish.urgency):
        try:
            hold = _hold(wish, storms, work)
            stored = _propose(wish, hold, work) if wish.held is None else _free(wish.held, wish, hold, work)
            site_id = wish.case.context.site.id
            known = measured.get((site_id, wish.decision.failure_mode), Precision())
            if stored is not None and not hold.why and work.limits.goes_unasked(site_id, wish.decision, known):
                work.store.approve(stored.id, "automatic", work.now)
                work.report.approved.append(stored.key)
        except RequestRejectedError as err:
            log("planning").info("plan.overtaken", machine_id=wish.case.machine.id, reason=str(err))


def _hold(wish: _Wish, storms: Storms, work: _Round) -> Hold:
    case, limits = wish.case, work.limits
    site_id, place = case.context.site.id, limits.mapping.place_of(case.machine)
    if why := limits.unmapped(case.machine, site_id):
        return Hold(why)
    known = None if wish.held is None else wish.held.linked_order
    hold = hold_of(case, place, work.assets, now=work.now, known=known)
    if hold.why:
        return hold
    if why := storms.reason(case, wish.decision):
        return Hold(why)
    budget = limits.erp.budget_of(site_id)
    if work.limits is not _UNLIMITED and work.store.holds.proposed_since(site_id, work.now - WEEK) >= budget:
        return Hold(f"the budget of {budget} orders a week is used up")
    return Hold()


def _propose(wish: _Wish, hold: Hold, work: _Round) -> StoredRecommendation | None:
    decision = wish.decision
    request = _request(wish.case, decision, wish.episode, work)
    stored = work.store.propose(
        decision, request, episode=wish.episode, now=work.now, suppressed=hold.why, linked_order=hold.order
    )
    if stored is not None:
        log("planning").info(
            "recommendation.suppressed" if hold.why else "recommendation.proposed",
            key=stored.key,
            machine_id=decision.machine_id,
            slot=decision.slot,
            action=decision.action.value,
            model_version=decision.model_version,
            as_of=decision.as_of.isoformat(),
        )
        (work.report.suppressed if hold.why else work.report.proposed).append(stored.key)
        if hold.order is not None:
            work.report.linked.append(stored.key)
    return stored


def _free(held: StoredRecommendation, wish: _Wish, hold: Hold, work: _Round) -> StoredRecommendation | None:
    """Propose what was held back so far, or say anew why it still is."""
    if hold.why:
        _revise(held, wish.decision, wish.case, work)
        work.store.holds.hold_back(held.id, hold.why, hold.order, now=work.now)
        return None
    _replace(held, wish.decision, wish.case, work)
    work.report.proposed.append(held.key)
    return _move(held, RecommendationState.PROPOSED, "no longer held back", work)


def _revise(held: StoredRecommendation, decision: Recommendation, case: Case, work: _Round) -> None:
    is_unsent = held.state in (RecommendationState.PROPOSED, RecommendationState.WOULD_SEND)
    if is_unsent and held.linked_order is None and work.assets is not None:
        _compare(held, case, work.assets, work)
    if is_news(held, decision, now=work.now, rules=work.rules):
        _replace(held, decision, case, work)
        work.report.revised.append(held.key)


def _compare(held: StoredRecommendation, case: Case, assets: Assets, work: _Round) -> None:
    """Remember when a planner made an order of his own for what was not sent: in shadow mode that is a hit."""
    place = work.limits.mapping.place_of(case.machine)
    number = order_of_others(case, place, assets) if any(place) else None
    if number is not None:
        work.store.holds.link(held.id, number, now=work.now)
        work.report.linked.append(held.key)


def _replace(held: StoredRecommendation, decision: Recommendation, case: Case, work: _Round) -> None:
    decision = replace(decision, priority=min(decision.priority, held.recommendation.priority))
    work.store.revise(held.id, decision, _request(case, decision, held.episode, work), now=work.now)


def _request(case: Case, decision: Recommendation, episode: int, work: _Round) -> MaintenanceRequest:
    place = work.limits.mapping.place_of(case.machine)
    return request_for(decision, case, episode=episode, target=work.target, place=place)


def _move(held: StoredRecommendation, state: RecommendationState, why: str, work: _Round) -> StoredRecommendation:
    return work.store.move(held.id, state, expected=held.state, detail=why, now=work.now, actor="planning")
