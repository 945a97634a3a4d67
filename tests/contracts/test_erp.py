"""What every ERP adapter must do, over every stand-in and real peer; a new one joins `tests.standins.vendors`."""

import datetime as dt
from dataclasses import replace

import pytest

from features.core.clock import SystemClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
)
from features.core.statements import Action, order_key
from serving.erp import KINDS, Assets
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from tests.standins.peer import Peer, Vendor
from tests.standins.vendors import VENDORS, vendor

DUE = dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
DONE_AT = dt.datetime(2026, 2, 28, 10, tzinfo=dt.UTC)

_made = iter(range(1, 100_000))


def new_request(world: tuple[Vendor, Peer]) -> MaintenanceRequest:
    """A request with a key that no other test uses, on an asset that the ERP knows."""
    location, equipment = world[0].place
    return MaintenanceRequest(
        key=order_key("works", "P101", "DE-bearing", "bearing", next(_made)),
        site_id="works",
        machine_id="P101",
        slot="DE-bearing",
        functional_location=location,
        equipment_number=equipment,
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace 'bearing' <P101> \"DE\" – Wälz",
        text="It'll fail <soon>; 80 % \N{GREEK SMALL LETTER BETA}\nnext line",
        due=DUE,
        planned_start=DUE,
        part_number="6205",
    )


def created(world: tuple[Vendor, Peer], request: MaintenanceRequest | None = None) -> tuple[WorkOrder, str]:
    order = world[1].orders.create(request or new_request(world))
    assert order.number is not None
    return order, order.number


def newest(peer: Peer, number: str) -> OrderChange:
    return [change for change in peer.orders.changes(LONG_AGO) if change.number == number][-1]


def test_every_registered_kind_has_a_vendor_here() -> None:
    assert {vendor(name).kind for name in VENDORS} == set(KINDS) - {"dry_run"}


def test_check_is_usable_and_one_line_for_a_person(peer: Peer) -> None:
    report = peer.orders.check()
    assert report.line
    assert "\n" not in report.line
    assert report.is_usable, report.findings


def test_check_sees_that_clocks_agree(faulty: Peer) -> None:
    skew = faulty.orders.check().clock_skew_s
    assert skew is None or abs(skew) <= 2


def test_created_order_is_found_by_its_key(world: tuple[Vendor, Peer], peer: Peer) -> None:
    request = new_request(world)
    order, number = created(world, request)
    found = peer.orders.find(request.key)
    assert [(one.number, one.key, one.state) for one in found] == [(number, request.key, OrderState.OPEN)]
    assert order.key == request.key


def test_unknown_key_finds_nothing(peer: Peer) -> None:
    assert peer.orders.find("WC-AAAAAAAAAAAAAAAAA") == []


def test_same_key_twice_is_one_order_where_the_erp_guards_keys(world: tuple[Vendor, Peer], peer: Peer) -> None:
    request = new_request(world)
    created(world, request)
    if peer.orders.capabilities.unique_key:
        again = peer.orders.create(request)
        assert [one.number for one in peer.orders.find(request.key)] == [again.number]
    else:
        created(world, request)
        numbers = [one.number or "" for one in peer.orders.find(request.key)]
        assert len(numbers) == 2
        assert numbers == sorted(numbers)


def test_keys_tells_all_orders_of_ours(world: tuple[Vendor, Peer], peer: Peer) -> None:
    made = {created(world)[1] for _ in range(3)}
    peer.planner.own_order(*world[0].place)
    told = peer.orders.keys("WC-")
    assert made <= {order.number for order in told}
    assert all(order.key.startswith("WC-") for order in told)


def test_title_and_text_arrive_whole(world: tuple[Vendor, Peer], peer: Peer) -> None:
    request = new_request(world)
    held = peer.planner.hold(created(world, request)[1])
    assert held.title.startswith("Replace 'bearing' <P101> \"DE\" – Wälz")
    assert all(part in held.text for part in ("It'll fail <soon>; 80 % β", "next line"))


def test_too_long_texts_are_cut_between_characters(world: tuple[Vendor, Peer], peer: Peer) -> None:
    caps = peer.orders.capabilities
    request = new_request(world)
    long = replace(request, title="ä" * (caps.title_length + 5), text="€" * (caps.text_length + 50))
    held = peer.planner.hold(created(world, long)[1])
    assert held.title.rstrip("…") == "ä" * len(held.title.rstrip("…"))
    assert len(held.title) <= caps.title_length
    assert set(held.text) >= {"€"}
    assert "\ufffd" not in held.title + held.text
    assert [one.key for one in peer.orders.find(request.key)] == [request.key]


def test_every_state_comes_back_and_the_raw_word_with_it(world: tuple[Vendor, Peer], peer: Peer) -> None:
    _, number = created(world)
    for state in world[0].states:
        peer.planner.set_state(number, state, codes={}, completed_at=DONE_AT if state.is_terminal else None)
        change = newest(peer, number)
        assert change.state is state, (state, change)
        assert change.raw_status
        assert change.changed_at.utcoffset() == dt.timedelta(0)
        if state.is_terminal and state is not OrderState.CANCELLED:
            break


