"""The wire format of Dynamics 365: tokens, keys in addresses, versions, pages, option sets and error documents."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.dynamics365 import Dynamics365, Dynamics365Options
from serving.erp.endpoint import Endpoint
from serving.erp.port import Exchange, Severity
from serving.erp.tokens import ClientCredentials
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.unit.serving._erp import KEY, Answers, bearing_request

IDS = [f"00000000-0000-0000-0000-{n:012d}" for n in range(20)]
ACCOUNT, ASSET, PLACE, ORDER, TYPE, PRICES, INCIDENT = IDS[:7]
PRIORITIES = dict(enumerate(IDS[11:16], 1))
REQUEST = bearing_request(
    functional_location=PLACE,
    equipment_number=ASSET.upper(),
    planned_start=dt.datetime(2026, 2, 27, 5, tzinfo=dt.UTC),
    part_number="6205",
)
LABEL = "@OData.Community.Display.V1.FormattedValue"
ROW: dict[str, object] = {
    "@odata.etag": 'W/"77"',
    "msdyn_workorderid": ORDER,
    "msdyn_name": "01001",
    "wearcast_externalref": KEY,
    "msdyn_systemstatus": 690970000,
    "msdyn_systemstatus" + LABEL: "Unscheduled",
    "modifiedon": "2026-02-01T12:00:00Z",
    "_msdyn_priority_value": PRIORITIES[3],
}
TOKEN = {"token_type": "Bearer", "expires_in": 3599, "access_token": "t1"}


class Wire(Answers):
    """Tokens are given aside."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        super().__init__(*answers)
        self.kept, self.signed_in = list[Exchange](), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            self.signed_in.append(request)
            return httpx.Response(200, json=TOKEN | {"access_token": f"t{len(self.signed_in)}"})
        return super().__call__(request)


def options(**given: object) -> Dynamics365Options:
    always = {"token_url": "https://login.example/t/token", "service_account": ACCOUNT, "priorities": PRIORITIES}
    return Dynamics365Options.model_validate(always | given)


def dynamics(wire: Wire, **given: object) -> Dynamics365:
    endpoint = Endpoint(url="https://erp.example/", record=wire.kept.append, transport=httpx.MockTransport(wire))
    return Dynamics365(endpoint, "client", "hidden", options(**given))


def page(*rows: Mapping[str, object], following: str = "") -> httpx.Response:
    return httpx.Response(200, json={"value": rows} | ({"@odata.nextLink": following} if following else {}))


def refused(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


def test_new_work_order_is_written_under_its_key_and_only_if_there_is_none() -> None:
    wire = Wire(httpx.Response(201, json=ROW))
    given = {"work_order_type": TYPE, "price_list": PRICES, "incident_types": {"bearing": INCIDENT}}
    order = dynamics(wire, **given).create(REQUEST)
    asked = wire.asked[0]
    assert asked.method == "PATCH"
    assert asked.url.path == f"/api/data/v9.2/msdyn_workorders(wearcast_externalref='{KEY}')"
    assert (asked.headers["If-None-Match"], asked.headers["OData-MaxVersion"]) == ("*", "4.0")
    assert asked.headers["Prefer"] == "return=representation"
    assert wire.body() == {
        "msdyn_serviceaccount@odata.bind": f"/accounts({ACCOUNT})",
        "msdyn_systemstatus": 690970000,
        "msdyn_taxable": False,
        "msdyn_workordersummary": "Replace bearing",
        "msdyn_instructions": "a < b\nβ",
        "msdyn_timewindowend": "2026-02-28T04:00:00Z",
        "msdyn_timewindowstart": "2026-02-27T05:00:00Z",
        "msdyn_workordertype@odata.bind": f"/msdyn_workordertypes({TYPE})",
        "msdyn_pricelist@odata.bind": f"/pricelevels({PRICES})",
        "msdyn_priority@odata.bind": f"/msdyn_priorities({PRIORITIES[2]})",
        "msdyn_primaryincidenttype@odata.bind": f"/msdyn_incidenttypes({INCIDENT})",
        "msdyn_CustomerAsset@odata.bind": f"/msdyn_customerassets({ASSET})",
        "msdyn_FunctionalLocation@odata.bind": f"/msdyn_functionallocations({PLACE})",
    }
    assert (order.number, order.state, order.raw_status) == ("01001", OrderState.OPEN, "690970000 Unscheduled")


def test_order_that_is_there_already_is_read_and_not_written_over() -> None:
    wire = Wire(refused(412, "0x80060892", "already exists"), page(ROW | {"msdyn_systemstatus": 690970002}))
    order = dynamics(wire).create(REQUEST)
    assert (order.number, order.state) == ("01001", OrderState.IN_PROGRESS)
    assert wire.asked[1].url.params["$filter"] == f"wearcast_externalref eq '{KEY}'"


def test_order_that_is_there_and_cannot_be_found_is_ambiguous() -> None:
    with pytest.raises(AmbiguousDeliveryError, match=KEY):
        dynamics(Wire(refused(412, "0x80060892", "exists"), page())).create(REQUEST)


def test_place_of_the_plant_file_is_left_out_and_a_foreign_equipment_number_is_refused() -> None:
    wire = Wire(httpx.Response(201, json=ROW))
    erp = dynamics(wire)
    erp.create(replace(REQUEST, functional_location="W1-P101"))
    assert "msdyn_FunctionalLocation@odata.bind" not in wire.body()
    with pytest.raises(OrderRejectedError, match="100042"):
        erp.create(replace(REQUEST, equipment_number="100042"))


@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(201, json={"msdyn_workorderid": ORDER})])
def test_created_without_a_number_is_ambiguous(answer: httpx.Response) -> None:
    with pytest.raises(AmbiguousDeliveryError):
        dynamics(Wire(answer)).create(REQUEST)


