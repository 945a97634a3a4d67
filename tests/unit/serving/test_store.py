import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from features.core.errors import ConfigError, RequestRejectedError
from features.core.statements import Action, Evidence, Recommendation, Rung, order_key
from serving.orders import MaintenanceRequest, OrderState, RecommendationState, WorkOrder
from serving.store import OutboxItem, Store, StoredRecommendation
from serving.store.schema import OPEN_CONDITION, metadata

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
LEASE = dt.timedelta(seconds=60)


def recommendation_of(machine_id: str = "P101", priority: int = 2) -> Recommendation:
    return Recommendation(
        machine_id=machine_id,
        slot="DE-bearing",
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=priority,
        reason="It will probably fail.",
        as_of=T,
        due=T + dt.timedelta(days=1),
        window_id="saturday",
        window_start=T + dt.timedelta(days=1),
        part_number="6205",
        cost_of_waiting=1200.0,
        currency="EUR",
        rung=Rung.CALIBRATED_RUL,
        p10_at=T + dt.timedelta(days=5),
        evidence=(Evidence("vibration_h.rms_m_s2", 9.0, None, "m/s^2", 0.4),),
    )


def request_of(recommendation: Recommendation, episode: int = 1) -> MaintenanceRequest:
    machine_id = recommendation.machine_id
    return MaintenanceRequest(
        key=order_key("works", machine_id, "DE-bearing", "bearing", episode),
        site_id="works",
        machine_id=machine_id,
        slot="DE-bearing",
        functional_location="",
        equipment_number="",
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=recommendation.priority,
        title="Replace bearing",
        text=recommendation.reason,
        due=recommendation.due,
    )


def proposed(store: Store, machine_id: str = "P101", episode: int = 1) -> StoredRecommendation:
    recommendation = recommendation_of(machine_id)
    stored = store.propose(recommendation, request_of(recommendation, episode), episode=episode, now=T)
    assert stored is not None
    return stored


def claimed(store: Store, owner: str = "a", wall: dt.datetime = T) -> OutboxItem:
    item = store.deliveries.claim(owner, wall=wall, lease=LEASE, now=T)
    assert item is not None
    return item


def test_recommendation_comes_back_as_it_was_stored(store: Store) -> None:
    assert proposed(store).recommendation == recommendation_of()


def test_second_open_recommendation_of_a_failure_mode_is_not_stored(store: Store) -> None:
    proposed(store)
    recommendation = recommendation_of()
    assert store.propose(recommendation, request_of(recommendation, 2), episode=2, now=T) is None
    assert len(store.recommendations()) == 1


def test_database_itself_refuses_a_second_open_one(store: Store, tmp_path: Path) -> None:
    proposed(store)
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    copy = (
        "INSERT INTO recommendations SELECT NULL, 'other', site_id, machine_id, slot, failure_mode, 2, state, "
        "detail, document, request, updates, order_number, order_state, raw_status, created_at, updated_at, "
        "decided_by, decided_at, NULL, NULL, NULL, NULL FROM recommendations"
    )
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(copy))
    engine.dispose()


def test_next_episode_is_stored_once_the_former_is_over(store: Store) -> None:
    store.reject(proposed(store).id, "planner", T, "machine is scrapped")
    assert proposed(store, episode=2).state == "proposed"


