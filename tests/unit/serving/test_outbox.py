import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from features.core.clock import DemoClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from features.core.statements import Action, Recommendation, Rung, order_key
from serving.erp.dry_run import DryRun
from serving.erp.memory import MemoryErp
from serving.erp.port import Exchange
from serving.orders import MaintenanceRequest, OrderState, WorkOrder
from serving.outbox import DeliveryReport, DeliveryRules, backoff, deliver, recorder
from serving.store import Store

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
RULES = DeliveryRules()
MINUTE = dt.timedelta(minutes=1)


@dataclass
class FailingErp(MemoryErp):
    """Does as planned for each create: None works, an error is raised before or after the work."""

    before: list[WearcastError | None] = field(default_factory=list)
    after: list[WearcastError | None] = field(default_factory=list)
    looking: list[WearcastError | None] = field(default_factory=list)
    looked: int = 0
    on_create: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        MemoryErp.__init__(self, DemoClock(T))

    def find(self, key: str) -> list[WorkOrder]:
        self.looked += 1
        if self.looking and (error := self.looking.pop(0)):
            raise error
        return super().find(key)

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        if self.on_create is not None:
            self.on_create()
        if self.before and (error := self.before.pop(0)):
            raise error
        order = super().create(request)
        if self.after and (error := self.after.pop(0)):
            raise error
        return order


@pytest.fixture
def wall() -> DemoClock:
    return DemoClock(T)


def approved(store: Store, machine_id: str = "P101", priority: int = 2) -> str:
    recommendation = Recommendation(
        machine_id,
        "DE",
        Action.REPLACE,
        "bearing",
        priority,
        "why",
        T,
        T,
        None,
        None,
        None,
        None,
        "EUR",
        Rung.NONE,
    )
    key = order_key("works", machine_id, "DE", "bearing", 1)
    request = MaintenanceRequest(
        key, "works", machine_id, "DE", "L", "", Action.REPLACE, "bearing", priority, "title", "why", T
    )
    stored = store.propose(recommendation, request, episode=1, now=T)
    assert stored is not None
    store.approve(stored.id, "planner", T)
    return key


def run(store: Store, erp: MemoryErp | DryRun, wall: DemoClock, rules: DeliveryRules = RULES) -> DeliveryReport:
    return deliver(store, erp, now=T, rules=rules, wall=wall, owner="test")


def state_of(store: Store) -> str:
    return store.recommendations()[0].state


def later(wall: DemoClock, by: dt.timedelta = MINUTE) -> None:
    wall.move_to(wall.now() + by)


def test_approved_recommendation_becomes_one_order(store: Store, wall: DemoClock) -> None:
    key, erp = approved(store), MemoryErp()
    assert run(store, erp, wall).sent == [key]
    run(store, erp, wall)
    assert [order.key for order in erp.orders] == [key]
    assert (state_of(store), store.recommendations()[0].order_number) == ("sent", "4000000001")


def test_dry_run_sends_nothing_and_says_so(store: Store, wall: DemoClock) -> None:
    key = approved(store)
    assert run(store, DryRun(), wall).would_send == [key]
    assert (state_of(store), store.recommendations()[0].order_number) == ("would_send", None)


def test_shadow_never_writes_to_the_erp_behind(store: Store, wall: DemoClock) -> None:
    approved(store)
    behind = MemoryErp()
    run(store, DryRun(behind), wall)
    assert behind.orders == []


def test_dry_run_can_be_sent_for_real_later(store: Store, wall: DemoClock) -> None:
    key, erp = approved(store), MemoryErp()
    run(store, DryRun(), wall)
    store.requeue(1, "planner", T)
    assert run(store, erp, wall).sent == [key]


def test_lost_answer_is_looked_up_and_found(store: Store, wall: DemoClock) -> None:
    key = approved(store)
    erp = FailingErp(after=[AmbiguousDeliveryError("cut")])
    run(store, erp, wall)
    assert state_of(store) == "unknown"
    later(wall)
    assert run(store, erp, wall).sent == [key]
    assert len(erp.orders) == 1


def test_ambiguous_delivery_is_created_again_only_after_two_empty_lookups(store: Store, wall: DemoClock) -> None:
    approved(store)
    erp = FailingErp(before=[AmbiguousDeliveryError("timeout")])
    run(store, erp, wall)
    later(wall)
    assert run(store, erp, wall).postponed
    assert (state_of(store), erp.orders) == ("unknown", [])
    later(wall)
    run(store, erp, wall)
    assert (state_of(store), len(erp.orders), erp.looked) == ("sent", 1, 3)


