"""From a statement to a decision: which action, in which window, at what priority, and what waiting costs.

Pure: no clock, no lake, no ERP. All times are UTC; texts for people are in the site's local time.
"""

import datetime as dt
from dataclasses import dataclass

from features.core.clock import require_utc, zone
from features.core.plant import (
    Criticality,
    WindowInterval,
    expand_windows,
)
from features.core.statements import (
    Action,
    HealthState,
    Prediction,
    Recommendation,
    Refusal,
    RefusalReason,
    Rung,
    named_fault,
)
from features.policy.distribution import Context, Fractiles, cost_of_waiting, fractiles, planned_cost
from features.policy.wording import EXCEEDED, assumption, day_text, inspection_reason, replacement_reason

__all__ = ["NoAction", "decide", "priority_of"]

# Upper bounds of the time to P10, in hours, with the priority of criticality A, B, C at or below them.
# Three days: no crew can be planned; two weeks: one weekly window left besides the next; six weeks: a
# usual ordering time of parts. Wearcast's own choice, to be replaced by the site's matrix.
_PRIORITIES = ((72.0, (1, 1, 2)), (336.0, (1, 2, 3)), (1008.0, (2, 3, 4)), (float("inf"), (3, 4, 5)))
_CRITICALITIES = (Criticality.A, Criticality.B, Criticality.C)
# Priority of an inspection of a component of criticality A, B, C, by what its condition says.
_INSPECTIONS = {HealthState.FAILURE: (1, 2, 3), HealthState.MAINTENANCE_REQUIRED: (2, 3, 4)}
# Without windows a site can stop at any time; notice is then this share of the class's horizon
# (7.5 days of the default 90). Wearcast's own choice.
_NOTICE = 1 / 12
# What refusals for these reasons say of the condition is not about the component, or not of today.
_NOT_ABOUT_NOW = (RefusalReason.STALE_DATA, RefusalReason.SENSOR_FAULT)


@dataclass(frozen=True, slots=True)
class NoAction:
    """Nothing to do, and why; `is_blind`: nothing is known now that would tell whether there is."""

    reason: str
    is_blind: bool = False


def decide(statement: Prediction | Refusal, context: Context, *, now: dt.datetime) -> Recommendation | NoAction:
    """What to do about one component.

    A calibrated prediction leads to a replacement in the last window before P10, as soon as waiting for
    one more window would pass P10 and would cost more than the replacement itself: P10 alone would renew
    most of a healthy plant where failures without a precursor are common. Anything else leads at most to
    an inspection, when the condition alone asks for it; the age alone asks for nothing.

    Args:
        statement: Prediction or refusal as of `now` or earlier.
        context: Its component.
        now: Moment of the decision; `due` never lies before it.
    """
    now = require_utc(now)
    if isinstance(statement, Refusal):
        if statement.rung is Rung.NONE or statement.health_state is None:
            return NoAction(f"no prediction ({statement.reason}) and no condition", is_blind=True)
        if statement.reason in _NOT_ABOUT_NOW:
            return NoAction(f"the condition is not usable: {statement.reason}", is_blind=True)
        return _inspection(statement, statement.health_state, context, now, None)
    if not statement.calibrated or statement.p10 is None or statement.p90 is None:
        return _inspection(statement, statement.health_state, context, now, None)
    if not context.utilisation or context.utilisation <= 0.0:
        return NoAction("no utilisation in the last 28 days: the remaining life has no date", is_blind=True)
    failure = fractiles(statement, context.utilisation)
    replacement = _replacement(statement, failure, context, now)
    if isinstance(replacement, NoAction) and statement.health_state is HealthState.FAILURE:
        return _inspection(statement, statement.health_state, context, now, failure)
    return replacement


def priority_of(criticality: Criticality, hours_to_p10: float) -> int:
    """Priority 1 (highest) to 5 by what stops with the machine and how soon.

    Example:
        >>> priority_of(Criticality.A, 100.0), priority_of(Criticality.C, 2000.0)
        (1, 5)
    """
    column = _CRITICALITIES.index(criticality)
    return next(row[column] for bound, row in _PRIORITIES if hours_to_p10 <= bound)


