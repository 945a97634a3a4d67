"""One round of planning over all components."""

import datetime as dt

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
from serving.planning.grant import grant
from serving.planning.limits import Limits
from serving.planning.others import OrdersOfOthers
from serving.planning.round import UNLIMITED, PlanReport, Round, Wish
from serving.planning.rules import PlanRules, end_of, is_new_episode, is_news
from serving.store import Store, StoredRecommendation

__all__ = ["approve", "plan"]

_State = RecommendationState
# In these what would be written can still be put right: it has not been written.
_UNWRITTEN = (_State.PROPOSED, _State.WOULD_SEND, _State.DEAD_LETTER)


def plan(
    lake: Lake,
    plant: Plant,
    store: Store,
    *,
    now: dt.datetime,
    assets: Assets | None = None,
    may_ask: bool = True,
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
        assets: The ERP's open orders, whoever made them, asked once a place; None: it tells of none.
        may_ask: The ERP may be asked now; if not, nothing goes without a person.
        target: `request` or `order`: what is to be written to the ERP.
        rules: How calm the plan is.
        limits: Modes, budgets and the confirmed map of assets; None: no limit, the plant file's assets.
    """
    rules = rules or PlanRules()
    now = require_utc(now)
    others, report = OrdersOfOthers(assets, may_ask=may_ask), PlanReport()
    work = Round(store, now, others, target, rules, limits or UNLIMITED, report)
    longest = max((3 * machine.grid for machine in plant.machines), default=rules.stale_after)
    for case in cases(lake, plant, now=now, since=now - max(longest, rules.stale_after)):
        report.components += 1
        try:
            _plan_component(case, work)
        except RequestRejectedError as err:
            # A person or the ERP changed it between our look and our write: the next plan sees that.
            log("planning").info("plan.overtaken", machine_id=case.machine.id, reason=str(err))
    grant(plant, work)
    report.refused = others.refused
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


def _plan_component(case: Case, work: Round) -> None:
    stale = _staleness(case, work)
    decision = NoAction(stale, is_blind=True) if stale else decide(case.statement, case.context, now=work.now)
    is_calm = isinstance(decision, NoAction) and not decision.is_blind
    held = work.store.latest(case.machine.id, case.component.slot, case.component.component_class)
    if held is not None and held.is_open:
        end = end_of(held, case, is_calm=is_calm, now=work.now)
        if end is not None:
            held = work.move(held, end[0], end[1])
            work.report.closed.append(held.key)
    if isinstance(decision, NoAction):
        work.report.no_action += 1
        work.report.reasons[case.machine.component_id(case.component)] = decision.reason
        if held is not None and is_calm and not held.is_open and held.calm_since is None:
            work.store.holds.calm(held.id, work.now, now=work.now)
    elif held is None:
        work.wishes.append(Wish(case, decision, 1))
    elif held.state == _State.SUPPRESSED:
        work.wishes.append(Wish(case, decision, held.episode, held))
    elif held.is_open:
        _revise(held, decision, case, work)
    elif is_new_episode(held, decision, reset_at=case.reset_at, now=work.now, rules=work.rules):
        work.wishes.append(Wish(case, decision, held.episode + 1))
    else:
        work.report.held.append(held.key)
        if held.calm_since is not None:
            work.store.holds.calm(held.id, None, now=work.now)


def _staleness(case: Case, work: Round) -> str:
    limit = max(3 * case.machine.grid, work.rules.stale_after)
    if work.now - case.statement.as_of > limit:
        return f"the newest prediction is of {case.statement.as_of:%Y-%m-%d %H:%M} UTC"
    if case.reset_at is not None and case.data_time <= case.reset_at:
        return "the newest prediction is about the former life"
    return ""


def _revise(held: StoredRecommendation, decision: Recommendation, case: Case, work: Round) -> None:
    if is_news(held, decision, now=work.now, rules=work.rules):
        work.replace(held, decision, case)
        work.report.revised.append(held.key)
    elif held.state in _UNWRITTEN:
        _readdress(held, case, work)
    if held.state in (_State.PROPOSED, _State.WOULD_SEND):
        _compare(held, case, work)


def _readdress(held: StoredRecommendation, case: Case, work: Round) -> None:
    """The machine was mapped to other equipment since: what would be written goes there."""
    request = work.request(case, held.recommendation, held.episode)
    if _address(request) != _address(held.request):
        work.store.revise(held.id, held.recommendation, request, now=work.now, tells=False)


def _address(request: MaintenanceRequest) -> tuple[str, str, str]:
    return request.functional_location, request.equipment_number, request.target


def _compare(held: StoredRecommendation, case: Case, work: Round) -> None:
    """Hold back what may not be written any more: the machine is not mapped, or people made an order since.

    Where nothing is written, the order of others is only remembered: in shadow mode that is a hit.
    """
    site_id = case.context.site.id
    why = work.limits.unmapped(case.machine, site_id)
    place = work.place_of(case)
    numbers = None if held.linked_order is not None else work.others.at(place)
    if numbers:
        work.store.holds.link(held.id, numbers[0], now=work.now)
        work.report.linked.append(held.key)
        why = why or f"order {numbers[0]} is open on {place[0] or place[1]}"
    if why and held.state == _State.PROPOSED and work.limits.erp.writes_for(site_id):
        work.move(held, _State.SUPPRESSED, why)
        work.report.suppressed.append(held.key)
