"""When a recommendation that is over comes again: a closed order never swallows a new fault."""

import datetime as dt

import pytest

from features.core.lake import Lake
from serving.orders import OrderState, RecommendationState, WorkOrder
from serving.planning import PlanReport, plan
from serving.store import Store
from tests.unit.serving._fleet import CALM_H, DAY, HOUR, NOW, plant_of, predict, renew

PLANT = plant_of(["P1"])


def run(lake: Lake, store: Store, now: dt.datetime, p10_h: float, **changes: object) -> PlanReport:
    predict(lake, {"P1": p10_h}, now, **changes)
    return plan(lake, PLANT, store, now=now)


def send(store: Store, now: dt.datetime) -> None:
    held = store.approve(store.recommendations()[0].id, "planner", now)
    item = store.deliveries.claim("test", wall=now, lease=HOUR, now=now)
    assert item is not None
    store.deliveries.delivered(item, WorkOrder(held.key, "4000000001", OrderState.OPEN), now=now)


def close(store: Store, state: RecommendationState, now: dt.datetime) -> None:
    held = store.recommendations()[0]
    store.move(held.id, state, expected=held.state, detail="", now=now, actor="test")


def over(lake: Lake, store: Store, how: str) -> None:
    """A recommendation whose episode is over, without a renewal."""
    run(lake, store, NOW, 120.0)
    if how == "rejected":
        store.reject(1, "planner", NOW, "looked fine")
        return
    send(store, NOW)
    close(store, RecommendationState(how), NOW)


@pytest.mark.parametrize("how", ["rejected", "cancelled", "completed"])
def test_fault_that_comes_after_a_calm_is_a_new_episode(lake: Lake, store: Store, how: str) -> None:
    over(lake, store, how)
    run(lake, store, NOW + HOUR, CALM_H)
    assert run(lake, store, NOW + 30 * DAY, 120.0).proposed
    assert store.recommendations()[0].episode == 2


@pytest.mark.parametrize("how", ["rejected", "cancelled", "completed"])
def test_evidence_that_only_flutters_is_no_new_episode(lake: Lake, store: Store, how: str) -> None:
    over(lake, store, how)
    for hours in range(1, 50, 7):
        report = run(lake, store, NOW + hours * HOUR, CALM_H if hours % 2 else 120.0 - hours)
        assert report.proposed == []


def test_calm_that_was_interrupted_counts_anew(lake: Lake, store: Store) -> None:
    over(lake, store, "cancelled")
    run(lake, store, NOW + HOUR, CALM_H)
    assert store.recommendations()[0].calm_since == NOW + HOUR
    run(lake, store, NOW + 2 * HOUR, 118.0)
    assert store.recommendations()[0].calm_since is None
    run(lake, store, NOW + 3 * HOUR, CALM_H)
    assert run(lake, store, NOW + 26 * HOUR, 94.0).proposed == []


BLIND: list[dict[str, object]] = [
    {"refusal": "sensor_fault", "rung": "condition", "p10": None, "p50": None, "mean": None},
    {"refusal": "no_model", "rung": "none", "health_state": None, "p10": None, "p50": None, "mean": None},
    {"refusal": "no_model", "rung": "condition", "health_state": "check_function", "p10": None, "p50": None},
    {"utilisation": None},
]


@pytest.mark.parametrize("blind", BLIND)
def test_a_sensor_that_fails_is_no_calm(lake: Lake, store: Store, blind: dict[str, object]) -> None:
    over(lake, store, "cancelled")
    run(lake, store, NOW + HOUR, CALM_H, **blind)
    assert store.recommendations()[0].calm_since is None


@pytest.mark.parametrize("blind", BLIND)
def test_a_sensor_that_fails_takes_no_proposal_back(lake: Lake, store: Store, blind: dict[str, object]) -> None:
    run(lake, store, NOW, 120.0)
    assert run(lake, store, NOW + 30 * DAY, CALM_H, **blind).closed == []
    assert run(lake, store, NOW + 31 * DAY, CALM_H).closed


def test_inspection_that_found_nothing_does_not_swallow_the_next_one(lake: Lake, store: Store) -> None:
    asks = {"refusal": "no_model", "rung": "condition", "health_state": "failure", "p10": None, "p50": None}
    run(lake, store, NOW, 1.0, **asks, mean=None)
    send(store, NOW)
    close(store, RecommendationState.COMPLETED, NOW)
    assert run(lake, store, NOW + HOUR, 1.0, **asks, mean=None).held
    run(lake, store, NOW + 2 * HOUR, 1.0, **asks | {"health_state": "normal"}, mean=None)
    assert run(lake, store, NOW + 3 * DAY, 1.0, **asks, mean=None).proposed


def test_revision_after_the_repair_does_not_hide_the_new_life(lake: Lake, store: Store) -> None:
    """The repair was done, the recommendation was revised, and only then the repair was entered."""
    run(lake, store, NOW, 120.0)
    send(store, NOW)
    run(lake, store, NOW + 30 * HOUR, 20.0)
    assert store.recommendations()[0].recommendation.as_of == NOW + 30 * HOUR
    close(store, RecommendationState.COMPLETED, NOW + 40 * HOUR)
    renew(lake, NOW + 20 * HOUR, known=NOW + 40 * HOUR)
    assert run(lake, store, NOW + 60 * DAY, 120.0).proposed


def test_proposal_ends_with_a_repair_that_was_done_before_its_revision(lake: Lake, store: Store) -> None:
    run(lake, store, NOW, 120.0)
    run(lake, store, NOW + 30 * HOUR, 20.0)
    renew(lake, NOW + 20 * HOUR, known=NOW + 31 * HOUR)
    assert run(lake, store, NOW + 32 * HOUR, CALM_H).closed
    assert "renewed" in store.recommendations()[0].detail


def test_what_planning_itself_took_back_comes_again_with_the_evidence(lake: Lake, store: Store) -> None:
    """Nobody said no to it."""
    run(lake, store, NOW, 120.0)
    late = NOW + 6 * DAY
    assert run(lake, store, late, CALM_H).closed
    assert run(lake, store, late + HOUR, 120.0).proposed


def test_two_bearings_of_one_machine_never_collide(lake: Lake, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    predict(lake, {"P1": 90.0}, slot="NDE")
    assert len(set(plan(lake, plant_of(["P1"], slots=("DE", "NDE")), store, now=NOW).proposed)) == 2