def test_approval_queues_in_one_step_and_names_the_person(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    assert (stored.state, stored.decided_by, stored.decided_at) == ("queued", "planner", T)
    assert store.deliveries.counts() == {"queued": 1}


def test_approving_again_changes_nothing(store: Store) -> None:
    first = store.approve(proposed(store).id, "planner", T)
    assert store.approve(first.id, "other", T + LEASE) == first
    assert store.deliveries.counts() == {"queued": 1}


def test_approval_of_the_unknown_or_rejected_is_refused(store: Store) -> None:
    with pytest.raises(RequestRejectedError) as unknown:
        store.approve(99, "planner", T)
    assert unknown.value.context["reason"] == "not_found"
    stored = store.reject(proposed(store).id, "planner", T, "no")
    with pytest.raises(RequestRejectedError) as conflict:
        store.approve(stored.id, "planner", T)
    assert conflict.value.context["reason"] == "conflict"


def test_rejection_needs_a_reason(store: Store) -> None:
    with pytest.raises(RequestRejectedError, match="reason"):
        store.reject(proposed(store).id, "planner", T, "  ")


def test_what_is_under_way_cannot_be_rejected(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    with pytest.raises(RequestRejectedError, match="queued"):
        store.reject(stored.id, "planner", T, "too late")


def test_filter_by_state_and_machine(store: Store) -> None:
    proposed(store, "P101")
    store.approve(proposed(store, "P102").id, "planner", T)
    assert [r.recommendation.machine_id for r in store.recommendations("proposed")] == ["P101"]
    assert [r.state for r in store.recommendations(machine_id="P102")] == ["queued"]
    assert len(store.recommendations([RecommendationState.PROPOSED, "queued"])) == 2


def test_claimed_item_is_not_claimed_again_until_its_lease_ends(store: Store) -> None:
    store.approve(proposed(store).id, "planner", T)
    first = claimed(store, "a")
    assert not first.is_ambiguous
    assert store.deliveries.claim("b", wall=T + LEASE / 2, lease=LEASE, now=T) is None
    taken = claimed(store, "b", T + LEASE)
    assert taken.is_ambiguous


def test_sender_that_lost_its_lease_writes_nothing(store: Store) -> None:
    store.approve(proposed(store).id, "planner", T)
    slow = claimed(store, "slow")
    fast = claimed(store, "fast", T + LEASE)
    order = WorkOrder(slow.key, "4000000001", OrderState.OPEN, "open")
    assert not store.deliveries.renew(slow, wall=T + LEASE, lease=LEASE)
    assert not store.deliveries.delivered(slow, replace(order, number="4000000009"), now=T)
    assert not store.deliveries.given_up(slow, error="", now=T)
    assert store.deliveries.delivered(fast, order, now=T)
    assert store.recommendations("sent")[0].order_number == "4000000001"


def test_revision_before_sending_writes_no_note(store: Store) -> None:
    stored = proposed(store)
    worse = recommendation_of(priority=1)
    assert store.revise(stored.id, worse, request_of(worse), now=T).recommendation == worse
    assert store.deliveries.counts() == {}


def test_revision_after_sending_is_a_note_on_the_same_order(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    item = claimed(store)
    store.deliveries.delivered(item, WorkOrder(item.key, "4000000001", OrderState.OPEN), now=T)
    worse = recommendation_of(priority=1)
    store.revise(stored.id, worse, request_of(worse), now=T)
    note = claimed(store)
    assert (note.kind, note.key, note.order_number) == ("note", item.key, "4000000001")


def test_note_waits_for_the_number_of_its_order(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    store.revise(stored.id, recommendation_of(priority=1), request_of(recommendation_of()), now=T)
    assert claimed(store).kind == "create"
    assert store.deliveries.claim("b", wall=T, lease=LEASE, now=T) is None


def test_given_up_item_comes_back_in_doubt(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    store.deliveries.given_up(claimed(store), error="rejected", now=T)
    assert store.recommendation(stored.id).state == "dead_letter"
    assert store.requeue(stored.id, "planner", T).state == "queued"
    assert claimed(store).is_ambiguous
    assert sum(store.deliveries.counts().values()) == 1


def test_move_is_refused_when_somebody_was_faster(store: Store) -> None:
    stored = proposed(store)
    store.approve(stored.id, "planner", T)
    with pytest.raises(RequestRejectedError):
        store.move(
            stored.id, RecommendationState.CANCELLED, expected="proposed", detail="", now=T, actor="planning"
        )


def test_every_step_is_in_the_audit_and_the_chain_is_intact(store: Store) -> None:
    stored = store.approve(proposed(store).id, "planner", T)
    store.audit("person", "sign_in", "person", {"from": "127.0.0.1"}, T)
    actions = [row.action for row in reversed(store.audit_rows(subject=stored.key))]
    assert actions == ["recommendation.proposed", "recommendation.approved", "recommendation.queued"]
    assert store.verify_audit().intact


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'nobody' WHERE id = 2",
        "UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 1",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit WHERE id = 3",
    ],
)
def test_changed_or_removed_audit_row_is_noticed(store: Store, tmp_path: Path, tampering: str) -> None:
    store.approve(proposed(store).id, "planner", T)
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.begin() as connection:
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_no_{verb}"))
        connection.execute(text(tampering))
    engine.dispose()
    assert not store.verify_audit().intact


@pytest.mark.parametrize("tampering", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_database_refuses_to_change_the_audit(store: Store, tmp_path: Path, tampering: str) -> None:
    proposed(store)
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text(tampering))
    engine.dispose()


def test_writers_of_the_audit_queue_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    first = Store(url)
    first.migrate()

    def write(number: int) -> None:
        mine = Store(url)
        for step in range(5):
            mine.audit(f"writer-{number}", "step", str(step), {}, T)
        mine.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert (first.verify_audit().intact, first.verify_audit().rows) == (True, 20)
    first.close()


def test_migration_makes_the_tables_that_the_code_expects(store: Store, tmp_path: Path) -> None:
    migrated, declared = create_engine(f"sqlite:///{tmp_path}/store.db"), create_engine("sqlite://")
    metadata.create_all(declared)
    found, expected = inspect(migrated), inspect(declared)
    assert set(found.get_table_names()) == {*expected.get_table_names(), "alembic_version"}
    for name in expected.get_table_names():
        columns = [(c["name"], str(c["type"]), c["nullable"]) for c in expected.get_columns(name)]
        assert [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)] == columns
        assert {i["name"] for i in found.get_indexes(name)} == {i["name"] for i in expected.get_indexes(name)}
    migrated.dispose()
    declared.dispose()


def test_open_condition_and_states_agree() -> None:
    closed = {state.value for state in RecommendationState if state.is_terminal}
    assert closed == {word for word in ("completed", "cancelled", "rejected") if f"'{word}'" in OPEN_CONDITION}


def test_store_without_tables_says_what_to_do(tmp_path: Path) -> None:
    empty = Store(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(ConfigError, match="migrate"):
        empty.recommendations()
    empty.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name"])
def test_unsupported_store_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        Store(url)


def test_store_error_does_not_show_the_password() -> None:
    with pytest.raises(ConfigError) as error:
        Store("mysql://user:hush@host/name")
    assert "hush" not in str(error.value)


def test_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="no time zone"):
        store.approve(proposed(store).id, "planner", dt.datetime(2026, 1, 1))  # noqa: DTZ001
    assert store.recommendations()[0].state == "proposed"
