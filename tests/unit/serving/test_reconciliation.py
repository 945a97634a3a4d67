import datetime as dt
from pathlib import Path

import pytest

from features.core.errors import AmbiguousDeliveryError, ConfigError, OrderRejectedError, UnfitError
from features.core.lake import Lake
from features.core.plant import Machine
from features.core.statements import Action, EventKind, Outcome, Recommendation, Rung, order_key
from features.core.tables import MAINTENANCE_EVENTS
from serving.erp.dry_run import DryRun
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.outbox import deliver
from serving.outbox.proof import proof_request, prove
from serving.settings import ErpSettings
from serving.store import IncidentKind, Store
from serving.sync import OutcomeMaps, read_outcome_maps, reconcile, sync
from serving.sync.outcomes import OutcomeMap

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def sent(store: Store, erp: MemoryErp, machine: str = "P101") -> str:
    """A recommendation whose order is in the ERP; its key."""
    key = order_key("works", machine, "DE", "bearing", 1)
    recommendation = Recommendation(
        machine_id=machine,
        slot="DE",
        failure_mode="bearing",
        action=Action.REPLACE,
        priority=2,
        reason="wear",
        due=T + 48 * HOUR,
        window_id=None,
        window_start=None,
        part_number=None,
        cost_of_waiting=None,
        currency="EUR",
        p10_at=T + 50 * HOUR,
        p50_at=None,
        p90_at=None,
        rung=Rung.CALIBRATED_RUL,
        as_of=T,
        assumption="",
        model_version="1",
    )
    stored = store.propose(recommendation, request_of(key, machine), episode=1, now=T)
    assert stored is not None
    store.approve(stored.id, "planner", T)
    deliver(store, erp, now=T)
    return key


def request_of(key: str, machine: str = "P101") -> MaintenanceRequest:
    return MaintenanceRequest(
        key=key,
        site_id="works",
        machine_id=machine,
        slot="DE",
        functional_location=f"W1-{machine}",
        equipment_number="",
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace",
        text="wear",
        due=T,
    )


def state(store: Store) -> str:
    return store.recommendations()[0].state


