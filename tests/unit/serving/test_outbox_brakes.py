"""Kill switch and circuit breaker while items are on their way, and what is in doubt."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from features.core.clock import DemoClock
from features.core.errors import (
    ErpUnavailableError,
    OrderRejectedError,
    RetriableError,
)
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, WorkOrder
from serving.outbox import DeliveryReport, deliver
from serving.store import OutboxItem, Store
from tests.unit.serving._fleet import NOW, propose

MINUTE = dt.timedelta(minutes=1)


class Acting(MemoryErp):
    """Does something while it is asked, then answers, or raises."""

    def __init__(self, **acts: Callable[[], Exception | None]) -> None:
        super().__init__()
        self._acts = acts
        self.created: list[str] = []

    def find(self, key: str) -> list[WorkOrder]:
        self._act("find")
        return super().find(key)

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        self.created.append(request.key)
        order = super().create(request)
        self._act("create")
        return order

    def annotate(self, number: str, note: str, priority: int) -> None:
        self._act("annotate")
        super().annotate(number, note, priority)

    def _act(self, name: str) -> None:
        error = self._acts.get(name, lambda: None)()
        if error is not None:
            raise error


def run(store: Store, erp: MemoryErp, wall: DemoClock, **options: Any) -> DeliveryReport:  # Any: as `deliver`
    return deliver(store, erp, now=NOW, wall=wall, owner="test", **options)


def approved(store: Store, *machines: str) -> None:
    for machine in machines:
        store.approve(propose(store, machine).id, "planner", NOW)


def stop(store: Store) -> None:
    store.brakes.stop("works", by="officer", why="fire", now=NOW)


def states(store: Store) -> list[str]:
    return [one.state for one in reversed(store.recommendations())]


def test_stop_during_the_look_up_lets_nothing_out(store: Store) -> None:
    approved(store, "P1")
    erp, wall = Acting(find=lambda: stop(store)), DemoClock(NOW)
    run(store, erp, wall)
    assert (erp.created, states(store)) == ([], ["queued"])
    store.brakes.resume("works", by="officer", now=NOW)
    assert len(run(store, MemoryErp(), wall).sent) == 1


def test_stop_holds_for_notes_that_are_claimed_already(store: Store) -> None:
    approved(store, "P1")
    erp, wall = MemoryErp(), DemoClock(NOW)
    run(store, erp, wall)
    held = store.recommendations()[0]
    store.revise(held.id, held.recommendation, held.request, now=NOW)
    claim = store.deliveries.claim

    def claim_and_stop(*args: Any, **options: Any) -> OutboxItem | None:
        item = claim(*args, **options)
        stop(store)
        return item

    store.deliveries.claim = claim_and_stop  # type: ignore[method-assign]  # a person acts between two steps
    run(store, erp, wall)
    assert erp.notes == []


@pytest.mark.parametrize("answer", ["undecided", "rejected"])
def test_erp_that_answers_is_no_longer_away(store: Store, answer: str) -> None:
    """After an outage many are in doubt: one a minute would take hours."""
    for number in range(8):
        approved(store, f"P{number}")
        item = store.deliveries.claim("dead", wall=NOW, lease=MINUTE, now=NOW)
        assert item is not None
        store.deliveries.postponed(
            item, is_ambiguous=True, lookups=0, error="cut", next_try_at=NOW + MINUTE, now=NOW
        )
        store.brakes.failed("memory", "cut", wall=NOW)
    wall = DemoClock(NOW + 2 * MINUTE)
    if answer == "undecided":
        assert len(run(store, MemoryErp(), wall).postponed) == 8
    else:
        rejecting = Acting(find=lambda: OrderRejectedError("400"))
        assert len(run(store, rejecting, wall).dead_letters) == 8


def test_error_that_an_adapter_did_not_foresee_stops_no_other_item_and_leaves_a_doubt(store: Store) -> None:
    approved(store, "P1", "P2")
    errors = iter([KeyError("number")])
    erp, wall = Acting(create=lambda: next(errors, None)), DemoClock(NOW)
    first = run(store, erp, wall)
    assert (len(first.postponed), len(first.sent)) == (1, 1)
    wall.move_to(NOW + 10 * MINUTE)
    assert len(run(store, erp, wall).sent) == 1
    assert len(erp.created) == 2


def test_answer_that_was_on_its_way_does_not_let_a_refused_user_try_again(store: Store) -> None:
    store.brakes.refused("memory", "401", wall=NOW)
    store.brakes.succeeded("memory", wall=NOW)
    assert not store.brakes.may_try("memory", wall=NOW + 99 * MINUTE)


def test_dry_run_of_one_site_says_nothing_about_the_erp(store: Store) -> None:
    approved(store, "P1")
    for _ in range(5):
        store.brakes.failed("memory", "down", wall=NOW)
    wall = DemoClock(NOW + 2 * MINUTE)
    assert run(store, MemoryErp(), wall, writes_for=lambda _site: False).would_send
    assert store.brakes.breaker("memory").failures == 5


def test_longer_rest_that_was_asked_for_is_kept(store: Store) -> None:
    store.brakes.failed("memory", "429", wall=NOW, rest_s=600.0)
    store.brakes.failed("memory", "429", wall=NOW, rest_s=5.0)
    assert store.brakes.breaker("memory").open_until == NOW + 10 * MINUTE


def test_create_whose_record_failed_is_in_doubt(store: Store) -> None:
    """The ERP has it: what went wrong is ours, so that it is looked up until found."""
    approved(store, "P1")
    wall = DemoClock(NOW)
    erp = Acting(create=lambda: RetriableError("the store does not answer"))
    run(store, erp, wall)
    assert states(store) == ["unknown"]
    wall.move_to(NOW + MINUTE)
    run(store, erp, wall)
    assert (states(store), len(erp.created)) == (["sent"], 1)


def test_erp_that_surely_did_nothing_leaves_no_doubt(store: Store) -> None:
    approved(store, "P1")
    run(store, Acting(find=lambda: ErpUnavailableError("503")), DemoClock(NOW))
    assert states(store) == ["queued"]


def test_unmapped_machine_is_never_written_for_whoever_approved_it(store: Store) -> None:
    store.approve(propose(store, "P1", location="").id, "planner", NOW)
    erp = Acting()
    run(store, erp, DemoClock(NOW))
    assert (erp.created, states(store)) == ([], ["dead_letter"])
    assert "assets match" in store.recommendations()[0].detail
