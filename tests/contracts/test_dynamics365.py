"""What the common suite does not ask of Dynamics 365: tokens that end, one key from six senders, strictness."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from features.core.errors import ConfigError, OrderRejectedError
from features.core.statements import Action, order_key
from serving.erp.dynamics365 import Dynamics365, Dynamics365Options
from serving.erp.endpoint import Endpoint
from serving.erp.port import Severity
from serving.orders import MaintenanceRequest
from tests.standins.dynamics365 import CLIENT, SECRET
from tests.standins.dynamics365_store import ACCOUNT, ASSET, LOCATION, PRIORITIES, named
from tests.standins.serve import StandIn, running

_made = iter(range(1, 1000))


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running("dynamics365", tmp_path_factory.mktemp("dynamics365")) as standin:
        yield standin


def connect(standin: StandIn, **given: object) -> Dynamics365:
    always = {"token_url": token_url(standin), "service_account": ACCOUNT, "priorities": PRIORITIES}
    return Dynamics365(
        Endpoint(url=standin.url), CLIENT, SECRET.decode(), Dynamics365Options.model_validate(always | given)
    )


def token_url(standin: StandIn) -> str:
    return standin.url.replace("127.0.0.1", "localhost") + "/tenant/oauth2/v2.0/token"


@pytest.fixture
def erp(standin: StandIn) -> Iterator[Dynamics365]:
    erp = connect(standin)
    yield erp
    erp.close()


def new_request() -> MaintenanceRequest:
    return MaintenanceRequest(
        key=order_key("works", "P101", "DE-bearing", "bearing", next(_made)),
        site_id="works",
        machine_id="P101",
        slot="DE-bearing",
        functional_location=LOCATION,
        equipment_number=ASSET,
        action=Action.REPLACE,
        failure_mode="bearing",
        priority=2,
        title="Replace bearing",
        text="text",
        due=dt.datetime(2026, 2, 28, tzinfo=dt.UTC),
    )


def test_tokens_that_end_in_the_middle_are_renewed(standin: StandIn, erp: Dynamics365) -> None:
    first, second = new_request(), new_request()
    erp.create(first)
    standin.control("expire", {})
    number = erp.create(second).number
    standin.control("expire", {})
    assert [one.number for one in erp.find(second.key)] == [number]


def test_six_senders_of_one_key_make_one_order(standin: StandIn) -> None:
    request, senders = new_request(), [connect(standin) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda erp: erp.create(request).number, senders))
    assert len(set(made)) == 1
    assert [one.number for one in senders[0].find(request.key)] == made[:1]
    for erp in senders:
        erp.close()


def test_planners_words_survive_a_second_create(standin: StandIn, erp: Dynamics365) -> None:
    request = new_request()
    number = erp.create(request).number
    standin.control("change", {"number": number, "values": {"msdyn_workordersummary": "mine"}})
    assert erp.create(replace(request, title="again")).text == "mine"


def test_the_same_note_twice_is_one_note(standin: StandIn, erp: Dynamics365) -> None:
    number = erp.create(new_request()).number or ""
    erp.annotate(number, "worse", 1)
    erp.annotate(number, "worse", 1)
    assert standin.control("hold", {"number": number})["notes"] == ["worse"]


def test_all_is_found_as_it_should_be(erp: Dynamics365) -> None:
    assert {one.severity for one in erp.check().findings} == {Severity.OK}


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({"asset_binding": "msdyn_customerasset"}, "msdyn_customerasset"),
        ({"service_account": named("nobody")}, "service account"),
    ],
)
def test_wrong_names_are_found_before_an_order_is(standin: StandIn, given: dict[str, str], subject: str) -> None:
    erp = connect(standin, **given)
    wrong = [one.subject for one in erp.check().findings if one.severity is Severity.ERROR]
    assert wrong == [subject]
    with pytest.raises((ConfigError, OrderRejectedError)):
        erp.create(new_request())
    erp.close()


def test_column_without_an_alternate_key_is_configuration(standin: StandIn) -> None:
    erp = connect(standin, key_column="msdyn_instructions")
    assert "alternate key" in [one.subject for one in erp.check().findings if one.severity is Severity.ERROR]
    with pytest.raises(ConfigError, match="key"):
        erp.create(new_request())
    erp.close()


def test_the_stand_in_is_as_strict_as_dataverse(standin: StandIn) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET.decode()}
    with httpx.Client(base_url=f"{standin.url}/api/data/v9.2/", trust_env=False) as client:
        assert client.post(token_url(standin), data=form).status_code == 400
        given = client.post(token_url(standin), data=form | {"scope": f"{standin.url}/.default"})
        assert client.get("WhoAmI").status_code == 401
        client.headers["Authorization"] = f"Bearer {given.json()['access_token']}"
        assert client.get("WhoAmI").status_code == 400
        client.headers.update({"OData-Version": "4.0", "OData-MaxVersion": "4.0"})
        for where in ("msdyn_name eq 1", "nocolumn eq 1", "modifiedon ge '2026'", "msdyn_name eq 'a' or x", "x"):
            assert client.get("msdyn_workorders", params={"$filter": where}).status_code == 400, where
        place = "msdyn_workorders(wearcast_externalref='WC-STRICT')"
        account: dict[str, object] = {"msdyn_serviceaccount@odata.bind": f"/accounts({ACCOUNT})"}
        wrong: tuple[dict[str, object], ...] = (
            {},
            account | {"msdyn_customerasset@odata.bind": f"/msdyn_customerassets({ASSET})"},
            account | {"msdyn_instructions": "x" * 2001},
            account | {"msdyn_timewindowend": "2026-02-28T05:00:00+01:00"},
            account | {"msdyn_systemstatus": 7},
            account | {"msdyn_name": "mine"},
        )
        for body in wrong:
            assert client.patch(place, json=body).status_code == 400, body
        assert client.patch(place, json=account, headers={"If-Match": "*"}).status_code == 404
        assert client.patch(place, json=account).status_code == 204
        assert client.patch(place, json=account, headers={"If-None-Match": "*"}).status_code == 412
        assert client.patch(place, json=account, headers={"If-Match": 'W/"1"'}).status_code == 412
