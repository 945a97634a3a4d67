"""ERPNext's wire format, from the reference: bodies, queries, naive stamps, error documents, keys, states."""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from features.core.clock import SystemClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.endpoint import Endpoint
from serving.erp.erpnext import ErpNext
from serving.erp.erpnext.options import ErpNextOptions
from serving.erp.erpnext.wire import exception_of
from serving.erp.port import Exchange, Severity
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.erpnext_book import Book, FrappeError
from tests.unit.serving._erp import bearing_request

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-erpnext.md"
NOW = dt.datetime(2026, 2, 20, 12, 0, 0, 123_456, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
REQUEST = bearing_request(
    key="WC-AAAAAAAAAAAAAAAAA",
    functional_location="Hall 1",
    equipment_number="ACC-ASS-2026-00001",
    text="a < b & <soon>",
    due=dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC),
)
Handler = Callable[[httpx.Request], httpx.Response]


class Bench:
    """An adapter on a site in memory; what was sent and kept."""

    def __init__(self, handler: Handler | None = None, *, zone: str = "Europe/Berlin", **options: object) -> None:
        self.now, self.sent, self.kept = NOW, list[httpx.Request](), list[Exchange]()
        self.book = Book(lambda: self.now, zone)
        self._handler = handler
        model = ErpNextOptions.model_validate({"time_zone": zone} | options)
        endpoint = Endpoint(
            url="http://127.0.0.1:9", record=self.kept.append, transport=httpx.MockTransport(self._handle)
        )
        self.erp = ErpNext(endpoint, "k3y", "s3cr3t", model)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return self._handler(request) if self._handler is not None else self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return httpx.Response(200, json=self._served(request))
        except FrappeError as err:
            return httpx.Response(err.status, json=err.document())

    def _served(self, request: httpx.Request) -> object:
        path, params = request.url.path.removeprefix("/api/"), dict(request.url.params)
        doctype, _, name = path.removeprefix("resource/").partition("/")
        if path == "method/frappe.auth.get_logged_user":
            return {"message": "wearcast@works.example"}
        if path == "method/frappe.client.get_time_zone":
            return {"message": {"time_zone": self.book.zone.key}}
        if path == "method/frappe.desk.form.load.getdoctype":
            return {"docs": [self.book.form()]}
        if path == "method/frappe.desk.form.utils.add_comment":
            body = json.loads(request.content)
            self.book.comment(body["reference_doctype"], body["reference_name"], body["content"])
            return {"message": {}}
        if request.method == "GET":
            return {"data": self.book.query(doctype, params)}
        body = json.loads(request.content)
        return {"data": self.book.insert(body) if not name else self.book.update(name, body)}


def refusing(name: str, message: str, *, status: int | None = None) -> Handler:
    """A site that answers a write so, and has no documents."""
    error = FrappeError(name, message)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": []})
        return httpx.Response(status or error.status, json=error.document())

    return handle


def test_body_of_a_new_repair() -> None:
    bench = Bench(naming_series="ACC-ASR-.YYYY.-")
    shown = bench.erp.preview(REQUEST)
    bench.erp.create(REQUEST)
    request = bench.sent[-1]
    today = SystemClock().now().astimezone(bench.book.zone).date()
    assert (request.method, request.url.raw_path) == ("POST", b"/api/resource/Asset%20Repair")
    assert json.loads(request.content) == {
        "asset": "ACC-ASS-2026-00001",
        "failure_date": f"{today} 00:00:00",
        "repair_status": "Pending",
        "description": "Replace bearing\na &lt; b &amp; &lt;soon&gt;\nPriority: 2\nFunctional location: Hall 1",
        "wearcast_external_ref": "WC-AAAAAAAAAAAAAAAAA",
        "naming_series": "ACC-ASR-.YYYY.-",
    }
    assert request.headers["Authorization"] == "token k3y:s3cr3t"
    assert request.headers["Accept"] == "application/json"
    assert (shown.url, shown.body) == ("api/resource/Asset%20Repair", request.content.decode())
    assert "s3cr3t" not in repr(bench.kept)


