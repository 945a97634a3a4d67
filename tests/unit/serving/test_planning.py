import datetime as dt
import json
from dataclasses import replace

import pytest

from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import EventKind, MaintenanceEvent, order_key
from features.core.tables import PREDICTIONS
from serving.erp.memory import MemoryErp
from serving.orders import OrderState, RecommendationState, WorkOrder
from serving.planning import PlanReport, PlanRules, plan
from serving.store import Store, StoredRecommendation

# Friday 20 February 2026; windows each Saturday 05:00 UTC.
NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
LATER = NOW + 2 * HOUR
KEY = order_key("works", "P101", "DE-bearing", "bearing", 1)
NEXT_KEY = order_key("works", "P101", "DE-bearing", "bearing", 2)


@pytest.fixture(scope="module")
def plant() -> Plant:
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    machine = {
        "id": "P101",
        "functional_location": "W1-P101",
        "components": [{"slot": "DE-bearing", "component_class": "bearing", "spare": {"part_number": "6205"}}],
        "measuring_points": [point],
    }
    window = {"id": "saturday", "weekday": "saturday", "start": "06:00", "hours": 8}
    site = {
        "id": "works",
        "time_zone": "Europe/Berlin",
        "maintenance_windows": [window],
        "machines": [machine],
    }
    return Plant.model_validate({"component_classes": [{"id": "bearing"}], "sites": [site]})


def predict(lake: Lake, p10_h: float | None, time: dt.datetime = NOW, **changes: object) -> None:
    p10 = p10_h if p10_h is not None else 5000.0
    row: dict[str, object] = {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P101",
        "slot": "DE-bearing",
        "component_class": "bearing",
        "time": time,
        "available_at": time,
        "data_time": time,
        "life_number": 1,
        "life_unit": "running_h",
        "rung": "calibrated_rul",
        "mean": p10 + 100,
        "p10": p10,
        "p50": p10 + 100,
        "p90": p10 + 200,
        "calibrated": True,
        "calibration_units": 40,
        "refusal": None,
        "detail": None,
        "health_state": "normal",
        "condition_index": 0.2,
        "utilisation": 1.0,
        "evidence": json.dumps([{"feature": "age", "value": 1.0, "reference": None, "unit": "h", "share": None}]),
        "model_name": "m",
        "model_version": "1",
        "fingerprint": "f",
    }
    lake.upsert(PREDICTIONS, PREDICTIONS.frame([row | changes]), writer="scoring")


def renew(lake: Lake, at: dt.datetime, known: dt.datetime | None = None) -> None:
    event = MaintenanceEvent(
        "test", at.isoformat(), 1, "P101", "DE-bearing", EventKind.REPLACEMENT, None, None, at, known or at
    )
    lake.append_events([event], writer="events")


def only(store: Store) -> StoredRecommendation:
    (stored,) = store.recommendations()
    return stored


def send(store: Store, now: dt.datetime) -> None:
    stored = store.approve(store.recommendations()[0].id, "planner", now)
    item = store.deliveries.claim("test", wall=now, lease=HOUR, now=now)
    assert item is not None
    store.deliveries.delivered(item, WorkOrder(stored.key, "4000000001", OrderState.OPEN), now=now)


def end(store: Store, state: RecommendationState, now: dt.datetime) -> None:
    held = store.recommendations()[0]
    store.move(held.id, state, expected=held.state, detail="", now=now, actor="test")