def test_unknown_status_is_unknown(world: tuple[Vendor, Peer], peer: Peer) -> None:
    order, number = created(world)
    peer.planner.set_raw_status(number, "ZZ")
    assert [one.state for one in peer.orders.find(order.key)] in ([OrderState.UNKNOWN], [OrderState.OPEN])
    if peer.orders.find(order.key)[0].raw_status.count("ZZ"):
        assert newest(peer, number).state is OrderState.UNKNOWN


def test_codes_of_a_closed_order_come_back(world: tuple[Vendor, Peer], peer: Peer) -> None:
    names = peer.orders.capabilities.outcome_codes
    if not names:
        pytest.skip("this ERP has no codes")
    order, number = created(world)
    state = OrderState.COMPLETED if OrderState.COMPLETED in world[0].states else OrderState.CLOSED
    peer.planner.set_state(number, state, codes=dict.fromkeys(names, "X9"), completed_at=DONE_AT)
    change = newest(peer, number)
    assert (change.key, change.outcome) == (order.key, None)
    told = dict(change.codes) or {names[0]: change.raw_outcome}
    assert {name: told[name].rpartition("/")[2] for name in names} == dict.fromkeys(names, "X9")


def test_time_of_completion_comes_back_in_utc(world: tuple[Vendor, Peer], peer: Peer) -> None:
    _, number = created(world)
    state = OrderState.COMPLETED if OrderState.COMPLETED in world[0].states else OrderState.CLOSED
    peer.planner.set_state(number, state, codes={}, completed_at=DONE_AT)
    told = newest(peer, number).completed_at
    if told is not None:
        assert told.utcoffset() == dt.timedelta(0)
        assert abs(told - DONE_AT) < dt.timedelta(days=1)


def test_changes_come_oldest_first_and_from_the_asked_moment_on(world: tuple[Vendor, Peer], peer: Peer) -> None:
    _, first = created(world)
    peer.planner.set_state(first, world[0].states[1], codes={})
    stamp = newest(peer, first).changed_at
    told = peer.orders.changes(stamp)
    assert first in [change.number for change in told]
    assert all(change.changed_at >= stamp for change in told)
    assert [change.changed_at for change in told] == sorted(change.changed_at for change in told)
    later = SystemClock().now() + dt.timedelta(hours=1)
    assert peer.orders.changes(later) == []


def test_the_same_change_has_the_same_id(world: tuple[Vendor, Peer], peer: Peer) -> None:
    _, number = created(world)
    peer.planner.set_state(number, world[0].states[1], codes={})
    assert newest(peer, number).change_id == newest(peer, number).change_id
    ids = [change.change_id for change in peer.orders.changes(LONG_AGO)]
    assert len(ids) == len(set(ids))