def test_order_that_appears_late_is_found_by_the_second_lookup(store: Store, wall: DemoClock) -> None:
    approved(store)
    erp = FailingErp(before=[AmbiguousDeliveryError("timeout")])
    run(store, erp, wall)
    later(wall)
    run(store, erp, wall)
    MemoryErp.create(erp, store.recommendations()[0].request)
    later(wall)
    run(store, erp, wall)
    assert (state_of(store), len(erp.orders)) == ("sent", 1)


def test_sender_that_died_leaves_the_item_in_doubt(store: Store, wall: DemoClock) -> None:
    approved(store)
    erp = FailingErp()
    item = store.deliveries.claim("dead", wall=wall.now(), lease=RULES.lease, now=T)
    assert item is not None
    erp.create(item.request)
    assert run(store, erp, wall) == DeliveryReport()
    later(wall, RULES.lease)
    run(store, erp, wall)
    assert (state_of(store), len(erp.orders)) == ("sent", 1)


def test_item_is_given_up_after_eight_tries_and_a_day(store: Store, wall: DemoClock) -> None:
    approved(store)
    erp = FailingErp(before=[ErpUnavailableError("down")] * 9)
    for attempt in range(9):
        assert state_of(store) == "queued", attempt
        run(store, erp, wall)
        later(wall, dt.timedelta(hours=3))
    assert state_of(store) == "dead_letter"
    assert "9 tries" in store.recommendations()[0].detail


def test_outage_of_an_hour_gives_nothing_up(store: Store, wall: DemoClock) -> None:
    for number in range(3):
        approved(store, f"P{number}")
    down = FailingErp(looking=[ErpUnavailableError("down")] * 10_000)
    for _ in range(360):
        run(store, down, wall)
        later(wall, dt.timedelta(seconds=10))
    assert {one.state for one in store.recommendations()} == {"queued"}
    later(wall, RULES.longest_backoff)
    assert len(run(store, FailingErp(), wall).sent) == 3


def test_breaker_opens_after_five_failures_and_lets_one_try_through(store: Store, wall: DemoClock) -> None:
    for number in range(9):
        approved(store, f"P{number}")
    down = FailingErp(looking=[ErpUnavailableError("down")] * 100)
    run(store, down, wall)
    run(store, down, wall)
    assert not store.brakes.breaker(down.name).lets_through(wall.now())
    assert run(store, down, wall) == DeliveryReport()
    later(wall, dt.timedelta(seconds=61))
    assert len(run(store, down, wall).postponed) == 1
    later(wall, dt.timedelta(seconds=61))
    assert run(store, FailingErp(), wall).sent
    assert store.brakes.breaker(down.name).failures == 0


def test_erp_that_asks_to_wait_is_left_alone_so_long(store: Store, wall: DemoClock) -> None:
    approved(store)
    busy = FailingErp(before=[ErpUnavailableError("429", {"retry_after_s": 120.0})])
    run(store, busy, wall)
    later(wall, dt.timedelta(seconds=119))
    assert run(store, busy, wall) == DeliveryReport()
    later(wall, dt.timedelta(seconds=2))
    assert len(run(store, busy, wall).sent) == 1


def test_stopped_site_is_not_written_for_and_nothing_is_lost(store: Store, wall: DemoClock) -> None:
    approved(store)
    site = store.recommendations()[0].site_id
    store.brakes.stop(site, by="officer", why="drill", now=T)
    erp = FailingErp()
    assert run(store, erp, wall) == DeliveryReport()
    store.brakes.resume(site, by="officer", now=T)
    store.brakes.stop("*", by="officer", why="all of it", now=T)
    assert run(store, erp, wall) == DeliveryReport()
    store.brakes.resume("*", by="officer", now=T)
    assert len(run(store, erp, wall).sent) == 1


def test_site_that_is_not_live_gets_a_dry_run(store: Store, wall: DemoClock) -> None:
    key, erp = approved(store), FailingErp()
    report = deliver(store, erp, now=T, wall=wall, owner="test", writes_for=lambda _site: False)
    assert (report.would_send, erp.orders, state_of(store)) == ([key], [], "would_send")


def test_every_exchange_is_kept_in_the_audit_but_routine(store: Store, wall: DemoClock) -> None:
    record = recorder(store, "memory", wall)
    write = Exchange("create", "WC-A", "POST", "/orders", "{}", 201, "{}", 3.0, True)
    record(write)
    record(replace(write, purpose="changes", key="", writes=False, status=200))
    record(replace(write, purpose="changes", key="", writes=False, status=503))
    assert [row.action for row in store.audit_rows()] == ["exchange.changes", "exchange.create"]


