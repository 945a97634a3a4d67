import datetime as dt

import polars as pl
import pytest

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.statements import Action, Outcome, Recommendation, Rung, order_key
from features.core.tables import MAINTENANCE_EVENTS
from serving.erp.dry_run import DryRun
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderChange, OrderState
from serving.outbox import deliver
from serving.store import Store
from serving.sync import OVERLAP, sync

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
KEY = order_key("works", "P101", "DE", "bearing", 1)
NUMBER = "4000000001"


@pytest.fixture
def clock() -> DemoClock:
    return DemoClock(T)


@pytest.fixture
def erp(store: Store, clock: DemoClock) -> MemoryErp:
    """An ERP that holds one order of ours."""
    recommendation = Recommendation(
        *("P101", "DE", Action.REPLACE, "bearing", 2, "why", T, T, None, None, None, None, "EUR", Rung.NONE)
    )
    request = MaintenanceRequest(KEY, "works", "P101", "DE", "L", "", Action.REPLACE, "bearing", 2, "t", "x", T)
    stored = store.propose(recommendation, request, episode=1, now=T)
    assert stored is not None
    store.approve(stored.id, "planner", T)
    made = MemoryErp(clock)
    deliver(store, made, now=T, wall=clock)
    return made


def events(lake: Lake) -> pl.DataFrame:
    return lake.read(MAINTENANCE_EVENTS).collect()


def close(erp: MemoryErp, outcome: Outcome | None = None, raw_outcome: str = "", text: str = "") -> OrderChange:
    return erp.set_status(
        NUMBER, OrderState.COMPLETED, outcome=outcome, completed_at=T, raw_outcome=raw_outcome, text=text
    )


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.PREVENTIVE_REPLACEMENT, "replacement"),
        (Outcome.INCIPIENT_FAULT, "replacement"),
        (Outcome.CONFIRMED_FAILURE, "failure"),
        (Outcome.NO_FAULT_FOUND, "inspection"),
        (Outcome.SENSOR_FAULT, "inspection"),
    ],
)
def test_outcome_decides_what_happens_to_the_life(
    store: Store, erp: MemoryErp, lake: Lake, outcome: Outcome, kind: str
) -> None:
    close(erp, outcome, text="bearing changed")
    sync(store, erp, lake, now=T + HOUR)
    row = events(lake).row(by_predicate=~pl.col("source_event_id").str.ends_with(":part"), named=True)
    assert (row["kind"], row["outcome"], row["machine_id"], row["slot"]) == (kind, outcome, "P101", "DE")
    assert (row["source"], row["source_event_id"]) == ("erp:memory", f"{NUMBER}:1")
    assert (row["order_key"], row["text"], row["occurred_at"]) == (KEY, "bearing changed", T)
    assert store.recommendations()[0].state == "completed"


@pytest.mark.parametrize(("closed", "kinds"), [(T, ["failure", "installation"]), (None, ["failure"])])
def test_after_a_breakdown_a_new_part_runs_from_the_end_of_the_repair(
    store: Store, erp: MemoryErp, lake: Lake, closed: dt.datetime | None, kinds: list[str]
) -> None:
    broke = T - HOUR
    erp.set_status(
        NUMBER,
        OrderState.COMPLETED,
        outcome=Outcome.CONFIRMED_FAILURE,
        completed_at=closed,
        malfunction_at=broke,
    )
    sync(store, erp, lake, now=T + HOUR)
    told = events(lake).sort("source_event_id")
    assert told["kind"].to_list() == kinds
    assert told["occurred_at"].to_list() == [broke, closed][: len(kinds)]


@pytest.mark.parametrize(("broke", "detected"), [(None, T), (T - HOUR, T - HOUR), (T + HOUR, T)])
def test_the_first_sign_is_the_recommendation_or_what_the_erp_tells_of_before(
    store: Store, erp: MemoryErp, lake: Lake, broke: dt.datetime | None, detected: dt.datetime
) -> None:
    done = T + 2 * HOUR
    erp.set_status(
        NUMBER, OrderState.COMPLETED, outcome=Outcome.SENSOR_FAULT, completed_at=done, malfunction_at=broke
    )
    sync(store, erp, lake, now=T + 3 * HOUR)
    assert events(lake).select("detected_at", "occurred_at").row(0) == (detected, done)


