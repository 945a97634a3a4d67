"""SAP's wire format: bodies, times, states, codes, error documents, pages, tokens."""

import datetime as dt
import doctest
import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
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
from serving.erp.options import read_options
from serving.erp.port import Exchange, Severity
from serving.erp.sap_s4 import SapS4, bodies, wire
from serving.erp.sap_s4.bodies import notification_body, order_body
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.reading import CANCELLED_BY_US, Reading, codes_of
from serving.erp.sap_s4.session import translate
from serving.erp.sap_s4.wire import message_of, query, warning_of
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.unit.serving._erp import bearing_request

SECRET = "a secret for tests"
REQUEST = bearing_request(
    key="WC-AAAAAAAAAAAAAAAAA",
    functional_location="w1-p101",
    title="Replace 'bearing' – Wälz",
    text="line\nline",
    due=dt.datetime(2026, 2, 28, 23, 30, tzinfo=dt.UTC),
    planned_start=dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC),
    part_number="6205",
)
BERLIN = SapOptions(
    time_zone="Europe/Berlin",
    planning_plant="1010",
    damage={"bearing": "BEARING/0010"},
    coding="PDM/0001",
    spare_parts=True,
)
Handle = Callable[[httpx.Request], httpx.Response]


def adapter(handle: Handle, *, exchanges: list[Exchange] | None = None, **told: Any) -> SapS4:
    settings = ErpSettings.model_validate({"kind": "sap_s4", "url": "https://erp.example", "user": "u", **told})
    endpoint = replace(Endpoint.of(settings, (exchanges or []).append), transport=httpx.MockTransport(handle))
    options, makes_orders = read_options(settings, SapOptions), settings.target == "order"
    return SapS4(endpoint, settings.user, SECRET, options, makes_orders=makes_orders)


def listed(*rows: dict[str, object], following: str | None = None) -> httpx.Response:
    page: dict[str, object] = {"results": list(rows)} | ({"__next": following} if following else {})
    return httpx.Response(200, json={"d": page})


def test_notification_is_written_as_sap_names_it() -> None:
    assert notification_body(REQUEST, BERLIN, "W1-P101") == {
        "NotificationType": "M1",
        "NotificationText": "Replace 'bearing' – Wälz",
        "MaintNotifLongTextForEdit": "line\nline",
        "MaintPriority": "2",
        "MaintNotifExtReferenceNumber": "WC-AAAAAAAAAAAAAAAAA",
        "TechnicalObject": "000000000000100042",
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
        "MaintenanceObjectIsDown": False,
        "RequiredStartDate": "/Date(1772236800000)/",
        "RequiredStartTime": "PT06H00M00S",
        "RequiredEndDate": "/Date(1772323200000)/",
        "RequiredEndTime": "PT00H30M00S",
        "LatestAcceptableCompletionDate": "/Date(1772323200000)/",
        "MaintenancePlanningPlant": "1010",
        "MaintNotificationCodeGroup": "PDM",
        "MaintNotificationCode": "0001",
        "to_Item": [
            {
                "MaintenanceNotificationItem": "0001",
                "MaintNotifItemText": "Predicted BEARING/0010",
                "MaintNotifDamageCodeGroup": "BEARING",
                "MaintNotificationDamageCode": "0010",
            }
        ],
    }


def test_order_is_linked_and_its_times_are_utc() -> None:
    body = order_body(replace(REQUEST, equipment_number=""), BERLIN, "?0100", "10000001")
    assert (body["MaintenanceNotification"], body["FunctionalLocation"]) == ("10000001", "?0100")
    assert "Equipment" not in body
    assert body["MaintOrdBasicStartDateTime"] == "/Date(1772254800000+0000)/"
    operations = body["to_MaintenanceOrderOperation"]
    assert isinstance(operations, list)
    assert operations[0]["to_MaintOrderOpComponent"][0]["Product"] == "6205"


def test_machine_without_a_place_is_never_written_for() -> None:
    with pytest.raises(OrderRejectedError, match="assets match"):
        notification_body(replace(REQUEST, equipment_number="", functional_location=""), BERLIN, "")


@pytest.mark.parametrize(
    ("row", "order", "state"),
    [
        ({"NotifProcessingPhase": "1"}, None, OrderState.OPEN),
        ({"NotifProcessingPhase": "9"}, None, OrderState.UNKNOWN),
        ({"NotifProcessingPhase": "3"}, {"SystemStatusText": "CRTD"}, OrderState.OPEN),
        ({"NotifProcessingPhase": "3"}, {"SystemStatusText": "TECO"}, OrderState.COMPLETED),
        ({"NotifProcessingPhase": "4"}, {"SystemStatusText": "REL"}, OrderState.COMPLETED),
        ({"NotifProcessingPhase": "4"}, {"SystemStatusText": "CLSD"}, OrderState.CLOSED),
        ({"NotifProcessingPhase": "5"}, None, OrderState.CANCELLED),
        ({"NotifProcessingPhase": "5", "NotificationCompletionDate": "/Date(0)/"}, None, OrderState.CLOSED),
        ({"NotifProcessingPhase": "4", "MaintNotificationLongText": CANCELLED_BY_US}, None, OrderState.CANCELLED),
        ({"NotifProcessingPhase": "1", "MaintNotificationLongText": CANCELLED_BY_US}, None, OrderState.OPEN),
    ],
)
def test_state_comes_from_phase_and_order(
    row: dict[str, str], order: dict[str, str] | None, state: OrderState
) -> None:
    assert Reading(SapOptions()).state(row, order) is state


