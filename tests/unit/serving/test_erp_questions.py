"""What ERPs are asked, and answers that are no order's fault: missing fields, odd stamps, links, clocks."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import httpx
import pytest

from features.core.errors import ConfigError, ErpUnavailableError
from serving.erp.endpoint import Endpoint
from serving.erp.erpnext import ErpNext
from serving.erp.erpnext.options import ErpNextOptions
from serving.erp.local_time import earliest
from serving.erp.maximo import Maximo, MaximoOptions
from serving.erp.odoo import Odoo
from serving.erp.odoo.options import OdooOptions
from serving.erp.odoo.records import stamp_of
from serving.erp.port import Orders
from serving.erp.sap_s4 import SapS4
from serving.erp.sap_s4.bodies import order_body
from serving.erp.sap_s4.options import SapOptions
from serving.erp.texts import cut
from tests.unit.serving._erp import bearing_request

Handle = Callable[[httpx.Request], httpx.Response]


def endpoint(handle: Handle) -> Endpoint:
    return Endpoint(url="https://erp.example", transport=httpx.MockTransport(handle))


def odoo(handle: Handle, **options: object) -> Orders:
    return Odoo(endpoint(handle), "wearcast", "k3y", OdooOptions.model_validate(options))


def erpnext(handle: Handle) -> Orders:
    return ErpNext(endpoint(handle), "k3y", "s3cr3t", ErpNextOptions(time_zone="UTC"))


def sap(handle: Handle) -> Orders:
    return SapS4(endpoint(handle), "u", "s3cr3t", SapOptions(orders=False))


@pytest.mark.parametrize(
    ("connect", "answer"),
    [
        (odoo, httpx.Response(500, json={"name": "builtins.ValueError", "message": "Invalid field 'x_none'"})),
        (erpnext, httpx.Response(404, json={"exc_type": "DoesNotExistError", "message": "DocType x not found"})),
        (erpnext, httpx.Response(417, json={"exc_type": "ValidationError", "message": "Field not permitted"})),
        (sap, httpx.Response(400, json={"error": {"message": {"value": "Property x is not filterable"}}})),
    ],
)
def test_look_up_that_is_refused_gives_no_order_up(
    connect: Callable[[Handle], Orders], answer: httpx.Response
) -> None:
    with pytest.raises(ConfigError, match="erp check"):
        connect(lambda _request: answer).find("WC-AAAAAAAAAAAAAAAAA")


def test_look_up_that_jsonrpc_refuses_gives_no_order_up() -> None:
    error = {"error": {"data": {"name": "builtins.ValueError", "message": "Invalid field 'x_none'"}}}

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"result": 7} if b"authenticate" in request.content else error)

    with pytest.raises(ConfigError, match="x_none"):
        odoo(handle, api="jsonrpc", database="works").find("WC-AAAAAAAAAAAAAAAAA")


def test_stamp_that_is_none_is_an_answer_that_cannot_be_read() -> None:
    with pytest.raises(ErpUnavailableError, match="yesterday"):
        stamp_of("yesterday")
    row = {"name": "R1", "docstatus": 0, "modified": "yesterday", "repair_status": "Pending"}
    with pytest.raises(ErpUnavailableError, match="yesterday"):
        erpnext(lambda _request: httpx.Response(200, json={"data": [row]})).changes(
            dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )


def test_next_page_of_sap_may_have_paths_in_its_query() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        link = "MaintenanceNotification?$expand=to_Item/to_ItemCause&$skiptoken=2" if len(seen) == 1 else None
        return httpx.Response(200, json={"d": {"results": []} | ({"__next": link} if link else {})})

    sap(handle).find("WC-A")
    service = SapOptions().notification_service
    assert seen[1] == f"/{service}/MaintenanceNotification?$expand=to_Item/to_ItemCause&$skiptoken=2"


def test_sap_without_a_description_of_its_service_is_checked_all_the_same() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("$metadata"):
            return httpx.Response(404)
        return httpx.Response(200, json={"d": {"results": []}}, headers={"x-csrf-token": "t"})

    report = sap(handle).check()
    assert report.is_usable
    assert "fields are not checked" in repr(report.findings)


def test_part_number_that_sap_would_cut_is_left_to_the_text() -> None:
    options, request = SapOptions(spare_parts=True), bearing_request(part_number="6" * 19)
    assert "to_MaintOrderOpComponent" not in repr(order_body(request, options, "", "1"))
    short = replace(request, part_number="6" * 18)
    assert "6" * 18 in repr(order_body(short, options, "", "1"))


@pytest.mark.parametrize(
    ("since", "told"),
    [("2026-10-25T00:40:00", "2026-10-25T01:40:00"), ("2026-06-25T00:40:00", "2026-06-25T02:40:00")],
)
def test_maximo_without_offsets_misses_nothing_when_clocks_go_back(since: str, told: str) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["oslc.where"])
        return httpx.Response(200, json={"member": []})

    options = MaximoOptions(time_zone="Europe/Berlin")
    moment = dt.datetime.fromisoformat(since).replace(tzinfo=dt.UTC)
    Maximo(endpoint(handle), "k3y", options).changes(moment)
    assert asked == [f'changedate>="{told}"', f'statusdate>="{told}"']


def test_everything_after_a_moment_has_no_earlier_stamp() -> None:
    zone, start = ZoneInfo("Europe/Berlin"), dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=20 * step) for step in range(24)]
    for at, since in enumerate(moments):
        stamps = [later.astimezone(zone).replace(tzinfo=None) for later in moments[at:]]
        assert earliest(since, zone) <= min(stamps)


def test_text_is_cut_by_the_units_that_erps_count_and_through_no_sign() -> None:
    wrench = "\N{WRENCH}"
    assert cut(wrench * 4, 8) == wrench * 4
    assert cut(wrench * 5, 8) == wrench * 3 + "…"
    assert all(len(cut("a" + wrench * 9, size).encode("utf-16-le")) <= 2 * size for size in range(12))
