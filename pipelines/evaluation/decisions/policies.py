"""When each policy would have replaced each life: what it knew then, nothing later."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.core.statements import Action, HealthState, Prediction, Recommendation, Rung
from features.policy import decide
from pipelines.evaluation.decisions.rows import CalendarRows, LifeOnCalendar, next_window
from pipelines.evaluation.errors import Floats
from pipelines.evaluation.scored import Scored

__all__ = ["POLICIES", "Outcome", "cost_rate", "of_policy"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US = dt.timedelta(microseconds=1)
_HOUR_US = 3_600_000_000

# Candidates of the fixed interval, as shares of the longest life of the other folds.
_SHARES = np.linspace(0.025, 1.0, 40)

# Candidates of a limit, as quantiles of an input's values in the other folds.
_LIMITS = np.array([0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one life: when somebody was called, and when a planned replacement came, if in time."""

    life: LifeOnCalendar
    alarm_us: int | None
    replaced_us: int | None

    @property
    def cost(self) -> float:
        """In the site's currency."""
        return self.life.unplanned_cost if self.replaced_us is None else self.life.planned_cost

    @property
    def hours(self) -> float:
        """Calendar hours the part was in use."""
        ended = self.life.end_us if self.replaced_us is None else self.replaced_us
        return (ended - self.life.start_us) / _HOUR_US

    @property
    def lead_days(self) -> float:
        """From the call to the failure that came, or would have come; NaN without a call."""
        return float("nan") if self.alarm_us is None else (self.life.end_us - self.alarm_us) / (24 * _HOUR_US)


def cost_rate(outcomes: Sequence[Outcome]) -> float:
    """Cost per hour in the long run: cost of a life over time of a life, both as sums; NaN without time.

    References:
        R. Barlow, L. Hunter, "Optimum preventive maintenance policies", Operations Research 8 (1960), policy I.
    """
    hours = sum(outcome.hours for outcome in outcomes)
    return sum(outcome.cost for outcome in outcomes) / hours if hours > 0 else float("nan")


def _outcome(life: LifeOnCalendar, alarm_us: int | None, planned_us: int | None) -> Outcome:
    is_in_time = planned_us is not None and planned_us < life.end_us
    return Outcome(life, alarm_us, planned_us if is_in_time else None)


def _run_to_failure(rows: CalendarRows, scored: Scored) -> list[Outcome]:
    return [_outcome(life, None, None) for life in rows.lives]


def _perfect(rows: CalendarRows, scored: Scored) -> list[Outcome]:
    """The last moment before the failure at which the machine may stop."""
    found = []
    for life in rows.lives:
        before = life.window_us[life.window_us < life.end_us]
        if not rows.contexts[life.unit].site.maintenance_windows:
            before = np.array([max(life.start_us, life.end_us - _HOUR_US)])
        moment = int(before[-1]) if before.size else None
        found.append(_outcome(life, moment, moment))
    return found


def _fixed_interval(rows: CalendarRows, scored: Scored) -> list[Outcome]:
    """Replaced at the age that would have cost least in the other folds, in the next window."""

    def at_age(lives: Sequence[LifeOnCalendar], age_us: float) -> list[Outcome]:
        found = []
        for life in lives:
            ready = np.array([life.start_us + int(age_us)], dtype=np.int64)
            planned = int(next_window(rows.contexts[life.unit], life.window_us, ready)[0])
            alarm = planned if planned < life.end_us else None
            found.append(_outcome(life, alarm, planned))
        return found

    def fitted(others: Sequence[LifeOnCalendar], held: Sequence[LifeOnCalendar]) -> list[Outcome]:
        ages = _SHARES * max(life.end_us - life.start_us for life in others)
        best = min(ages, key=lambda age: cost_rate(at_age(others, age)))
        never = [_outcome(life, None, None) for life in others]
        if cost_rate(never) <= cost_rate(at_age(others, best)):
            return [_outcome(life, None, None) for life in held]
        return at_age(held, best)

    return _cross_fitted(rows, fitted)


def _threshold(rows: CalendarRows, scored: Scored) -> list[Outcome]:
    """Called at the first row beyond one limit of one input, both those that cost least in the other folds."""
    watched = {life.unit: _Watched.of(life, rows.levels) for life in rows.lives}

    def fitted(others: Sequence[LifeOnCalendar], held: Sequence[LifeOnCalendar]) -> list[Outcome]:
        seen = [watched[life.unit] for life in others]
        never = np.full((1,), np.inf)
        best, cheapest = (1.0, 0, np.inf), float(_rate_beyond(seen, 1.0, 0, never)[0])
        values = rows.levels[np.concatenate([life.rows for life in others])]
        for column in range(values.shape[1]):
            known = values[np.isfinite(values[:, column]), column]
            limits = np.unique(np.quantile(known, _LIMITS)) if known.size else never
            for sign in (1.0, -1.0):
                rates = _rate_beyond(seen, sign, column, sign * limits)
                if np.min(rates) < cheapest:
                    place = int(np.argmin(rates))
                    best, cheapest = (sign, column, float(sign * limits[place])), float(rates[place])
        return [watched[life.unit].outcome(*best) for life in held]

    return _cross_fitted(rows, fitted)


