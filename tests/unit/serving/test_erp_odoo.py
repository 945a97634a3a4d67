"""Odoo's wire format, from the reference: bodies, stamps, error documents, pages, states."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.endpoint import Endpoint
from serving.erp.odoo import Odoo
from serving.erp.odoo.options import OdooOptions
from serving.erp.odoo.records import Stages, change_of, raised
from serving.erp.odoo.wire import without_traceback
from serving.erp.port import Exchange, Severity
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.odoo_orm import Database, OdooError
from tests.unit.serving._erp import bearing_request

NOW = dt.datetime(2026, 2, 20, 12, 0, 0, 700_000, tzinfo=dt.UTC)
BERLIN = dt.timezone(dt.timedelta(hours=1))
REQUEST = bearing_request(
    key="WC-AAAAAAAAAAAAAAAAA",
    equipment_number="1",
    text="a < b\nsoon",
    due=dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC),
    planned_start=dt.datetime(2026, 2, 27, 6, tzinfo=BERLIN),
)
CONTEXT = {"lang": "en_US", "tz": "UTC", "mode": "update", "noupdate": True}
FIELDS = ["id", "name", "description", "maintenance_type", "priority", "equipment_id/.id"]
ROW = [
    "wearcast.WC-AAAAAAAAAAAAAAAAA",
    "Replace bearing",
    "a &lt; b<br>soon<br>Functional location: W1-P101",
    "corrective",
    "2",
    "1",
]
Handler = Callable[[httpx.Request], httpx.Response]


class Bench:
    """An adapter on a database in memory; what was sent and kept."""

    def __init__(self, handler: Handler | None = None, **options: object) -> None:
        self.db = Database(lambda: self.now, 19)
        self.now, self.sent, self.kept = NOW, list[httpx.Request](), list[Exchange]()
        self._handler = handler
        endpoint = Endpoint(
            url="http://127.0.0.1:9", record=self.kept.append, transport=httpx.MockTransport(self._handle)
        )
        self.odoo = Odoo(endpoint, "wearcast", "k3y", OdooOptions.model_validate(options))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return self._handler(request) if self._handler is not None else self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        named = json.loads(request.content)
        _, _, _, model, method = request.url.path.split("/")
        try:
            return httpx.Response(200, json=self.db.call(model, method, named.pop("ids", []), named))
        except OdooError as err:
            return httpx.Response(
                err.status, json={"name": err.name, "message": err.message, "debug": "Traceback"}
            )

    def body(self, end: str) -> Any:  # Any: a JSON document
        return json.loads(next(one.content for one in self.sent if one.url.path.endswith(end)))


def test_json2_body_of_a_new_request() -> None:
    bench = Bench(database="works")
    bench.odoo.create(REQUEST)
    assert bench.body("maintenance.request/load") == {"fields": FIELDS, "data": [ROW], "context": CONTEXT}
    headers = bench.sent[-1].headers
    assert (headers["Authorization"], headers["X-Odoo-Database"]) == ("bearer k3y", "works")
    looked = bench.body("ir.model.data/search_read")
    assert looked["domain"] == [
        ["module", "=", "wearcast"],
        ["model", "=", "maintenance.request"],
        ["name", "=", REQUEST.key],
    ]


def test_jsonrpc_body_of_a_new_request_and_its_sign_in() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        method = json.loads(request.content)["params"]["args"][4:5]
        result: object = 7 if not method else [] if method == ["search_read"] else {"ids": [41], "messages": []}
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": result})

    bench = Bench(handle, api="jsonrpc", database="works")
    assert bench.odoo.create(REQUEST).number == "41"
    sign_in, _, load = (json.loads(one.content) for one in bench.sent)
    common = {"service": "common", "method": "authenticate", "args": ["works", "wearcast", "k3y", {}]}
    assert sign_in == {"jsonrpc": "2.0", "method": "call", "id": 1, "params": common}
    named = {"fields": FIELDS, "data": [ROW], "context": CONTEXT}
    args = ["works", 7, "k3y", "maintenance.request", "load", [], named]
    assert load["params"] == {"service": "object", "method": "execute_kw", "args": args}
    assert "k3y" not in repr(bench.kept) + bench.odoo.preview(REQUEST).body


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("werkzeug.exceptions.Unauthorized", 401, ConfigError),
        ("odoo.exceptions.AccessDenied", 403, ConfigError),
        ("odoo.exceptions.AccessError", 403, ConfigError),
        ("werkzeug.exceptions.NotFound", 404, ConfigError),
        ("odoo.exceptions.MissingError", 404, OrderRejectedError),
        ("odoo.exceptions.LockError", 409, ErpUnavailableError),
        ("odoo.exceptions.ValidationError", 422, OrderRejectedError),
        ("builtins.ValueError", 500, OrderRejectedError),
        ("builtins.KeyError", 500, OrderRejectedError),
        ("psycopg2.errors.SerializationFailure", 500, ErpUnavailableError),
        ("psycopg2.OperationalError", 500, AmbiguousDeliveryError),
        ("builtins.ZeroDivisionError", 500, AmbiguousDeliveryError),
    ],
)
@pytest.mark.parametrize("api", ["json2", "jsonrpc"])
def test_exceptions_of_a_write_are_told_by_their_name(
    api: str, name: str, status: int, error: type[WearcastError]
) -> None:
    told = {"name": name, "message": "said so", "arguments": ["k3y"], "debug": "Traceback: password=x"}

    def handle(request: httpx.Request) -> httpx.Response:
        if b'"search_read"' in request.content or b"authenticate" in request.content:
            return httpx.Response(200, json={"result": 7 if b"authenticate" in request.content else []})
        if request.url.path.endswith("search_read"):
            return httpx.Response(200, json=[])
        if api == "json2":
            return httpx.Response(status, json=told)
        return httpx.Response(200, json={"jsonrpc": "2.0", "error": {"code": 200, "data": told}})

    bench = Bench(handle, api=api, database="works")
    with pytest.raises(error, match="said so") as caught:
        bench.odoo.create(REQUEST)
    assert "Traceback" not in repr(bench.kept) + str(caught.value)
    assert "said so" in bench.kept[-1].answer


def test_answer_that_only_looks_like_an_error_is_not_kept_whole() -> None:
    assert without_traceback('{"debug": "Traceback ..."') == "an answer that holds a traceback"
    assert without_traceback("[1, 2]") == "[1, 2]"


def test_busy_rows_are_surely_not_done_and_tried_again_later() -> None:
    bench = Bench()
    bench.db.busy = 1
    with pytest.raises(ErpUnavailableError, match="could not serialize"):
        bench.odoo.create(REQUEST)
    assert bench.odoo.find(REQUEST.key) == []
    assert bench.odoo.create(REQUEST).number == "1"


def test_unknown_equipment_is_refused_for_good_and_nothing_is_made() -> None:
    bench = Bench()
    for number in ("99", "P-101"):
        with pytest.raises(OrderRejectedError, match=number):
            bench.odoo.create(replace(REQUEST, equipment_number=number))
    assert bench.db.tables["maintenance.request"] == {}


def test_load_answer_of_another_form_is_ambiguous() -> None:
    bench = Bench(
        lambda request: httpx.Response(200, json=[] if "search" in request.url.path else {"ids": [1, 2]})
    )
    with pytest.raises(AmbiguousDeliveryError, match=REQUEST.key):
        bench.odoo.create(REQUEST)


def test_load_never_writes_over_what_a_planner_changed_meanwhile() -> None:
    """Another worker loads between our look-up and our load: Odoo itself must leave the record alone."""
    bench = Bench()
    bench.odoo.create(REQUEST)
    bench.db.put(1, name="edited by a planner")
    real = bench.answer
    late = Bench(lambda r: httpx.Response(200, json=[]) if "ir.model.data" in r.url.path else real(r))
    assert late.odoo.create(REQUEST).number == "1"
    assert bench.db.tables["maintenance.request"][1]["name"] == "edited by a planner"


def test_proposed_start_is_written_as_naive_utc_whatever_the_users_time_zone() -> None:
    bench = Bench(schedule=True)
    bench.odoo.create(REQUEST)
    assert bench.body("load")["data"][0][-1] == "2026-02-27 05:00:00"
    held = bench.db.tables["maintenance.request"][1]["schedule_date"]
    assert held == dt.datetime(2026, 2, 27, 5, tzinfo=dt.UTC)
    assert bench.odoo.find(REQUEST.key)[0].state is OrderState.OPEN


def test_team_and_company_go_by_their_ids() -> None:
    bench = Bench(team_id=1, company_id=1)
    bench.odoo.create(REQUEST)
    assert bench.body("load")["fields"][-2:] == ["maintenance_team_id/.id", "company_id/.id"]


def test_equipment_can_be_named_by_serial_number() -> None:
    bench = Bench(equipment_by="serial_no", location_field="location")
    bench.odoo.create(replace(REQUEST, equipment_number="SN-102"))
    assert bench.db.tables["maintenance.request"][1]["equipment_id"] == 2
    asset = bench.odoo.assets()[1]
    assert (asset.equipment_number, asset.functional_location, asset.asset_class) == ("SN-102", "W1-P102", "Pumps")
    assert [one.number for one in bench.odoo.open_orders("", "SN-102")] == ["1"]
    assert [one.number for one in bench.odoo.open_orders("W1-P102")] == ["1"]
    assert bench.odoo.open_orders("W1-P101") == []


@pytest.mark.parametrize(
    ("changed", "state", "raw"),
    [
        ({}, OrderState.OPEN, "New Request"),
        ({"schedule_date": "2026-02-27 05:00:00"}, OrderState.PLANNED, "New Request (scheduled)"),
        ({"stage_id": [2, "In Progress"]}, OrderState.IN_PROGRESS, "In Progress"),
        ({"stage_id": [2, "In Progress"], "kanban_state": "blocked"}, OrderState.ON_HOLD, "In Progress (blocked)"),
        ({"archive": True}, OrderState.CANCELLED, "New Request (archived)"),
        ({"stage_id": [3, "Repaired"], "archive": True}, OrderState.COMPLETED, "Repaired"),
        ({"stage_id": [4, "Scrap"]}, OrderState.CANCELLED, "Scrap"),
        ({"stage_id": [9, "Waiting"]}, OrderState.UNKNOWN, "Waiting"),
        ({"stage_id": False}, OrderState.UNKNOWN, ""),
    ],
)
def test_states_come_from_stage_tick_light_and_archive(
    changed: dict[str, object], state: OrderState, raw: str
) -> None:
    stages = Stages({1: False, 2: False, 3: True, 4: True, 9: False}, 1, {"scrap": OrderState.CANCELLED})
    record = {"id": 5, "name": "x", "stage_id": [1, "New Request"], "kanban_state": "normal", "archive": False}
    record |= {"schedule_date": False, "close_date": False, "write_date": "2026-02-20 12:00:00"}
    change = change_of(record | changed, "", stages, OdooOptions())
    assert (change.state, change.raw_status) == (state, raw)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-02-28 14:03:09", dt.datetime(2026, 2, 28, 14, 3, 9, tzinfo=dt.UTC)),
        ("2026-03-02 07:00:00", dt.datetime(2026, 2, 28, tzinfo=dt.UTC)),
    ],
)
def test_day_of_closing_is_made_finer_by_the_last_change_of_that_day(written: str, told: dt.datetime) -> None:
    record = {"id": 5, "name": "x", "stage_id": [3, "Repaired"], "kanban_state": "normal", "archive": False}
    record |= {"schedule_date": False, "close_date": "2026-02-28", "write_date": written}
    assert change_of(record, "", Stages({3: True}, 1, {}), OdooOptions()).completed_at == told


def test_every_change_of_a_second_is_told_over_many_pages() -> None:
    bench = Bench(page=3)
    keys = [f"WC-{number:017d}" for number in range(10)]
    for number, key in enumerate(keys):
        bench.now = NOW + dt.timedelta(milliseconds=number)
        bench.odoo.create(replace(REQUEST, key=key))
    told = bench.odoo.changes(NOW + dt.timedelta(milliseconds=9))
    assert [change.key for change in told] == keys
    assert {change.changed_at for change in told} == {NOW.replace(microsecond=0)}


def test_request_that_changes_between_two_pages_hides_no_other() -> None:
    bench = Bench(page=3)
    keys = [f"WC-{number:017d}" for number in range(7)]
    for number, key in enumerate(keys):
        bench.now = NOW + dt.timedelta(seconds=number)
        bench.odoo.create(replace(REQUEST, key=key))
    real, asked = bench.answer, list[int]()

    def handle(request: httpx.Request) -> httpx.Response:
        if b"write_date asc" in request.content:
            asked.append(1)
            if len(asked) == 2:
                bench.db.put(1, name="moved to the end")
        return real(request)

    moved = Bench(handle, page=3)
    bench.now = NOW + dt.timedelta(minutes=1)
    told = moved.odoo.changes(NOW)
    assert [change.key for change in told] == [*keys[1:], keys[0]]
    assert told[-1].text == "moved to the end"


def test_prefix_of_keys_is_no_pattern() -> None:
    bench = Bench()
    bench.odoo.create(REQUEST)
    bench.odoo.create(replace(REQUEST, key="WCxAAAAAAAAAAAAAAAAA"))
    assert [one.key for one in bench.odoo.keys("WC-")] == [REQUEST.key]
    assert bench.odoo.keys("WC_") == []


def test_notes_say_that_they_are_html_only_where_odoo_asks_for_it() -> None:
    for version, says in ((19, True), (16, False)):
        bench = Bench(version=version)
        bench.odoo.create(REQUEST)
        bench.odoo.annotate("1", "worse <b>now</b>\nP10 on Monday", 3)
        body = bench.body("message_post")
        assert body["body"] == "worse &lt;b&gt;now&lt;/b&gt;<br>P10 on Monday"
        assert ("body_is_html" in body) == says
        assert not any(one.url.path.endswith("/write") for one in bench.sent), "priority was not lower"


def test_description_is_plain_text_in_odoo_14() -> None:
    bench = Bench(version=14)
    bench.odoo.create(REQUEST)
    assert bench.body("load")["data"][0][2] == "a < b\nsoon\nFunctional location: W1-P101"
    wrong = [one.subject for one in bench.odoo.check().findings if one.severity is Severity.ERROR]
    assert wrong == ["maintenance.request.description"]


def test_priority_of_a_request_without_one_is_the_lowest() -> None:
    assert (raised(False, 1), raised(False, 5), raised("2", 2)) == ("3", None, None)


def test_check_says_what_to_do() -> None:
    bench = Bench(code_fields={"cause": "x_no_such"})
    bench.db.denied = {("ir.model.data", "read")}
    bench.db.insert("maintenance.stage", name="Waiting for parts", done=False, sequence=50)
    report = bench.odoo.check()
    told = {finding.subject: finding for finding in report.findings if finding.severity is not Severity.OK}
    assert set(told) == {"maintenance.request.x_no_such", "ir.model.data", "stage 'Waiting for parts'"}
    assert "erp.options" in told["maintenance.request.x_no_such"].message
    assert "read access" in told["ir.model.data"].message
    assert told["stage 'Waiting for parts'"].severity is Severity.WARNING
    assert not report.is_usable
    assert Bench().odoo.check().is_usable


def test_check_of_stages_that_never_close() -> None:
    bench = Bench()
    for stage in bench.db.tables["maintenance.stage"].values():
        stage["done"] = False
    assert any("Request Done" in finding.message for finding in bench.odoo.check().findings)


def test_settings_name_what_is_wrong() -> None:
    base = {"kind": "odoo", "url": "https://odoo.example", "secret": "k"}
    assert Odoo.from_settings(ErpSettings.model_validate(base)).name == "odoo:odoo.example"
    for options, words in (
        ({"databse": "works"}, "did you mean 'database'"),
        ({"api": "xmlrpc"}, "erp.options.api = 'xmlrpc'"),
        ({"api": "jsonrpc"}, "erp.options.database"),
        ({"stages": {"Waiting": "parked"}}, "erp.options.stages.Waiting = 'parked'"),
    ):
        with pytest.raises(ConfigError, match=words):
            Odoo.from_settings(ErpSettings.model_validate(base | {"options": options}))
