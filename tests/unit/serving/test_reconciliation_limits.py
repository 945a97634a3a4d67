"""What a comparison of both sides must not do, and what it must not tell again."""

import datetime as dt

import pytest

from features.core.lake import Lake
from features.core.statements import Outcome
from features.core.tables import MAINTENANCE_EVENTS
from serving.erp.dry_run import DryRun
from serving.erp.memory import MemoryErp
from serving.orders import OrderState
from serving.outbox import deliver
from serving.store import IncidentKind, Store
from serving.sync import Reconciliation, reconcile, sync
from tests.unit.serving._fleet import DAY, HOUR, NOW, propose


def sent(store: Store, erp: MemoryErp) -> str:
    """A recommendation whose order is in the ERP; its key."""
    stored = propose(store, "P1")
    store.approve(stored.id, "planner", NOW)
    deliver(store, erp, now=NOW)
    return stored.key


def double(store: Store, erp: MemoryErp, state: OrderState = OrderState.OPEN) -> str:
    """A second order of the same key; its number."""
    number = str(erp.create(store.recommendations()[0].request).number)
    if state is not OrderState.OPEN:
        erp.set_status(number, state)
    return number


def state(store: Store) -> str:
    return store.recommendations()[0].state


def test_dry_run_that_reads_nothing_misses_nothing(store: Store, lake: Lake) -> None:
    """A site that goes back to dry run keeps the orders that it has in the ERP."""
    sent(store, MemoryErp())
    assert reconcile(store, DryRun(), lake, now=NOW + DAY) == Reconciliation()
    assert state(store) == "sent"


def test_double_of_a_stopped_site_is_only_told(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    double(store, erp)
    store.brakes.stop("works", by="officer", why="audit", now=NOW)
    report = reconcile(store, erp, lake, now=NOW + HOUR)
    assert (report.twice, report.cancelled) == ([key], [])


def test_double_of_a_site_in_shadow_is_only_told(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    double(store, erp)
    report = reconcile(store, erp, lake, now=NOW + HOUR, writes_for=lambda site: site != "works")
    assert (report.twice, report.cancelled) == ([key], [])


def test_double_of_an_unknown_key_is_never_cancelled(store: Store, lake: Lake) -> None:
    erp, other = MemoryErp(), MemoryErp()
    key = sent(store, other)
    for _ in range(2):
        double(store, erp)
    empty = Store(f"sqlite:///{lake.url}-other.db")
    empty.migrate()
    report = reconcile(empty, erp, lake, now=NOW + HOUR)
    assert (report.orphans, report.cancelled) == ([key], [])
    empty.close()


@pytest.mark.parametrize("begun", [OrderState.IN_PROGRESS, OrderState.UNKNOWN])
def test_double_that_somebody_has_begun_is_left_to_people(store: Store, lake: Lake, begun: OrderState) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    erp.set_status("4000000001", OrderState.IN_PROGRESS)
    double(store, erp, begun)
    report = reconcile(store, erp, lake, now=NOW + HOUR)
    assert (report.twice, report.cancelled) == ([key], [])
    assert len(store.incidents.unclosed(IncidentKind.TWICE)) == 1


def test_order_of_an_unknown_status_stays_before_an_untouched_one(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    sent(store, erp)
    second = double(store, erp, OrderState.UNKNOWN)
    assert reconcile(store, erp, lake, now=NOW + HOUR).cancelled == ["4000000001"]
    assert store.recommendations()[0].order_number == second


def test_double_that_a_person_ended_is_settled(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    number = double(store, erp)
    reconcile(store, erp, lake, now=NOW + HOUR, writes_for=lambda _site: False)
    erp.cancel(number, "by hand")
    assert reconcile(store, erp, lake, now=NOW + 2 * HOUR).is_clean
    assert store.incidents.unclosed() == []
    assert "incident.settled" in [row.action for row in store.audit_rows(subject=key)]


def test_what_a_person_has_seen_is_not_told_again(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    sent(store, erp)
    double(store, erp)
    for hour in range(1, 4):
        reconcile(store, erp, lake, now=NOW + hour * HOUR, writes_for=lambda _site: False)
        for one in store.incidents.unclosed():
            store.incidents.close(one.id, by="planner", now=NOW + hour * HOUR)
    assert [row.action for row in store.audit_rows()].count("incident.twice") == 1
    double(store, erp)
    reconcile(store, erp, lake, now=NOW + 5 * HOUR, writes_for=lambda _site: False)
    assert len(store.incidents.unclosed(IncidentKind.TWICE)) == 1


def test_finished_order_of_an_unknown_key_needs_nobody(store: Store, lake: Lake) -> None:
    erp, other = MemoryErp(), MemoryErp()
    sent(store, other)
    double(store, erp, OrderState.CLOSED)
    empty = Store(f"sqlite:///{lake.url}-other.db")
    empty.migrate()
    assert reconcile(empty, erp, lake, now=NOW + HOUR).is_clean
    empty.close()


def given_up(store: Store) -> None:
    store.approve(propose(store, "P1").id, "planner", NOW)
    item = store.deliveries.claim("test", wall=NOW, lease=HOUR, now=NOW)
    assert item is not None
    store.deliveries.given_up(item, error="given up after 8 tries", now=NOW)


def test_order_that_was_given_up_and_is_there_is_held_again(store: Store, lake: Lake) -> None:
    given_up(store)
    erp = MemoryErp()
    number = double(store, erp)
    report = reconcile(store, erp, lake, now=NOW + HOUR)
    assert (len(report.adopted), state(store), store.recommendations()[0].order_number) == (1, "sent", number)
    assert store.deliveries.counts() == {"done": 1}


def test_open_order_whose_recommendation_is_over_is_told(store: Store, lake: Lake) -> None:
    given_up(store)
    store.reject(1, "planner", NOW, "not wanted any more")
    erp = MemoryErp()
    double(store, erp)
    report = reconcile(store, erp, lake, now=NOW + HOUR)
    assert len(report.orphans) == 1
    assert "rejected here" in store.incidents.unclosed(IncidentKind.ORPHAN)[0].message


def test_end_of_a_double_that_was_read_too_early_is_read_again(store: Store, lake: Lake) -> None:
    """Synced as a twin, held since: what it found must not be lost."""
    erp = MemoryErp()
    key = sent(store, erp)
    second = double(store, erp)
    erp.set_status(second, OrderState.COMPLETED, outcome=Outcome.INCIPIENT_FAULT, completed_at=NOW)
    sync(store, erp, lake, now=NOW + HOUR)
    assert (state(store), lake.read(MAINTENANCE_EVENTS).collect().height) == ("sent", 0)
    assert reconcile(store, erp, lake, now=NOW + HOUR).closed == [key]
    assert (state(store), lake.read(MAINTENANCE_EVENTS).collect().height) == ("completed", 1)
    assert reconcile(store, erp, lake, now=NOW + 2 * HOUR).is_clean


def test_order_that_ended_while_both_sides_were_compared_is_not_missed(store: Store) -> None:
    erp = MemoryErp()
    sent(store, erp)
    held = store.recommendations()[0]
    change = erp.set_status("4000000001", OrderState.COMPLETED, outcome=Outcome.NO_FAULT_FOUND)
    store.changes.record("memory", change, event=None, now=NOW)
    assert not store.compared.lost(held.id, "gone", now=NOW + HOUR)
    assert not store.compared.found(held.id, erp.orders[0], now=NOW + dt.timedelta(hours=1))
    assert state(store) == "completed"
