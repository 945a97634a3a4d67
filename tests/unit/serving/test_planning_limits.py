import datetime as dt
from pathlib import Path

import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import Action, EventKind, MaintenanceEvent, Outcome
from serving.erp.dry_run import Shadow
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.planning import AssetMap, Limits, PlanReport, plan, read_asset_map
from serving.planning.shadow import compare
from serving.settings import ErpSettings
from serving.store import Budget, IncidentKind, Store
from tests.unit.serving._fleet import DAY, HOUR, MACHINES, NOW, plant_of, predict, propose


@pytest.fixture(scope="module")
def plant() -> Plant:
    return plant_of(location="W1-")


def run(lake: Lake, plant: Plant, store: Store, now: dt.datetime = NOW, **options: object) -> PlanReport:
    erp = MemoryErp()
    settings = ErpSettings.model_validate({"kind": "memory", "mode": "approve"} | options)
    return plan(lake, plant, store, now=now, assets=erp, limits=Limits(settings))


def test_budget_lets_the_most_urgent_through_and_holds_the_rest(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, {"P1": 90.0, "P2": 30.0, "P3": 60.0})
    report = run(lake, plant, store, orders_a_week=2)
    assert len(report.proposed) == 2
    held = next(one for one in store.recommendations("suppressed"))
    assert (held.recommendation.machine_id, "budget of 2" in held.detail) == ("P1", True)


def test_what_the_budget_held_back_comes_when_the_week_is_over(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, {"P1": 300.0, "P2": 250.0})
    run(lake, plant, store, orders_a_week=1)
    later = NOW + 8 * DAY
    predict(lake, {"P1": 30.0}, later)
    assert len(run(lake, plant, store, later, orders_a_week=1).proposed) == 1
    assert {one.state for one in store.recommendations()} == {"proposed"}


def test_budget_that_another_process_has_spent_meanwhile_holds_back(store: Store) -> None:
    """Both have counted before, and both propose: the store itself counts again."""
    budget = Budget(1, NOW - 7 * DAY)
    states = [propose(store, machine, budget=budget).state for machine in ("P1", "P2", "P3")]
    assert states == ["proposed", "suppressed", "suppressed"]
    assert store.holds.free(2, budget, now=NOW).state == "suppressed"
    assert store.holds.free(2, Budget(2, NOW - 7 * DAY), now=NOW).state == "proposed"


@pytest.mark.parametrize(("hours", "proposed"), [(167, 0), (168, 1)])
def test_budget_is_of_any_seven_days_over_all_borders(
    lake: Lake, plant: Plant, store: Store, hours: int, proposed: int
) -> None:
    """From before a Sunday's midnight and a change of the clocks (29 March) to after both."""
    begin = dt.datetime(2026, 3, 26, 22, 30, tzinfo=dt.UTC)
    predict(lake, {"P1": 90.0}, begin)
    run(lake, plant, store, begin, orders_a_week=1)
    later = begin + hours * HOUR
    predict(lake, {"P2": 90.0}, later)
    assert len(run(lake, plant, store, later, orders_a_week=1).proposed) == proposed


def test_budget_of_a_site_is_its_own(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, {"P1": 90.0, "P2": 30.0})
    report = run(lake, plant, store, orders_a_week=50, sites={"works": {"orders_a_week": 0}})
    assert (report.proposed, len(report.suppressed)) == ([], 2)


def test_many_machines_at_once_are_one_incident_and_no_orders(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, dict.fromkeys(MACHINES[:6], 50.0))
    report = run(lake, plant, store)
    assert (report.proposed, report.storms, len(report.suppressed)) == ([], ["works/bearing"], 6)
    assert len(store.incidents.unclosed(IncidentKind.STORM)) == 1
    again = run(lake, plant, store, NOW + HOUR)
    assert (again.proposed, again.storms) == ([], [])
    assert len(store.incidents.unclosed(IncidentKind.STORM)) == 1


def test_storm_that_comes_one_by_one_within_a_day_is_seen(lake: Lake, plant: Plant, store: Store) -> None:
    for number in range(6):
        moment = NOW + number * HOUR
        predict(lake, {MACHINES[number]: 50.0}, moment)
        report = run(lake, plant, store, moment)
    assert report.storms == []
    assert store.incidents.unclosed(IncidentKind.STORM)
    assert len(store.recommendations("proposed")) == 4


def test_machines_that_fall_ill_over_weeks_are_no_storm(lake: Lake, plant: Plant, store: Store) -> None:
    for number in range(6):
        moment = NOW + number * 3 * DAY
        predict(lake, {MACHINES[number]: 50.0}, moment)
        assert run(lake, plant, store, moment).storms == []


def test_closed_storm_lets_its_recommendations_through(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, dict.fromkeys(MACHINES[:6], 50.0))
    run(lake, plant, store)
    (incident,) = store.incidents.unclosed()
    store.incidents.close(incident.id, by="engineer", now=NOW)
    assert len(run(lake, plant, store, NOW + HOUR).proposed) == 6
    assert store.incidents.unclosed() == []


