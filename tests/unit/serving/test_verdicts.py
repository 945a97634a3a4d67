"""A person's word for what a closed order found, where no rule could read its codes."""

from pathlib import Path
from typing import Any

import pytest

from features.core.errors import RequestRejectedError
from features.core.lake import Lake
from features.core.statements import Outcome
from features.core.tables import MAINTENANCE_EVENTS
from serving.orders import OrderChange, OrderState
from serving.store import Store
from serving.sync import OutcomeMaps, SyncReport, tell_outcome
from serving.sync.read_back import take

NUMBER = "4711"


@pytest.fixture
def lake(store: Store, orders: Any, tmp_path: Path) -> Lake:
    """Has the event of an order that was closed with a code that no rule knows."""
    lake, held = Lake(tmp_path / "lake"), orders.sent(store, NUMBER)
    change = OrderChange(NUMBER, held.key, "c1", OrderState.CLOSED, "TECO", orders.now, raw_outcome="ZX-99")
    take(change, store, "sap", lake, OutcomeMaps(), orders.now, SyncReport())
    return lake


def _waiting(store: Store) -> int:
    (row,) = store.changes.to_review()
    return int(str(row["id"]))


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (Outcome.NO_FAULT_FOUND, ["inspection", "inspection"]),
        (Outcome.INCIPIENT_FAULT, ["inspection", "replacement"]),
        (Outcome.CONFIRMED_FAILURE, ["inspection", "failure", "installation"]),
    ],
)
def test_it_is_a_new_revision_that_is_known_from_then_on(
    store: Store, lake: Lake, orders: Any, outcome: Outcome, kinds: list[str]
) -> None:
    later = orders.now.replace(month=3)
    tell_outcome(store, lake, _waiting(store), outcome, by="planner", now=later)
    rows = lake.read(MAINTENANCE_EVENTS, all_revisions=True).sort("revision", "source_event_id").collect()
    assert rows["kind"].to_list() == kinds
    assert rows["available_at"].to_list() == [orders.now, *[later] * (len(kinds) - 1)]
    assert set(rows["occurred_at"]) == {orders.now}
    assert (store.changes.to_review(), store.audit_rows()[0].actor) == ([], "planner")


def test_it_counts_for_the_precision(store: Store, lake: Lake, orders: Any) -> None:
    tell_outcome(store, lake, _waiting(store), Outcome.NO_FAULT_FOUND, by="planner", now=orders.now)
    assert store.precision()["works", "bearing"].wrong == 1


def test_a_word_that_was_cut_short_can_be_said_again(store: Store, lake: Lake, orders: Any) -> None:
    waiting = _waiting(store)
    tell_outcome(store, lake, waiting, Outcome.CONFIRMED_FAILURE, by="planner", now=orders.now)
    with store._database.writing() as connection:  # as if the store had not come to know
        connection.exec_driver_sql("UPDATE order_changes SET needs_review = 1, outcome = NULL, event_revision = 1")
    event = tell_outcome(store, lake, waiting, Outcome.NO_FAULT_FOUND, by="planner", now=orders.now)
    told = store.changes.told("sap", NUMBER)
    assert told is not None
    assert (event.revision, told.revision, told.outcome) == (3, 3, Outcome.NO_FAULT_FOUND)


@pytest.mark.parametrize(("outcome", "state"), [("no_fault_found", "completed"), ("deferred", "suppressed")])
def test_what_waited_for_an_order_of_others_ends_when_that_found_something_out(
    store: Store, orders: Any, tmp_path: Path, outcome: str, state: str
) -> None:
    lake, held = Lake(tmp_path / "lake"), orders.proposed(store, suppressed="order 77 is open", linked_order="77")
    change = OrderChange("77", "", "c1", OrderState.CLOSED, "TECO", orders.now, raw_outcome="ZX-99")
    take(change, store, "sap", lake, OutcomeMaps(), orders.now, SyncReport())
    tell_outcome(store, lake, _waiting(store), Outcome(outcome), by="planner", now=orders.now)
    assert store.recommendation(held.id).state == state


def test_only_what_waits_can_be_told(store: Store, lake: Lake, orders: Any) -> None:
    waiting = _waiting(store)
    tell_outcome(store, lake, waiting, Outcome.DEFERRED, by="planner", now=orders.now)
    for row_id in (waiting, 99):
        with pytest.raises(RequestRejectedError) as refused:
            tell_outcome(store, lake, row_id, Outcome.CONFIRMED_FAILURE, by="planner", now=orders.now)
        assert refused.value.context["reason"] == "not_found"
