import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.core.plant import Component, ComponentClass, Costs, Criticality, Machine, Plant, Spare
from features.core.statements import (
    Action,
    Evidence,
    HealthState,
    Prediction,
    Recommendation,
    Refusal,
    RefusalReason,
    Rung,
)
from features.policy import Context, Fractiles, NoAction, cost_of_waiting, decide, fractiles, priority_of

# Friday 20 February 2026, noon UTC; windows each Saturday 06:00 Berlin (05:00 UTC).
NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
SATURDAY = {"id": "saturday", "weekday": "saturday", "start": "06:00", "hours": 8}


def context_of(
    *, windows: bool = True, criticality: str = "B", lead_time_days: float = 0.0, utilisation: float | None = 1.0
) -> Context:
    component = {
        "slot": "DE-bearing",
        "component_class": "bearing",
        "spare": {"part_number": "6205", "lead_time_days": lead_time_days},
    }
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    machine = {
        "id": "P101",
        "criticality": criticality,
        "components": [component],
        "measuring_points": [point],
    }
    site = {
        "id": "works",
        "time_zone": "Europe/Berlin",
        "maintenance_windows": [SATURDAY] if windows else [],
        "costs": {"planned": 1000, "unplanned": 9000, "planned_hours": 8},
        "machines": [machine],
    }
    plant = Plant.model_validate({"component_classes": [{"id": "bearing"}], "sites": [site]})
    found = plant.sites[0]
    return Context(
        found, found.machines[0], found.machines[0].components[0], plant.component_classes[0], utilisation
    )


def prediction_of(
    p10_h: float, *, state: HealthState = HealthState.NORMAL, calibrated: bool = True, spread_h: float = 240.0
) -> Prediction:
    return Prediction(
        component_id="P101/DE-bearing",
        as_of=NOW,
        data_time=NOW,
        life_number=1,
        life_unit="running_h",
        rung=Rung.CALIBRATED_RUL if calibrated else Rung.UNCALIBRATED_RUL,
        mean=p10_h + spread_h / 2,
        p10=p10_h if calibrated else None,
        p50=p10_h + spread_h / 2,
        p90=p10_h + spread_h if calibrated else None,
        calibrated=calibrated,
        calibration_units=40 if calibrated else 5,
        health_state=state,
        condition_index=0.4,
        model_name="wearcast-rul-bearing",
        model_version="3",
        fingerprint="f",
    )


def recommended(statement: Prediction | Refusal, context: Context, now: dt.datetime = NOW) -> Recommendation:
    decision = decide(statement, context, now=now)
    assert isinstance(decision, Recommendation), decision
    return decision


HOURS = st.floats(0.0, 1e7)
CONTEXTS = st.builds(
    context_of,
    windows=st.booleans(),
    criticality=st.sampled_from(["A", "B", "C"]),
    lead_time_days=st.sampled_from([0.0, 3.0, 21.0]),
    utilisation=st.floats(0.01, 1.0),
)
STATES = st.sampled_from(list(HealthState))


def test_replacement_goes_into_last_window_before_p10() -> None:
    found = recommended(prediction_of(5 * 24), context_of())
    assert found.action is Action.REPLACE
    assert found.due == found.window_start == dt.datetime(2026, 2, 21, 5, tzinfo=dt.UTC)
    assert found.window_id == "saturday"
    assert found.part_number == "6205"


def test_nothing_is_recommended_while_a_later_window_is_early_enough() -> None:
    decision = decide(prediction_of(30 * 24), context_of(), now=NOW)
    assert isinstance(decision, NoAction)
    assert "later window" in decision.reason


def test_reason_is_a_sentence_for_a_planner_in_local_time() -> None:
    reason = recommended(prediction_of(5 * 24), context_of()).reason
    assert reason == (
        "Bearing P101/DE-bearing will probably fail between 25 February and 7 March (P10 to P90); "
        "last window before that is Saturday 21 February."
    )


def test_p10_that_has_passed_is_told_as_now() -> None:
    later = NOW + dt.timedelta(hours=3)
    reason = recommended(prediction_of(0.0), context_of(windows=False), later).reason
    assert "between now and 2 March" in reason


def test_dates_use_the_utilisation_and_say_so() -> None:
    found = recommended(prediction_of(60.0), context_of(utilisation=0.5))
    assert found.p10_at == NOW + dt.timedelta(hours=120)
    assert found.assumption == "0.5 running hours per calendar hour, as in the 28 days before 2026-02-20"