def test_syncing_again_adds_nothing(store: Store, erp: MemoryErp, lake: Lake) -> None:
    close(erp, Outcome.PREVENTIVE_REPLACEMENT)
    sync(store, erp, lake, now=T + HOUR)
    again = sync(store, erp, lake, now=T + 2 * HOUR)
    assert (again.changes, events(lake).height) == (0, 1)


def test_crash_between_lake_and_store_adds_no_second_event(store: Store, erp: MemoryErp, lake: Lake) -> None:
    close(erp, Outcome.PREVENTIVE_REPLACEMENT)

    class Dying(Lake):
        def append_events(self, events: object, *, writer: str) -> int:
            super().append_events(events, writer=writer)  # type: ignore[arg-type]  # passed on as it came
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(store, erp, Dying(lake.url), now=T + HOUR)
    sync(store, erp, lake, now=T + HOUR)
    assert events(lake).height == 1
    assert store.recommendations()[0].state == "completed"


def test_unknown_outcome_is_never_guessed(store: Store, erp: MemoryErp, lake: Lake) -> None:
    close(erp, raw_outcome="ZX-99")
    assert sync(store, erp, lake, now=T + HOUR).needs_review == [NUMBER]
    row = events(lake).row(0, named=True)
    assert (row["outcome"], row["kind"], row["raw"]) == (None, "inspection", "ZX-99")
    assert [review["number"] for review in store.changes.to_review()] == [NUMBER]


def test_outcome_told_later_is_a_new_revision(store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock) -> None:
    close(erp)
    sync(store, erp, lake, now=T + HOUR)
    clock.move_to(T + HOUR)
    erp.set_status(NUMBER, OrderState.CLOSED, outcome=Outcome.CONFIRMED_FAILURE, completed_at=T)
    sync(store, erp, lake, now=T + 2 * HOUR)
    told = events(lake).sort("revision").filter(pl.col("source_event_id") == f"{NUMBER}:1")
    assert told["kind"].to_list() == ["inspection", "failure"]
    assert store.changes.to_review() == []


def test_closing_a_completed_order_is_no_second_event(
    store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock
) -> None:
    close(erp, Outcome.PREVENTIVE_REPLACEMENT)
    clock.move_to(T + HOUR)
    erp.set_status(NUMBER, OrderState.CLOSED, outcome=Outcome.PREVENTIVE_REPLACEMENT)
    erp.set_status(NUMBER, OrderState.CLOSED)
    sync(store, erp, lake, now=T + 2 * HOUR)
    assert events(lake)["revision"].to_list() == [1]
    assert store.recommendations()[0].order_state == "closed"


def test_cancelled_order_says_nothing_about_the_component(store: Store, erp: MemoryErp, lake: Lake) -> None:
    erp.set_status(NUMBER, OrderState.CANCELLED)
    report = sync(store, erp, lake, now=T + HOUR)
    assert report.needs_review == []
    row = events(lake).row(0, named=True)
    assert (row["kind"], row["outcome"]) == ("inspection", "cancelled")
    assert store.recommendations()[0].state == "cancelled"


def test_work_in_progress_is_followed_without_an_event(store: Store, erp: MemoryErp, lake: Lake) -> None:
    erp.set_status(NUMBER, OrderState.IN_PROGRESS)
    sync(store, erp, lake, now=T + HOUR)
    assert (store.recommendations()[0].state, events(lake).height) == ("in_progress", 0)


def test_unknown_status_changes_no_state(store: Store, erp: MemoryErp, lake: Lake) -> None:
    erp.set_status(NUMBER, OrderState.UNKNOWN)
    sync(store, erp, lake, now=T + HOUR)
    stored = store.recommendations()[0]
    assert (stored.state, stored.order_state) == ("sent", "unknown")


def test_reopened_order_does_not_open_a_second_recommendation(
    store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock
) -> None:
    close(erp, Outcome.NO_FAULT_FOUND)
    sync(store, erp, lake, now=T + HOUR)
    clock.move_to(T + HOUR)
    erp.set_status(NUMBER, OrderState.IN_PROGRESS)
    sync(store, erp, lake, now=T + 2 * HOUR)
    stored = store.recommendations()[0]
    assert (stored.state, stored.order_state) == ("completed", "in_progress")


