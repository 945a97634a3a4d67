"""Which wishes of a round come before people, and what holds the others back."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from features.core.errors import RequestRejectedError
from features.core.plant import Plant
from features.core.telemetry import log
from serving.orders import RecommendationState
from serving.planning.limits import WEEK, Storms
from serving.planning.round import UNLIMITED, Round, Wish
from serving.planning.rules import is_news
from serving.store import Budget, Precision, StoredRecommendation

__all__ = ["grant"]

# So long what an order of others found may be on its way to us: as often as both sides are compared.
_READ_WITHIN = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Hold:
    """Why nothing should be proposed now; `order` is one that a person made for the same asset."""

    why: str = ""
    order: str | None = None


def grant(plant: Plant, work: Round) -> None:
    """Put the wishes before people, the most urgent first, as far as nothing holds them back.

    Args:
        plant: Tells how many machines have a class.
        work: The round, with its wishes.
    """
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
            _grant_one(wish, storms, measured.get((_site(wish), wish.decision.failure_mode), Precision()), work)
        except RequestRejectedError as err:
            log("planning").info("plan.overtaken", machine_id=wish.case.machine.id, reason=str(err))


def _grant_one(wish: Wish, storms: Storms, measured: Precision, work: Round) -> None:
    goes_unasked = work.limits.goes_unasked(_site(wish), wish.decision, measured)
    hold = _hold(wish, storms, goes_unasked, work)
    stored = _propose(wish, hold, work) if wish.held is None else _free(wish.held, wish, hold, work)
    if stored is not None and stored.state == RecommendationState.PROPOSED and goes_unasked:
        work.store.approve(stored.id, "automatic", work.now)
        work.report.approved.append(stored.key)


def _hold(wish: Wish, storms: Storms, goes_unasked: bool, work: Round) -> _Hold:
    limits, site_id, place = work.limits, _site(wish), work.place_of(wish.case)
    # An order of others whose end was read stays with the recommendation: what it found counts for it.
    known = None if wish.held is None else wish.held.linked_order
    is_read = known is not None and work.store.changes.has_ended(known)
    link = known if is_read else None
    if why := limits.unmapped(wish.case.machine, site_id):
        return _Hold(why, known)
    if why := _burn_in(wish, work):
        return _Hold(why, known)
    if hold := _order_of_others(wish, place, None if is_read else known, work):
        return hold
    if why := storms.reason(wish.case, wish.decision):
        return _Hold(why, link)
    budget = _budget(wish, work)
    if budget is not None and work.store.holds.proposed_since(site_id, budget.since) >= budget.most:
        return _Hold(budget.why, link)
    if goes_unasked and work.others.is_unsure(place):
        return _Hold("the ERP does not say now whether others have ordered already", link)
    return _Hold("", link)


def _burn_in(wish: Wish, work: Round) -> str:
    reset_at = wish.case.reset_at
    if reset_at is None or work.now - reset_at >= wish.case.burn_in:
        return ""
    return f"renewed on {reset_at:%Y-%m-%d}, still in its burn-in"


def _order_of_others(wish: Wish, place: tuple[str, str], known: str | None, work: Round) -> _Hold | None:
    """The hold by an order that people made; the one that it waited for so far, as long as it is open.

    It is waited for, too, while the ERP cannot be asked, and once it is over until its change was read: it may
    have renewed the component. An ERP that does not tell of the changes of others is not waited for long.
    """
    numbers = work.others.at(place)
    if numbers is None:
        numbers = () if known is None else (known,)
    if numbers:
        number = known if known in numbers else numbers[0]
        return _Hold(f"order {number} is open on {place[0] or place[1]}", number)
    if known is None or wish.held is None:
        return None
    why = f"order {known} is over, what it found is not read yet"
    has_waited = wish.held.detail == why and work.now - wish.held.updated_at >= _READ_WITHIN
    return None if has_waited else _Hold(why, known)


def _budget(wish: Wish, work: Round) -> Budget | None:
    if work.limits is UNLIMITED:
        return None
    return Budget(work.limits.erp.budget_of(_site(wish)), work.now - WEEK)


def _propose(wish: Wish, hold: _Hold, work: Round) -> StoredRecommendation | None:
    decision = wish.decision
    stored = work.store.propose(
        decision,
        work.request(wish.case, decision, wish.episode),
        episode=wish.episode,
        now=work.now,
        suppressed=hold.why,
        linked_order=hold.order,
        budget=_budget(wish, work),
    )
    if stored is not None:
        is_held = stored.state == RecommendationState.SUPPRESSED
        log("planning").info(
            "recommendation.suppressed" if is_held else "recommendation.proposed",
            key=stored.key,
            machine_id=decision.machine_id,
            slot=decision.slot,
            action=decision.action.value,
            model_version=decision.model_version,
            as_of=decision.as_of.isoformat(),
        )
        (work.report.suppressed if is_held else work.report.proposed).append(stored.key)
        if hold.order is not None:
            work.report.linked.append(stored.key)
    return stored


def _free(held: StoredRecommendation, wish: Wish, hold: _Hold, work: Round) -> StoredRecommendation | None:
    """Propose what was held back so far, or say anew why it still is."""
    if hold.why:
        if is_news(held, wish.decision, now=work.now, rules=work.rules):
            work.replace(held, wish.decision, wish.case)
            work.report.revised.append(held.key)
        work.store.holds.hold_back(held.id, hold.why, hold.order, now=work.now)
        return None
    work.replace(held, wish.decision, wish.case)
    freed = work.store.holds.free(held.id, _budget(wish, work), now=work.now)
    if freed.state == RecommendationState.PROPOSED:
        work.report.proposed.append(held.key)
    return freed


def _site(wish: Wish) -> str:
    return wish.case.context.site.id
