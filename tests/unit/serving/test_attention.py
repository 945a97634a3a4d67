"""What waits for a person, and what does not."""

import datetime as dt
from pathlib import Path
from typing import Any

from serving.orders import NO_MAPPING, OrderChange, OrderState
from serving.planning.attention import Act, Matter, MatterKind, attend, matters
from serving.settings import ErpSettings, SiteOrders
from serving.store import IncidentKind, Store
from serving.sync import event_of

APPROVE = ErpSettings(mode="approve", outcomes=Path("outcomes.yaml"))


def _waiting(store: Store, now: dt.datetime) -> list[Matter]:
    return list(matters(store, APPROVE, wall=now))


def _only(store: Store, now: dt.datetime) -> Matter:
    (matter,) = _waiting(store, now)
    return matter


def test_a_quiet_store_waits_for_nobody(store: Store, orders: Any) -> None:
    orders.proposed(store)
    found = attend(store, APPROVE, ("works",), wall=orders.now)
    assert (found.waiting, found.held, found.shadow_sites) == ((), (), ())


def test_a_storm_names_its_machines_and_is_closed(store: Store, orders: Any) -> None:
    store.incidents.open(
        IncidentKind.STORM, "works/roller_bearing", "2 of 3 want a roller_bearing order",
        {"machines": ["P1", "P2"]}, now=orders.now,
    )  # fmt: skip
    told = _only(store, orders.now)
    assert (told.kind, told.site_id, told.machines, told.since) == (
        MatterKind.INCIDENT, "works", ("P1", "P2"), orders.now,
    )  # fmt: skip
    assert (told.acts, told.command) == ((Act.CLOSE,), f"wearcast erp incidents --close {told.id}")
    assert told.head == "Many machines at once: roller bearing at works"
    assert told.says == "2 of 3 want a roller bearing order"


def test_an_incident_of_an_order_names_the_machine_it_was_for(store: Store, orders: Any) -> None:
    held = orders.sent(store, "4711")
    store.incidents.open(IncidentKind.TWICE, held.key, "two", {"orders": ["4711", "4712"]}, now=orders.now)
    assert _only(store, orders.now).machines == ("P101",)


def test_every_kind_of_incident_says_what_to_do(store: Store, orders: Any) -> None:
    for kind in IncidentKind:
        store.incidents.open(kind, "WC-X", "text", {}, now=orders.now)
    assert all(told.to_do and told.machines == () for told in _waiting(store, orders.now))


def test_a_dead_letter_tells_the_erps_reason_and_can_be_sent_or_rejected(store: Store, orders: Any) -> None:
    held = orders.given_up(store)
    told = _only(store, orders.now)
    assert (told.kind, told.id, told.says) == (MatterKind.DEAD_LETTER, held.id, "no such asset")
    assert told.acts == (Act.REQUEUE, Act.REJECT)


def test_a_note_that_was_given_up_is_told_with_its_order(store: Store, orders: Any) -> None:
    orders.note_given_up(store, "4711")
    told = _only(store, orders.now)
    assert told.head == "No note could be added to order 4711"
    assert told.acts == (Act.REQUEUE,)


def test_an_order_whose_codes_no_rule_reads_waits_to_be_told(store: Store, orders: Any) -> None:
    held = orders.sent(store, "4711")
    change = OrderChange("4711", held.key, "c1", OrderState.CLOSED, "TECO", orders.now, raw_outcome="ZX-99")
    event = event_of(change, held, source="erp:sap", event_id="e", revision=1, now=orders.now)
    store.changes.record("sap", change, event=event, now=orders.now)
    told = _only(store, orders.now)
    assert (told.kind, told.machines, told.acts) == (MatterKind.OUTCOME, ("P101",), (Act.TELL,))
    assert "ZX-99" in told.says
    assert "outcomes.yaml" in told.to_do


def test_held_recommendations_of_an_unmapped_machine_are_one_matter(store: Store, orders: Any) -> None:
    for machine in ("P101", "P102"):
        orders.proposed(store, machine, suppressed=f"{machine} {NO_MAPPING}: wearcast erp assets match")
    assert [(told.kind, told.machines, told.acts) for told in _waiting(store, orders.now)] == [
        (MatterKind.UNMAPPED, ("P101",), ()),
        (MatterKind.UNMAPPED, ("P102",), ()),
    ]


def test_what_ends_by_itself_is_told_but_not_counted(store: Store, orders: Any) -> None:
    orders.proposed(store, suppressed="the budget of 5 orders a week is used up")
    found = attend(store, APPROVE, ("works",), wall=orders.now)
    assert found.waiting == ()
    assert [(held.says, held.acts) for held in found.held] == [
        ("the budget of 5 orders a week is used up", (Act.RELEASE, Act.REJECT))
    ]


def test_a_stop_and_a_refused_user_say_since_when(store: Store, orders: Any) -> None:
    later = orders.now + dt.timedelta(hours=1)
    store.brakes.stop("*", by="officer", why="drill", now=orders.now)
    store.brakes.refused("sap", "401", wall=orders.now)
    store.brakes.refused("sap", "401", wall=later)
    stop, refused = _waiting(store, later)
    assert (stop.command, stop.site_id) == ("wearcast erp resume '*'", None)
    assert (stop.since, refused.since) == (orders.now, orders.now)


def test_a_connection_that_may_be_tried_again_waits_for_nobody(store: Store, orders: Any) -> None:
    for _ in range(5):
        store.brakes.failed("sap", "timed out", wall=orders.now)
    assert _only(store, orders.now).kind is MatterKind.CONNECTION
    assert _waiting(store, orders.now + dt.timedelta(minutes=2)) == []


def test_the_shadow_report_is_of_sites_for_which_nothing_is_written(store: Store, orders: Any) -> None:
    orders.proposed(store)
    shadow = APPROVE.model_copy(update={"sites": {"works": SiteOrders(mode="shadow")}})
    found = attend(store, shadow, ("works", "mill"), wall=orders.now)
    assert (found.shadow_sites, len(found.shadow.recommendations)) == (("works",), 1)
    assert attend(store, APPROVE, ("works", "mill"), wall=orders.now).shadow.recommendations == ()