def test_prediction_becomes_one_proposal_with_a_request(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    assert plan(lake, plant, store, now=NOW).proposed == [KEY]
    stored = only(store)
    assert (stored.state, stored.episode) == ("proposed", 1)
    assert stored.request.title == "Replace bearing P101 DE-bearing"
    assert stored.request.functional_location == "W1-P101"
    assert f"Wearcast key: {KEY}" in stored.request.text
    assert "Needed by: 2026-02-21 06:00." in stored.request.text


def test_planning_again_changes_nothing(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    before = only(store)
    assert plan(lake, plant, store, now=NOW) == PlanReport(components=1)
    assert only(store) == before


def test_plan_of_the_past_sees_only_what_was_known(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, None, NOW - HOUR)
    predict(lake, 120.0, NOW - HOUR / 2, available_at=NOW + HOUR)
    assert plan(lake, plant, store, now=NOW).proposed == []
    assert plan(lake, plant, store, now=NOW + HOUR).proposed == [KEY]


def test_replacement_that_was_entered_later_is_not_known_yet(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    renew(lake, NOW - HOUR, known=NOW + DAY)
    assert plan(lake, plant, store, now=NOW).proposed == [KEY]


def test_much_worse_prediction_updates_the_open_one(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 150.0)
    plan(lake, plant, store, now=NOW)
    predict(lake, 60.0, LATER)
    report = plan(lake, plant, store, now=LATER)
    assert (report.revised, only(store).updates) == ([KEY], 1)
    assert only(store).recommendation.p10_at == LATER + 60 * HOUR


def test_slightly_worse_prediction_is_no_news(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 150.0)
    plan(lake, plant, store, now=NOW)
    predict(lake, 130.0, LATER)
    assert plan(lake, plant, store, now=LATER).revised == []


def test_a_fault_that_gets_its_name_revises_the_one_proposal_and_losing_it_does_not(
    lake: Lake, plant: Plant, store: Store
) -> None:
    named = {"feature": "diagnosis.ball", "value": 9.0, "reference": None, "unit": "dB", "share": None}
    evidence = json.dumps([named | {"rung": "physics", "verdict": "ball", "note": "why"}])
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    assert only(store).request.failure_mode == "bearing"
    predict(lake, 120.0, NOW + HOUR, evidence=evidence)
    assert plan(lake, plant, store, now=NOW + HOUR).revised == [KEY]
    stored = only(store)
    assert (stored.key, stored.request.key) == (KEY, KEY)
    assert (stored.recommendation.failure_mode, stored.recommendation.fault) == ("bearing", "ball")
    assert (stored.request.failure_mode, stored.request.title) == ("ball", "Replace P101 DE-bearing: ball")
    predict(lake, 120.0, NOW + 2 * HOUR)
    assert plan(lake, plant, store, now=NOW + 2 * HOUR).revised == []
    assert only(store).recommendation.fault == "ball"


def test_at_most_one_revision_a_day_unless_the_priority_rises(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 150.0)
    plan(lake, plant, store, now=NOW)
    predict(lake, 90.0, LATER)
    assert plan(lake, plant, store, now=LATER).revised == []
    soon = NOW + 20 * HOUR
    predict(lake, 30.0, soon)
    assert plan(lake, plant, store, now=soon).revised == [KEY]


def test_sent_order_gets_a_note_and_never_a_lower_priority(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 60.0)
    plan(lake, plant, store, now=NOW)
    send(store, NOW)
    assert only(store).recommendation.priority == 1
    tomorrow = NOW + 25 * HOUR
    predict(lake, 7.0, tomorrow)
    assert plan(lake, plant, store, now=tomorrow).revised == [KEY]
    assert only(store).recommendation.priority == 1
    assert store.deliveries.counts() == {"done": 1, "queued": 1}


def test_time_that_merely_passes_writes_no_note(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 160.0)
    plan(lake, plant, store, now=NOW)
    send(store, NOW)
    for hours in (25, 50, 100):
        now = NOW + hours * HOUR
        predict(lake, 160.0 - hours, now)
        assert plan(lake, plant, store, now=now).revised == []


def test_proposal_rolls_on_when_its_window_has_passed(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 150.0)
    plan(lake, plant, store, now=NOW)
    now = NOW + 30 * HOUR
    predict(lake, 250.0, now)
    assert plan(lake, plant, store, now=now).revised == [KEY]
    assert only(store).recommendation.due > now


def test_rejected_one_is_not_made_again_until_the_evidence_grows(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 150.0)
    plan(lake, plant, store, now=NOW)
    store.reject(only(store).id, "planner", NOW, "looked fine")
    for hours in (1, 24, 48):
        now = NOW + hours * HOUR
        predict(lake, 150.0 - hours, now)
        assert plan(lake, plant, store, now=now).held == [KEY]
    now = NOW + 50 * HOUR
    predict(lake, 40.0, now)
    assert plan(lake, plant, store, now=now).proposed == [NEXT_KEY]


@pytest.mark.parametrize("state", [RecommendationState.CANCELLED, RecommendationState.COMPLETED])
def test_closed_order_without_a_renewal_is_not_made_again(
    lake: Lake, plant: Plant, store: Store, state: RecommendationState
) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    send(store, NOW)
    end(store, state, NOW)
    assert plan(lake, plant, store, now=NOW + HOUR).held == [KEY]


def test_new_life_has_a_new_episode(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    send(store, NOW)
    end(store, RecommendationState.COMPLETED, NOW)
    renew(lake, NOW + DAY)
    now = NOW + 60 * DAY
    predict(lake, 100.0, now, life_number=2)
    assert plan(lake, plant, store, now=now).proposed == [NEXT_KEY]


def test_replacement_that_was_taken_back_begins_no_life(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    renew(lake, NOW - HOUR)
    at = NOW - HOUR
    taken_back = MaintenanceEvent(
        "test", at.isoformat(), 2, "P101", "DE-bearing", EventKind.INSPECTION, None, None, at, at
    )
    lake.append_events([taken_back], writer="events")
    assert plan(lake, plant, store, now=NOW).proposed == [KEY]


def test_prediction_about_the_former_life_decides_nothing(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 10.0)
    renew(lake, NOW + HOUR)
    report = plan(lake, plant, store, now=LATER)
    assert (report.no_action, store.recommendations()) == (1, [])
    assert report.reasons == {"P101/DE-bearing": "the newest prediction is about the former life"}


def test_stale_prediction_decides_nothing_and_closes_nothing(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 20.0)
    plan(lake, plant, store, now=NOW)
    assert plan(lake, plant, store, now=NOW + 27 * HOUR).closed == []
    rules = PlanRules(stale_after=60 * DAY)
    late = NOW + 3 * DAY
    assert plan(lake, plant, store, now=late, rules=rules).components == 1
    assert only(store).state == "proposed"


def test_burn_in_holds_a_recommendation_back_and_lets_it_go(lake: Lake, plant: Plant, store: Store) -> None:
    renew(lake, NOW - HOUR)
    predict(lake, 120.0)
    assert plan(lake, plant, store, now=NOW).suppressed == [KEY]
    assert "burn-in" in only(store).detail
    now = NOW + 24 * HOUR
    predict(lake, 100.0, now)
    assert plan(lake, plant, store, now=now).proposed == [KEY]
    assert only(store).state == "proposed"


def test_suppressed_one_ends_when_the_evidence_is_gone(lake: Lake, plant: Plant, store: Store) -> None:
    renew(lake, NOW - HOUR)
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    predict(lake, 5000.0, LATER)
    assert plan(lake, plant, store, now=LATER).closed == [KEY]
    assert only(store).state == "cancelled"


def test_order_that_people_made_holds_ours_back(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    request = only(store).request
    store.reject(only(store).id, "planner", NOW, "x")
    erp = MemoryErp()
    order = erp.create(replace(request, key=""))
    predict(lake, 30.0, LATER)
    report = plan(lake, plant, store, now=LATER, assets=erp)
    assert report.suppressed == [NEXT_KEY]
    assert order.number is not None
    assert order.number in store.recommendations()[0].detail


def test_renewal_ends_a_proposal_nobody_approved(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    renew(lake, NOW + HOUR)
    assert plan(lake, plant, store, now=LATER).closed == [KEY]
    assert only(store).state == "cancelled"
    assert "renewed" in only(store).detail


def test_order_under_way_is_never_ended_by_planning(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 120.0)
    plan(lake, plant, store, now=NOW)
    send(store, NOW)
    renew(lake, NOW + HOUR)
    assert plan(lake, plant, store, now=LATER).closed == []
    assert only(store).state == "sent"


def test_refusal_without_condition_makes_nothing(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 1.0, refusal="no_model", rung="none", health_state=None, p10=None, p50=None, mean=None)
    report = plan(lake, plant, store, now=NOW)
    assert (report.no_action, store.recommendations()) == (1, [])


def test_refusal_with_bad_condition_asks_for_an_inspection(lake: Lake, plant: Plant, store: Store) -> None:
    predict(lake, 1.0, refusal="no_model", rung="condition", health_state="failure", p10=None, p50=None, mean=None)
    plan(lake, plant, store, now=NOW)
    assert only(store).recommendation.action == "inspect"