def test_a_prediction_read_back_unchanged_is_no_finding() -> None:
    item = {
        "MaintNotifItemText": "Predicted BEARING/0010",
        "MaintNotifDamageCodeGroup": "BEARING",
        "MaintNotificationDamageCode": "0010",
        "to_ItemCause": {"results": [{"MaintNotifCauseCodeGroup": "C", "MaintNotificationCauseCode": "7"}]},
        "to_ItemActivity": {"__deferred": {"uri": "x"}},
    }
    assert codes_of({"to_Item": {"results": [item]}}) == {"cause": "C/7"}
    found = item | {"MaintNotificationDamageCode": "0020"}
    assert codes_of({"to_Item": [found, item | {"IsDeleted": True}, {**found, "MaintNotifItemText": ""}]}) == {
        "damage": "BEARING/0020",
        "cause": "C/7",
    }


def test_malfunction_is_told_only_of_a_breakdown_and_in_the_zone_of_the_notification() -> None:
    row = {
        "MaintenanceNotification": "1",
        "LastChangeDateTime": "/Date(1772236800000+0000)/",
        "NotificationTimeZone": "EST",
        "MalfunctionStartDate": "/Date(1772236800000)/",
        "MalfunctionStartTime": "PT01H00M00S",
        "MaintenanceObjectIsDown": False,
    }
    reading = Reading(SapOptions(time_zone="Europe/Berlin"))
    quiet, broken = reading.change(row), reading.change(row | {"MaintenanceObjectIsDown": True})
    assert quiet is not None
    assert quiet.malfunction_at is None
    assert broken is not None
    assert broken.malfunction_at == dt.datetime(2026, 2, 28, 6, tzinfo=dt.UTC)


def test_change_without_a_stamp_is_none() -> None:
    assert Reading(SapOptions()).change({"MaintenanceNotification": "1"}) is None


def test_query_leaves_dollars_and_encodes_what_must_be() -> None:
    assert query("A", {"$filter": "B eq 'ä&b+c'", "x": ""}) == "A?$filter=B%20eq%20'%C3%A4%26b%2Bc'"


DETAILS = {
    "errordetails": [{"message": "Enter a type", "severity": "error"}, {"message": "i", "severity": "info"}]
}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps({"error": {"code": "IW/011", "message": {"lang": "en", "value": "No"}}}), "No; IW/011"),
        (json.dumps({"error": {"code": "", "message": "No", "innererror": DETAILS}}), "No; Enter a type"),
        ("<error><code>c</code><message xml:lang='en'>A &lt; B</message></error>", "A < B"),
        ("<html><head><title>Logon failed</title></head></html>", "Logon failed"),
        ("plain", "plain"),
        ('{"error": 3}', '{"error": 3}'),
    ],
)
def test_error_documents_are_read_in_every_form(body: str, said: str) -> None:
    assert message_of(httpx.Response(400, text=body)) == said


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (400, "Notification 1 is currently being processed by user X", ErpUnavailableError),
        (500, "Order 1 is locked by Y", ErpUnavailableError),
        (412, "", ErpUnavailableError),
        (400, "Equipment 1 does not exist", OrderRejectedError),
        (404, "<message>Resource not found</message>", OrderRejectedError),
        (401, "is locked by", ConfigError),
    ],
)
def test_refusals_are_translated(status: int, text: str, error: type[WearcastError]) -> None:
    assert isinstance(translate(httpx.Response(status, text=text)), error)


@pytest.mark.parametrize("status", [423, 429, 500, 503])
def test_what_http_says_itself_is_left_to_the_connection(status: int) -> None:
    assert translate(httpx.Response(status, text="?")) is None


def test_warning_of_a_success_is_read() -> None:
    told = {"code": "IM/1", "message": "no profile", "details": [{"message": "second", "severity": "warning"}]}
    assert warning_of(httpx.Response(201, headers={"sap-message": json.dumps(told)})) == (
        "no profile; second",
        True,
    )
    quiet = json.dumps({"message": "no profile", "severity": "info"})
    assert warning_of(httpx.Response(201, headers={"sap-message": quiet})) == ("no profile", False)
    assert warning_of(httpx.Response(201, headers={"sap-message": "odd"})) == ("odd", True)
    assert warning_of(httpx.Response(201)) == ("", False)