@pytest.mark.parametrize("utilisation", [None, 0.0])
def test_no_utilisation_gives_no_date_and_no_action(utilisation: float | None) -> None:
    decision = decide(prediction_of(10.0), context_of(utilisation=utilisation), now=NOW)
    assert isinstance(decision, NoAction)
    assert "utilisation" in decision.reason


def test_failure_before_any_window_is_priority_1_and_due_at_p10() -> None:
    found = recommended(prediction_of(6.0), context_of(criticality="C"))
    assert (found.priority, found.window_id, found.due) == (1, None, NOW + dt.timedelta(hours=6))
    assert "no maintenance window lies before that" in found.reason


def test_part_that_comes_too_late_is_said() -> None:
    found = recommended(prediction_of(5 * 24), context_of(lead_time_days=21.0))
    assert found.window_id is None
    assert "the part can be here on 13 March at the earliest" in found.reason


def test_lead_time_moves_the_decision_forward() -> None:
    far = prediction_of(26 * 24)
    assert isinstance(decide(far, context_of(), now=NOW), NoAction)
    found = recommended(far, context_of(lead_time_days=21.0))
    assert found.window_start == dt.datetime(2026, 3, 14, 5, tzinfo=dt.UTC)


def test_site_without_windows_is_told_to_replace_before_p10() -> None:
    found = recommended(prediction_of(5 * 24), context_of(windows=False))
    assert (found.window_id, found.due) == (None, NOW + dt.timedelta(days=5))
    assert found.reason.endswith("replace it by 25 February.")


@given(HOURS, CONTEXTS, STATES)
@example(0.0, context_of(lead_time_days=21.0), HealthState.FAILURE)
def test_due_is_never_after_p10_and_never_in_the_past(p10_h: float, context: Context, state: HealthState) -> None:
    decision = decide(prediction_of(p10_h, state=state), context, now=NOW)
    if isinstance(decision, Recommendation):
        assert decision.p10_at is not None
        assert NOW <= decision.due <= max(NOW, decision.p10_at)


@given(HOURS, CONTEXTS, STATES, st.timedeltas(dt.timedelta(0), dt.timedelta(hours=26)))
def test_old_prediction_still_gives_no_due_in_the_past(
    p10_h: float, context: Context, state: HealthState, age: dt.timedelta
) -> None:
    decision = decide(prediction_of(p10_h, state=state), context, now=NOW + age)
    if isinstance(decision, Recommendation):
        assert decision.p10_at is not None
        assert NOW + age <= decision.due <= max(NOW + age, decision.p10_at)


@given(HOURS, HOURS, CONTEXTS, STATES)
@example(72.0, 500.0, context_of(criticality="A"), HealthState.FAILURE)
def test_worse_p10_never_lowers_priority(one: float, other: float, context: Context, state: HealthState) -> None:
    worse, better = (decide(prediction_of(p10_h, state=state), context, now=NOW) for p10_h in sorted((one, other)))
    if isinstance(better, Recommendation):
        assert isinstance(worse, Recommendation)
        assert worse.priority <= better.priority


@given(HOURS, CONTEXTS, STATES)
def test_uncalibrated_prediction_leads_to_an_inspection_at_most(
    p50_h: float, context: Context, state: HealthState
) -> None:
    decision = decide(prediction_of(p50_h, calibrated=False, state=state), context, now=NOW)
    if state in (HealthState.MAINTENANCE_REQUIRED, HealthState.FAILURE):
        assert isinstance(decision, Recommendation)
        assert decision.action is Action.INSPECT
        assert decision.cost_of_waiting is None
        assert decision.due >= NOW
    else:
        assert isinstance(decision, NoAction)


@given(st.sampled_from(list(RefusalReason)), CONTEXTS, st.none() | STATES)
def test_refusal_without_condition_recommends_nothing(
    reason: RefusalReason, context: Context, state: HealthState | None
) -> None:
    refusal = Refusal("P101/DE-bearing", NOW, reason, "", rung=Rung.NONE, health_state=state)
    assert isinstance(decide(refusal, context, now=NOW), NoAction)


