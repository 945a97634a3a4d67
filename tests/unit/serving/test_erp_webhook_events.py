"""What middleware may answer to a new order: 201, 202, 409, nothing; the envelope; and that none is lost."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from features.core.clock import DemoClock
from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError
from features.core.statements import Action, Recommendation, Rung, order_key
from serving.erp.endpoint import Endpoint
from serving.erp.events import CONTENT_TYPE, opened
from serving.erp.webhook import Webhook
from serving.orders import MaintenanceRequest, OrderState
from serving.outbox import DeliveryRules, deliver
from serving.settings import ErpSettings
from serving.store import Store

NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
KEY = order_key("works", "P101", "DE", "bearing", 1)
REQUEST = MaintenanceRequest(
    KEY, "works", "P101", "DE", "W1-P101", "", Action.REPLACE, "bearing", 2, "Replace", "Wälz", NOW
)


@dataclass
class Middleware:
    """Answers a new order as planned; `orders` are those that can be looked up."""

    answer: httpx.Response
    orders: list[dict[str, str]] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)
    looks: int = 0
    is_blind: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.sent.append(request)
            return httpx.Response(self.answer.status_code, content=self.answer.content)
        self.looks += 1
        if self.is_blind:
            return httpx.Response(503)
        return httpx.Response(200, json={"orders": self.orders})

    def webhook(self, *, cloud_events: bool = False, unique_key: bool = False) -> Webhook:
        return Webhook(
            Endpoint(url="http://127.0.0.1:9", transport=httpx.MockTransport(self)),
            b"a secret for tests",
            cloud_events=cloud_events,
            unique_key=unique_key,
        )


def order(number: str = "4711", **values: str) -> dict[str, str]:
    return {"number": number, "key": KEY, "status": "open"} | values


def test_every_new_order_has_its_key_as_idempotency_key() -> None:
    behind = Middleware(httpx.Response(201, json=order()))
    assert behind.webhook().create(REQUEST).number == "4711"
    assert behind.sent[0].headers["Idempotency-Key"] == KEY
    assert json.loads(behind.sent[0].content)["key"] == KEY


def test_envelope_is_a_structured_cloudevent_and_the_same_bytes_each_time() -> None:
    behind = Middleware(httpx.Response(201, json=order()))
    erp = behind.webhook(cloud_events=True)
    erp.create(REQUEST)
    erp.create(REQUEST)
    assert behind.sent[0].content == behind.sent[1].content == erp.preview(REQUEST).body.encode()
    assert behind.sent[0].headers["Content-Type"] == CONTENT_TYPE
    event = json.loads(behind.sent[0].content)
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": KEY,
        "source": "/wearcast/works",
        "type": "org.wearcast.maintenance.request.created.v1",
        "subject": "P101/DE",
        "datacontenttype": "application/json",
    }
    assert (data["key"], data["text"], data["due"]) == (KEY, "Wälz", "2026-02-20T12:00:00Z")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"data": "text"}, "data"),
        ({"type": None}, "type"),
    ],
)
def test_what_is_no_event_is_refused_with_its_attribute(wrong: dict[str, Any], place: str) -> None:  # Any: JSON
    event = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": {"a": 1}}
    assert opened(event) == {"a": 1}
    with pytest.raises(ValueError, match=place):
        opened(event | wrong)


def test_order_that_is_there_already_is_read_from_the_body() -> None:
    behind = Middleware(httpx.Response(409, json=order("12")))
    made = behind.webhook(unique_key=True).create(REQUEST)
    assert (made.number, made.key, made.state, behind.looks) == ("12", KEY, OrderState.OPEN, 0)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(409, json={"error": "there"}),
        httpx.Response(409, json=order("99", key="WC-OTHER")),
        httpx.Response(202, content=b""),
        httpx.Response(202, json={"status": "accepted"}),
    ],
)
def test_answer_without_our_order_is_looked_up(answer: httpx.Response) -> None:
    assert Middleware(answer, [order("12")]).webhook().create(REQUEST).number == "12"


def test_number_may_be_called_external_id_and_the_key_left_out() -> None:
    made = Middleware(httpx.Response(200, json={"external_id": "7"})).webhook().create(REQUEST)
    assert (made.number, made.key) == ("7", KEY)


@pytest.mark.parametrize("is_blind", [False, True])
def test_accepted_order_that_cannot_be_seen_yet_is_ambiguous_and_says_so(is_blind: bool) -> None:
    behind = Middleware(httpx.Response(202), is_blind=is_blind)
    with pytest.raises(AmbiguousDeliveryError, match="comes later") as caught:
        behind.webhook().create(REQUEST)
    assert caught.value.context["accepted"] is True


def test_order_that_is_said_to_be_there_and_cannot_be_seen_is_ambiguous_and_not_accepted() -> None:
    with pytest.raises(AmbiguousDeliveryError) as caught:
        Middleware(httpx.Response(409)).webhook().create(REQUEST)
    assert "accepted" not in caught.value.context


def test_question_that_is_not_answered_stays_a_question() -> None:
    with pytest.raises(ErpUnavailableError):
        Middleware(httpx.Response(202), is_blind=True).webhook().find(KEY)


def test_options_are_checked() -> None:
    settings = ErpSettings(kind="webhook", url="http://127.0.0.1:9", secret=SecretStr("s"))
    made = Webhook.from_settings(settings.model_copy(update={"options": {"unique_key": True}}))
    assert made.capabilities.unique_key
    made.close()
    with pytest.raises(ConfigError, match="cloud_events"):
        Webhook.from_settings(settings.model_copy(update={"options": {"cloud_event": True}}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/store.db")
    made.migrate()
    evidence = Recommendation(
        "P101", "DE", Action.REPLACE, "bearing", 2, "why", NOW, NOW, None, None, None, None, "EUR", Rung.NONE
    )
    stored = made.propose(evidence, REQUEST, episode=1, now=NOW)
    assert stored is not None
    made.approve(stored.id, "planner", NOW)
    yield made
    made.close()


def test_accepted_order_is_waited_for_longer_than_any_failure_and_made_once(store: Store) -> None:
    behind, wall = Middleware(httpx.Response(202)), DemoClock(NOW)
    erp, rules = behind.webhook(unique_key=True), DeliveryRules(patience=dt.timedelta(hours=1))
    for _ in range(3 * rules.tries):
        report = deliver(store, erp, now=NOW, rules=rules, wall=wall, owner="test")
        assert report.dead_letters == []
        wall.move_to(wall.now() + dt.timedelta(hours=1))
    assert {request.headers["Idempotency-Key"] for request in behind.sent} == {KEY}
    behind.orders.append(order("4711"))
    sent = len(behind.sent)
    assert deliver(store, erp, now=NOW, rules=rules, wall=wall, owner="test").sent == [KEY]
    assert (store.recommendations()[0].order_number, len(behind.sent)) == ("4711", sent)