def _replacement(
    prediction: Prediction, failure: Fractiles, context: Context, now: dt.datetime
) -> Recommendation | NoAction:
    site, machine, component = context.site, context.machine, context.component
    costs = site.costs_of(machine)
    lead_days = component.spare.lead_time_days if component.spare is not None else 0.0
    part_at = now + dt.timedelta(days=lead_days)
    first, second = _two_windows(context, part_at)
    notice = context.component_class.horizon * _NOTICE
    wait_until = second.start if second is not None else part_at + notice
    if not site.maintenance_windows:
        first, wait_until = None, part_at + notice
    if failure.p10 >= wait_until:
        return NoAction(f"P10 is {day_text(failure.p10, context, now)}: a later window is early enough")
    work = dt.timedelta(hours=costs.planned_hours)
    is_in_time = first is not None and first.start + min(work, first.end - first.start) <= failure.p10
    chosen = first if is_in_time else None
    due = chosen.start if chosen is not None else max(now, failure.p10)
    is_late = not is_in_time and (bool(site.maintenance_windows) or part_at > failure.p10)
    priority = priority_of(machine.criticality, max(0.0, (failure.p10 - now) / dt.timedelta(hours=1)))
    state = prediction.health_state
    if state in _INSPECTIONS:
        priority = min(priority, _INSPECTIONS[state][_CRITICALITIES.index(machine.criticality)])
    later = wait_until if chosen is not None or first is None else first.start
    risk, acting = cost_of_waiting(failure, context, due, max(due, wait_until)), planned_cost(context)
    if risk < acting:
        if state in _INSPECTIONS:
            return _inspection(prediction, state, context, now, failure)
        return NoAction(f"waiting for a later window costs {risk:.0f} {costs.currency}, acting {acting:.0f}")
    return Recommendation(
        machine_id=machine.id,
        slot=component.slot,
        action=Action.REPLACE,
        failure_mode=component.component_class,
        priority=1 if is_late else priority,
        reason=replacement_reason(failure, context, now, chosen, part_at, evidence=prediction.evidence),
        as_of=prediction.as_of,
        due=due,
        window_id=None if chosen is None else chosen.window_id,
        window_start=None if chosen is None else chosen.start,
        part_number=None if component.spare is None else component.spare.part_number,
        cost_of_waiting=round(cost_of_waiting(failure, context, due, max(due, later)), 2),
        currency=costs.currency,
        rung=prediction.rung,
        p10_at=failure.p10,
        p50_at=failure.p50,
        p90_at=failure.p90,
        assumption=assumption(prediction, context),
        model_version=f"{prediction.model_name} {prediction.model_version}",
        evidence=prediction.evidence,
        fault=_fault(prediction),
    )


def _inspection(
    statement: Prediction | Refusal,
    state: HealthState | None,
    context: Context,
    now: dt.datetime,
    failure: Fractiles | None,
) -> Recommendation | NoAction:
    if state is None:
        why = "nothing was measured that tells the condition, and there is no calibrated remaining life"
        return NoAction(why, is_blind=True)
    if state not in _INSPECTIONS:
        is_blind = state is not HealthState.NORMAL
        return NoAction(f"condition is {state}, and there is no calibrated remaining life", is_blind)
    window, _ = _two_windows(context, now)
    notice = now + context.component_class.horizon * _NOTICE
    due = notice if window is None else window.start
    if failure is not None and failure.p10 < due:
        window, due = None, max(now, failure.p10)
    model = ""
    if isinstance(statement, Prediction):
        model = f"{statement.model_name} {statement.model_version}"
    return Recommendation(
        machine_id=context.machine.id,
        slot=context.component.slot,
        action=Action.INSPECT,
        failure_mode=context.component.component_class,
        priority=_INSPECTIONS[state][_CRITICALITIES.index(context.machine.criticality)],
        reason=inspection_reason(statement, state, context, now, due),
        as_of=statement.as_of,
        due=due,
        window_id=None if window is None else window.window_id,
        window_start=None if window is None else window.start,
        part_number=None if context.component.spare is None else context.component.spare.part_number,
        cost_of_waiting=None,
        currency=context.site.costs_of(context.machine).currency,
        rung=_stands_on(statement),
        p10_at=None if failure is None else failure.p10,
        p50_at=None if failure is None else failure.p50,
        p90_at=None if failure is None else failure.p90,
        model_version=model,
        evidence=statement.evidence,
        fault=_fault(statement),
    )


def _stands_on(statement: Prediction | Refusal) -> Rung:
    """The rung of an inspection: an age asks for none, so what told the state does."""
    if statement.rung is not Rung.CLASS_PRIOR:
        return statement.rung
    if any(item.rung is None for item in statement.evidence):
        return Rung.CONDITION
    if any(item.rung is Rung.LIMITS and item.verdict in EXCEEDED for item in statement.evidence):
        return Rung.LIMITS
    return Rung.CONDITION if named_fault(statement.evidence) is None else Rung.PHYSICS


def _fault(statement: Prediction | Refusal) -> str:
    found = named_fault(statement.evidence)
    return "" if found is None else found.verdict


def _two_windows(context: Context, since: dt.datetime) -> tuple[WindowInterval | None, WindowInterval | None]:
    site = context.site
    weeks = max((window.every_weeks for window in site.maintenance_windows), default=1)
    until = since + max(context.component_class.horizon, dt.timedelta(weeks=2 * weeks + 1))
    found = expand_windows(site.maintenance_windows, zone(site.time_zone), since, until)
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)