def test_query_of_a_look_up() -> None:
    bench = Bench()
    bench.erp.find("WC-A")
    params = dict(bench.sent[0].url.params)
    assert json.loads(params["filters"]) == [["wearcast_external_ref", "=", "WC-A"]]
    assert {"name", "modified", "docstatus", "wearcast_external_ref"} <= set(json.loads(params["fields"]))
    assert (params["order_by"], params["limit_start"], params["limit_page_length"]) == ("name asc", "0", "100")


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("AuthenticationError", 401, ConfigError),
        ("InvalidAuthorizationToken", 400, ConfigError),
        ("PermissionError", 403, ConfigError),
        ("DataError", 417, ConfigError),
        ("LinkValidationError", 417, OrderRejectedError),
        ("MandatoryError", 417, OrderRejectedError),
        ("DoesNotExistError", 404, OrderRejectedError),
        ("TimestampMismatchError", 417, ErpUnavailableError),
        ("QueryDeadlockError", 500, ErpUnavailableError),
        ("TooManyRequestsError", 429, ErpUnavailableError),
        ("InternalError", 500, AmbiguousDeliveryError),
    ],
)
def test_exceptions_of_a_write_are_told_by_name_and_status(
    name: str, status: int, error: type[WearcastError]
) -> None:
    bench = Bench(refusing(name, "said so", status=status))
    with pytest.raises(error, match="said so") as caught:
        bench.erp.create(REQUEST)
    assert "Traceback" not in repr(bench.kept) + str(caught.value)
    assert "said so" in bench.kept[-1].answer


def test_words_for_people_are_json_within_json() -> None:
    said = json.dumps([json.dumps({"message": "Could not find <b>Asset</b>: <a href='x'>P1</a>"}), "second"])
    told = {"exc_type": "LinkValidationError", "_server_messages": said}
    assert exception_of(httpx.Response(417, json=told)) == (
        "LinkValidationError",
        "Could not find Asset: P1; second",
    )
    bare = {"exception": "frappe.exceptions.MandatoryError: asset"}
    assert exception_of(httpx.Response(417, json=bare)) == ("MandatoryError", "asset")
    assert exception_of(httpx.Response(502, text="<html>")) == ("", "")


@pytest.mark.parametrize("keys_are_names", [False, True])
def test_key_that_is_there_already_is_looked_up(keys_are_names: bool) -> None:
    bench = Bench()
    bench.book.keys_are_names = keys_are_names
    first = bench.erp.create(REQUEST)
    bench.book.update(str(first.number), {"description": "edited by a planner"})
    assert bench.erp.create(replace(REQUEST, title="again")).number == first.number
    assert bench.book.repairs[str(first.number)]["description"] == "edited by a planner"
    assert bench.kept[-2].status == (409 if keys_are_names else 417)


def test_number_that_is_taken_is_tried_again_and_another_unique_field_is_refused() -> None:
    with pytest.raises(ErpUnavailableError, match="nothing was done"):
        Bench(refusing("DuplicateEntryError", "ACC-ASR-2026-00001")).erp.create(REQUEST)
    with pytest.raises(OrderRejectedError, match="Tag must be unique"):
        Bench(refusing("UniqueValidationError", "Tag must be unique")).erp.create(REQUEST)


def test_answer_without_a_document_is_ambiguous_and_a_list_without_one_is_not() -> None:
    bench = Bench(lambda _request: httpx.Response(200, json={"message": "ok"}))
    with pytest.raises(AmbiguousDeliveryError, match=REQUEST.key):
        bench.erp.create(REQUEST)
    with pytest.raises(ErpUnavailableError):
        bench.erp.find(REQUEST.key)


