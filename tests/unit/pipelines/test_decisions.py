"""What policies do to lives whose best decision is known."""

import dataclasses
import datetime as dt
import math

import numpy as np
import numpy.typing as npt
import pytest

from features.core.plant import (
    Component,
    ComponentClass,
    Costs,
    Machine,
    MaintenanceWindow,
    MeasuringPoint,
    Site,
)
from features.core.plant.values import Spare
from features.core.units import Quantity
from features.policy import Context
from pipelines.evaluation import Answers
from pipelines.evaluation.decisions import CalendarRows, decisions, outcomes
from pipelines.evaluation.decisions.policies import cost_rate, of_policy

Floats = npt.NDArray[np.float64]
HOUR_US = 3_600_000_000
BEGIN = dt.datetime(2025, 1, 4, tzinfo=dt.UTC)  # a Saturday
BEGIN_US = int(BEGIN.timestamp() * 1e6)
LIVES, DAYS = 12, 60
COSTS = Costs(planned=1000.0, unplanned=9000.0, planned_hours=8.0, unplanned_hours=24.0)


def context(*, windows: bool = True, lead_days: float = 0.0) -> Context:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    spare = Spare(part_number="6205", lead_time_days=lead_days)
    machine = Machine(
        id="M1",
        components=(Component(slot="DE", component_class="bearing", spare=spare),),
        measuring_points=(point,),
    )
    rule = MaintenanceWindow(id="sat", weekday="saturday", start=dt.time(6), hours=8.0)
    site = Site(id="s", machines=(machine,), costs=COSTS, maintenance_windows=(rule,) if windows else ())
    return Context(site, machine, machine.components[0], ComponentClass(id="bearing"), None)


def calendar(where: Context, *, days: int = DAYS, step_days: int = 1) -> tuple[CalendarRows, Answers]:
    """Lives of equal length from one Saturday on, measured daily, that end on a Wednesday; exact answers."""
    ages = np.arange(0, days, step_days) + 0.5
    left = (days - ages) * 24.0
    unit = np.repeat([f"M1/DE#{i:02d}" for i in range(LIVES)], ages.size)
    time_us = np.tile(BEGIN_US + (ages * 24 * HOUR_US).astype(np.int64), LIVES)
    rul = np.tile(left, LIVES)
    wear = np.tile(100.0 / left, LIVES)
    rows = CalendarRows(
        unit=unit,
        fold=np.repeat(np.arange(LIVES) % 3, ages.size),
        time_us=time_us,
        start_us=np.full(unit.size, BEGIN_US, dtype=np.int64),
        end_us=np.full(unit.size, BEGIN_US + days * 24 * HOUR_US, dtype=np.int64),
        utilisation=np.ones(unit.size),
        levels=np.column_stack([wear, np.zeros(unit.size)]),
        level_names=("vibration_h.rms_m_s2", "noise"),
        contexts=dict.fromkeys(np.unique(unit).tolist(), where),
    )
    return rows, Answers(unit, rul, 1e6, rul, 0.95 * rul, rul, 1.05 * rul, {})


def replaced_day(rows: CalendarRows, answers: Answers, policy: str) -> float | None:
    """Day of the first life on which it was replaced."""
    moment = of_policy(policy, rows, answers)[0].replaced_us
    return None if moment is None else (moment - BEGIN_US) / (24 * HOUR_US)


def test_perfect_knowledge_replaces_in_the_last_window_before_the_failure() -> None:
    rows, said = calendar(context())
    assert replaced_day(rows, said, "perfect knowledge") == 56 + 6 / 24


def test_exact_answers_replace_in_that_window_too() -> None:
    rows, said = calendar(context())
    assert replaced_day(rows, said, "wearcast") == 56 + 6 / 24


def test_without_windows_the_machine_stops_when_it_must() -> None:
    rows, said = calendar(context(windows=False))
    assert 54.0 < (replaced_day(rows, said, "wearcast") or 0.0) < 60.0
    assert replaced_day(rows, said, "perfect knowledge") == pytest.approx(60 - 1 / 24)


def test_uncalibrated_answers_ask_for_no_replacement() -> None:
    rows, said = calendar(context())
    bare = dataclasses.replace(said, p10=None, p90=None)
    assert of_policy("wearcast", rows, bare) == of_policy("run to failure", rows, bare)


def test_part_that_comes_too_late_is_a_missed_failure_with_a_call() -> None:
    rows, said = calendar(context(lead_days=70.0))
    first = of_policy("wearcast", rows, said)[0]
    assert first.replaced_us is None
    assert first.alarm_us is not None
    assert first.cost == 9000.0
    assert replaced_day(rows, said, "threshold") is None


def test_utilisation_that_is_not_known_makes_no_decision() -> None:
    rows, said = calendar(context())
    unknown = dataclasses.replace(rows, utilisation=np.full(rows.unit.size, np.nan))
    assert replaced_day(unknown, said, "wearcast") is None


def test_threshold_is_learnt_on_the_other_folds_only() -> None:
    """Most lives are in fold 1, and only there the second input tells anything: it is not used on them."""
    rows, said = calendar(context())
    number = np.repeat(np.arange(LIVES), DAYS)
    inside = number < 8
    fold = np.where(inside, 1, number % 2 * 2)
    wear = rows.levels[:, 0]
    levels = np.column_stack([np.where(inside, -1.0, wear), np.where(inside, wear, -1.0)])
    torn = dataclasses.replace(rows, fold=fold, levels=levels)
    found = of_policy("threshold", torn, said)
    assert {outcome.replaced_us for outcome in found[:8]} == {None}
    whole = dataclasses.replace(torn, fold=number % 3)
    assert of_policy("threshold", whole, said)[0].replaced_us == BEGIN_US + (56 * 24 + 6) * HOUR_US


def test_fixed_interval_keeps_what_never_pays_running() -> None:
    cheap = dataclasses.replace(
        context(), site=context().site.model_copy(update={"costs": Costs(planned=5000.0, unplanned=1.0)})
    )
    rows, said = calendar(cheap)
    assert replaced_day(rows, said, "fixed interval") is None
    assert replaced_day(*calendar(context()), "fixed interval") == 56 + 6 / 24


def test_cost_rate_is_cost_over_time_of_all_lives() -> None:
    rows, said = calendar(context())
    assert cost_rate(of_policy("run to failure", rows, said)) == pytest.approx(9000.0 / (DAYS * 24))
    assert math.isnan(cost_rate([]))


def test_table_puts_every_policy_beside_the_others() -> None:
    rows, said = calendar(context())
    table = decisions(outcomes(rows, said), components=24, seed=1)
    told = {row["policy"]: row for row in table.iter_rows(named=True)}
    own = told["wearcast"]
    assert (own["missed"], own["early"], own["lives"]) == (0.0, 0.0, LIVES)
    assert own["cost_over_perfect_knowledge"] == pytest.approx(1.0)
    assert own["cost_over_run_to_failure"] == pytest.approx(1000.0 / 56.25 / (9000.0 / 60.0))
    assert told["run to failure"]["missed"] == 1.0
    assert told["run to failure"]["lead_days_median"] is None
    assert own["call_outs_a_week"] == pytest.approx(24 * 7 / 56.25)
    assert own["lead_days_median"] > 3.75