def test_refusal_with_bad_condition_asks_for_an_inspection_in_the_next_window() -> None:
    evidence = (Evidence("vibration_h.rms_m_s2", 9.0, 2.0, "m/s^2"),)
    refusal = Refusal(
        "P101/DE-bearing",
        NOW,
        RefusalReason.NO_MODEL,
        "",
        rung=Rung.CONDITION,
        health_state=HealthState.MAINTENANCE_REQUIRED,
        evidence=evidence,
    )
    found = recommended(refusal, context_of(criticality="A"))
    assert (found.action, found.priority, found.rung) == (Action.INSPECT, 2, Rung.CONDITION)
    assert found.window_start == dt.datetime(2026, 2, 21, 5, tzinfo=dt.UTC)
    assert found.evidence == evidence
    assert "because of vibration, horizontal: RMS, and" in found.reason


ZONE = Evidence(
    "vibration_h.velocity_rms_mm_s", 7.94, 4.5, "mm/s", rung=Rung.LIMITS, verdict="zone D", note="severe"
)
HOT = Evidence(
    "bearing_temperature.level_k",
    370.0,
    368.15,
    "K",
    rung=Rung.LIMITS,
    verdict="alarm",
    note="above the alarm limit of 95 degC, T; median",
)
FAULT = Evidence("diagnosis.outer_race", 9.0, None, "dB", rung=Rung.PHYSICS, verdict="outer_race", note="why")
BPFO = replace(FAULT, feature="diagnosis.outer_race.bpfo", value=27.4, order=3.59, frequency_hz=87.96)


BY_AGE = Evidence("age", 990.0, 900.0, "h", rung=Rung.CLASS_PRIOR, verdict="declared", note="typical life 900 h")


@pytest.mark.parametrize("state", [None, HealthState.NORMAL])
def test_an_age_alone_asks_for_nothing_however_old(state: HealthState | None) -> None:
    told = replace(
        prediction_of(0.0, calibrated=False),
        rung=Rung.CLASS_PRIOR,
        health_state=state,
        p50=0.0,
        mean=0.0,
        evidence=(BY_AGE,),
    )
    assert isinstance(decide(told, context_of(), now=NOW), NoAction)


@pytest.mark.parametrize(
    ("seen", "rung"), [(ZONE, Rung.LIMITS), (FAULT, Rung.PHYSICS), (replace(ZONE, rung=None), Rung.CONDITION)]
)
def test_an_inspection_beside_an_age_stands_on_what_was_measured(seen: Evidence, rung: Rung) -> None:
    told = replace(
        prediction_of(900.0, calibrated=False, state=HealthState.FAILURE),
        rung=Rung.CLASS_PRIOR,
        evidence=(seen, BY_AGE),
    )
    found = recommended(told, context_of())
    assert (found.action, found.rung) == (Action.INSPECT, rung)


@pytest.mark.parametrize("rung", [Rung.LIMITS, Rung.PHYSICS])
def test_limits_and_physics_alone_ask_for_an_inspection_that_names_them(rung: Rung) -> None:
    refusal = Refusal(
        "P101/DE-bearing",
        NOW,
        RefusalReason.NO_MODEL,
        "",
        rung=rung,
        health_state=HealthState.FAILURE,
        evidence=(FAULT, BPFO, ZONE, HOT),
    )
    found = recommended(refusal, context_of())
    assert (found.action, found.priority, found.fault) == (Action.INSPECT, 2, "outer_race")
    assert found.failure_mode == "bearing"
    assert found.reason == (
        "Bearing P101/DE-bearing is beyond its limits: outer race fault (88.0 Hz, order 3.59, 27 dB over its "
        "floor); vibration, horizontal: velocity RMS 7.9 mm/s, zone D; bearing temperature above the alarm limit "
        "of 95 degC, and no calibrated remaining life is known; inspect it by Saturday 21 February."
    )


def test_good_limits_alone_ask_for_nothing() -> None:
    kept = (replace(ZONE, value=1.0, verdict="zone A"),)
    refusal = Refusal(
        "P101/DE-bearing",
        NOW,
        RefusalReason.NO_MODEL,
        "",
        rung=Rung.LIMITS,
        health_state=HealthState.NORMAL,
        evidence=kept,
    )
    decision = decide(refusal, context_of(), now=NOW)
    assert isinstance(decision, NoAction)
    assert "condition is normal" in decision.reason