def test_stamps_are_in_the_servers_time_zone() -> None:
    bench = Bench(zone="America/New_York", time_zone="")
    number = str(bench.erp.create(REQUEST).number)
    done = {"failure_date": "2026-02-20 01:30:00", "completion_date": "2026-02-20 06:30:00"}
    bench.book.update(number, done | {"repair_status": "Completed"})
    change = bench.erp.changes(NOW)[0]
    assert change.changed_at == NOW
    assert change.completed_at == dt.datetime(2026, 2, 20, 11, 30, tzinfo=dt.UTC)
    assert change.malfunction_at == dt.datetime(2026, 2, 20, 6, 30, tzinfo=dt.UTC)
    assert change.codes["downtime"] == "8.5 Hrs"
    assert json.loads(bench.sent[-1].url.params["filters"]) == [["modified", ">=", "2026-02-20 07:00:00.123456"]]
    assert bench.erp.changes(NOW + dt.timedelta(microseconds=1)) == []


@pytest.mark.parametrize("minutes", range(-90, 120, 15))
def test_no_change_is_lost_when_clocks_go_back(minutes: int) -> None:
    """In Berlin the hour from 02:00 to 03:00 comes twice: from 00:00 and from 01:00 UTC."""
    went_back = dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC)
    bench = Bench()
    since = went_back + dt.timedelta(minutes=minutes)
    numbers = []
    for number, after in enumerate((0, 10, 40, 70)):
        bench.now = since + dt.timedelta(minutes=after)
        numbers.append(bench.erp.create(replace(REQUEST, key=f"WC-{number:017d}")).number)
    assert {change.number for change in bench.erp.changes(since)} == set(numbers)


@pytest.mark.parametrize("apart", [dt.timedelta(), dt.timedelta(seconds=1)])
def test_every_change_is_told_over_many_pages_also_when_one_moves(apart: dt.timedelta) -> None:
    bench = Bench(page=3)
    keys = [f"WC-{number:017d}" for number in range(8)]
    for number, key in enumerate(keys):
        bench.now = NOW + number * apart
        bench.erp.create(replace(REQUEST, key=key))
    real, asked = bench.answer, list[int]()

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(1)
        if apart and len(asked) == 2:
            bench.book.update("ACC-ASR-2026-00001", {"actions_performed": "looked"})
        return real(request)

    bench.now = NOW + dt.timedelta(minutes=1)
    told = Bench(handle, page=3).erp.changes(NOW)
    assert [change.key for change in told] == ([*keys[1:], keys[0]] if apart else keys)


@pytest.mark.parametrize(
    ("status", "docstatus", "state", "raw"),
    [
        ("Pending", 0, OrderState.OPEN, "Pending"),
        ("Completed", 0, OrderState.COMPLETED, "Completed"),
        ("Completed", 1, OrderState.CLOSED, "Completed (submitted)"),
        ("Cancelled", 1, OrderState.CANCELLED, "Cancelled (submitted)"),
        ("Completed", 2, OrderState.CANCELLED, "Completed (document cancelled)"),
        ("Waiting", 0, OrderState.ON_HOLD, "Waiting"),
        ("Parked", 0, OrderState.UNKNOWN, "Parked"),
    ],
)
def test_states_come_from_status_and_docstatus(status: str, docstatus: int, state: OrderState, raw: str) -> None:
    bench = Bench(states={"waiting": "on_hold"})
    number = str(bench.erp.create(REQUEST).number)
    bench.book.repairs[number] |= {"repair_status": status, "docstatus": docstatus}
    found = bench.erp.find(REQUEST.key)[0]
    assert (found.state, found.raw_status) == (state, raw)


def test_midnight_is_no_moment_of_a_malfunction() -> None:
    bench = Bench()
    bench.erp.create(REQUEST)
    assert bench.erp.changes(LONG_AGO)[0].malfunction_at is None


def test_note_is_a_comment_in_our_users_name() -> None:
    bench = Bench()
    number = str(bench.erp.create(REQUEST).number)
    bench.erp.annotate(number, "worse <b>now</b>", 1)
    assert json.loads(bench.sent[-1].content) == {
        "reference_doctype": "Asset Repair",
        "reference_name": number,
        "content": "worse &lt;b&gt;now&lt;/b&gt;<br>Priority: 1",
        "comment_email": "wearcast@works.example",
        "comment_by": "Wearcast",
    }


