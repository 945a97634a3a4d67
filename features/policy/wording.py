"""Reasons and assumptions in plain sentences, in the site's local time."""

import datetime as dt
from collections.abc import Sequence

from features.core.clock import zone
from features.core.plant import WindowInterval
from features.core.statements import Evidence, HealthState, Prediction, Refusal, Rung, named_fault
from features.policy.distribution import Context, Fractiles
from features.registry.words import fault_words, feature_words, life_unit_words

__all__ = ["EXCEEDED", "assumption", "day_text", "inspection_reason", "replacement_reason"]

# What limits say when they are exceeded.
EXCEEDED = ("zone C", "zone D", "warning", "alarm")


def replacement_reason(
    failure: Fractiles,
    context: Context,
    now: dt.datetime,
    chosen: WindowInterval | None,
    part_at: dt.datetime,
    *,
    evidence: Sequence[Evidence] = (),
) -> str:
    """When it will fail, of what if a diagnosis names it, and what that means for the windows, in one sentence."""
    span, found = _span(failure.p10, failure.p90, context, now), _physics(evidence)
    seen = f", spectra show {found}," if found else ""
    start = f"{_subject(context)}{seen} will probably fail {span} (P10 to P90)"
    if chosen is not None:
        return f"{start}; last window before that is {day_text(chosen.start, context, now, weekday=True)}."
    if part_at > failure.p10:
        return f"{start}; the part can be here on {day_text(part_at, context, now)} at the earliest."
    if context.site.maintenance_windows:
        return f"{start}; no maintenance window lies before that."
    return f"{start}; replace it by {day_text(failure.p10, context, now)}."


def inspection_reason(
    statement: Prediction | Refusal, state: HealthState, context: Context, now: dt.datetime, due: dt.datetime
) -> str:
    """Why to look at it, and by when, in one sentence."""
    is_calibrated = isinstance(statement, Prediction) and statement.calibrated
    life = (
        "although its remaining life looks long" if is_calibrated else "and no calibrated remaining life is known"
    )
    by = day_text(due, context, now, weekday=True)
    first = _physics(statement.evidence), _limits(statement.evidence)
    seen = [part for part in (*first, _condition(statement)) if part]
    is_failure = state is HealthState.FAILURE
    if any(first):
        says = "is beyond its limits" if is_failure else "needs maintenance"
        return f"{_subject(context)} {says}: {'; '.join(seen)}, {life}; inspect it by {by}."
    says = "has failed" if is_failure else "needs maintenance"
    return f"{_subject(context)} {says} by its condition{_why(statement)}, {life}; inspect it by {by}."


def assumption(prediction: Prediction, context: Context) -> str:
    """What the dates of a prediction stand on."""
    rate = f"{context.utilisation:.3g}"
    return (
        f"{rate} {life_unit_words(prediction.life_unit, is_one=rate == '1')} per calendar hour, as in the 28 days "
        f"before {prediction.as_of:%Y-%m-%d}"
    )


def day_text(moment: dt.datetime, context: Context, now: dt.datetime, *, weekday: bool = False) -> str:
    """`3 March`, with the year when it is not this one, in local time."""
    local = zone(context.site.time_zone)
    day, today = moment.astimezone(local), now.astimezone(local)
    name = f"{day:%A} " if weekday else ""
    year = "" if day.year == today.year else f" {day.year}"
    return f"{name}{day.day} {day:%B}{year}"


def _why(statement: Prediction | Refusal) -> str:
    index, evidence = statement.condition_index, statement.evidence
    condition = "" if index is None else f", condition index {index:.2g}"
    reasons = [item for item in evidence if item.rung is None]
    why = f" because of {_first_lower(feature_words(reasons[0].feature))}" if reasons else ""
    return f"{why}{condition}"


def _condition(statement: Prediction | Refusal) -> str:
    return "" if statement.condition_index is None else f"condition index {statement.condition_index:.2g}"


def _physics(evidence: Sequence[Evidence]) -> str:
    """The named fault with its first line; empty when none is named."""
    found = named_fault(evidence)
    if found is None:
        return ""
    line = next((item for item in evidence if item.rung is Rung.PHYSICS and item.order is not None), None)
    if line is None:
        return fault_words(found.verdict)
    place = f"{line.frequency_hz:.1f} Hz, order {line.order:.2f}, {line.value:.0f} dB over its floor"
    return f"{fault_words(found.verdict)} ({place})"


def _limits(evidence: Sequence[Evidence]) -> str:
    """Zones and limits that are exceeded, the worst first."""
    told = []
    for item in evidence:
        if item.rung is Rung.LIMITS and item.verdict in ("zone C", "zone D"):
            told.append(f"{_first_lower(feature_words(item.feature))} {item.value:.2g} mm/s, {item.verdict}")
        elif item.rung is Rung.LIMITS and item.verdict in ("warning", "alarm"):
            name = _first_lower(feature_words(item.feature)).removesuffix(": level")
            told.append(f"{name} {item.note.split(',')[0]}")
    return "; ".join(told)


def _first_lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _subject(context: Context) -> str:
    words = context.component.component_class.replace("_", " ").replace("-", " ")
    return f"{words[:1].upper()}{words[1:]} {context.machine.component_id(context.component)}"


def _span(low: dt.datetime, high: dt.datetime, context: Context, now: dt.datetime) -> str:
    """`between 3 and 11 March`, as short as it stays clear, in local time."""
    local = zone(context.site.time_zone)
    first, last = low.astimezone(local), high.astimezone(local)
    if low <= now < high:
        return f"between now and {day_text(high, context, now)}"
    if first.date() == last.date():
        return f"between {first:%H:%M} and {last:%H:%M} on {day_text(low, context, now)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"between {first.day} and {day_text(high, context, now)}"
    return f"between {day_text(low, context, now)} and {day_text(high, context, now)}"
