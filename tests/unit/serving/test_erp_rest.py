"""Mapping files for any REST CMMS: what they can say, what is refused, and what goes over the wire."""

import datetime as dt
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.endpoint import Endpoint
from serving.erp.port import Exchange
from serving.erp.rest import Rest
from serving.erp.rest.mapping import Mapping
from serving.orders import MaintenanceRequest, OrderState
from serving.settings import ErpSettings
from tests.unit.serving._erp import KEY, bearing_request

SECRET = "a secret for tests"
NOON = dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
Document = dict[str, Any]  # Any: YAML and JSON
Answers = Callable[[httpx.Request], httpx.Response]

MAPPING: Document = {
    "about": "a made-up CMMS",
    "sign_in": {"style": "bearer"},
    "texts": {"title_length": 40, "text_length": 200},
    "maps": {"priority": {1: "A", 2: "A", 3: "B", 4: "C", 5: "C"}},
    "states": {"10": "open", "true": "completed"},
    "order": {"number": "no", "key": "ref", "status": "state", "priority": "prio", "text": "text"},
    "change": {"changed_at": {"at": "at", "time": "stamp"}, "codes": {"damage": "codes[0].code"}},
    "times": {"stamp": {"format": "epoch_ms"}, "day": {"format": "%Y-%m-%d", "zone": "Europe/Berlin"}},
    "find": {"path": "orders", "query": {"ref": "{key}"}, "items": "data"},
    "keys": {"path": "orders", "query": {"prefix": "{prefix}"}, "items": "data"},
    "get": {"path": "orders/{number}", "item": "data"},
    "create": {
        "path": "orders",
        "body": {
            "ref": "{key}",
            "title": "{title}",
            "prio": "{priority}",
            "until": "{due:day}",
            "part": "{part_number}",
            "asset": {"no": "{equipment_number}"},
            "kind": "{action} of {slot}",
            "source": "wearcast",
        },
    },
    "annotate": [
        {"method": "POST", "path": "orders/{number}/notes", "body": {"text": "{note}"}},
        {"method": "PATCH", "path": "orders/{number}", "body": {"prio": "{priority}"}, "when": "raises_priority"},
    ],
    "cancel": [{"method": "DELETE", "path": "orders/{number}"}],
    "changes": {"path": "changes", "query": {"since": "{since:stamp}"}, "items": "data"},
}


def changed(**blocks: object) -> Document:
    document = deepcopy(MAPPING)
    for name, value in blocks.items():
        document[name] = {**document.get(name, {}), **value} if isinstance(value, dict) else value
    return document


def connected(
    answers: Answers, document: Document | None = None, *, exchanges: list[Exchange] | None = None, **own: object
) -> Rest:
    mapping = Mapping.model_validate(document or MAPPING)
    record = None if exchanges is None else exchanges.append
    endpoint = Endpoint(url="http://127.0.0.1:9/api", record=record, transport=httpx.MockTransport(answers))
    return Rest(endpoint, mapping, user="wearcast", secret=SECRET, own=own)


def request(**values: object) -> MaintenanceRequest:
    due = dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.UTC)
    return bearing_request(**({"title": "Replace", "text": "soon", "due": due} | values))


def item(number: object = "7", **values: object) -> Document:
    return {"no": number, "ref": KEY, "state": "10", "prio": "B", "at": 1772280000000} | values


def always(document: object, status: int = 200, **options: Any) -> Answers:  # Any: of the answer
    return lambda _request: httpx.Response(status, json=document, **options)


