import base64
import datetime as dt
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from features.core.errors import ConfigError, RequestRejectedError
from serving.erp.incoming import MOST_BYTES, Hint, Incoming
from serving.settings import ErpSettings, IncomingSettings
from serving.store import Store

NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
SECRET = b"a secret for tests"
BODY = json.dumps({"id": "E1", "number": "000010004711", "status": "forged"}).encode()


def incoming(**settings: object) -> Incoming:
    return Incoming(SECRET, IncomingSettings.model_validate({"secret_file": "s"} | settings))


def signed(body: bytes = BODY, at: dt.datetime = NOW, secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-wearcast-timestamp": stamp, "x-wearcast-signature": f"v1={digest}"}


def test_signed_message_is_a_hint_and_nothing_more() -> None:
    assert incoming().read(signed(), BODY, now=NOW) == Hint("E1", "000010004711")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret=b"another"),
        signed(body=b"{}"),
        signed(at=NOW - dt.timedelta(minutes=6)),
        signed(at=NOW + dt.timedelta(minutes=6)),
        signed() | {"x-wearcast-timestamp": str(int(NOW.timestamp()) + 1)},
        signed() | {"x-wearcast-timestamp": "\u0661"},
        signed() | {"x-wearcast-signature": "v1=\u00fc"},
    ],
)
def test_forged_old_and_altered_messages_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        incoming().read(headers, BODY, now=NOW)
    assert caught.value.context["reason"] == "unsigned"


def test_frappe_signs_the_body_in_base64() -> None:
    digest = base64.b64encode(hmac.new(SECRET, BODY, hashlib.sha256).digest()).decode()
    assert incoming(scheme="frappe").read({"x-frappe-webhook-signature": digest}, BODY, now=NOW).event_id == "E1"
    with pytest.raises(RequestRejectedError):
        incoming(scheme="frappe").read({"x-frappe-webhook-signature": digest}, BODY + b" ", now=NOW)


def test_hexadecimal_signature_of_the_body_in_a_header_of_its_own() -> None:
    headers = {"x-webhook-signature": hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()}
    assert incoming(scheme="body_hex").read(headers, BODY, now=NOW) == Hint("E1", "000010004711")
    other = incoming(scheme="body_hex", id_fields=["status"])
    assert other.read(headers, BODY, now=NOW).event_id == "forged"


@pytest.mark.parametrize("scheme", ["wearcast", "frappe", "body_hex"])
def test_an_overheard_message_stays_known_whatever_is_written_beside_it(scheme: str) -> None:
    digest = hmac.new(SECRET, BODY, hashlib.sha256)
    headers = signed() | {"x-webhook-signature": digest.hexdigest()}
    headers["x-frappe-webhook-signature"] = base64.b64encode(digest.digest()).decode()
    beside = [{}, {"x-webhook-id": "1"}, {"x-webhook-id": "2", "ce-id": "3"}]
    ids = {incoming(scheme=scheme).read(headers | more, BODY, now=NOW).event_id for more in beside}
    assert ids == {"E1"}


def test_message_without_an_id_is_known_by_its_body() -> None:
    body = b'{"number": "1"}'
    first = incoming().read(signed(body), body, now=NOW)
    later = NOW + dt.timedelta(seconds=30)
    assert incoming().read(signed(body, later), body, now=later).event_id == first.event_id


@pytest.mark.parametrize(("body", "reason"), [(b"<xml/>", "invalid"), (b"x" * (MOST_BYTES + 1), "too_large")])
def test_what_is_no_message_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(RequestRejectedError) as caught:
        incoming().read(signed(body), body, now=NOW)
    assert caught.value.context["reason"] == reason


def test_list_instead_of_an_object_is_a_hint_without_a_number() -> None:
    assert incoming().read(signed(b"[]"), b"[]", now=NOW).number == ""


def test_messages_are_taken_only_where_a_secret_is_set(tmp_path: Path) -> None:
    assert Incoming.from_settings(ErpSettings()) is None
    settings = ErpSettings(incoming=IncomingSettings(secret_file=tmp_path / "none"))
    with pytest.raises(ConfigError, match="secret file"):
        Incoming.from_settings(settings)


def test_message_is_kept_once_and_read_once(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    assert [store.inbox.take("sap", "E1", "1", now=NOW) for _ in range(2)] == [True, False]
    assert store.inbox.take("odoo", "E1", "1", now=NOW)
    assert (store.inbox.unread(), store.inbox.read_all(now=NOW), store.inbox.unread()) == (2, 2, 0)
    assert not store.inbox.take("sap", "E1", "1", now=NOW)
    store.close()
