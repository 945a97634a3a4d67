"""The mapping files that are shipped, against what their CMMS wants."""

import datetime as dt
import json

import httpx
import pytest

from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError, WearcastError
from serving.erp.endpoint import Endpoint
from serving.erp.rest import Rest
from serving.erp.rest.files import read_mapping
from tests.unit.serving._erp import KEY, bearing_request

DUE = dt.datetime(2026, 2, 27, 23, 30, tzinfo=dt.UTC)
SECRET = "a secret for tests"


def test_atlas_gets_its_golden_order() -> None:
    shown = Rest(Endpoint(url="http://127.0.0.1:9"), read_mapping("atlas")).preview(
        bearing_request(
            title="Replace", text="soon", due=DUE, planned_start=dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
        )
    )
    assert (shown.method, shown.url) == ("POST", "work-orders")
    assert json.loads(shown.body) == {
        "title": "Replace",
        "description": f"soon\n\nWearcast {KEY}",
        "priority": "HIGH",
        "dueDate": "2026-02-27T23:30:00+00:00",
        "estimatedStartDate": "2026-02-28T12:00:00+00:00",
        "asset": {"id": 100042},
    }


def test_tryton_gets_its_golden_task() -> None:
    own = {"database": "works", "cancelled": 6}
    shown = Rest(Endpoint(url="http://127.0.0.1:9"), read_mapping("tryton"), own=own).preview(
        bearing_request(title="Replace", text="soon", due=DUE, equipment_number="3")
    )
    assert (shown.method, shown.url) == ("POST", "works/rpc/")
    assert json.loads(shown.body) == {
        "id": 1,
        "method": "model.project.work.create",
        "params": [
            [
                {
                    "name": "Replace",
                    "type": "task",
                    "company": 1,
                    "parent": 3,
                    "comment": f"soon\n\nPriority 2, latest end 2026-02-27. Wearcast {KEY}",
                }
            ],
            {},
        ],
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (["UserError", ["A value is required", "", None]], OrderRejectedError),
        (["UserError", ["You are not allowed to access Project Work", "", None]], ConfigError),
        (["ConcurrencyException", "Record modified"], ErpUnavailableError),
        (["database is locked", ""], ErpUnavailableError),
        (["UserError", ["The number on work must be unique.", "", None]], ErpUnavailableError),
        (["'nofield'", "Traceback"], OrderRejectedError),
    ],
)
def test_tryton_refuses_with_status_200(answer: list[object], error: type[WearcastError]) -> None:
    def respond(asked: httpx.Request) -> httpx.Response:
        is_sign_in = b"login" in asked.content
        return httpx.Response(
            200, json={"id": 1, "result": [5, "t"]} if is_sign_in else {"id": 1, "error": answer}
        )

    endpoint = Endpoint(url="http://127.0.0.1:9", transport=httpx.MockTransport(respond))
    own = {"database": "works", "cancelled": 6}
    erp = Rest(endpoint, read_mapping("tryton"), user="wearcast", secret=SECRET, own=own)
    with pytest.raises(error):
        erp.create(bearing_request(equipment_number="3"))