def test_order_that_a_person_made_is_linked_and_followed(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    erp = MemoryErp()
    theirs = erp.create(store_request("W1-P1")).number
    limits = Limits(ErpSettings(kind="memory", mode="approve"))
    report = plan(lake, plant, store, now=NOW, assets=erp, limits=limits)
    (held,) = store.recommendations()
    assert (held.state, held.linked_order, report.linked) == ("suppressed", theirs, [held.key])
    change = erp.set_status(str(theirs), OrderState.COMPLETED, outcome=Outcome.NO_FAULT_FOUND)
    assert store.changes.owner_of(change) == held


def test_linked_order_is_waited_for_while_the_erp_cannot_be_asked(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    erp, limits = MemoryErp(), Limits(ErpSettings(kind="memory", mode="approve"))
    erp.create(store_request("W1-P1"))
    plan(lake, plant, store, now=NOW, assets=erp, limits=limits)
    assert plan(lake, plant, store, now=NOW + HOUR, assets=None, limits=limits).proposed == []
    assert store.recommendations()[0].state == "suppressed"


def test_shadow_keeps_what_planners_ordered_for_what_it_would_have_written(
    lake: Lake, plant: Plant, store: Store
) -> None:
    predict(lake, {"P1": 90.0, "P2": 90.0})
    erp, limits = MemoryErp(), Limits(ErpSettings(kind="memory", mode="shadow"))
    plan(lake, plant, store, now=NOW, assets=Shadow(erp, erp), limits=limits)
    assert compare(store).facts()["nobody_ordered"] == 2
    theirs = erp.create(store_request("W1-P1")).number
    later = NOW + 5 * HOUR
    plan(lake, plant, store, now=later, assets=Shadow(erp, erp), limits=limits)
    facts = compare(store).facts()
    assert (facts["planners_ordered_too"], facts["nobody_ordered"], facts["median_lead_hours"]) == (1, 1, 5.0)
    assert {row["planners_order"] for row in compare(store).rows()} == {theirs, None}


def test_unmapped_machine_is_never_written_for(lake: Lake, store: Store) -> None:
    nowhere = plant_of(location="")
    predict(lake, {"P1": 90.0, "P2": 90.0})
    mapped = {"functional_location": "W1-P1", "confirmed_by": "planner", "confirmed_at": NOW.isoformat()}
    limits = Limits(
        ErpSettings(kind="memory", mode="approve"), AssetMap.model_validate({"machines": {"P1": mapped}})
    )
    report = plan(lake, nowhere, store, now=NOW, limits=limits)
    assert (len(report.proposed), len(report.suppressed)) == (1, 1)
    assert store.recommendations("proposed")[0].request.functional_location == "W1-P1"
    assert "erp assets match" in store.recommendations("suppressed")[0].detail


def test_dry_run_needs_no_map(lake: Lake, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    assert len(plan(lake, plant_of(location=""), store, now=NOW, limits=Limits()).proposed) == 1


@pytest.mark.parametrize(
    ("right", "wrong", "mode", "goes"),
    [
        (4, 0, "automatic", True),
        (3, 0, "automatic", False),
        (3, 1, "automatic", False),
        (4, 0, "approve", False),
    ],
)
def test_class_goes_unasked_after_measured_precision_only(
    lake: Lake, plant: Plant, store: Store, right: int, wrong: int, mode: str, goes: bool
) -> None:
    judged(store, lake, plant, right, wrong)
    later = NOW + 900 * DAY
    predict(lake, {"P1": 90.0}, later)
    sites = {"works": {"automatic_classes": ["bearing"]}}
    report = run(lake, plant, store, later, mode=mode, sites=sites, automatic_orders=4)
    assert bool(report.approved) is goes
    assert len(report.proposed) == 1


def test_precision_counts_the_newest_outcome_and_no_precautions(lake: Lake, plant: Plant, store: Store) -> None:
    judged(store, lake, plant, 3, 2)
    assert (store.precision()["works", "bearing"].right, store.precision()["works", "bearing"].judged) == (3, 5)


def judged(store: Store, lake: Lake, plant: Plant, right: int, wrong: int) -> None:
    """Orders of former episodes, each closed with an outcome."""
    outcomes = [Outcome.CONFIRMED_FAILURE] * right + [Outcome.NO_FAULT_FOUND] * wrong
    for number, outcome in enumerate(outcomes):
        moment = NOW + 10 * number * DAY
        predict(lake, {"P12": 90.0}, moment)
        plan(lake, plant, store, now=moment)
        held = store.recommendations()[0]
        store.approve(held.id, "planner", moment)
        item = store.deliveries.claim("t", wall=moment, lease=HOUR, now=moment)
        assert item is not None
        order = WorkOrder(held.key, str(number), OrderState.OPEN)
        store.deliveries.delivered(item, order, now=moment)
        for state, told in ((OrderState.COMPLETED, Outcome.PREVENTIVE_REPLACEMENT), (OrderState.CLOSED, outcome)):
            change = OrderChange(str(number), held.key, f"{number}:{state}", state, state, moment, outcome=told)
            store.changes.record("memory", change, event=None, now=moment)
        renew(lake, moment + DAY)


def renew(lake: Lake, at: dt.datetime) -> None:
    event = MaintenanceEvent("t", at.isoformat(), 1, "P12", "DE", EventKind.REPLACEMENT, None, None, at, at)
    lake.append_events([event], writer="events")


def store_request(location: str) -> MaintenanceRequest:
    return MaintenanceRequest(
        key="",
        site_id="works",
        machine_id="",
        slot="",
        functional_location=location,
        equipment_number="",
        action=Action.INSPECT,
        failure_mode="",
        priority=3,
        title="by hand",
        text="",
        due=NOW,
    )


def test_wrong_asset_map_names_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "assets.yaml"
    assert read_asset_map(file) == AssetMap()
    file.write_text("machines: {P1: {equipment_number: '1'}}")
    with pytest.raises(ConfigError, match=r"assets.yaml, machines.P1.confirmed_by"):
        read_asset_map(file)