def test_a_replacement_says_what_the_spectra_show() -> None:
    found = recommended(replace(prediction_of(5 * 24), evidence=(FAULT, BPFO)), context_of())
    assert (found.action, found.fault) == (Action.REPLACE, "outer_race")
    assert (
        "spectra show outer race fault (88.0 Hz, order 3.59, 27 dB over its floor), will probably" in found.reason
    )
    unknown = replace(FAULT, feature="diagnosis.unknown", verdict="unknown")
    assert recommended(replace(prediction_of(5 * 24), evidence=(unknown,)), context_of()).fault == ""


@pytest.mark.parametrize("reason", [RefusalReason.STALE_DATA, RefusalReason.SENSOR_FAULT])
def test_condition_of_a_faulty_or_silent_sensor_is_not_used(reason: RefusalReason) -> None:
    refusal = Refusal("P101/DE-bearing", NOW, reason, "", rung=Rung.CONDITION, health_state=HealthState.FAILURE)
    assert isinstance(decide(refusal, context_of(), now=NOW), NoAction)


def test_failed_condition_is_inspected_although_the_life_looks_long() -> None:
    found = recommended(prediction_of(9000.0, state=HealthState.FAILURE), context_of(criticality="A"))
    assert (found.action, found.priority) == (Action.INSPECT, 1)
    assert "looks long" in found.reason


def test_probability_is_linear_between_fractiles() -> None:
    failure = fractiles(prediction_of(100.0, spread_h=200.0), 1.0)
    at = [failure.probability_before(NOW + dt.timedelta(hours=h)) for h in (-1, 0, 50, 100, 150, 300, 325, 900)]
    assert at == pytest.approx([0.0, 0.0, 0.05, 0.1, 0.3, 0.9, 1.0, 1.0])


def test_equal_fractiles_are_a_step() -> None:
    failure = Fractiles(NOW, NOW, NOW, NOW)
    assert failure.probability_before(NOW - dt.timedelta(seconds=1)) == 0.0
    assert failure.probability_before(NOW) == 1.0


def test_cost_of_waiting_is_probability_times_extra_cost() -> None:
    context = context_of()
    failure = fractiles(prediction_of(100.0, spread_h=200.0), 1.0)
    chosen, later = NOW + dt.timedelta(hours=100), NOW + dt.timedelta(hours=200)
    assert cost_of_waiting(failure, context, chosen, later) == pytest.approx(0.4 * 8000)


def test_waiting_never_pays_when_a_failure_costs_less() -> None:
    context = context_of()
    cheap = Costs(planned=5000, unplanned=100)
    context = replace(context, machine=context.machine.model_copy(update={"costs": cheap}))
    failure = fractiles(prediction_of(100.0), 1.0)
    assert cost_of_waiting(failure, context, NOW, NOW + dt.timedelta(days=30)) == 0.0


def test_priority_is_monotone_in_time_and_criticality() -> None:
    hours = [0.0, 72.0, 73.0, 336.0, 337.0, 1008.0, 1009.0, 1e9]
    for one, other in zip(Criticality, list(Criticality)[1:], strict=False):
        assert all(priority_of(one, h) <= priority_of(other, h) for h in hours)
    for criticality in Criticality:
        priorities = [priority_of(criticality, h) for h in hours]
        assert priorities == sorted(priorities)


def test_life_beyond_the_calendar_is_no_error() -> None:
    assert isinstance(decide(prediction_of(1e300), context_of(), now=NOW), NoAction)


def test_dates_need_a_calibrated_prediction() -> None:
    with pytest.raises(ValueError, match="calibrated"):
        fractiles(prediction_of(1.0, calibrated=False), 1.0)


def test_component_and_class_names_are_the_failure_mode() -> None:
    context = context_of()
    component = Component(slot="DE-bearing", component_class="bearing", spare=Spare(part_number="x"))
    context = replace(context, component=component, component_class=ComponentClass(id="bearing"))
    assert isinstance(context.machine, Machine)
    assert recommended(prediction_of(24.0), context).failure_mode == "bearing"


def test_wide_prediction_of_a_healthy_component_replaces_nothing() -> None:
    wide = prediction_of(5 * 24, spread_h=2000.0)
    decision = decide(wide, context_of(), now=NOW)
    assert isinstance(decision, NoAction)
    assert "waiting for a later window costs" in decision.reason


def test_wide_prediction_of_a_worn_component_is_inspected() -> None:
    wide = prediction_of(5 * 24, spread_h=2000.0, state=HealthState.MAINTENANCE_REQUIRED)
    found = recommended(wide, context_of())
    assert found.action is Action.INSPECT
    assert found.p10_at is not None
    assert found.due <= found.p10_at
