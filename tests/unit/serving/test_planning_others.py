import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError
from features.core.lake import Lake
from features.core.statements import Outcome
from serving.erp.dry_run import Shadow
from serving.erp.memory import MemoryErp
from serving.erp.port import Assets
from serving.orders import OrderChange, OrderState, WorkOrder
from serving.planning import Limits, PlanReport, plan
from serving.planning.others import OrdersOfOthers
from serving.settings import ErpSettings
from serving.store import Store
from serving.sync import sync
from tests.unit.serving._fleet import CALM_H, DAY, HOUR, MACHINES, NOW, order_by_hand, plant_of, predict

PLANT = plant_of()


class Asked(MemoryErp):
    """Counts what it is asked a place, and answers some of them with an error."""

    def __init__(self, fails: Callable[[str], Exception | None] = lambda _place: None) -> None:
        super().__init__()
        self.asked, self._fails = Counter[str](), fails

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        self.asked[functional_location] += 1
        error = self._fails(functional_location)
        if error is not None:
            raise error
        return super().open_orders(functional_location, equipment_number)


def run(
    lake: Lake,
    store: Store,
    erp: Assets | None,
    now: dt.datetime = NOW,
    *,
    may_ask: bool = True,
    **options: object,
) -> PlanReport:
    settings = ErpSettings.model_validate({"kind": "memory", "mode": "approve", "storm_machines": 99} | options)
    return plan(lake, PLANT, store, now=now, assets=erp, may_ask=may_ask, limits=Limits(settings))


def test_each_place_is_asked_once_a_round(lake: Lake, store: Store) -> None:
    erp = Asked()
    predict(lake, dict.fromkeys(MACHINES[:3], 90.0))
    run(lake, store, erp)
    assert erp.asked == {"W1-P1": 1, "W1-P2": 1, "W1-P3": 1}
    run(lake, store, erp, NOW + HOUR)
    assert erp.asked == {"W1-P1": 2, "W1-P2": 2, "W1-P3": 2}


def test_components_of_one_place_share_the_answer() -> None:
    erp = Asked()
    others = OrdersOfOthers(erp)
    assert [others.at(("W1-P1", "")) for _ in range(3)] == [(), (), ()]
    assert (erp.asked.total(), others.at(("", ""))) == (1, ())


def test_what_is_sent_or_calm_asks_nothing(lake: Lake, store: Store) -> None:
    erp = Asked()
    predict(lake, {"P1": 90.0, "P2": CALM_H})
    run(lake, store, None)
    store.approve(1, "planner", NOW)
    run(lake, store, erp, NOW + HOUR)
    assert erp.asked.total() == 0


@pytest.mark.parametrize("error", [OrderRejectedError("404: no such location"), ErpUnavailableError("locked")])
def test_one_bad_place_stops_no_other(lake: Lake, store: Store, error: Exception) -> None:
    erp = Asked(lambda place: error if place == "W1-P1" else None)
    theirs = order_by_hand(erp, "P2")
    predict(lake, dict.fromkeys(MACHINES[:3], 90.0))
    report = run(lake, store, erp)
    assert (len(report.proposed), len(report.linked), erp.asked.total()) == (2, 1, 3)
    assert [one.linked_order for one in store.recommendations("suppressed")] == [theirs]


def test_erp_that_is_away_is_asked_for_three_places_only(lake: Lake, store: Store) -> None:
    erp = Asked(lambda _place: ErpUnavailableError("time-out"))
    predict(lake, dict.fromkeys(MACHINES[:8], 90.0))
    assert len(run(lake, store, erp).proposed) == 8
    assert erp.asked.total() == 3


def test_user_that_is_refused_is_told_and_asks_no_more(lake: Lake, store: Store) -> None:
    erp = Asked(lambda _place: ConfigError("401"))
    predict(lake, dict.fromkeys(MACHINES[:3], 90.0))
    report = run(lake, store, erp)
    assert (report.refused, len(report.proposed), erp.asked.total()) == ("401", 3, 1)


def test_orders_and_test_orders_of_ours_are_not_of_others(lake: Lake, store: Store) -> None:
    erp = MemoryErp()
    order_by_hand(erp, key="WT-AAAAAAAAAAAAAAAAA")
    order_by_hand(erp, key="WC-AAAAAAAAAAAAAAAAA")
    predict(lake, {"P1": 90.0})
    assert len(run(lake, store, erp).proposed) == 1