def test_token_is_asked_once_from_its_own_host_and_never_kept() -> None:
    wire = Wire(page(ROW), page(ROW))
    erp = dynamics(wire)
    erp.find(KEY)
    erp.find(KEY)
    assert [asked.headers["Authorization"] for asked in wire.asked] == ["Bearer t1", "Bearer t1"]
    form = {name: value[0] for name, value in parse_qs(wire.signed_in[0].content.decode()).items()}
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "client",
        "client_secret": "hidden",
        "scope": "https://erp.example/.default",
    }
    assert len(wire.signed_in) == 1
    assert "hidden" not in repr(wire.kept)
    assert "t1" not in repr(wire.kept)


def test_token_that_is_refused_is_renewed_once() -> None:
    wire = Wire(httpx.Response(401), httpx.Response(201, json=ROW))
    assert dynamics(wire).create(REQUEST).number == "01001"
    assert [asked.headers["Authorization"] for asked in wire.asked] == ["Bearer t1", "Bearer t2"]
    with pytest.raises(ConfigError, match="application user"):
        dynamics(Wire(httpx.Response(401), httpx.Response(401))).find(KEY)


def test_token_is_renewed_before_it_ends() -> None:
    clock, wire = [0.0], Wire()
    endpoint = Endpoint(url="https://login.example/t/token", transport=httpx.MockTransport(wire))
    tokens = ClientCredentials(endpoint, "client", "hidden", hint="", monotonic=lambda: clock[0])
    told = []
    for moment in (0.0, 3400.0, 3500.0, 3600.0):
        clock[0] = moment
        signed = next(tokens.auth_flow(httpx.Request("GET", "https://erp.example")))
        told.append(signed.headers["Authorization"])
    assert told == ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"error": "invalid_client", "error_description": "AADSTS7000215"}), ConfigError),
        (httpx.Response(400, json={"error": "unauthorized_client"}), ConfigError),
        (httpx.Response(503), ErpUnavailableError),
        (httpx.Response(200, json={"no": "token"}), ErpUnavailableError),
        (httpx.Response(200, text="<html>"), ErpUnavailableError),
    ],
)
def test_without_a_token_nothing_is_ambiguous(answer: httpx.Response, error: type[WearcastError]) -> None:
    transport = httpx.MockTransport(lambda _request: answer)
    endpoint = Endpoint(url="https://erp.example", transport=transport)
    erp = Dynamics365(endpoint, "client", "hidden", options())
    with pytest.raises(error):
        erp.create(REQUEST)


