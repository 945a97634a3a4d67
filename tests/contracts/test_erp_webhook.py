"""What is special about the signed webhook, the dry run and the settings of a connection."""

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
from dataclasses import dataclass
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
from features.core.statements import Action, order_key
from serving.erp import KINDS, Orders, open_erp
from serving.erp.dry_run import DryRun
from serving.erp.endpoint import Endpoint
from serving.erp.memory import MemoryErp
from serving.erp.secrets import read_secret
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign
from serving.erp.webhook import Webhook
from serving.orders import MaintenanceRequest
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


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox(tmp_path_factory.mktemp("erp")) as address:
        yield address


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes webhook adapters and closes them at the end."""
    made: list[Webhook] = []

    def connect(address: str, secret: bytes = SECRET, clock: Clock | None = None) -> Webhook:
        made.append(Webhook(Endpoint(url=address, clock=clock or SystemClock()), secret))
        return made[-1]

    yield connect
    for erp in made:
        erp.close()


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

    return Webhook(Endpoint(url="http://127.0.0.1:9", transport=httpx.MockTransport(handle)), SECRET)


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
def test_only_live_mode_can_write(kind: str, mode: str, tmp_path: Path) -> None:
    needed = {
        "dynamics365": {"tenant": "works.example", "service_account": "00000000-0000-0000-0000-000000000001"},
        "rest": {"mapping": "atlas"},
        "file": {"requests": str(tmp_path / "requests"), "answers": str(tmp_path / "answers")},
    }
    settings = ErpSettings.model_validate(
        {
            "kind": kind,
            "mode": mode,
            "url": "https://erp.example",
            "user": "u",
            "secret": "s",
            "options": needed.get(kind, {}),
        }
    )
    assert isinstance(open_erp(settings), DryRun)


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="webhook"):
        open_erp(ErpSettings(kind="webhok"))


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="https"):
        Webhook(Endpoint(url="http://erp.example"), SECRET)


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
