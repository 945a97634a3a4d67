"""One round of planning over all components."""

import datetime as dt
from dataclasses import dataclass, field, replace

from features.core.clock import require_utc
from features.core.errors import RequestRejectedError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import Recommendation
from features.core.telemetry import log
from features.policy import NoAction, decide
from serving.erp.port import Assets
from serving.orders import RecommendationState
from serving.planning.cases import Case, cases
from serving.planning.requests import request_for
from serving.planning.rules import PlanRules, end_of, has_grown, is_news, suppression
from serving.store import Store, StoredRecommendation

__all__ = ["PlanReport", "approve", "plan"]


@dataclass(slots=True)
class PlanReport:
    """What a plan did, by order key; `held` are those it deliberately did not make again.

    `reasons` says for each component without an action why.
    """

    components: int = 0
    no_action: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)
    revised: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Round:
    """What all steps of one plan share."""

    store: Store
    now: dt.datetime
    assets: Assets | None
    target: str
    rules: PlanRules
    report: PlanReport


def plan(
    lake: Lake,
    plant: Plant,
    store: Store,
    *,
    now: dt.datetime,
    assets: Assets | None = None,
    target: str = "request",
    rules: PlanRules | None = None,
) -> PlanReport:
    """Decide about every component from what could be known at `now`.

    At most one recommendation is open per component and failure mode. Run again at the same moment, or
    in several processes at once, it makes nothing twice.

    Args:
        lake: Predictions and maintenance events, read as of `now`.
        plant: The plant.
        store: Where recommendations are kept.
        now: Moment of the plan, also one of the past (replay).
        assets: The ERP's open orders, whoever made them; None: not asked.
        target: `request` or `order`: what is to be written to the ERP.
        rules: How calm the plan is.
    """
    rules = rules or PlanRules()
    now = require_utc(now)
    work = _Round(store, now, assets, target, rules, PlanReport())
    longest = max((3 * machine.grid for machine in plant.machines), default=rules.stale_after)
    for case in cases(lake, plant, now=now, since=now - max(longest, rules.stale_after)):
        work.report.components += 1
        try:
            _plan_component(case, work)
        except RequestRejectedError as err:
            # A person or the ERP changed it between our look and our write: the next plan sees that.
            log("planning").info("plan.overtaken", machine_id=case.machine.id, reason=str(err))
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
    elif held is not None and held.is_open:
        _revise(held, decision, case, work)
    elif held is not None and not _is_new_episode(held, decision, case, work):
        work.report.held.append(held.key)
    else:
        _propose(1 if held is None else held.episode + 1, decision, case, work)


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


def _propose(episode: int, decision: Recommendation, case: Case, work: _Round) -> None:
    why = suppression(case, work.assets, now=work.now)
    request = request_for(decision, case, episode=episode, target=work.target)
    stored = work.store.propose(decision, request, episode=episode, now=work.now, suppressed=why)
    if stored is not None:
        log("planning").info(
            "recommendation.suppressed" if why else "recommendation.proposed",
            key=stored.key,
            machine_id=decision.machine_id,
            slot=decision.slot,
            action=decision.action.value,
            model_version=decision.model_version,
            as_of=decision.as_of.isoformat(),
        )
        (work.report.suppressed if why else work.report.proposed).append(stored.key)


def _revise(held: StoredRecommendation, decision: Recommendation, case: Case, work: _Round) -> None:
    is_free = held.state == RecommendationState.SUPPRESSED and not suppression(case, work.assets, now=work.now)
    if not is_free and not is_news(held, decision, now=work.now, rules=work.rules):
        return
    decision = replace(decision, priority=min(decision.priority, held.recommendation.priority))
    request = request_for(decision, case, episode=held.episode, target=work.target)
    work.store.revise(held.id, decision, request, now=work.now)
    if is_free:
        _move(held, RecommendationState.PROPOSED, "no longer held back", work)
        work.report.proposed.append(held.key)
    else:
        work.report.revised.append(held.key)


def _move(held: StoredRecommendation, state: RecommendationState, why: str, work: _Round) -> StoredRecommendation:
    return work.store.move(held.id, state, expected=held.state, detail=why, now=work.now, actor="planning")