def test_orders_of_other_people_are_left_alone(store: Store, erp: MemoryErp, lake: Lake) -> None:
    request = MaintenanceRequest("", "w", "P9", "DE", "L", "", Action.INSPECT, "x", 3, "t", "", T)
    number = erp.create(request).number
    assert number is not None
    erp.set_status(number, OrderState.COMPLETED, outcome=Outcome.CONFIRMED_FAILURE)
    assert sync(store, erp, lake, now=T + HOUR).foreign == 1
    assert events(lake).height == 0


def test_change_that_was_committed_late_is_still_seen(
    store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock
) -> None:
    clock.move_to(T + HOUR)
    erp.set_status(NUMBER, OrderState.IN_PROGRESS)
    sync(store, erp, lake, now=T + HOUR)

    class LateErp(MemoryErp):
        def changes(self, since: dt.datetime) -> list[OrderChange]:
            stamp = T + HOUR - OVERLAP / 2
            late = OrderChange(NUMBER, KEY, "7", OrderState.ON_HOLD, "on_hold", stamp)
            return [late] if since <= stamp else []

    assert sync(store, LateErp(clock), lake, now=T + HOUR).changes == 1


def test_event_is_known_from_the_erp_stamp_but_never_from_our_future(
    store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock
) -> None:
    clock.move_to(T + 300 * HOUR)
    close(erp, Outcome.PREVENTIVE_REPLACEMENT)
    sync(store, erp, lake, now=T + HOUR)
    row = events(lake).row(0, named=True)
    assert row["available_at"] == T + HOUR
    assert lake.read(MAINTENANCE_EVENTS, as_of=T + HOUR).collect().height == 1


def test_stamp_of_the_future_hides_no_later_change(
    store: Store, erp: MemoryErp, lake: Lake, clock: DemoClock
) -> None:
    clock.move_to(T + 300 * HOUR)
    erp.set_status(NUMBER, OrderState.IN_PROGRESS)
    sync(store, erp, lake, now=T + HOUR)
    assert store.changes.watermark("memory") == T + HOUR

    class Steady(MemoryErp):
        def changes(self, since: dt.datetime) -> list[OrderChange]:
            stamp = T + 2 * HOUR
            change = OrderChange("9", "", "9", OrderState.COMPLETED, "TECO", stamp)
            return [change] if since <= stamp else []

    assert sync(store, Steady(clock), lake, now=T + 3 * HOUR).changes == 1


def test_key_of_others_that_is_longer_than_ours_stops_nothing(store: Store, lake: Lake) -> None:
    class Long(MemoryErp):
        def changes(self, since: dt.datetime) -> list[OrderChange]:
            return [OrderChange("9" * 60, f"{KEY}-and-more", "9", OrderState.OPEN, "open", T)]

    assert sync(store, Long(), lake, now=T + HOUR).foreign == 1


def test_shadow_reads_on_where_it_will_write(store: Store, erp: MemoryErp, lake: Lake) -> None:
    """Else every change, and every event of it, would come twice once a site goes live."""
    close(erp, Outcome.PREVENTIVE_REPLACEMENT)
    sync(store, DryRun(erp), lake, now=T + HOUR)
    assert sync(store, erp, lake, now=T + 2 * HOUR).changes == 0
    assert events(lake).height == 1


def test_watermark_never_goes_back(store: Store) -> None:
    store.changes.move_watermark("erp", T)
    store.changes.move_watermark("erp", T - HOUR)
    assert store.changes.watermark("erp") == T


def test_event_key_is_made_of_order_and_change(store: Store, erp: MemoryErp, lake: Lake) -> None:
    close(erp, Outcome.NO_FAULT_FOUND)
    sync(store, erp, lake, now=T + HOUR)
    told = store.changes.told("memory", NUMBER)
    assert told is not None
    assert (told.event_id, told.revision) == (f"{NUMBER}:1", 1)
    assert isinstance(told.outcome, Outcome)
