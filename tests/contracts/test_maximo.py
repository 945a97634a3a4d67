"""What the common suite does not ask of Maximo: approval, missing sites, history, and how strict it is."""

import datetime as dt
from collections.abc import Iterator

import httpx
import pytest

from features.core.errors import AmbiguousDeliveryError, ConfigError, OrderRejectedError
from features.core.statements import Action, order_key
from serving.erp.endpoint import Endpoint
from serving.erp.maximo import Maximo, MaximoOptions
from serving.erp.port import Severity
from serving.orders import MaintenanceRequest, OrderState
from tests.standins.maximo import SECRET
from tests.standins.serve import StandIn, running

OS = "/maximo/api/os/mxapiwodetail"
_made = iter(range(1, 1000))


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running("maximo", tmp_path_factory.mktemp("maximo")) as standin:
        yield standin


def connect(standin: StandIn, **options: str) -> Maximo:
    endpoint = Endpoint(url=f"{standin.url}/maximo")
    return Maximo(endpoint, SECRET.decode(), MaximoOptions.model_validate(options))


@pytest.fixture
def erp(standin: StandIn) -> Iterator[Maximo]:
    erp = connect(standin, site="BEDFORD")
    yield erp
    erp.close()


def new_request(target: str = "request", equipment_number: str = "100042") -> MaintenanceRequest:
    return MaintenanceRequest(
        key=order_key("works", "P101", "DE-bearing", "bearing", next(_made)),
        site_id="works",
        machine_id="P101",
        slot="DE-bearing",
        functional_location="W1-P101",
        equipment_number=equipment_number,
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace bearing",
        text="text",
        due=dt.datetime(2026, 2, 28, tzinfo=dt.UTC),
        target=target,
    )


def raw(
    standin: StandIn,
    method: str,
    path: str,
    *,
    params: dict[str, str] | None = None,
    json: object = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """A request past our adapter."""
    sent = {"apikey": SECRET.decode()} | (headers or {})
    with httpx.Client(base_url=standin.url, trust_env=False) as client:
        return client.request(method, path, params=params, json=json, headers=sent)


def test_released_order_is_approved(erp: Maximo) -> None:
    request = new_request(target="order")
    assert erp.create(request).raw_status == "APPR"
    assert [(one.state, one.raw_status) for one in erp.find(request.key)] == [(OrderState.OPEN, "APPR")]


def test_order_that_the_site_cannot_approve_waits_for_a_planner(standin: StandIn) -> None:
    erp = connect(standin, site="BEDFORD", approved="GENEHMIGT")
    request = new_request(target="order")
    with pytest.raises(AmbiguousDeliveryError, match="GENEHMIGT"):
        erp.create(request)
    assert [one.raw_status for one in erp.find(request.key)] == ["WAPPR"]
    erp.close()


def test_all_is_found_as_it_should_be(erp: Maximo) -> None:
    assert {one.severity for one in erp.check().findings} == {Severity.OK}


def test_without_a_site_the_check_and_the_order_say_so(standin: StandIn) -> None:
    erp = connect(standin)
    assert next(one.severity for one in erp.check().findings) is not Severity.OK
    with pytest.raises(ConfigError, match=r"erp\.options\.site"):
        erp.create(new_request())
    erp.close()


def test_unknown_asset_is_this_orders_fault(erp: Maximo) -> None:
    with pytest.raises(OrderRejectedError, match="BMXAA2662E"):
        erp.create(new_request(equipment_number="NONE"))


def test_wrong_names_of_structures_and_fields_are_configuration(standin: StandIn) -> None:
    for wrong in ({"order_structure": "mxapinone"}, {"key_field": "nofield"}):
        erp = connect(standin, **{"site": "BEDFORD"} | wrong)
        with pytest.raises(ConfigError):
            erp.find("WC-AAAAAAAAAAAAAAAAA")
        erp.close()


def test_order_in_history_takes_no_note(erp: Maximo) -> None:
    number = erp.create(new_request()).number or ""
    erp.cancel(number, "duplicate")
    with pytest.raises(OrderRejectedError, match="history"):
        erp.annotate(number, "x", 1)


def test_the_stand_in_is_as_strict_as_maximo(standin: StandIn) -> None:
    lean = {"lean": "1"}
    assert raw(standin, "GET", OS, params=lean, headers={"Cookie": "JSESSIONID=1"}).status_code == 401
    for where in ('wonum="1" or wonum="2"', '(wonum="1")', "wonum=1001", "changedate>2026", 'nofield="1"'):
        answer = raw(standin, "GET", OS, params=lean | {"oslc.where": where})
        assert (answer.status_code, "Error" in answer.json()) == (400, True), where
    assert raw(standin, "GET", OS, params=lean | {"oslc.orderBy": "wonum"}).status_code == 400
    assert "rdfs:member" in raw(standin, "GET", OS).json()
    body = {"siteid": "BEDFORD", "description": "x"}
    assert raw(standin, "POST", OS, json=body).status_code == 400
    made = raw(standin, "POST", OS, params=lean, json=body)
    assert (made.status_code, made.content) == (201, b"")
    place = httpx.URL(made.headers["Location"]).path
    assert raw(standin, "POST", place, params=lean, json={"wopriority": 1}).status_code == 400
    for wrong in ({"status": "COMP"}, {"description": "x" * 101}, {"nofield": 1}, {"wopriority": "1"}):
        headers = {"x-method-override": "PATCH"}
        assert raw(standin, "POST", place, params=lean, json=wrong, headers=headers).status_code == 400
    stale = {"wopriority": 1, "_rowstamp": "1"}
    assert raw(standin, "POST", place, params=lean, json=stale, headers=headers).status_code == 412