def test_rejected_order_is_a_dead_letter_with_its_reason(store: Store, wall: DemoClock) -> None:
    key = approved(store)
    erp = FailingErp(before=[OrderRejectedError("equipment 42 is unknown")])
    assert run(store, erp, wall).dead_letters == [key]
    assert store.recommendations()[0].detail == "equipment 42 is unknown"


def test_dead_letter_is_sent_once_a_person_says_so(store: Store, wall: DemoClock) -> None:
    approved(store)
    erp = FailingErp(before=[OrderRejectedError("no")])
    run(store, erp, wall)
    store.requeue(1, "planner", T)
    run(store, erp, wall)
    later(wall)
    run(store, erp, wall)
    assert (state_of(store), len(erp.orders)) == ("sent", 1)


def test_wrong_credentials_stop_the_round_and_keep_the_item(store: Store, wall: DemoClock) -> None:
    approved(store)
    with pytest.raises(ConfigError):
        run(store, FailingErp(looking=[ConfigError("401")]), wall)
    assert state_of(store) == "queued"
    later(wall, dt.timedelta(days=1))
    assert run(store, FailingErp(), wall) == DeliveryReport()
    store.brakes.reset("memory", by="admin", wall=wall.now())
    assert len(run(store, FailingErp(), wall).sent) == 1


def test_one_bad_item_does_not_stop_the_others(store: Store, wall: DemoClock) -> None:
    approved(store, "P101")
    good = approved(store, "P102")
    report = run(store, FailingErp(before=[OrderRejectedError("no")]), wall)
    assert report.sent == [good]


def test_round_ends_when_the_erp_is_down(store: Store, wall: DemoClock) -> None:
    for number in range(5):
        approved(store, f"P{number}")
    erp = FailingErp(looking=[ErpUnavailableError("down")] * 5)
    assert len(run(store, erp, wall).postponed) == RULES.failures_in_a_row


def test_item_taken_over_during_the_lookup_is_not_created(store: Store, wall: DemoClock) -> None:
    approved(store)

    class Slow(FailingErp):
        def find(self, key: str) -> list[WorkOrder]:
            later(wall, RULES.lease)
            other = store.deliveries.claim("other", wall=wall.now(), lease=RULES.lease, now=T)
            assert other is not None
            return []

    slow = Slow()
    run(store, slow, wall)
    assert (slow.orders, state_of(store)) == ([], "sending")


def test_several_orders_of_a_key_are_an_incident(store: Store, wall: DemoClock) -> None:
    key, erp = approved(store), MemoryErp()
    for _ in range(2):
        erp.create(store.recommendations()[0].request)
    run(store, erp, wall)
    assert store.recommendations()[0].order_number == "4000000001"
    assert "incident.twice" in [row.action for row in store.audit_rows(subject=key)]


def test_worse_prediction_reaches_the_order_as_a_note(store: Store, wall: DemoClock) -> None:
    approved(store, priority=3)
    erp = MemoryErp()
    run(store, erp, wall)
    held = store.recommendations()[0]
    store.revise(held.id, held.recommendation, held.request, now=T)
    assert run(store, erp, wall).annotated == [held.key]
    assert [number for number, _ in erp.notes] == ["4000000001"]
    assert len(erp.orders) == 1


def test_erp_state_that_came_first_is_not_overwritten(store: Store, wall: DemoClock) -> None:
    key = approved(store)

    class Quick(FailingErp):
        def create(self, request: MaintenanceRequest) -> WorkOrder:
            order = super().create(request)
            assert order.number is not None
            change = self.set_status(order.number, OrderState.CANCELLED)
            store.changes.record(self.name, change, event=None, now=T)
            return order

    run(store, Quick(), wall)
    assert (state_of(store), store.recommendations()[0].key) == ("cancelled", key)


@pytest.mark.parametrize("attempt", range(1, 30))
def test_backoff_is_capped_spread_and_repeatable(attempt: int) -> None:
    pauses = {backoff(f"WC-{n}", attempt, RULES) for n in range(20)}
    full = min(RULES.longest_backoff, RULES.first_backoff * 2 ** (attempt - 1))
    assert len(pauses) == 20
    assert all(dt.timedelta(0) <= pause <= full for pause in pauses)
    assert backoff("WC-1", attempt, RULES) == backoff("WC-1", attempt, RULES)


def test_lease_is_longer_than_twice_the_default_timeout() -> None:
    from serving.settings import ErpSettings

    assert dt.timedelta(seconds=2 * ErpSettings().timeout_s) < RULES.lease