def test_pages_are_followed_with_the_same_preference_and_keep_only_the_key() -> None:
    wire = Wire(
        page(ROW, following="https://erp.example/api/data/v9.2/msdyn_workorders?$skiptoken=x"),
        page(ROW | {"msdyn_name": "00999"}, ROW | {"wearcast_externalref": KEY.lower()}),
    )
    assert [order.number for order in dynamics(wire, page_size=7).find(KEY)] == ["00999", "01001"]
    assert wire.asked[1].url.query == b"$skiptoken=x"
    assert all("odata.maxpagesize=7" in asked.headers["Prefer"] for asked in wire.asked)


def test_next_link_to_another_host_is_not_followed() -> None:
    wire = Wire(page(ROW, following="https://elsewhere.example/x"))
    with pytest.raises(ErpUnavailableError, match="elsewhere"):
        dynamics(wire).find(KEY)


def test_quotes_in_a_filter_are_doubled() -> None:
    wire = Wire(page())
    dynamics(wire).keys("it's")
    assert wire.asked[0].url.params["$filter"] == "startswith(wearcast_externalref,'it''s')"


def test_changes_include_the_asked_second_and_tell_the_row_version() -> None:
    done = ROW | {"msdyn_systemstatus": 690970003, "msdyn_systemstatus" + LABEL: "Completed"}
    done |= {"msdyn_completedon": "2026-02-01T11:30:00Z", "new_brokeon": "2026-01-31T05:00:00Z"}
    done |= {
        "_msdyn_primaryresolution_value": IDS[9],
        "_msdyn_primaryresolution_value" + LABEL: "Bearing replaced",
    }
    wire = Wire(page(done))
    erp = dynamics(wire, malfunction_column="new_brokeon")
    change = erp.changes(dt.datetime(2026, 2, 1, 10, 0, 0, 700_000, tzinfo=dt.UTC))[0]
    assert wire.asked[0].url.params["$filter"] == "modifiedon ge 2026-02-01T10:00:00Z"
    assert wire.asked[0].url.params["$orderby"].startswith("modifiedon asc")
    assert change.change_id == "01001:20260201T120000Z:690970003:77"
    assert change.completed_at == dt.datetime(2026, 2, 1, 11, 30, tzinfo=dt.UTC)
    assert change.malfunction_at == dt.datetime(2026, 1, 31, 5, tzinfo=dt.UTC)
    assert change.codes == {"resolution": "Bearing replaced"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (690970001, OrderState.PLANNED),
        (690970004, OrderState.CLOSED),
        (1, OrderState.UNKNOWN),
        (None, OrderState.UNKNOWN),
    ],
)
def test_states_go_by_the_option_number(status: int | None, state: OrderState) -> None:
    assert dynamics(Wire(page(ROW | {"msdyn_systemstatus": status}))).find(KEY)[0].state is state


def test_note_is_the_same_record_each_time_and_a_raise_carries_the_row_version() -> None:
    wire = Wire(
        page(ROW), httpx.Response(204), httpx.Response(204), page(ROW), httpx.Response(204), refused(412, "", "x")
    )
    erp = dynamics(wire)
    erp.annotate("01001", "worse\n<now>", 1)
    erp.annotate("01001", "worse\n<now>", 1)
    raised, note, again = wire.asked[1], wire.asked[2], wire.asked[5]
    assert (raised.method, raised.headers["If-Match"]) == ("PATCH", 'W/"77"')
    assert wire.body(1) == {"msdyn_priority@odata.bind": f"/msdyn_priorities({PRIORITIES[1]})"}
    assert note.url == again.url
    assert note.headers["If-None-Match"] == "*"
    assert wire.body(2) == {
        "subject": "worse",
        "notetext": "worse<br>&lt;now&gt;",
        "objectid_msdyn_workorder@odata.bind": f"/msdyn_workorders({ORDER})",
    }


@pytest.mark.parametrize(
    ("held", "wanted", "is_raised"),
    [(PRIORITIES[3], 3, False), (PRIORITIES[3], 4, False), (IDS[19], 1, False), (None, 4, True)],
)
def test_priority_is_only_raised_and_an_unknown_one_is_the_planners(
    held: str | None, wanted: int, is_raised: bool
) -> None:
    wire = Wire(page(ROW | {"_msdyn_priority_value": held}), httpx.Response(204), httpx.Response(204))
    dynamics(wire).annotate("01001", "x", wanted)
    assert ("msdyn_priority@odata.bind" in wire.body(1)) is is_raised