def test_order_is_sent_as_the_mapping_says_and_what_is_empty_is_left_out() -> None:
    sent: list[httpx.Request] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        sent.append(asked)
        return httpx.Response(201, json=item())

    order = connected(answer).create(request(equipment_number=""))
    assert (sent[0].method, str(sent[0].url)) == ("POST", "http://127.0.0.1:9/api/orders")
    assert sent[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(sent[0].content) == {
        "ref": KEY,
        "title": "Replace",
        "prio": "A",
        "until": "2026-02-28",
        "kind": "replace of DE-bearing",
        "source": "wearcast",
    }
    assert (order.number, order.key, order.state) == ("7", KEY, OrderState.OPEN)


def test_settings_of_a_plant_are_asked_for_and_known() -> None:
    document = changed(settings={"team": {"about": "number of the maintenance team"}})
    with pytest.raises(ConfigError, match="number of the maintenance team"):
        connected(always({}), document)
    with pytest.raises(ConfigError, match="teem"):
        connected(always({}), document, team=1, teem=2)


def test_options_without_a_mapping_say_what_to_give() -> None:
    settings = ErpSettings(kind="rest", url="http://127.0.0.1:9", secret=SecretStr("s"))
    with pytest.raises(ConfigError, match="mapping"):
        Rest.from_settings(settings)


PAGES = {"a": [1, 2], "b": [3, 4], "c": [5]}


@pytest.mark.parametrize(
    ("paging", "query", "respond"),
    [
        ({"style": "page", "first": 1}, "{page}", lambda at: list(PAGES.values())[int(at) - 1]),
        ({"style": "offset"}, "{offset}", lambda at: [1, 2, 3, 4, 5][int(at) :][:2]),
        (
            {"style": "after", "at": "no", "start": 0},
            "{cursor}",
            lambda at: [n for n in range(1, 6) if n > int(at)][:2],
        ),
    ],
)
def test_pages_are_counted_or_follow_the_last_item(
    paging: Document, query: str, respond: Callable[[str], list[int]]
) -> None:
    def answer(asked: httpx.Request) -> httpx.Response:
        assert asked.url.params["limit"] == "2"
        return httpx.Response(200, json={"data": [item(number) for number in respond(asked.url.params["at"])]})

    keys = {"path": "orders", "query": {"at": query, "limit": "{limit}"}, "paging": {**paging, "size": 2}}
    found = connected(answer, changed(keys={**keys, "items": "data"})).keys("WC-")
    assert [order.number for order in found] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("style", ["cursor", "next_link"])
def test_pages_go_on_where_the_answer_says(style: str) -> None:
    following = {"": "b", "b": "c"}

    def answer(asked: httpx.Request) -> httpx.Response:
        at = asked.url.params.get("at", "")
        told = following.get(at)
        link = told if style == "cursor" or told is None else f"http://127.0.0.1:9/api/orders?at={told}"
        return httpx.Response(200, json={"data": [item(n) for n in PAGES[at or "a"]], "next": link})

    keys = {
        "path": "orders",
        "query": {"at": "{cursor}"},
        "items": "data",
        "paging": {"style": style, "at": "next"},
    }
    found = connected(answer, changed(keys=keys)).keys("WC-")
    assert [order.number for order in found] == ["1", "2", "3", "4", "5"]


def test_pages_that_go_round_end_in_an_error() -> None:
    keys = {"path": "orders", "items": "data", "paging": {"style": "cursor", "at": "next"}}
    with pytest.raises(ErpUnavailableError, match="do not go on"):
        connected(always({"data": [], "next": "x"}), changed(keys=keys)).keys("WC-")


def test_link_to_another_host_is_not_followed() -> None:
    keys = {"path": "orders", "items": "data", "paging": {"style": "next_link", "at": "next"}}
    answers = always({"data": [], "next": "https://elsewhere.example/orders"})
    with pytest.raises(ErpUnavailableError, match="not followed"):
        connected(answers, changed(keys=keys)).keys("WC-")


RULES: list[Document] = [
    {"status": 409, "means": "exists"},
    {"at": "error.code", "equals": "LOCKED", "means": "later", "message": "error.text"},
    {"at": "error.text", "contains": "expired", "means": "sign_in"},
    {"status": 403, "at": "error.code", "equals": 5, "means": "config"},
    {"at": "error.code", "equals": "HALF", "means": "unknown"},
    {"at": "error", "means": "rejected", "message": "error.text"},
]


@pytest.mark.parametrize(
    ("status", "document", "error"),
    [
        (200, {"error": {"code": "LOCKED", "text": "by a planner"}}, ErpUnavailableError),
        (200, {"error": {"code": "NO", "text": "no such asset"}}, OrderRejectedError),
        (500, {"error": {"code": "NO", "text": "no such asset"}}, OrderRejectedError),
        (403, {"error": {"code": 5, "text": ""}}, ConfigError),
        (200, {"error": {"code": "HALF", "text": ""}}, AmbiguousDeliveryError),
        (500, {}, AmbiguousDeliveryError),
        (401, {}, ConfigError),
        (429, {}, ErpUnavailableError),
        (200, [], AmbiguousDeliveryError),
        (200, {"no": None}, AmbiguousDeliveryError),
    ],
)
def test_answers_mean_what_the_mapping_says(status: int, document: object, error: type[WearcastError]) -> None:
    with pytest.raises(error):
        connected(always(document, status), changed(errors=RULES)).create(request())


def test_order_that_is_there_already_is_looked_up() -> None:
    def answer(asked: httpx.Request) -> httpx.Response:
        there = httpx.Response(200, json={"data": [item("12"), item("9")]})
        return httpx.Response(409, json={}) if asked.method == "POST" else there

    assert connected(answer, changed(errors=RULES)).create(request()).number == "9"


def test_order_that_is_said_to_be_there_and_is_not_found_is_ambiguous() -> None:
    def answer(asked: httpx.Request) -> httpx.Response:
        return httpx.Response(409 if asked.method == "POST" else 200, json={"data": []})

    with pytest.raises(AmbiguousDeliveryError):
        connected(answer, changed(errors=RULES)).create(request())


def test_number_can_come_in_a_header() -> None:
    document = changed(create={"number_header": "Location"})
    order = connected(lambda _: httpx.Response(201, headers={"Location": "/api/orders/77"}), document).create(
        request()
    )
    assert (order.number, order.key, order.state) == ("77", KEY, OrderState.OPEN)


@pytest.mark.parametrize(
    ("held", "priority", "is_raised"),
    [("B", 1, True), ("B", 3, False), ("B", 4, False), ("A", 1, False), ("theirs", 1, False), (None, 1, False)],
)
def test_priority_is_raised_only_above_a_held_one_that_we_know(
    held: str | None, priority: int, is_raised: bool
) -> None:
    sent: list[tuple[str, bytes]] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        sent.append((asked.method, asked.content))
        return httpx.Response(200, json={"data": item(prio=held)})

    connected(answer).annotate("7", "worse", priority)
    assert ("POST", b'{"text": "worse"}') in sent
    assert (("PATCH", b'{"prio": "A"}') in sent) == is_raised


def test_session_is_opened_once_and_again_when_it_is_over() -> None:
    sessions: list[str] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        if asked.url.path.endswith("/login"):
            assert json.loads(asked.content) == {"name": "wearcast", "password": SECRET}
            sessions.append(f"token{len(sessions)}")
            return httpx.Response(200, json={"result": [5, sessions[-1]]})
        if len(sessions) == 1 and asked.url.params.get("ref", "").endswith("2"):
            return httpx.Response(401)
        assert asked.headers["Authorization"] == f"Session {sessions[-1]} NTp3ZWFyY2FzdA=="
        return httpx.Response(200, json={"data": []})

    document = changed() | {
        "sign_in": {
            "style": "session",
            "call": {"method": "POST", "path": "login", "body": {"name": "{user}", "password": "{secret}"}},
            "take": {"uid": "result[0]", "token": "result[1]"},
            "header": "Authorization",
            "value": "Session {token} {base64}",
            "base64": "{uid}:{user}",
        }
    }
    exchanges: list[Exchange] = []
    erp = connected(answer, document, exchanges=exchanges)
    for key in ("K1", "K1", "K2", "K3"):
        assert erp.find(key) == []
    assert sessions == ["token0", "token1"]
    assert SECRET not in repr(exchanges)
    assert "token0" not in repr(exchanges)


def test_session_that_is_refused_at_once_is_a_matter_of_configuration() -> None:
    calls: list[str] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        calls.append(asked.url.path)
        return httpx.Response(401)

    document = changed() | {
        "sign_in": {"style": "session", "call": {"method": "POST", "path": "login", "body": {}}}
    }
    with pytest.raises(ConfigError):
        connected(answer, document).find("K")
    assert calls == ["/api/login"]


def test_changes_are_read_in_order_once_with_codes_of_finished_orders_only() -> None:
    rows = [
        item("12", at=1772280000000, state=True, codes=[{"code": "X9"}]),
        item("9", at=1772280000000, state="weird", codes=[{"code": "X9"}]),
        item("8", at=1772279999999),
        item("9", at=1772280000000, state="weird"),
    ]

    def answer(asked: httpx.Request) -> httpx.Response:
        assert asked.url.params["since"] == "1772280000000"
        return httpx.Response(200, json={"data": rows})

    told = connected(answer).changes(NOON)
    assert [(one.number, one.state, one.raw_status) for one in told] == [
        ("9", OrderState.UNKNOWN, "weird"),
        ("12", OrderState.COMPLETED, "true"),
    ]
    assert [dict(one.codes) for one in told] == [{}, {"damage": "X9"}]
    assert told[0].change_id == "9@2026-02-28T12:00:00+00:00@weird"


def test_key_is_found_within_a_text_and_only_if_whole() -> None:
    document = changed(order={"key": {"at": "text", "holds_key": True}})
    answers = always(
        {"data": [item("1", text=f"Old: {KEY}."), item("2", text=f"X{KEY}"), item("3", text=f"{KEY}A")]}
    )
    assert [order.number for order in connected(answers, document).find(KEY)] == ["1"]


def test_html_texts_are_escaped_and_fit_their_field() -> None:
    sent: list[Document] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        sent.append(json.loads(asked.content))
        return httpx.Response(201, json=item())

    texts = {"html": True, "text_length": 60}
    document = changed(texts=texts, create={"body": {"text": "{text}", "ref": "{key}"}})
    connected(answer, document).create(request(text="a < b\n" * 30))
    assert sent[0]["text"].startswith("a &lt; b<br>")
    assert len(sent[0]["text"]) <= 60


def test_check_tells_what_is_missing_and_what_to_do() -> None:
    checks = [
        {
            "subject": "rights",
            "path": "me",
            "there": "role",
            "equals": "planner",
            "advice": "give it the role",
        },
        {"subject": "field", "path": "fields", "there": "ref", "advice": "add the field ref"},
        {"subject": "notes", "path": "missing", "advice": "switch notes on"},
    ]

    def answer(asked: httpx.Request) -> httpx.Response:
        status = 404 if asked.url.path.endswith("missing") else 200
        return httpx.Response(status, json={"role": "guest", "ref": 1})

    report = connected(answer, changed() | {"check": checks}).check()
    assert not report.is_usable
    assert [finding.severity.value for finding in report.findings] == ["error", "ok", "error"]
    assert "role is 'guest': give it the role" in report.findings[0].message
    assert "switch notes on" in report.findings[2].message


def test_capabilities_are_what_the_mapping_describes() -> None:
    caps = connected(always({})).capabilities
    assert (caps.notes, caps.priorities, caps.changes, caps.open_orders) == (True, True, True, False)
    assert caps.outcome_codes == ("damage",)
    less = {name: value for name, value in MAPPING.items() if name not in ("annotate", "changes", "cancel")}
    bare = connected(always({}), less)
    assert (bare.capabilities.notes, bare.capabilities.changes, bare.changes(NOON)) == (False, False, [])
    with pytest.raises(OrderRejectedError, match="no `annotate`"):
        bare.annotate("7", "note", 1)
