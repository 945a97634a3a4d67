"""What only SAP does: tokens that expire, locks by text, texts that are replaced, orders from notifications."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest

from features.core.errors import ErpUnavailableError, OrderRejectedError
from features.core.statements import Action, order_key
from serving.erp.sap_s4 import SapS4
from serving.orders import MaintenanceRequest, OrderState
from tests.standins.sap_vendors import EQUIPMENT, LOCATION, Planner, settings
from tests.standins.serve import StandIn, running

DUE = dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
_made = iter(range(1, 100_000))


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running("sap_s4", tmp_path_factory.mktemp("sap")) as server:
        yield server


@pytest.fixture
def sap(standin: StandIn) -> Iterator[SapS4]:
    yield from connected(standin, "request")


@pytest.fixture
def ordering(standin: StandIn) -> Iterator[SapS4]:
    yield from connected(standin, "order")


def connected(standin: StandIn, target: Literal["request", "order"], **options: object) -> Iterator[SapS4]:
    erp = SapS4.from_settings(settings(standin.url, target, options=options))
    yield erp
    erp.close()


def new_request(**told: str) -> MaintenanceRequest:
    request = MaintenanceRequest(
        key=order_key("works", "P101", "DE-bearing", "sap", next(_made)),
        site_id="works",
        machine_id="P101",
        slot="DE-bearing",
        functional_location=LOCATION,
        equipment_number=EQUIPMENT,
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace bearing",
        text="It will fail",
        due=DUE,
        planned_start=DUE,
    )
    return replace(request, **told)  # type: ignore[arg-type]  # texts only


def test_expired_token_costs_a_fetch_and_no_second_order(standin: StandIn, sap: SapS4) -> None:
    sap.create(new_request())
    standin.control("forget/", {})
    request = new_request()
    sap.create(request)
    assert len(sap.find(request.key)) == 1


def test_notification_that_a_planner_has_open_is_tried_later(standin: StandIn, sap: SapS4) -> None:
    number = str(sap.create(new_request()).number)
    standin.control(f"lock/{number}", {"locked": True})
    with pytest.raises(ErpUnavailableError, match="PLANNER"):
        sap.annotate(number, "worse", 1)
    standin.control(f"lock/{number}", {"locked": False})
    sap.annotate(number, "worse", 1)


def test_the_same_note_is_added_once(standin: StandIn, sap: SapS4) -> None:
    number = str(sap.create(new_request()).number)
    for _ in range(2):
        sap.annotate(number, "worse by half", 1)
    assert Planner(standin).hold(number).text.count("worse by half") == 1


def test_planners_text_survives_where_sap_replaces_texts(standin: StandIn, sap: SapS4) -> None:
    number = str(sap.create(new_request()).number)
    standin.control("texts/", {"replace": True})
    try:
        sap.annotate(number, "worse", 1)
        sap.annotate(number, "still worse", 1)
    finally:
        standin.control("texts/", {"replace": False})
    text = Planner(standin).hold(number).text
    assert all(part in text for part in ("It will fail", "worse", "still worse"))


def test_unknown_equipment_is_refused_with_saps_words(sap: SapS4) -> None:
    with pytest.raises(OrderRejectedError, match="Equipment 000000000000000001 does not exist"):
        sap.create(new_request(equipment_number="1"))


def test_location_is_written_where_there_is_no_equipment(sap: SapS4) -> None:
    assert sap.create(new_request(equipment_number="")).functional_location == LOCATION


def test_label_of_a_location_is_looked_up(standin: StandIn) -> None:
    for erp in connected(standin, "request", label_coded_locations=True):
        assert erp.create(new_request(equipment_number="", functional_location="w1-x001")).number
        with pytest.raises(OrderRejectedError, match="knows 0"):
            erp.create(new_request(equipment_number="", functional_location="nowhere"))


def test_order_is_made_from_its_notification(standin: StandIn, ordering: SapS4) -> None:
    request = new_request()
    made = ordering.create(request)
    held = standin.control(f"hold/{made.number}", {})
    assert held["MaintenanceOrder"] == held["order"]["MaintenanceOrder"]
    assert held["order"]["MaintenanceNotification"] == made.number
    assert [(one.number, one.state) for one in ordering.find(request.key)] == [(made.number, OrderState.OPEN)]


def test_refused_order_leaves_a_notification_that_a_second_try_goes_on_with(standin: StandIn) -> None:
    request = new_request()
    for wrong in connected(standin, "order", order_type="ZZ99"):
        with pytest.raises(OrderRejectedError, match="is there, but its order is refused"):
            wrong.create(request)
        assert wrong.find(request.key) == []
    for right in connected(standin, "order"):
        right.create(request)
        assert len(right.find(request.key)) == len([o for o in right.keys("WC-") if o.key == request.key]) == 1


def test_priority_rises_on_the_order_too(standin: StandIn, ordering: SapS4) -> None:
    number = str(ordering.create(new_request()).number)
    ordering.annotate(number, "worse", 1)
    assert standin.control(f"hold/{number}", {})["order"]["MaintPriority"] == "1"


def test_cancelled_order_and_notification_are_told_as_cancelled(standin: StandIn, ordering: SapS4) -> None:
    request = new_request()
    number = str(ordering.create(request).number)
    ordering.cancel(number, "duplicate of another")
    ordering.cancel(number, "duplicate of another")
    held = standin.control(f"hold/{number}", {})
    assert "CLSD" in held["order"]["SystemStatusText"]
    assert [one.state for one in ordering.find(request.key)] == [OrderState.CANCELLED]
    assert [c.state for c in ordering.changes(LONG_AGO) if c.number == number] == [OrderState.CANCELLED]


def test_planners_order_tells_the_state_and_is_not_ours_to_cancel(standin: StandIn, sap: SapS4) -> None:
    number = str(sap.create(new_request()).number)
    standin.control("own_order/", {"MaintenanceNotification": number, "MaintenanceOrderDesc": "planned"})
    standin.control(f"status/{number}", {"phase": "3", "status": "TECO"})
    newest = [change for change in sap.changes(LONG_AGO) if change.number == number][-1]
    assert (newest.state, "TECO" in newest.raw_status) == (OrderState.COMPLETED, True)
    with pytest.raises(OrderRejectedError, match="cancel it in SAP"):
        sap.cancel(number, "no")


def test_order_without_a_notification_is_seen_and_its_fate_told(standin: StandIn, sap: SapS4) -> None:
    body = {"Equipment": EQUIPMENT.zfill(18), "MaintenanceOrderDesc": "by hand", "MaintPriority": "3"}
    number = "order/" + standin.control("own_order/", body)
    assert number in {order.number for order in sap.open_orders(LOCATION, EQUIPMENT)}
    assert number in {change.number for change in sap.changes(LONG_AGO)}
    sap.annotate(number, "worse", 1)
    with pytest.raises(OrderRejectedError, match="not ours"):
        sap.cancel(number, "no")


def test_order_that_moves_alone_is_told_with_the_key_of_its_notification(standin: StandIn, sap: SapS4) -> None:
    request = new_request()
    number = str(sap.create(request).number)
    order = standin.control("own_order/", {"MaintenanceNotification": number})
    later = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(minutes=10)
    standin.faults(now=later.isoformat())
    standin.control(f"order_status/{order}", {"status": "REL PCNF"})
    standin.faults()
    told = [change for change in sap.changes(later) if change.number == number]
    assert [(one.key, one.state, one.changed_at) for one in told] == [(request.key, OrderState.IN_PROGRESS, later)]


def test_completion_is_told_in_utc_from_the_zone_of_the_notification(standin: StandIn, sap: SapS4) -> None:
    number = str(sap.create(new_request()).number)
    done = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)
    Planner(standin).set_state(number, OrderState.COMPLETED, codes={}, completed_at=done)
    newest = [change for change in sap.changes(LONG_AGO) if change.number == number][-1]
    assert newest.completed_at == done


def test_only_ours_are_polled_where_asked(standin: StandIn) -> None:
    theirs = Planner(standin).own_order(LOCATION, EQUIPMENT)
    for all_of_them in connected(standin, "request"):
        assert theirs in {change.number for change in all_of_them.changes(LONG_AGO)}
    for ours in connected(standin, "request", changes_of="ours"):
        assert ours.create(new_request()).number in {change.number for change in ours.changes(LONG_AGO)}
        assert theirs not in {change.number for change in ours.changes(LONG_AGO)}


def test_old_changes_of_others_are_left_out_and_ours_are_not(standin: StandIn, sap: SapS4) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=200)
    standin.faults(now=long_ago.isoformat())
    mine, theirs = str(sap.create(new_request()).number), Planner(standin).own_order(LOCATION, EQUIPMENT)
    standin.faults()
    told = {change.number for change in sap.changes(LONG_AGO)}
    assert (mine in told, theirs in told) == (True, False)


def test_ours_are_polled_whatever_planning_plant_they_moved_to(standin: StandIn) -> None:
    for here in connected(standin, "request", planning_plant="1010"):
        number = str(here.create(new_request()).number)
        theirs = Planner(standin).own_order(LOCATION, EQUIPMENT)
        for one in (number, theirs):
            standin.control(f"fields/{one}", {"MaintenancePlanningPlant": "2020"})
        told = {change.number for change in here.changes(LONG_AGO)}
        assert (number in told, theirs in told) == (True, False)
