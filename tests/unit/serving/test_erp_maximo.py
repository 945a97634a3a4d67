"""Maximo's wire format: bodies, conditions, stamps, pages, statuses and error documents."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from pydantic import ValidationError

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.endpoint import Endpoint
from serving.erp.maximo import Maximo, MaximoOptions
from serving.erp.maximo.wire import condition, stamp, when
from serving.erp.port import Severity
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.unit.serving._erp import KEY, Answers, bearing_request

REQUEST = bearing_request(planned_start=dt.datetime(2026, 2, 27, 5, tzinfo=dt.UTC), part_number="6205")
ROW = {
    "href": "http://inside/maximo/api/os/mxapiwodetail/_QkVE",
    "_rowstamp": "77",
    "wonum": "1203",
    "status": "WAPPR",
    "status_maxvalue": "WAPPR",
    "statusdate": "2026-02-01T07:00:00-05:00",
    "changedate": "2026-02-01T06:00:00-05:00",
    "externalrefid": KEY,
    "wopriority": 3,
}


def maximo(wire: Callable[[httpx.Request], httpx.Response], **options: object) -> Maximo:
    chosen = MaximoOptions.model_validate({"site": "BEDFORD"} | options)
    return Maximo(
        Endpoint(url="https://erp.example/maximo", transport=httpx.MockTransport(wire)), "s3cr3t", chosen
    )


def page(*rows: dict[str, object], following: str = "") -> httpx.Response:
    info = {"nextPage": {"href": following}} if following else {}
    return httpx.Response(200, json={"member": list(rows), "responseInfo": info})


def refused(status: int, reason: str, message: str, prefix: str = "") -> httpx.Response:
    spi = "spi:" if prefix else ""
    error = {f"{prefix}statusCode": str(status), f"{spi}reasonCode": reason, f"{prefix}message": message}
    return httpx.Response(status, json={f"{prefix}Error": error})


def test_new_work_order_is_written_field_by_field() -> None:
    wire = Answers(httpx.Response(201, json=ROW))
    options = {"organization": "EAGLENA", "reported_by": "WEARCAST", "problem_codes": {"bearing": "VIBR"}}
    order = maximo(wire, failure_class="PUMPS", plan_parts=True, storeroom="CENTRAL", **options).create(REQUEST)
    asked = wire.asked[0]
    assert (asked.method, str(asked.url)) == ("POST", "https://erp.example/maximo/api/os/mxapiwodetail?lean=1")
    assert asked.headers["apikey"] == "s3cr3t"
    assert "wonum" in asked.headers["properties"]
    assert wire.body() == {
        "description": "Replace bearing",
        "description_longdescription": "a &lt; b<br>β",
        "siteid": "BEDFORD",
        "orgid": "EAGLENA",
        "assetnum": "100042",
        "location": "W1-P101",
        "worktype": "CM",
        "wopriority": 2,
        "reportedby": "WEARCAST",
        "targcompdate": "2026-02-28T04:00:00+00:00",
        "targstartdate": "2026-02-27T05:00:00+00:00",
        "failurecode": "PUMPS",
        "problemcode": "VIBR",
        "externalrefid": KEY,
        "wpmaterial": [{"itemnum": "6205", "itemqty": 1.0, "storeloc": "CENTRAL"}],
    }
    assert (order.number, order.state, order.raw_status) == ("1203", OrderState.OPEN, "WAPPR")


def test_what_is_not_known_is_not_written() -> None:
    wire = Answers(httpx.Response(201, json=ROW))
    maximo(wire, site="").create(replace(REQUEST, equipment_number="", planned_start=None, part_number=None))
    assert not {"siteid", "orgid", "assetnum", "reportedby", "failurecode", "targstartdate"} & set(wire.body())


def test_service_request_is_written_where_the_site_wants_requests() -> None:
    wire = Answers(httpx.Response(201, json={"ticketid": "1203", "status": "NEW", "href": "x/_Q"}))
    order = maximo(wire, request_as="service_request").create(REQUEST)
    assert wire.asked[0].url.path.endswith("/os/mxapisr")
    assert (wire.body()["reportedpriority"], wire.body()["externalrecid"]) == (2, KEY)
    assert (order.number, order.state) == ("SR:1203", OrderState.OPEN)


def test_released_order_is_approved_after_it_was_made() -> None:
    wire = Answers(httpx.Response(201, json=ROW), httpx.Response(204))
    order = maximo(wire).create(replace(REQUEST, target="order"))
    asked = wire.asked[1]
    assert asked.url.params["action"] == "wsmethod:changeStatus"
    assert asked.url.path == "/maximo/api/os/mxapiwodetail/_QkVE"
    assert asked.headers["x-method-override"] == "PATCH"
    assert wire.body() == {"status": "APPR"}
    assert order.raw_status == "APPR"


def test_order_that_could_not_be_approved_is_looked_up() -> None:
    wire = Answers(httpx.Response(201, json=ROW), refused(403, "BMXAA0028E", "no right"))
    with pytest.raises(AmbiguousDeliveryError, match="1203"):
        maximo(wire).create(replace(REQUEST, target="order"))


@pytest.mark.parametrize("answer", [httpx.Response(201), httpx.Response(201, json={"href": "x"})])
def test_created_without_a_number_is_ambiguous(answer: httpx.Response) -> None:
    with pytest.raises(AmbiguousDeliveryError):
        maximo(Answers(answer)).create(REQUEST)


def test_look_up_asks_by_key_and_site_and_keeps_only_that_key() -> None:
    wire = Answers(page(ROW, ROW | {"wonum": "1204", "externalrefid": KEY + "X"}))
    assert [order.number for order in maximo(wire).find(KEY)] == ["1203"]
    query = wire.asked[0].url.params
    assert query["oslc.where"] == f'externalrefid="{KEY}" and siteid="BEDFORD"'
    assert (query["lean"], query["internalvalues"]) == ("1", "1")
    assert "oslc.orderBy=%2Bworkorderid" in str(wire.asked[0].url)


def test_numbers_are_in_the_order_of_people() -> None:
    wire = Answers(page(ROW | {"wonum": "1000"}, ROW | {"wonum": "999"}))
    assert [order.number for order in maximo(wire).find(KEY)] == ["999", "1000"]


def test_quotes_and_backslashes_are_escaped() -> None:
    assert condition("location", "=", 'A"B\\C') == 'location="A\\"B\\\\C"'


def test_pages_are_followed_by_their_query_whatever_host_they_name() -> None:
    following = "http://inside/maximo/api/os/mxapiwodetail?lean=1&pageno=2&oslc.where=a%3D1"
    wire = Answers(page(ROW, following=following), page(ROW | {"wonum": "1204"}))
    assert [order.number for order in maximo(wire).find(KEY)] == ["1203", "1204"]
    assert wire.asked[1].url.host == "erp.example"
    assert wire.asked[1].url.params["pageno"] == "2"


def test_no_session_is_kept() -> None:
    wire = Answers(
        httpx.Response(200, json={"member": []}, headers={"Set-Cookie": "JSESSIONID=1; Path=/"}), page()
    )
    erp = maximo(wire)
    erp.find(KEY)
    erp.find(KEY)
    assert "cookie" not in wire.asked[1].headers


def test_changes_ask_for_status_and_edits_and_tell_an_order_once() -> None:
    wire = Answers(page(ROW), page(ROW, ROW | {"wonum": "1204", "statusdate": "2026-02-01T05:00:00-05:00"}))
    found = maximo(wire).changes(dt.datetime(2026, 2, 1, 10, 0, 0, 700_000, tzinfo=dt.UTC))
    assert [asked.url.params["oslc.where"].partition(" and ")[0] for asked in wire.asked] == [
        'changedate>="2026-02-01T10:00:00+00:00"',
        'statusdate>="2026-02-01T10:00:00+00:00"',
    ]
    assert [(one.number, one.changed_at.isoformat()) for one in found] == [
        ("1204", "2026-02-01T11:00:00+00:00"),
        ("1203", "2026-02-01T12:00:00+00:00"),
    ]


def test_only_our_orders_are_polled_where_there_are_many() -> None:
    wire = Answers(page(), page())
    maximo(wire, changes="ours").changes(dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    assert all('externalrefid="WC-%"' in asked.url.params["oslc.where"] for asked in wire.asked)


def test_finished_order_tells_codes_times_and_when_it_broke() -> None:
    report = [{"type": "PROBLEM", "failurecode": "VIBR"}, {"type": "CAUSE", "failurecode": "LUBE"}]
    row = ROW | {"status": "FERTIG", "status_maxvalue": "COMP", "failurecode": "PUMPS", "failurereport": report}
    row |= {"actfinish": "2026-02-01T04:30:00-05:00", "faildate": "2026-01-31T00:00:00-05:00"}
    change = maximo(Answers(page(row), page())).changes(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))[0]
    assert (change.state, change.raw_status) == (OrderState.COMPLETED, "FERTIG")
    assert change.codes == {"failure_class": "PUMPS", "problem": "VIBR", "cause": "LUBE"}
    assert change.completed_at == dt.datetime(2026, 2, 1, 9, 30, tzinfo=dt.UTC)
    assert change.malfunction_at == dt.datetime(2026, 1, 31, 5, tzinfo=dt.UTC)


def test_codes_that_come_later_in_the_same_second_are_another_change() -> None:
    done = ROW | {"status": "COMP", "status_maxvalue": "COMP"}
    coded = done | {"failurereport": [{"type": "REMEDY", "failurecode": "REPL"}]}
    since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ids = [maximo(Answers(page(row), page())).changes(since)[0].change_id for row in (done, done, coded)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("row", "options", "state"),
    [
        ({"status": "WSCH"}, {}, OrderState.PLANNED),
        ({"status": "WMATL"}, {}, OrderState.ON_HOLD),
        ({"status": "ERLEDIGT", "status_maxvalue": "CLOSE"}, {}, OrderState.CLOSED),
        ({"status": "ERLEDIGT"}, {"states": {"ERLEDIGT": "COMP"}}, OrderState.COMPLETED),
        ({"status": "ERLEDIGT"}, {}, OrderState.UNKNOWN),
    ],
)
def test_states_go_by_internal_values(row: dict[str, str], options: dict[str, object], state: OrderState) -> None:
    held = {name: value for name, value in ROW.items() if name != "status_maxvalue"} | row
    assert maximo(Answers(page(held)), **options).find(KEY)[0].state is state


def test_note_is_merged_and_a_raise_carries_the_row_version() -> None:
    wire = Answers(page(ROW), httpx.Response(204))
    maximo(wire).annotate("1203", "worse\n<now>", 1)
    assert wire.asked[1].headers["patchtype"] == "MERGE"
    line = {"description": "worse", "description_longdescription": "worse<br>&lt;now&gt;", "logtype": "CLIENTNOTE"}
    assert wire.body() == {"worklog": [line], "wopriority": 1, "_rowstamp": "77"}


@pytest.mark.parametrize(
    ("priorities", "held", "wanted", "is_raised"),
    [
        ([1, 2, 3, 4, 5], 2, 3, False),
        ([1, 2, 3, 4, 5], 3, 3, False),
        ([90, 70, 50, 30, 10], 50, 2, True),
        ([90, 70, 50, 30, 10], 95, 1, False),
    ],
)
def test_priority_is_only_raised_whichever_way_the_site_counts(
    priorities: list[int], held: int, wanted: int, is_raised: bool
) -> None:
    wire = Answers(page(ROW | {"wopriority": held}), httpx.Response(204))
    maximo(wire, priorities=dict(enumerate(priorities, 1))).annotate("1203", "x", wanted)
    assert ("wopriority" in wire.body()) is is_raised


def test_order_that_is_over_is_not_cancelled_again() -> None:
    wire = Answers(page(ROW | {"status": "COMP", "status_maxvalue": "COMP"}))
    maximo(wire).cancel("1203", "x")
    assert len(wire.asked) == 1


def test_withdrawn_service_request_is_cancelled_and_a_closed_one_closed() -> None:
    row = {"ticketid": "7", "href": "x/_Q", "status": "NEW", "statusdate": ROW["statusdate"], "externalrecid": KEY}
    wire = Answers(page(row), httpx.Response(204), httpx.Response(204))
    maximo(wire, request_as="service_request").cancel("SR:7", "duplicate of SR:6")
    line = {"description": "Withdrawn by Wearcast: duplicate of SR:6"}
    assert str(wire.body(1)["worklog"]).count(line["description"]) == 2
    assert wire.body(2) == {"status": "CLOSED", "memo": "duplicate of SR:6"}
    closed = row | {"status": "CLOSED"}
    found = maximo(Answers(page(), page(closed, closed | {"worklog": [line]})), request_as="service_request").find(
        KEY
    )
    assert [one.state for one in found] == [OrderState.CLOSED, OrderState.CANCELLED]


def test_memo_of_a_cancellation_fits_its_field() -> None:
    wire = Answers(page(ROW), httpx.Response(204))
    maximo(wire).cancel("1203", "x" * 80)
    assert (wire.body()["status"], len(str(wire.body()["memo"]))) == ("CAN", 50)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (refused(400, "BMXAA2661E", "BMXAA2661E - Location X is not valid."), OrderRejectedError, "BMXAA2661E"),
        (refused(400, "BMXAA2661E", "Location X", "oslc:"), OrderRejectedError, "Location X"),
        (refused(400, "BMXAA4153E", "null is not a valid site"), ConfigError, "insert site"),
        (refused(412, "BMXAA8229W", "updated by another user"), ErpUnavailableError, "editing"),
        (refused(401, "BMXAA7901E", "cannot log in"), ConfigError, "API key"),
        (refused(403, "BMXAA9301E", "no access"), ConfigError, "object structure"),
        (refused(500, "BMXAA4160E", "general error"), AmbiguousDeliveryError, "500"),
        (httpx.ReadTimeout("slow"), AmbiguousDeliveryError, "no answer"),
        (httpx.Response(429, headers={"Retry-After": "7"}), ErpUnavailableError, "later"),
    ],
)
def test_error_documents_are_read(
    answer: httpx.Response | Exception, error: type[WearcastError], says: str
) -> None:
    with pytest.raises(error, match=says):
        maximo(Answers(answer)).create(REQUEST)


def test_question_that_maximo_cannot_read_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match="check"):
        maximo(Answers(refused(400, "BMXAA8744E", "not parsed"))).find(KEY)


def test_stamps_without_offset_are_the_sites_own() -> None:
    moment = dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)
    assert stamp(moment, "Europe/Berlin") == "2026-07-01T12:00:00"
    assert when("2026-07-01T12:00:00", "Europe/Berlin") == moment
    assert when("2026-07-01T12:00:00", "") == moment + dt.timedelta(hours=2)
    with pytest.raises(ErpUnavailableError):
        when("yesterday", "")


def schema(**lengths: int) -> httpx.Response:
    names = ["description", "description_longdescription", "externalrefid", "assetnum", "location", "worktype"]
    names += ["wopriority", "targstartdate"]
    fields = {name: {"type": "string", "maxLength": lengths.get(name, 1000)} for name in names}
    return httpx.Response(200, json={"properties": {k: v for k, v in fields.items() if v["maxLength"]}})


@pytest.mark.parametrize(
    ("lengths", "severity", "says"),
    [
        ({}, Severity.OK, "wide enough"),
        ({"externalrefid": 10}, Severity.ERROR, "20 are needed"),
        ({"externalrefid": 0}, Severity.ERROR, "missing"),
        ({"description": 50}, Severity.WARNING, "100 are needed"),
    ],
)
def test_check_measures_the_fields(lengths: dict[str, int], severity: Severity, says: str) -> None:
    report = maximo(Answers(httpx.Response(200, json={"loginID": "wearcast"}), schema(**lengths), page())).check()
    told = [one for one in report.findings if one.subject.startswith("mxapiwodetail")]
    assert [(one.severity, says in one.message) for one in told] == [(severity, True)]
    assert report.is_usable == (severity is not Severity.ERROR)


def test_check_sees_a_user_without_a_site() -> None:
    report = maximo(Answers(httpx.Response(404), schema(), page()), site="").check()
    assert not report.is_usable
    assert "insert site" in report.findings[0].message


def test_wrong_options_are_named() -> None:
    settings = ErpSettings.model_validate(
        {"kind": "maximo", "url": "https://e", "secret": "s", "options": {"sit": "B"}}
    )
    with pytest.raises(ConfigError, match="site"):
        Maximo.from_settings(settings)
    for wrong in (
        {"priorities": {1: 1}},
        {"time_zone": "Mars/Base"},
        {"priorities": {1: 1, 2: 3, 3: 2, 4: 4, 5: 5}},
    ):
        with pytest.raises(ValidationError):
            MaximoOptions.model_validate(wrong)
