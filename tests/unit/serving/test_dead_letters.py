"""What was given up or held back, and a person's word on it."""

from typing import Any

import pytest

from features.core.errors import RequestRejectedError
from serving.orders import NO_MAPPING
from serving.store import Store


def test_a_dead_letter_can_be_rejected_and_is_gone_then(store: Store, orders: Any) -> None:
    held = orders.given_up(store)
    assert [(dead.recommendation_id, dead.kind, dead.why) for dead in store.deliveries.dead()] == [
        (held.id, "create", "no such asset")
    ]
    store.reject(held.id, "planner", orders.now, "scrapped")
    assert (store.recommendation(held.id).state, store.deliveries.dead()) == ("rejected", [])


def test_a_requeued_dead_letter_is_none_any_more(store: Store, orders: Any) -> None:
    held = orders.given_up(store)
    store.requeue(held.id, "planner", orders.now)
    assert store.deliveries.dead() == []


def test_a_note_that_was_given_up_is_told_and_sent_again(store: Store, orders: Any) -> None:
    held = orders.note_given_up(store, "4711")
    assert [(dead.kind, dead.why, dead.since) for dead in store.deliveries.dead()] == [
        ("note", "order is locked", orders.now)
    ]
    assert store.requeue(held.id, "planner", orders.now).state == "sent"
    assert (store.deliveries.dead(), store.deliveries.counts()) == ([], {"done": 1, "queued": 1})
    assert store.audit_rows(held.key)[0].action == "order.note_requeued"


def test_what_was_delivered_whole_has_nothing_to_send_again(store: Store, orders: Any) -> None:
    held = orders.sent(store, "4711")
    with pytest.raises(RequestRejectedError, match="cannot send again"):
        store.requeue(held.id, "planner", orders.now)


def test_an_order_that_is_gone_counts_from_when_it_was_missed(store: Store, orders: Any) -> None:
    held = orders.sent(store, "4711")
    store.compared.lost(held.id, "gone", now=orders.now.replace(year=2027))
    assert [dead.since.year for dead in store.deliveries.dead()] == [2027]


def test_an_unmapped_machine_is_never_let_through(store: Store, orders: Any) -> None:
    held = orders.proposed(store, suppressed=f"P101 {NO_MAPPING}: wearcast erp assets match")
    with pytest.raises(RequestRejectedError, match="assets match") as refused:
        store.release(held.id, "planner", orders.now)
    assert refused.value.context["reason"] == "conflict"
    assert store.recommendation(held.id).state == "suppressed"
