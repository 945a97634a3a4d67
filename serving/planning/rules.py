"""How calm a plan is: what counts as news, and what holds a recommendation back."""

import datetime as dt
from dataclasses import dataclass

from features.core.errors import RetriableError
from features.core.statements import Action, Recommendation
from features.core.telemetry import log
from serving.erp.port import Assets
from serving.orders import RecommendationState
from serving.planning.cases import Case
from serving.store import StoredRecommendation

__all__ = ["Hold", "PlanRules", "end_of", "has_grown", "hold_of", "is_news", "order_of_others"]

_State = RecommendationState
# In these nobody outside has seen the recommendation yet.
_UNSENT = (_State.PROPOSED, _State.SUPPRESSED, _State.WOULD_SEND, _State.DEAD_LETTER)


@dataclass(frozen=True, slots=True)
class PlanRules:
    """How calm the plan is.

    Attributes:
        hysteresis: Share by which the time to P10 must shrink before an open recommendation is revised,
            or one that was turned down is made again. Wearcast's own choice.
        revise_every: At most one revision in this time, unless the action or the priority rises.
        stale_after: A prediction older than this, and than 3 grid steps, decides nothing. A day and two
            hours, because scoring runs at least daily.
    """

    hysteresis: float = 0.2
    revise_every: dt.timedelta = dt.timedelta(days=1)
    stale_after: dt.timedelta = dt.timedelta(hours=26)


def has_grown(old: Recommendation, new: Recommendation, *, now: dt.datetime, hysteresis: float) -> bool:
    """The evidence is worse than it was, beyond the hysteresis; time that merely passes is no evidence."""
    if old.action is not new.action:
        return new.action is Action.REPLACE
    if old.p10_at is None or new.p10_at is None:
        return new.priority < old.priority
    left = old.p10_at - now
    return left > dt.timedelta(0) and new.p10_at - now <= left * (1 - hysteresis)


def is_news(held: StoredRecommendation, new: Recommendation, *, now: dt.datetime, rules: PlanRules) -> bool:
    """An open recommendation should say what `new` says.

    While nobody outside has seen it, also when its priority rose, its date has passed or a fault got its name.
    """
    old = held.recommendation
    if old.action is Action.REPLACE and new.action is Action.INSPECT:
        return False
    is_urgent = old.action is not new.action
    is_worse = has_grown(old, new, now=now, hysteresis=rules.hysteresis)
    if held.state in _UNSENT:
        is_urgent = is_urgent or new.priority < old.priority or (new.fault != old.fault and new.fault != "")
        is_worse = is_worse or old.due < now <= new.due
    return is_urgent or (is_worse and now - held.updated_at >= rules.revise_every)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing should be proposed now; `order` is one that a person made for the same asset."""

    why: str = ""
    order: str | None = None


def hold_of(
    case: Case, place: tuple[str, str], assets: Assets | None, *, now: dt.datetime, known: str | None = None
) -> Hold:
    """What the component itself or its asset in the ERP hold back; an empty one: nothing.

    Args:
        case: The component.
        place: Functional location and equipment number of its machine in the ERP.
        assets: The ERP's open orders; None: not asked.
        now: Moment of the plan.
        known: The order that it waited for so far: it is waited for while the ERP cannot be asked.
    """
    if case.reset_at is not None and now - case.reset_at < case.burn_in:
        return Hold(f"renewed on {case.reset_at:%Y-%m-%d}, still in its burn-in")
    if not any(place):
        return Hold()
    order = known if assets is None else order_of_others(case, place, assets, known=known)
    return Hold() if order is None else Hold(f"order {order} is open on {place[0] or place[1]}", order)


def order_of_others(case: Case, place: tuple[str, str], assets: Assets, *, known: str | None = None) -> str | None:
    """Number of an open order that is not ours; None: there is none; `known` if the ERP cannot be asked now."""
    try:
        foreign = [order for order in assets.open_orders(*place) if not order.key.startswith("WC-")]
    except RetriableError as err:
        log("planning").warning("plan.assets_not_read", machine_id=case.machine.id, error=str(err))
        return known
    return str(foreign[0].number) if foreign else None


def end_of(
    held: StoredRecommendation, case: Case, *, is_calm: bool, now: dt.datetime
) -> tuple[RecommendationState, str] | None:
    """The state in which an open recommendation ends by itself, with the reason; None: it goes on.

    Args:
        held: Open.
        case: Its component.
        is_calm: A fresh statement asks for nothing any more.
        now: Moment of the plan.
    """
    if held.state not in _UNSENT:
        return None  # its order ends it
    if case.reset_at is not None and case.reset_at > held.recommendation.as_of:
        state = _State.COMPLETED if held.state == _State.WOULD_SEND else _State.CANCELLED
        return state, f"the component was renewed on {case.reset_at:%Y-%m-%d}"
    is_past = held.recommendation.due < now or held.state == _State.SUPPRESSED
    if is_calm and is_past and held.state in (_State.PROPOSED, _State.SUPPRESSED):
        return _State.CANCELLED, "the evidence is gone"
    return None