def test_submitted_repair_is_a_persons_to_cancel() -> None:
    bench = Bench()
    number = str(bench.erp.create(REQUEST).number)
    bench.book.repairs[number]["docstatus"] = 1
    with pytest.raises(OrderRejectedError, match="submitted"):
        bench.erp.cancel(number, "twice there")
    assert bench.book.comments == {}


def test_orders_of_a_location_are_asked_for_in_lines_that_a_front_end_takes() -> None:
    bench = Bench()
    for number in range(3, 203):
        asset = dict(bench.book.assets["ACC-ASS-2026-00001"]) | {"name": f"ACC-ASS-2026-{number:05d}"}
        bench.book.assets[str(asset["name"])] = asset
    made = bench.erp.create(replace(REQUEST, equipment_number="ACC-ASS-2026-00202")).number
    assert [order.number for order in bench.erp.open_orders("Hall 1")] == [made]
    assert bench.erp.open_orders("Hall 2") == bench.erp.open_orders("") == []
    assert max(len(request.url.raw_path) for request in bench.sent) < 4000


def findings(bench: Bench) -> dict[str, str]:
    wrong = [one for one in bench.erp.check().findings if one.severity is Severity.ERROR]
    return {finding.subject: finding.message for finding in wrong}


def test_check_says_what_to_do() -> None:
    assert findings(Bench()) == {}
    missing = Bench(code_fields={"outcome": "no_such"}, time_zone="")
    del missing.book.fields["wearcast_external_ref"]
    missing.book.denied = {"Asset"}
    told = findings(missing)
    assert set(told) == {"Asset Repair.wearcast_external_ref", "Asset Repair.no_such", "Asset"}
    assert "import the custom fields" in told["Asset Repair.wearcast_external_ref"]
    twice = Bench()
    kind, options, reqd, _ = twice.book.fields["wearcast_external_ref"]
    twice.book.fields["wearcast_external_ref"] = (kind, options, reqd, False)
    assert "not unique" in findings(twice)["Asset Repair.wearcast_external_ref"]


def test_time_zone_that_the_server_does_not_tell_is_asked_of_the_site() -> None:
    real = Bench()

    def handle(request: httpx.Request) -> httpx.Response:
        if "get_time_zone" in request.url.path:
            return httpx.Response(200, json={"message": {"time_zone": None}})
        return real.answer(request)

    bench = Bench(handle, time_zone="")
    assert "erp.options.time_zone" in findings(bench)["time zone"]
    with pytest.raises(ConfigError, match="time_zone"):
        bench.erp.changes(NOW)


def test_settings_name_what_is_wrong() -> None:
    base: dict[str, object] = {"kind": "erpnext", "url": "https://erp.example", "secret": "s", "user": "k"}
    assert ErpNext.from_settings(ErpSettings.model_validate(base)).name == "erpnext:erp.example"
    both = ErpSettings.model_validate(base | {"secret": "k:s", "user": ""})
    assert ErpNext.from_settings(both).name == "erpnext:erp.example"
    for changed, words in (
        ({"user": ""}, "erp.user"),
        ({"options": {"time_zone": "Berlin"}}, "erp.options.time_zone = 'Berlin'"),
        ({"options": {"series": "x"}}, "naming_series"),
    ):
        with pytest.raises(ConfigError, match=words):
            ErpNext.from_settings(ErpSettings.model_validate(base | changed))


def test_custom_fields_of_the_page_are_those_that_the_adapter_wants() -> None:
    block = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    key, outcome = json.loads(block[1])
    assert (key["dt"], key["fieldname"]) == ("Asset Repair", ErpNextOptions().key_field)
    assert (key["fieldtype"], key["unique"], key["no_copy"]) == ("Data", 1, 1)
    assert outcome["fieldname"] in PAGE.read_text(encoding="utf-8").rpartition("code_fields]")[2]