def test_order_of_others_that_comes_after_the_proposal_holds_it_back(lake: Lake, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    erp = MemoryErp()
    run(lake, store, erp)
    theirs = order_by_hand(erp)
    report = run(lake, store, erp, NOW + HOUR)
    (held,) = store.recommendations()
    assert (held.state, held.linked_order, report.linked) == ("suppressed", theirs, [held.key])
    store.release(held.id, "planner", NOW + HOUR)
    run(lake, store, erp, NOW + 2 * HOUR)
    assert store.recommendations()[0].state == "proposed"


def test_in_shadow_an_order_of_others_only_counts(lake: Lake, store: Store) -> None:
    predict(lake, {"P1": 90.0})
    erp = MemoryErp()
    run(lake, store, Shadow(erp, erp), mode="shadow")
    theirs = order_by_hand(erp)
    run(lake, store, Shadow(erp, erp), NOW + HOUR, mode="shadow")
    (held,) = store.recommendations()
    assert (held.state, held.linked_order) == ("proposed", theirs)


def test_the_order_that_was_linked_is_kept_while_it_is_open(lake: Lake, store: Store) -> None:
    predict(lake, {"P1": 90.0})

    class Newest(MemoryErp):
        def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
            return super().open_orders(functional_location, equipment_number)[::-1]

    erp = Newest()
    first = order_by_hand(erp)
    run(lake, store, erp)
    order_by_hand(erp)
    run(lake, store, erp, NOW + HOUR)
    assert store.recommendations()[0].linked_order == first


def linked(lake: Lake, store: Store, erp: MemoryErp) -> str:
    """A recommendation that is held back by an order of others; its number."""
    predict(lake, {"P1": 90.0})
    theirs = order_by_hand(erp)
    run(lake, store, erp)
    return theirs


def ended(number: str, outcome: Outcome | None, state: OrderState = OrderState.COMPLETED) -> OrderChange:
    return OrderChange(number, "", f"{number}:{state}", state, state, NOW + HOUR, outcome=outcome)


def test_linked_order_that_is_over_is_waited_for_until_its_change_was_read(lake: Lake, store: Store) -> None:
    erp = MemoryErp()
    theirs = linked(lake, store, erp)
    erp.set_status(theirs, OrderState.CANCELLED)
    assert run(lake, store, erp, NOW + HOUR).proposed == []
    assert "not read yet" in store.recommendations()[0].detail
    sync(store, erp, lake, now=NOW + HOUR)
    assert len(run(lake, store, erp, NOW + HOUR).proposed) == 1


def test_erp_that_tells_no_changes_of_others_is_not_waited_for_long(lake: Lake, store: Store) -> None:
    erp = MemoryErp()
    theirs = linked(lake, store, erp)
    erp.set_status(theirs, OrderState.COMPLETED)
    minute = dt.timedelta(minutes=1)
    assert run(lake, store, erp, NOW + HOUR).proposed == []
    assert run(lake, store, erp, NOW + HOUR + 14 * minute).proposed == []
    assert len(run(lake, store, erp, NOW + HOUR + 15 * minute).proposed) == 1


@pytest.mark.parametrize("outcome", [Outcome.NO_FAULT_FOUND, Outcome.SENSOR_FAULT, Outcome.INCIPIENT_FAULT])
def test_what_the_linked_order_found_ends_the_recommendation(lake: Lake, store: Store, outcome: Outcome) -> None:
    erp = MemoryErp()
    theirs = linked(lake, store, erp)
    erp.set_status(theirs, OrderState.COMPLETED)
    store.changes.record("memory", ended(theirs, outcome), event=None, now=NOW + HOUR)
    (held,) = store.recommendations()
    assert (held.state, theirs in held.detail) == ("completed", True)
    predict(lake, {"P1": 89.0}, NOW + HOUR)
    report = run(lake, store, erp, NOW + HOUR)
    assert (report.held, report.proposed) == ([held.key], [])
    assert store.precision()["works", "bearing"].judged == 1


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (None, OrderState.COMPLETED),
        (Outcome.DEFERRED, OrderState.CLOSED),
        (Outcome.CANCELLED, OrderState.CANCELLED),
    ],
)
def test_linked_order_that_found_nothing_out_gives_the_recommendation_back(
    lake: Lake, store: Store, outcome: Outcome | None, state: OrderState
) -> None:
    erp = MemoryErp()
    theirs = linked(lake, store, erp)
    erp.set_status(theirs, state)
    store.changes.record("memory", ended(theirs, outcome, state), event=None, now=NOW + HOUR)
    assert len(run(lake, store, erp, NOW + HOUR).proposed) == 1


def test_link_outlives_another_reason_to_wait(lake: Lake, store: Store) -> None:
    """What the order found is read later: it must still be known whose it was."""
    erp = MemoryErp()
    theirs = linked(lake, store, erp)
    erp.set_status(theirs, OrderState.CANCELLED)
    sync(store, erp, lake, now=NOW + HOUR)
    run(lake, store, erp, NOW + HOUR, orders_a_week=0)
    (held,) = store.recommendations()
    assert (held.linked_order, "budget" in held.detail) == (theirs, True)


AUTOMATIC: dict[str, Any] = {  # Any: whatever the settings take
    "mode": "automatic",
    "automatic_orders": 1,
    "sites": {"works": {"automatic_classes": ["bearing"]}},
}


def judged(lake: Lake, store: Store) -> None:
    """The class was right once."""
    predict(lake, {"P12": 90.0})
    run(lake, store, None)
    store.approve(1, "planner", NOW)
    key = store.recommendations()[0].key
    change = OrderChange("7", key, "7", OrderState.COMPLETED, "TECO", NOW, outcome=Outcome.CONFIRMED_FAILURE)
    store.changes.record("memory", change, event=None, now=NOW)


def test_nothing_goes_unasked_while_the_erp_cannot_tell_of_orders_of_others(lake: Lake, store: Store) -> None:
    judged(lake, store)
    predict(lake, {"P1": 90.0, "P12": CALM_H}, NOW + HOUR)
    down = Asked(lambda _place: ErpUnavailableError("down"))
    for erp, may_ask in ((down, True), (MemoryErp(), False)):
        report = run(lake, store, erp, NOW + HOUR, may_ask=may_ask, **AUTOMATIC)
        assert (report.approved, report.proposed) == ([], [])
    assert "does not say now" in store.recommendations()[0].detail
    report = run(lake, store, MemoryErp(), NOW + HOUR, **AUTOMATIC)
    assert len(report.approved) == 1


def test_erp_that_never_tells_of_orders_of_others_stops_no_automatic_site(lake: Lake, store: Store) -> None:
    judged(lake, store)
    predict(lake, {"P1": 90.0}, NOW + DAY)
    assert len(run(lake, store, None, NOW + DAY, **AUTOMATIC).approved) == 1