def test_two_sides_that_agree_are_clean(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    sent(store, erp)
    report = reconcile(store, erp, lake, now=T + HOUR)
    assert (report.is_clean, report.orders, store.incidents.unclosed()) == (True, 1, [])


def test_second_order_of_a_key_is_cancelled_and_told(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    late = erp.create(request_of(key)).number
    report = reconcile(store, erp, lake, now=T + HOUR)
    assert (report.twice, report.cancelled) == ([key], [late])
    assert [order.state for order in erp.find(key)] == [OrderState.OPEN, OrderState.CANCELLED]
    assert "incident.twice" in [row.action for row in store.audit_rows(subject=key)]
    assert reconcile(store, erp, lake, now=T + 2 * HOUR).is_clean
    sync(store, erp, lake, now=T + 2 * HOUR)
    assert (state(store), store.recommendations()[0].order_number) == ("sent", "4000000001")
    assert lake.read(MAINTENANCE_EVENTS).collect().height == 0


def test_order_that_a_planner_works_on_stays_though_it_is_the_second(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    second = str(erp.create(request_of(key)).number)
    erp.set_status(second, OrderState.IN_PROGRESS)
    assert reconcile(store, erp, lake, now=T + HOUR).cancelled == ["4000000001"]
    assert store.recommendations()[0].order_number == second


def test_duplicate_that_the_erp_keeps_stays_an_incident_and_stops_nothing(store: Store, lake: Lake) -> None:
    class Keeping(MemoryErp):
        def cancel(self, number: str, note: str) -> None:
            if number == "4000000003":
                raise OrderRejectedError("a planner has made an order from it")
            super().cancel(number, note)

    erp = Keeping()
    keys = [sent(store, erp, machine) for machine in ("P101", "P102")]
    for key, machine in zip(keys, ("P101", "P102"), strict=True):
        erp.create(request_of(key, machine))
    report = reconcile(store, erp, lake, now=T + HOUR)
    assert (sorted(report.twice), report.cancelled) == (sorted(keys), ["4000000004"])
    assert [one.subject for one in store.incidents.unclosed(IncidentKind.TWICE)] == [keys[0]]


def test_duplicates_are_only_told_where_nothing_may_be_written(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    erp.create(request_of(key))
    report = reconcile(store, erp, lake, now=T + HOUR, writes_for=lambda _site: False)
    assert (report.twice, report.cancelled) == ([key], [])
    assert [one.kind for one in store.incidents.unclosed()] == [IncidentKind.TWICE]


def test_order_that_is_gone_waits_for_a_person_and_can_be_sent_again(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    empty = MemoryErp()
    assert reconcile(store, empty, lake, now=T).missing == []
    assert reconcile(store, empty, lake, now=T + HOUR).missing == [key]
    assert (state(store), len(store.incidents.unclosed(IncidentKind.MISSING))) == ("dead_letter", 1)
    assert reconcile(store, empty, lake, now=T + 2 * HOUR).missing == []
    store.requeue(1, "planner", T + 2 * HOUR)
    wall = T + dt.timedelta(days=3650)
    for minute in range(5):
        deliver(store, empty, now=T + 3 * HOUR, wall=_Wall(wall + minute * HOUR))
    assert (state(store), len(empty.orders)) == ("sent", 1)


class _Wall:
    def __init__(self, now: dt.datetime) -> None:
        self._now = now

    def now(self) -> dt.datetime:
        return self._now


def test_key_that_nobody_knows_is_told_once(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    erp.create(request_of("WC-AAAAAAAAAAAAAAAAA"))
    erp.create(request_of("WT-AAAAAAAAAAAAAAAAA"))
    for hour in range(2):
        report = reconcile(store, erp, lake, now=T + hour * HOUR)
    assert report.orphans == ["WC-AAAAAAAAAAAAAAAAA"]
    assert len(store.incidents.unclosed(IncidentKind.ORPHAN)) == 1


def test_order_closed_unseen_is_read_back(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    key = sent(store, erp)
    erp.set_status("4000000001", OrderState.COMPLETED, outcome=Outcome.INCIPIENT_FAULT, completed_at=T + HOUR)
    store.changes.move_watermark("memory", dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
    assert reconcile(store, erp, lake, now=T + 2 * HOUR).closed == [key]
    assert state(store) == "completed"
    (event,) = lake.read(MAINTENANCE_EVENTS).collect().iter_rows(named=True)
    assert (event["outcome"], event["kind"]) == ("incipient_fault", "replacement")


def change(**codes: str) -> OrderChange:
    return OrderChange("1", "WC-A", "1", OrderState.COMPLETED, "TECO", T, codes=codes)


RULES = OutcomeMap.model_validate(
    {
        "rules": [
            {"when": {"activity": "repl*", "damage": ["WEAR", "CRACK"]}, "outcome": "incipient_fault"},
            {"when": {"damage": "BRG-OR"}, "failure_mode": "outer_race"},
            {"when": {"activity": "repl*"}, "outcome": "preventive_replacement"},
        ]
    }
)


@pytest.mark.parametrize(
    ("codes", "outcome", "mode"),
    [
        ({"activity": "REPL01", "damage": "WEAR"}, Outcome.INCIPIENT_FAULT, None),
        ({"activity": "REPL01", "damage": "BRG-OR"}, Outcome.PREVENTIVE_REPLACEMENT, "outer_race"),
        ({"activity": "REPL01"}, Outcome.PREVENTIVE_REPLACEMENT, None),
        ({"damage": "WEAR"}, None, None),
        ({}, None, None),
    ],
)
def test_first_rule_that_fits_decides(codes: dict[str, str], outcome: Outcome | None, mode: str | None) -> None:
    read = RULES.read(change(**codes))
    assert (read.outcome, read.failure_mode) == (outcome, mode)


def test_unmapped_codes_are_kept_for_review() -> None:
    assert RULES.read(change(damage="ZZ", cause="Q")).raw_outcome == "cause=Q; damage=ZZ"


def test_unmapped_order_goes_to_review_and_a_mapped_one_is_an_event(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    sent(store, erp)
    erp.set_status("4000000001", OrderState.COMPLETED, raw_outcome="X9")
    report = sync(store, erp, lake, now=T + HOUR, outcomes=OutcomeMaps(RULES))
    assert (report.needs_review, len(store.changes.to_review())) == (["4000000001"], 1)


def test_breakdown_ends_the_life_when_it_broke(store: Store, lake: Lake) -> None:
    erp = MemoryErp()
    sent(store, erp)
    rules = {"rules": [{"when": {"outcome": "BD"}, "outcome": "confirmed_failure"}]}
    broke = T + HOUR

    class Telling(MemoryErp):
        def changes(self, since: dt.datetime) -> list[OrderChange]:
            key = store.recommendations()[0].key
            return [
                OrderChange(
                    "4000000001", key, "9", OrderState.CLOSED, "CLSD", T + 9 * HOUR, T + 8 * HOUR,
                    raw_outcome="BD", malfunction_at=broke,
                )
            ]  # fmt: skip

    sync(store, Telling(), lake, now=T + 10 * HOUR, outcomes=OutcomeMaps(OutcomeMap.model_validate(rules)))
    event, part = lake.read(MAINTENANCE_EVENTS).sort("source_event_id").collect().iter_rows(named=True)
    assert (part["kind"], part["occurred_at"]) == ("installation", T + 8 * HOUR)
    assert (event["kind"], event["occurred_at"]) == (EventKind.FAILURE.value, broke)


def test_each_site_has_its_own_codes(tmp_path: Path) -> None:
    file = tmp_path / "mill.yaml"
    file.write_text("rules: [{when: {cause: A}, outcome: no_fault_found}]")
    settings = ErpSettings.model_validate({"sites": {"mill": {"outcomes": str(file)}}})
    maps = read_outcome_maps(settings)
    assert maps.read(change(cause="A"), "mill").outcome is Outcome.NO_FAULT_FOUND
    assert maps.read(change(cause="A"), "works").outcome is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [{when: {cause: A}, outcome: maybe}]", "rules.0.outcome"),
        ("rules: [{when: {cause: A}}]", "needs an outcome"),
        ("rules: [{outcome: cancelled}]", "rules.0.when"),
        ("rules: [", "not YAML"),
    ],
)
def test_wrong_outcome_map_names_file_and_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "outcomes.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        read_outcome_maps(ErpSettings(outcomes=file))
    assert "outcomes.yaml" in str(caught.value)


def test_missing_outcome_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_outcome_maps(ErpSettings(outcomes=tmp_path / "none.yaml"))


def test_proof_makes_finds_notes_and_cancels(store: Store) -> None:
    erp = MemoryErp()
    request = request_of("WT-BBBBBBBBBBBBBBBBB")
    assert [step.name for step in prove(erp, request)] == ["create", "find", "annotate", "cancel"]
    assert [order.state for order in erp.orders] == [OrderState.CANCELLED]


def test_proof_in_a_dry_run_says_so() -> None:
    with pytest.raises(UnfitError, match="dry run"):
        list(prove(DryRun(), request_of("WT-BBBBBBBBBBBBBBBBB")))


def test_proof_that_fails_cancels_what_it_made_and_says_so() -> None:
    class Blind(MemoryErp):
        def find(self, key: str) -> list[WorkOrder]:
            return []

    erp = Blind()
    with pytest.raises(UnfitError, match="nothing remains open") as caught:
        list(prove(erp, request_of("WT-BBBBBBBBBBBBBBBBB")))
    assert [order.state for order in erp.orders] == [OrderState.CANCELLED]
    assert caught.value.context["remains"] == []


def test_proof_that_cannot_clean_up_names_what_remains() -> None:
    class Stubborn(MemoryErp):
        def cancel(self, number: str, note: str) -> None:
            raise ConfigError("no right to cancel")

    with pytest.raises(ConfigError, match="order 4000000001 remains") as caught:
        list(prove(Stubborn(), request_of("WT-BBBBBBBBBBBBBBBBB")))
    assert caught.value.context["remains"] == ["4000000001"]


def test_proof_whose_answer_is_lost_goes_on_with_the_order_it_finds() -> None:
    class Lossy(MemoryErp):
        def create(self, request: MaintenanceRequest) -> WorkOrder:
            super().create(request)
            raise AmbiguousDeliveryError("the answer was lost")

    first, *rest = prove(Lossy(), request_of("WT-BBBBBBBBBBBBBBBBB"), keep=True)
    assert "4000000001 was found" in first.says
    assert [(step.name, step.remains) for step in rest][-1] == ("keep", "4000000001")


def test_proof_request_is_seen_to_be_a_test() -> None:
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    parts = {"components": [{"slot": "DE", "component_class": "bearing"}], "measuring_points": [point]}
    request = proof_request(
        Machine.model_validate({"id": "P101"} | parts), "works", ("W1", "42"), target="request", now=T
    )
    assert request.title.startswith("TEST")
    assert (len(request.key), request.key[:3], request.equipment_number) == (20, "WT-", "42")


def test_proof_does_not_try_a_refused_user_again() -> None:
    class Refused(MemoryErp):
        def create(self, request: MaintenanceRequest) -> WorkOrder:
            raise ConfigError("the ERP refuses our user", {"status": 401})

        def keys(self, prefix: str) -> list[WorkOrder]:
            raise AssertionError("asked again")

    with pytest.raises(ConfigError, match="look for WT-") as caught:
        list(prove(Refused(), request_of("WT-BBBBBBBBBBBBBBBBB")))
    assert caught.value.context["remains"] is None
