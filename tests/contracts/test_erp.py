"""What every ERP adapter must do. A new adapter joins with one line in `ADAPTERS`."""

import datetime as dt
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from features.core.clock import Clock, DemoClock, SystemClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from features.core.statements import Action, Outcome, order_key
from serving.erp import KINDS, Assets, Orders, open_erp
from serving.erp.dry_run import DryRun
from serving.erp.memory import MemoryErp
from serving.erp.secrets import read_secret
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign
from serving.erp.webhook import Webhook
from serving.orders import MaintenanceRequest, OrderState, WorkOrder
from serving.settings import ErpSettings

SECRET = b"a secret for tests"
DUE = dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


# Made once: making one takes longer than a request.
TLS = ssl.create_default_context()
Connect = Callable[..., Webhook]


@dataclass
class Bench:
    """An adapter, and the other side of it: what a craftsman does in the ERP."""

    orders: Orders
    set_status: Callable[[str, str, str | None], None]


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[str]:
    """A sandbox ERP in a process of its own; gives its URL."""
    secret, port_file = folder / "secret", folder / "port"
    secret.touch(mode=0o600)
    secret.write_bytes(SECRET)
    command = [sys.executable, "-m", "serving", "sandbox-erp", "--port", "0", "--database", str(folder / "erp.db")]
    process = subprocess.Popen(
        [*command, "--secret-file", str(secret), "--port-file", str(port_file), *options],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 40
        while not port_file.exists():
            assert process.poll() is None, "the sandbox ERP ended"
            assert time.monotonic() < deadline, "the sandbox ERP did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text()}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def post(url: str, path: str, document: object, *, secret: bytes = SECRET, age_s: int = 0) -> httpx.Response:
    body, timestamp = json.dumps(document).encode(), int(time.time()) - age_s
    signature = sign(secret, method="POST", path=path, timestamp=timestamp, body=body)
    headers = {HEADER: signature, TIMESTAMP_HEADER: str(timestamp), "Content-Type": "application/json"}
    return httpx.post(url + path, content=body, headers=headers, trust_env=False, verify=TLS)


def memory_bench(_url: str) -> Bench:
    erp = MemoryErp()

    def set_status(number: str, status: str, outcome: str | None) -> None:
        known = next((one for one in Outcome if one == outcome), None)
        erp.set_status(number, OrderState(status), outcome=known, raw_outcome=outcome or "")

    return Bench(erp, set_status)


def webhook_bench(url: str) -> Bench:
    def set_status(number: str, status: str, outcome: str | None) -> None:
        document = {"status": status, "outcome": outcome, "completed_at": "2026-02-28T11:00:00+01:00"}
        post(url, f"/orders/{number}/status", document).raise_for_status()

    return Bench(Webhook(url, SECRET), set_status)


ADAPTERS: dict[str, Callable[[str], Bench]] = {"memory": memory_bench, "webhook": webhook_bench}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox(tmp_path_factory.mktemp("erp")) as address:
        yield address


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes webhook adapters and closes them at the end."""
    made: list[Webhook] = []

    def connect(address: str, secret: bytes = SECRET, clock: Clock | None = None) -> Webhook:
        made.append(Webhook(address, secret, clock=clock))
        return made[-1]

    yield connect
    for erp in made:
        erp.close()


@pytest.fixture(params=list(ADAPTERS))
def bench(request: pytest.FixtureRequest, url: str) -> Iterator[Bench]:
    made = ADAPTERS[request.param](url)
    yield made
    if isinstance(made.orders, Webhook):
        made.orders.close()


_made = iter(range(1, 10_000))


def new_request() -> MaintenanceRequest:
    """A request with a key that no other test uses."""
    episode = next(_made)
    return MaintenanceRequest(
        key=order_key("works", "P101", "DE-bearing", "bearing", episode),
        site_id="works",
        machine_id="P101",
        slot="DE-bearing",
        functional_location=f"W1-P101-{episode}",
        equipment_number="100042",
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace 'bearing' <P101> \"DE\" – Wälz",
        text="It'll fail <soon>; 80 % \N{GREEK SMALL LETTER BETA}\nnext line",
        due=DUE,
        planned_start=DUE,
        part_number="6205",
    )


def created(bench: Bench, request: MaintenanceRequest | None = None) -> WorkOrder:
    order = bench.orders.create(request or new_request())
    assert order.number is not None
    return order


def test_check_is_one_line_for_a_person(bench: Bench) -> None:
    line = bench.orders.check().line
    assert line
    assert "\n" not in line


def test_created_order_is_found_by_its_key(bench: Bench) -> None:
    request = new_request()
    order = created(bench, request)
    assert bench.orders.find(request.key) == [order]
    assert (order.state, order.text) == (OrderState.OPEN, request.text)


def test_unknown_key_finds_nothing(bench: Bench) -> None:
    assert bench.orders.find("WC-AAAAAAAAAAAAAAAAA") == []


def test_find_gives_all_orders_of_a_key_lowest_number_first(bench: Bench) -> None:
    request = new_request()
    numbers = [created(bench, request).number, created(bench, request).number]
    assert [order.number for order in bench.orders.find(request.key)] == sorted(str(n) for n in numbers)


def test_order_numbers_have_ten_digits(bench: Bench) -> None:
    number = created(bench).number or ""
    assert len(number) == 10
    assert int(number) > 4_000_000_000


def test_status_change_comes_back_with_key_and_outcome(bench: Bench) -> None:
    order = created(bench)
    bench.set_status(order.number or "", "completed", "preventive_replacement")
    change = bench.orders.changes(LONG_AGO)[-1]
    assert (change.number, change.key) == (order.number, order.key)
    assert (change.state, change.outcome) == (OrderState.COMPLETED, Outcome.PREVENTIVE_REPLACEMENT)
    assert change.changed_at.utcoffset() == dt.timedelta(0)


def test_unknown_outcome_is_kept_raw_and_never_guessed(bench: Bench) -> None:
    order = created(bench)
    bench.set_status(order.number or "", "completed", "ZX-99")
    change = bench.orders.changes(LONG_AGO)[-1]
    assert (change.outcome, change.raw_outcome) == (None, "ZX-99")


def test_changes_have_ids_of_their_own_and_come_oldest_first(bench: Bench) -> None:
    order = created(bench)
    for status in ("planned", "in_progress", "completed"):
        bench.set_status(order.number or "", status, None)
    mine = [change for change in bench.orders.changes(LONG_AGO) if change.number == order.number]
    assert [change.state for change in mine] == ["planned", "in_progress", "completed"]
    assert len({change.change_id for change in mine}) == 3


def test_changes_before_the_asked_moment_are_left_out(bench: Bench) -> None:
    order = created(bench)
    bench.set_status(order.number or "", "planned", None)
    stamp = bench.orders.changes(LONG_AGO)[-1].changed_at
    assert bench.orders.changes(stamp)[-1].number == order.number
    assert bench.orders.changes(stamp + dt.timedelta(seconds=1)) == []


def test_note_raises_the_priority_and_never_lowers_it(bench: Bench) -> None:
    order = created(bench)
    bench.orders.annotate(order.number or "", "worse", 1)
    bench.orders.annotate(order.number or "", "better", 5)
    assert bench.orders.find(order.key) == [order]


def test_note_on_an_unknown_order_is_refused_for_good(bench: Bench) -> None:
    with pytest.raises(OrderRejectedError):
        bench.orders.annotate("4999999999", "hello", 1)


def test_open_orders_of_a_location_are_told_whoever_made_them(bench: Bench) -> None:
    assert isinstance(bench.orders, Assets)
    request = new_request()
    mine, theirs = created(bench, request), created(bench, replace(request, key=""))
    assert bench.orders.open_orders(request.functional_location) == [mine, theirs]
    bench.set_status(theirs.number or "", "completed", None)
    assert bench.orders.open_orders(request.functional_location) == [mine]
    assert request.functional_location in [asset.functional_location for asset in bench.orders.assets()]


def test_name_is_the_same_after_a_restart(bench: Bench, url: str, request: pytest.FixtureRequest) -> None:
    again = ADAPTERS[request.node.callspec.params["bench"]](url).orders
    assert again.name == bench.orders.name
    if isinstance(again, Webhook):
        again.close()


def test_more_changes_than_one_page_all_come(bench: Bench) -> None:
    order = created(bench)
    for _ in range(55):
        bench.set_status(order.number or "", "planned", None)
    mine = [change for change in bench.orders.changes(LONG_AGO) if change.number == order.number]
    assert len(mine) == 55


def test_title_that_is_too_long_is_refused_for_good(url: str, connect: Connect) -> None:
    with pytest.raises(OrderRejectedError, match="title"):
        connect(url).create(replace(new_request(), title="x" * 41))


def test_wrong_secret_is_a_matter_of_configuration(url: str, connect: Connect) -> None:
    with pytest.raises(ConfigError, match="signature"):
        connect(url, b"wrong").check()


def test_request_of_ten_minutes_ago_is_refused(url: str, connect: Connect) -> None:
    clock = DemoClock(SystemClock().now() - dt.timedelta(minutes=10))
    with pytest.raises(ConfigError, match="old"):
        connect(url, clock=clock).check()
    assert post(url, "/orders", {"title": "x", "priority": 1}, age_s=600).status_code == 401


@pytest.mark.parametrize("path", ["/orders", "/orders/4000000001/status", "/orders/4000000001/notes"])
def test_unsigned_writes_are_refused(url: str, path: str) -> None:
    assert httpx.post(url + path, json={}, trust_env=False).status_code == 401


@pytest.mark.parametrize("path", ["/orders", "/health", "/assets"])
def test_unsigned_reads_are_refused(url: str, path: str) -> None:
    assert httpx.get(url + path, trust_env=False).status_code == 401


def test_signature_covers_the_query(url: str) -> None:
    stamp = int(time.time())
    signature = sign(SECRET, method="GET", path="/orders?key=A", timestamp=stamp, body=b"")
    headers = {HEADER: signature, TIMESTAMP_HEADER: str(stamp)}
    assert httpx.get(f"{url}/orders?key=A", headers=headers, trust_env=False).status_code == 200
    assert httpx.get(f"{url}/orders?key=B", headers=headers, trust_env=False).status_code == 401


def test_page_shows_orders_escaped_and_loads_nothing_from_elsewhere(url: str, connect: Connect) -> None:
    order = connect(url).create(new_request())
    page = httpx.get(url + "/", trust_env=False).text
    assert order.number is not None
    assert order.number in page
    assert "&lt;P101&gt;" in page
    assert "<P101>" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_lost_answer_is_ambiguous_and_the_order_is_there(tmp_path: Path, connect: Connect) -> None:
    with sandbox(tmp_path, "--lose-answers", "1") as address:
        erp, request = connect(address), new_request()
        with pytest.raises(AmbiguousDeliveryError):
            erp.create(request)
        assert len(erp.find(request.key)) == 1


def answering(answer: httpx.Response | Exception) -> Webhook:
    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Webhook("http://127.0.0.1:9", SECRET, transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500), AmbiguousDeliveryError),
        (httpx.Response(503, headers={"Retry-After": "5"}), AmbiguousDeliveryError),
        (httpx.Response(408), AmbiguousDeliveryError),
        (httpx.Response(201, text="<html>"), AmbiguousDeliveryError),
        (httpx.Response(201, json={"no": "number"}), AmbiguousDeliveryError),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), AmbiguousDeliveryError),
        (httpx.ReadTimeout("slow"), AmbiguousDeliveryError),
        (httpx.RemoteProtocolError("cut"), AmbiguousDeliveryError),
        (httpx.ConnectError("refused"), ErpUnavailableError),
        (httpx.Response(429), ErpUnavailableError),
        (httpx.Response(401), ConfigError),
        (httpx.Response(403), ConfigError),
        (httpx.Response(400), OrderRejectedError),
        (httpx.Response(422), OrderRejectedError),
    ],
)
def test_answers_to_a_create_are_translated_at_the_edge(
    answer: httpx.Response | Exception, error: type[WearcastError]
) -> None:
    with pytest.raises(error):
        answering(answer).create(new_request())


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(200, text="?")])
def test_question_without_an_answer_is_never_ambiguous(answer: httpx.Response | Exception) -> None:
    with pytest.raises(ErpUnavailableError):
        answering(answer).find("WC-A")


def test_dry_run_writes_nothing_and_finds_nothing() -> None:
    erp, request = DryRun(), new_request()
    assert erp.create(request).number is None
    erp.annotate("1", "note", 1)
    assert (erp.find(request.key), erp.changes(LONG_AGO)) == ([], [])
    assert "dry run" in erp.check().line


def test_shadow_reads_the_erp_behind_and_writes_nothing() -> None:
    behind, request = MemoryErp(), new_request()
    shadow = DryRun(behind)
    shadow.create(request)
    assert behind.orders == []
    behind.create(request)
    assert shadow.find(request.key) == behind.orders


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("mode", ["dry_run", "shadow"])
def test_only_live_mode_can_write(kind: str, mode: str) -> None:
    settings = ErpSettings.model_validate(
        {"kind": kind, "mode": mode, "url": "https://erp.example", "secret": "s"}
    )
    assert isinstance(open_erp(settings), DryRun)


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="webhook"):
        open_erp(ErpSettings(kind="webhok"))


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="https"):
        Webhook("http://erp.example", SECRET)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_secret_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_text("s")
    file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(ErpSettings(secret_file=file))


def test_secret_comes_from_settings_or_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    os.chmod(file, 0o600)
    assert read_secret(ErpSettings(secret_file=file)) == b"from file"
    assert read_secret(ErpSettings(secret=SecretStr("given"))) == b"given"
    with pytest.raises(ConfigError, match="secret"):
        read_secret(ErpSettings())
