"""How calm a plan is: what counts as news, what as a new fault, and how a recommendation ends by itself."""

import datetime as dt
from dataclasses import dataclass

from features.core.statements import Action, Recommendation
from serving.orders import RecommendationState
from serving.planning.cases import Case
from serving.store import StoredRecommendation

__all__ = ["PlanRules", "begun", "end_of", "has_grown", "is_new_episode", "is_news"]

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
        calm_after: Evidence that was gone for so long and comes back is a new fault; a shorter calm is flutter.
            As long as between two revisions.
    """

    hysteresis: float = 0.2
    revise_every: dt.timedelta = dt.timedelta(days=1)
    stale_after: dt.timedelta = dt.timedelta(hours=26)
    calm_after: dt.timedelta = dt.timedelta(days=1)


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


def begun(held: StoredRecommendation) -> dt.datetime:
    """When the episode began: a revision does not move that."""
    return min(held.recommendation.as_of, held.created_at)


def is_new_episode(
    held: StoredRecommendation,
    new: Recommendation,
    *,
    reset_at: dt.datetime | None,
    now: dt.datetime,
    rules: PlanRules,
) -> bool:
    """Whether `new` is another fault than the one that is over: a closed order must never swallow it.

    It is when the component was renewed since the former one was made, when planning itself had taken that back,
    when the evidence was gone for a while, and when it has grown.
    """
    if reset_at is not None and reset_at > begun(held):
        return True
    if held.state == _State.CANCELLED and held.order_number is None and held.decided_by is None:
        return True
    if held.calm_since is not None and now - held.calm_since >= rules.calm_after:
        return True
    return has_grown(held.recommendation, new, now=now, hysteresis=rules.hysteresis)


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
    if case.reset_at is not None and case.reset_at > begun(held):
        state = _State.COMPLETED if held.state == _State.WOULD_SEND else _State.CANCELLED
        return state, f"the component was renewed on {case.reset_at:%Y-%m-%d}"
    is_past = held.recommendation.due < now or held.state == _State.SUPPRESSED
    if is_calm and is_past and held.state in (_State.PROPOSED, _State.SUPPRESSED):
        return _State.CANCELLED, "the evidence is gone"
    return None