def test_pages_are_followed_by_path_whatever_host_sap_names() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        if "skiptoken" in str(request.url):
            return listed({"MaintenanceNotification": "2", "MaintNotifExtReferenceNumber": "WC-A"})
        following = (
            "http://inside:50000/sap/opu/odata/sap/API_MAINTNOTIFICATION/MaintenanceNotification?$skiptoken=1"
        )
        return listed(
            {"MaintenanceNotification": "1", "MaintNotifExtReferenceNumber": "WC-A"}, following=following
        )

    assert [order.number for order in adapter(handle).find("WC-A")] == ["1", "2"]
    assert {httpx.URL(url).host for url in seen} == {"erp.example"}


def test_pages_that_never_end_are_an_error() -> None:
    here = "MaintenanceNotification?$skiptoken=1"
    with pytest.raises(ErpUnavailableError, match="never end"):
        adapter(lambda _request: listed(following=here)).find("WC-A")


def test_token_is_fetched_anew_once_and_the_write_is_done_once() -> None:
    writes: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.url.path.endswith("/API_MAINTNOTIFICATION/")
            headers = {"x-csrf-token": f"t{len(writes)}", "set-cookie": f"any-name=c{len(writes)}"}
            return httpx.Response(200, json={"d": {}}, headers=headers)
        writes.append(request.headers["x-csrf-token"] + request.headers["cookie"])
        if len(writes) == 1:
            return httpx.Response(403, text="CSRF token validation failed", headers={"x-csrf-token": "Required"})
        return httpx.Response(201, json={"d": {"MaintenanceNotification": "1", "NotifProcessingPhase": "1"}})

    assert adapter(handle).create(REQUEST).number == "1"
    assert writes == ["t0any-name=c0", "t1any-name=c1"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(403, headers={"x-csrf-token": "Required"}), ErpUnavailableError),
        (httpx.Response(403, text="No authorization"), ConfigError),
        (httpx.Response(201, text="<html>"), AmbiguousDeliveryError),
        (httpx.Response(201, json={"no": "d"}), AmbiguousDeliveryError),
        (httpx.Response(201, json={"d": {}}), AmbiguousDeliveryError),
        (httpx.Response(503, headers={"Retry-After": "5"}), AmbiguousDeliveryError),
        (httpx.Response(423), ErpUnavailableError),
    ],
)
def test_answers_to_a_create_are_translated(answer: httpx.Response, error: type[WearcastError]) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return answer if request.method == "POST" else httpx.Response(200, headers={"x-csrf-token": "t"})

    with pytest.raises(error):
        adapter(handle).create(REQUEST)


def test_if_match_is_sent_only_where_sap_asks_for_it() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"d": {"MaintPriority": "3"}}, headers={"x-csrf-token": "t"})
        seen.append(request.headers.get("if-match", "none"))
        return httpx.Response(428 if len(seen) == 1 else 204)

    adapter(handle).annotate("1", "worse", 1)
    assert seen == ["none", "*"]


def test_oauth_asks_for_a_token_and_anew_when_it_is_refused() -> None:
    asked: list[str] = []
    exchanges: list[Exchange] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            asked.append(request.content.decode())
            return httpx.Response(200, json={"access_token": f"token-{len(asked)}", "expires_in": 3600})
        if request.headers["authorization"] == "Bearer token-1":
            return httpx.Response(401)
        return listed()

    options = {"auth": "oauth", "token_url": "https://login.example/token"}
    assert adapter(handle, exchanges=exchanges, options=options).find("WC-A") == []
    assert len(asked) == 2
    assert "client_credentials" in asked[0]
    assert "token-" not in repr(exchanges)


def test_service_that_is_not_active_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match="activate"):
        adapter(lambda _request: httpx.Response(404, text="No service found")).find("WC-A")


def test_check_names_fields_that_cannot_be_written_or_searched() -> None:
    described = (
        '<EntityType Name="MaintenanceNotificationType"><Property Name="NotificationType" sap:creatable="false"/>'
        '<Property Name="MaintNotifExtReferenceNumber" sap:filterable="false"/></EntityType>'
    )

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("$metadata"):
            return httpx.Response(200, text=described)
        return listed({"TechObjIsEquipOrFuncnlLoc": "EAMS_FLOC"})

    report = adapter(handle, options={"orders": False}).check()
    said = {finding.subject: finding for finding in report.findings}
    assert not report.is_usable
    assert "cannot be written" in said["NotificationType"].message
    assert "cannot be searched" in said["MaintNotifExtReferenceNumber"].message
    assert "no such field" in said["MaintPriority"].message
    assert said["TechObjIsEquipOrFuncnlLoc"].severity is Severity.WARNING or "no such field" in str(said)


def test_target_order_needs_the_service_of_orders() -> None:
    with pytest.raises(ConfigError, match="orders = true"):
        adapter(lambda _request: listed(), target="order", options={"orders": False})


@pytest.mark.parametrize("module", [wire, bodies], ids=lambda module: module.__name__)
def test_examples_of_the_wire_format_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert (result.failed, result.attempted > 0) == (0, True)