def test_edit_of_an_order_that_somebody_else_changed_is_tried_again_later() -> None:
    wire = Wire(page(ROW), refused(412, "0x80060882", "version does not match"))
    with pytest.raises(ErpUnavailableError, match="somebody else"):
        dynamics(wire).annotate("01001", "x", 1)


def test_order_that_is_over_is_not_cancelled_again() -> None:
    wire = Wire(page(ROW | {"msdyn_systemstatus": 690970003}))
    dynamics(wire).cancel("01001", "x")
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (refused(400, "0x80044331", "length exceeded"), OrderRejectedError, "length"),
        (refused(404, "0x80040217", "account With Id Does Not Exist"), OrderRejectedError, "Not Exist"),
        (refused(400, "0x80048d19", "An undeclared property 'msdyn_x' was found"), ConfigError, "erp check"),
        (refused(404, "0x80060888", "no alternate key of msdyn_workorder"), ConfigError, "erp check"),
        (refused(403, "0x80040220", "missing prvCreatemsdyn_workorder"), ConfigError, "security role"),
        (refused(500, "0x80044150", "SQL error"), AmbiguousDeliveryError, "500"),
        (httpx.ReadTimeout("slow"), AmbiguousDeliveryError, "no answer"),
    ],
)
def test_error_documents_are_read(
    answer: httpx.Response | Exception, error: type[WearcastError], says: str
) -> None:
    with pytest.raises(error, match=says):
        dynamics(Wire(answer)).create(REQUEST)


def test_service_protection_says_how_long_to_wait() -> None:
    answer = refused(429, "0x80072322", "Number of requests exceeded the limit of 6000")
    answer.headers["Retry-After"] = "37"
    with pytest.raises(ErpUnavailableError) as caught:
        dynamics(Wire(answer)).create(REQUEST)
    assert caught.value.context["retry_after_s"] == 37


def checked(*, status: str = "Active", width: int = 100, asset: str = "msdyn_CustomerAsset") -> Wire:
    text = [{"LogicalName": "wearcast_externalref", "MaxLength": width}]
    memo = [{"LogicalName": name, "MaxLength": 2000} for name in ("msdyn_workordersummary", "msdyn_instructions")]
    lookups = [{"ReferencingEntityNavigationPropertyName": n} for n in (asset, "msdyn_FunctionalLocation")]
    key = {"KeyAttributes": ["wearcast_externalref"], "EntityKeyIndexStatus": status}
    account = httpx.Response(200, json={"name": "Works"})
    who = httpx.Response(200, json={"UserId": IDS[0]})
    return Wire(who, page(), page(key), page(*text), page(*memo), page(*lookups), account)


@pytest.mark.parametrize(
    ("wire", "subject", "says"),
    [
        (checked(status="Pending"), "alternate key", "Pending"),
        (checked(width=10), "wearcast_externalref", "20 are needed"),
        (checked(asset="msdyn_customerasset"), "msdyn_CustomerAsset", "written msdyn_customerasset"),
    ],
)
def test_check_says_what_is_missing_and_what_to_do(wire: Wire, subject: str, says: str) -> None:
    report = dynamics(wire).check()
    assert not report.is_usable
    wrong = [one for one in report.findings if one.severity is not Severity.OK]
    assert [(one.subject, says in one.message) for one in wrong] == [(subject, True)]


def test_check_is_content_where_all_is_there() -> None:
    report = dynamics(checked()).check()
    assert report.is_usable
    assert {one.severity for one in report.findings} == {Severity.OK}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tenant": "t"}, "service_account"),
        ({"service_account": ACCOUNT}, "tenant"),
        ({"tenant": "t", "service_account": ACCOUNT, "priorities": {1: ACCOUNT}}, "priorities"),
        ({"tenant": "t", "service_account": ACCOUNT, "tenent": "t"}, "tenant"),
    ],
)
def test_wrong_options_are_named(given: dict[str, object], says: str) -> None:
    settings = {"kind": "dynamics365", "url": "https://e.example", "user": "c", "secret": "s", "options": given}
    with pytest.raises(ConfigError, match=says):
        Dynamics365.from_settings(ErpSettings.model_validate(settings))


def test_tokens_come_from_the_tenant_unless_said_otherwise() -> None:
    made = Dynamics365Options(tenant="works.example", service_account=UUID(ACCOUNT))
    assert made.signs_in_at == "https://login.microsoftonline.com/works.example/oauth2/v2.0/token"
