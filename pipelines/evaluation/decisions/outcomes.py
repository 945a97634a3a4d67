"""Missed failures, early alarms, call-outs and costs of every policy, as a table."""

import numpy as np
import polars as pl

from pipelines.evaluation.bootstrap import Interval, resampled
from pipelines.evaluation.decisions.policies import POLICIES, Outcome, cost_rate, of_policy
from pipelines.evaluation.decisions.rows import CalendarRows
from pipelines.evaluation.scored import Scored

__all__ = ["decisions", "outcomes"]

# A replacement with more than this share of the life still ahead was an early alarm.
EARLY_SHARE = 0.5

_HOURS_A_YEAR = 8766.0
_HOURS_A_WEEK = 168.0


def outcomes(rows: CalendarRows, scored: Scored) -> dict[str, list[Outcome]]:
    """Policy -> what it does to every life."""
    return {name: of_policy(name, rows, scored) for name in POLICIES}


def decisions(found: dict[str, list[Outcome]], *, components: int, seed: int) -> pl.DataFrame:
    """One row a policy; `cost_over_...` compares its cost per hour with the others', below 1 is cheaper.

    `cost_a_year` is one component's. `missed` is the share of lives that failed, `early` of those replaced
    with more than half of their life ahead, `life_used` the mean share of the life that was used.
    `lead_days` run from the call to the failure. `call_outs_a_week` are those of all components together.

    Args:
        found: Policy -> outcomes of the same lives in the same order.
        components: Of the class, in the plant.
        seed: Of the bootstrap.
    """
    rates = {name: cost_rate(told) for name, told in found.items()}
    rows = []
    for name, told in found.items():
        cost, hours = np.array([o.cost for o in told]), np.array([o.hours for o in told])
        boot = resampled(np.array([o.life.unit for o in told]), seed=seed)
        whole = np.array([(o.life.end_us - o.life.start_us) / 3.6e9 for o in told])
        used = np.where(whole > 0, hours / np.where(whole > 0, whole, 1.0), 1.0)
        missed = np.array([o.replaced_us is None for o in told], dtype=np.float64)
        lead = np.array([o.lead_days for o in told])
        known = lead[np.isfinite(lead)]
        calls = sum(o.alarm_us is not None for o in told)
        rows.append(
            {"policy": name, "lives": len(told)}
            | _told("cost_a_year", boot.ratio(cost * _HOURS_A_YEAR, hours))
            | {f"cost_over_{_slug(other)}": rates[name] / rate for other, rate in rates.items()}
            | _told("missed", boot.mean(missed))
            | {"never_called": float(np.mean(~np.isfinite(lead)))}
            | _told("early", boot.mean(((1.0 - used) > EARLY_SHARE).astype(np.float64)))
            | {
                "life_used": float(used.mean()),
                "lead_days_p10": float(np.quantile(known, 0.1)) if known.size else None,
                "lead_days_median": float(np.median(known)) if known.size else None,
                "lead_days_p90": float(np.quantile(known, 0.9)) if known.size else None,
                "call_outs_a_week": components * calls / (float(hours.sum()) / _HOURS_A_WEEK),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _slug(name: str) -> str:
    return name.replace(" ", "_")


def _told(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low95": interval.low, f"{name}_high95": interval.high}