@dataclass(frozen=True, slots=True)
class _Watched:
    """A life with the extremes so far of each input, and what a call at each row would have led to.

    `highest` is sign -> running maximum [m, inputs] of sign x value; `cost` and `hours` [m + 1], the last
    for no call at all.
    """

    life: LifeOnCalendar
    highest: dict[float, Floats]
    cost: Floats
    hours: Floats

    @classmethod
    def of(cls, life: LifeOnCalendar, levels: Floats) -> "_Watched":
        """Reads the life's rows."""
        values = levels[life.rows]
        highest = {
            sign: np.maximum.accumulate(np.where(np.isfinite(values), sign * values, -np.inf), axis=0)
            for sign in (1.0, -1.0)
        }
        is_in_time = np.append(life.planned_us < life.end_us, False)
        ended = np.where(is_in_time, np.append(life.planned_us, life.end_us), life.end_us)
        cost = np.where(is_in_time, life.planned_cost, life.unplanned_cost)
        return cls(life, highest, cost, (ended - life.start_us) / _HOUR_US)

    def outcome(self, sign: float, column: int, limit: float) -> Outcome:
        """Called at the first row whose sign x value lies above the limit."""
        first = int(np.searchsorted(self.highest[sign][:, column], limit, side="right"))
        if first == self.life.time_us.size:
            return _outcome(self.life, None, None)
        return _outcome(self.life, int(self.life.time_us[first]), int(self.life.planned_us[first]))


def _rate_beyond(seen: Sequence[_Watched], sign: float, column: int, limits: Floats) -> Floats:
    """Cost per hour of each limit [limits] over these lives."""
    cost, hours = np.zeros(limits.size), np.zeros(limits.size)
    for one in seen:
        first = np.searchsorted(one.highest[sign][:, column], limits, side="right")
        cost, hours = cost + one.cost[first], hours + one.hours[first]
    return np.asarray(cost / np.maximum(hours, 1e-12), dtype=np.float64)


def _cross_fitted(
    rows: CalendarRows,
    fitted: Callable[[Sequence[LifeOnCalendar], Sequence[LifeOnCalendar]], list[Outcome]],
) -> list[Outcome]:
    """What is learnt on the lives of the other folds, on the lives of each; in the order of `rows.lives`."""
    fold = {life.unit: int(rows.fold[life.rows[0]]) for life in rows.lives}
    found: dict[str, Outcome] = {}
    for number in sorted(set(fold.values())):
        held = [life for life in rows.lives if fold[life.unit] == number]
        others = [life for life in rows.lives if fold[life.unit] != number]
        told = fitted(others, held) if others else [_outcome(life, None, None) for life in held]
        found |= {outcome.life.unit: outcome for outcome in told}
    return [found[life.unit] for life in rows.lives]


def _own_policy(rows: CalendarRows, scored: Scored) -> list[Outcome]:
    """Wearcast's own policy: `features.policy.decide` at each row until it asks for a replacement.

    The condition is taken as normal, so only the remaining life speaks; without a calibrated band the policy
    never asks for a replacement, and every life runs to failure.
    """
    if scored.p10 is None or scored.p90 is None:
        return _run_to_failure(rows, scored)
    return [_decided(rows, scored, life) for life in rows.lives]


def _decided(rows: CalendarRows, scored: Scored, life: LifeOnCalendar) -> Outcome:
    context = rows.contexts[life.unit]
    for row, moment in zip(life.rows, life.time_us, strict=True):
        usage = float(rows.utilisation[row])
        now = _EPOCH + int(moment) * _US
        asked = decide(
            _prediction(scored, int(row), now, context.component_class.life_unit.value),
            replace(context, utilisation=usage if np.isfinite(usage) else None),
            now=now,
        )
        if isinstance(asked, Recommendation) and asked.action is Action.REPLACE:
            lead = 0.0 if context.component.spare is None else context.component.spare.lead_time_days
            done = max(asked.due, now + dt.timedelta(days=lead))
            return _outcome(life, int(moment), (done - _EPOCH) // _US)
    return _outcome(life, None, None)


def _prediction(scored: Scored, row: int, now: dt.datetime, life_unit: str) -> Prediction:
    low, high = scored.p10, scored.p90
    return Prediction(
        component_id="",
        as_of=now,
        data_time=now,
        life_number=1,
        life_unit=life_unit,
        rung=Rung.CALIBRATED_RUL,
        mean=float(scored.mean[row]),
        p10=None if low is None else float(low[row]),
        p50=float(scored.p50[row]),
        p90=None if high is None else float(high[row]),
        calibrated=True,
        calibration_units=0,
        health_state=HealthState.NORMAL,
        condition_index=None,
        model_name="",
        model_version="",
        fingerprint="",
    )


# Name for people -> policy.
POLICIES: dict[str, Callable[[CalendarRows, Scored], list[Outcome]]] = {
    "wearcast": _own_policy,
    "run to failure": _run_to_failure,
    "fixed interval": _fixed_interval,
    "threshold": _threshold,
    "perfect knowledge": _perfect,
}


def of_policy(name: str, rows: CalendarRows, scored: Scored) -> list[Outcome]:
    """What a policy does to every life, in the order of `rows.lives`."""
    return POLICIES[name](rows, scored)