def test_more_orders_changed_in_one_moment_than_a_page_holds(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    assert faulty.standin is not None
    moment = SystemClock().now().replace(microsecond=0) + dt.timedelta(minutes=2)
    faulty.standin.faults(now=moment.isoformat())
    made = {created(world)[1] for _ in range(world[0].more_than_a_page)}
    for number in made:
        faulty.planner.set_state(number, world[0].states[1], codes={})
    assert made <= {change.number for change in faulty.orders.changes(moment)}


def test_note_raises_the_priority_never_lowers_it_and_leaves_the_planners_text(
    world: tuple[Vendor, Peer], peer: Peer
) -> None:
    caps = peer.orders.capabilities
    if not caps.notes:
        pytest.skip("this ERP takes no notes")
    order, number = created(world)
    before = peer.planner.hold(number).priority
    peer.planner.edit(number, "edited by a planner")
    peer.orders.annotate(number, "worse <b>now</b>", 1)
    raised = peer.planner.hold(number)
    peer.orders.annotate(number, "better", 4)
    held = peer.planner.hold(number)
    assert held.title == raised.title == "edited by a planner"
    assert "worse" in held.notes + held.text
    assert held.priority == raised.priority
    assert (raised.priority != before) == caps.priorities
    assert [one.number for one in peer.orders.find(order.key)] == [number]


def test_note_on_an_unknown_order_is_refused_for_good(peer: Peer) -> None:
    if not peer.orders.capabilities.notes:
        pytest.skip("this ERP takes no notes")
    with pytest.raises(OrderRejectedError):
        peer.orders.annotate("99999999", "hello", 1)


def test_cancelled_order_is_over(world: tuple[Vendor, Peer], peer: Peer) -> None:
    order, number = created(world)
    peer.orders.cancel(number, "duplicate of another")
    found = peer.orders.find(order.key)
    assert all(one.state.is_terminal for one in found)


def test_finished_order_is_not_cancelled_afterwards(world: tuple[Vendor, Peer], peer: Peer) -> None:
    order, number = created(world)
    state = OrderState.COMPLETED if OrderState.COMPLETED in world[0].states else OrderState.CLOSED
    peer.planner.set_state(number, state, codes={}, completed_at=DONE_AT)
    before = peer.planner.hold(number)
    peer.orders.cancel(number, "too late")
    assert peer.planner.hold(number).status == before.status
    assert [one.state for one in peer.orders.find(order.key)] == [state]


def test_open_orders_of_an_asset_are_told_whoever_made_them(world: tuple[Vendor, Peer], peer: Peer) -> None:
    if not peer.orders.capabilities.open_orders:
        pytest.skip("this ERP cannot be asked for the orders of an asset")
    assert isinstance(peer.orders, Assets)
    _, mine = created(world)
    theirs = peer.planner.own_order(*world[0].place)
    told = {order.number: order.key for order in peer.orders.open_orders(*world[0].place)}
    assert {mine, theirs} <= set(told)
    assert not told[theirs].startswith("WC-")
    peer.orders.cancel(mine, "enough")
    assert mine not in {order.number for order in peer.orders.open_orders(*world[0].place)}


def test_assets_are_told_for_matching(world: tuple[Vendor, Peer], peer: Peer) -> None:
    if not isinstance(peer.orders, Assets) or not peer.orders.capabilities.open_orders:
        pytest.skip("this ERP does not tell of its assets")
    created(world)
    location, equipment = world[0].place
    told = peer.orders.assets()
    assert any(
        (location and asset.functional_location == location) or (equipment and asset.equipment_number == equipment)
        for asset in told
    )


def test_name_is_the_same_after_a_restart(peer: Peer) -> None:
    assert peer.connect().name == peer.orders.name


def test_wrong_secret_is_a_matter_of_configuration(world: tuple[Vendor, Peer], peer: Peer) -> None:
    if not world[0].wrong_secret:
        pytest.skip("this ERP has no secret")
    with pytest.raises(ConfigError):
        peer.connect(b"wrong").find("WC-AAAAAAAAAAAAAAAAA")


def test_preview_says_what_create_sends(world: tuple[Vendor, Peer], peer: Peer) -> None:
    request = new_request(world)
    shown = peer.orders.preview(request)
    assert request.key in shown.body + shown.url
    before = len(peer.exchanges)
    created(world, request)
    sent = [one for one in peer.exchanges[before:] if one.purpose == "create"]
    if peer.standin is not None:
        assert (shown.method, shown.body) in [(one.method, one.request) for one in sent]


def test_exchanges_are_recorded_without_secrets(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    request = new_request(world)
    created(world, request)
    kept = [one for one in faulty.exchanges if one.key == request.key]
    assert any(one.writes and one.status is not None and one.status < 300 for one in kept)
    assert "a secret for tests" not in repr(faulty.exchanges)


def test_lost_answer_is_ambiguous_and_the_order_is_there(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    assert faulty.standin is not None
    request = new_request(world)
    faulty.standin.faults(lose_answers=1.0)
    with pytest.raises(AmbiguousDeliveryError):
        faulty.orders.create(request)
    faulty.standin.faults()
    if world[0].two_writes:
        assert faulty.orders.find(request.key) == []
        faulty.orders.create(request)
    assert len(faulty.orders.find(request.key)) == 1
    assert [order.key for order in faulty.orders.keys("WC-")].count(request.key) == 1


@pytest.mark.parametrize("fault", ["server_errors", "errors_after"])
def test_server_error_is_ambiguous(world: tuple[Vendor, Peer], faulty: Peer, fault: str) -> None:
    assert faulty.standin is not None
    faulty.standin.faults(**{fault: 1.0})
    with pytest.raises(AmbiguousDeliveryError):
        faulty.orders.create(new_request(world))


def test_too_many_requests_are_surely_not_done_and_say_how_long_to_wait(
    world: tuple[Vendor, Peer], faulty: Peer
) -> None:
    assert faulty.standin is not None
    request = new_request(world)
    faulty.standin.faults(too_many=1.0, retry_after_s=7)
    with pytest.raises(ErpUnavailableError) as caught:
        faulty.orders.create(request)
    assert caught.value.context["retry_after_s"] == 7
    faulty.standin.faults()
    assert faulty.orders.find(request.key) == []


def test_locked_order_is_tried_again_later(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    if not faulty.orders.capabilities.notes:
        pytest.skip("this ERP takes no notes")
    assert faulty.standin is not None
    _, number = created(world)
    faulty.standin.faults(locked=1.0)
    with pytest.raises(ErpUnavailableError):
        faulty.orders.annotate(number, "worse", 1)


def test_outage_changes_nothing_and_is_retriable(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    assert faulty.standin is not None
    faulty.standin.faults(outage=True)
    with pytest.raises(ErpUnavailableError):
        faulty.orders.find("WC-AAAAAAAAAAAAAAAAA")
    with pytest.raises((ErpUnavailableError, AmbiguousDeliveryError)):
        faulty.orders.create(new_request(world))


def test_slow_answer_is_ambiguous_for_a_write(world: tuple[Vendor, Peer], faulty: Peer) -> None:
    assert faulty.standin is not None
    impatient = faulty.connect(timeout_s=1.0)
    impatient.find("WC-AAAAAAAAAAAAAAAAA")
    faulty.standin.faults(slow_s=1.5)
    with pytest.raises((AmbiguousDeliveryError, ErpUnavailableError)):
        impatient.create(new_request(world))
