"""The one HTTP client of all ERP adapters, and the webhook's reading of answers: errors by what is known."""

import datetime as dt
import ssl
from collections.abc import Callable

import httpx
import pytest

from features.core.clock import DemoClock
from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError, WearcastError
from serving.erp.connection import Connection, retry_after_s
from serving.erp.endpoint import Endpoint
from serving.erp.tokens import ClientCredentials
from serving.erp.webhook import Webhook
from serving.orders import OrderState

NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
SECRET = "a secret for tests"
Handle = Callable[[httpx.Request], httpx.Response]


def endpoint(handle: Handle, url: str = "https://erp.example/api/") -> Endpoint:
    return Endpoint(url=url, transport=httpx.MockTransport(handle))


def asked(answer: httpx.Response, path: str = "orders", *, writes: bool = False, purpose: str = "find") -> None:
    """Send one request that is answered so."""
    connection = Connection(endpoint(lambda _request: answer), secrets=(SECRET,))
    connection.send("POST" if writes else "GET", path, purpose=purpose, writes=writes)


@pytest.mark.parametrize(
    ("status", "error"), [(400, ConfigError), (422, ConfigError), (405, ConfigError), (404, OrderRejectedError)]
)
def test_question_that_is_refused_is_no_orders_fault(status: int, error: type[WearcastError]) -> None:
    with pytest.raises(error):
        asked(httpx.Response(status, text="no such field"))


def test_sign_in_that_is_refused_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError):
        asked(httpx.Response(404), writes=False, purpose="sign_in")


def test_redirection_of_a_question_names_where_to() -> None:
    with pytest.raises(ConfigError, match=r"sso\.example.*302"):
        asked(httpx.Response(302, headers={"Location": "https://sso.example/login"}))


@pytest.mark.parametrize(
    "url",
    ["http://erp.example/api/orders", "https://erp.example:8443/api/orders", "https://other.example/api/orders"],
)
def test_credentials_go_to_no_other_origin(url: str) -> None:
    with pytest.raises(ErpUnavailableError, match="not followed"):
        asked(httpx.Response(200), url)


def test_secret_that_the_erp_repeats_is_not_told() -> None:
    for writes in (False, True):
        with pytest.raises(WearcastError) as caught:
            asked(httpx.Response(400, text=f"no user with key {SECRET}"), writes=writes)
        assert "key ***" in str(caught.value)


def test_certificate_of_a_stranger_is_a_matter_of_configuration() -> None:
    def handle(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("verify failed") from ssl.SSLCertVerificationError("self-signed")

    with pytest.raises(ConfigError, match="ca_file"):
        Connection(endpoint(handle)).send("POST", "orders", purpose="create", writes=True)


@pytest.mark.parametrize("told", ["9" * 30, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_is_waited_for_longer_than_a_day(told: str) -> None:
    wait = retry_after_s(httpx.Response(429, headers={"Retry-After": told}), DemoClock(NOW))
    assert wait == 86_400.0


def test_token_goes_with_every_request_and_a_refused_one_is_renewed_once() -> None:
    given, seen = iter(["t1", "t2"]), list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return httpx.Response(200, json={"access_token": next(given), "expires_in": 3600})
        seen.append(request.headers["Authorization"])
        return httpx.Response(401 if seen[-1] == "Bearer t1" else 200, json={})

    tokens = ClientCredentials(endpoint(handle, "https://login.example/token"), "client", SECRET, hint="look")
    connection = Connection(endpoint(handle), auth=tokens)
    for _ in range(2):
        connection.send("POST", "orders", purpose="create", writes=True)
    assert seen == ["Bearer t1", "Bearer t2", "Bearer t2"]


def webhook(handle: Handle) -> Webhook:
    return Webhook(endpoint(handle), SECRET.encode())


def test_lists_of_the_webhook_are_read_over_all_pages_lowest_number_first() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        numbers, following = (("10",), "p2") if "after" not in request.url.params else (("9",), None)
        orders = [{"number": one, "key": "WC-A", "status": "open"} for one in numbers]
        assets = [{"functional_location": one, "equipment_number": "", "description": ""} for one in numbers]
        return httpx.Response(200, json={"orders": orders, "assets": assets, "next": following})

    erp = webhook(handle)
    assert [order.number for order in erp.find("WC-A")] == ["9", "10"]
    assert [order.number for order in erp.keys("WC-")] == ["9", "10"]
    assert {order.number for order in erp.open_orders("W1")} == {"9", "10"}
    assert [asset.functional_location for asset in erp.assets()] == ["10", "9"]


def test_pages_of_the_webhook_that_never_end_are_left() -> None:
    erp = webhook(lambda _request: httpx.Response(200, json={"changes": [], "next": "again"}))
    with pytest.raises(ErpUnavailableError, match="never end"):
        erp.changes(NOW)


def test_changes_of_the_webhook_come_oldest_first_each_once() -> None:
    told = [
        {"change_id": str(number), "number": "7", "status": "open", "changed_at": f"2026-02-20T{hour}:00:00Z"}
        for number, hour in ((2, 14), (1, 13), (2, 14))
    ]
    erp = webhook(lambda _request: httpx.Response(200, json={"changes": told}))
    assert [change.change_id for change in erp.changes(NOW)] == ["1", "2"]
    assert {change.state for change in erp.changes(NOW)} == {OrderState.OPEN}


def test_note_that_is_answered_with_nothing_was_written() -> None:
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(204)

    webhook(handle).annotate("4/7", "worse", 1)
    webhook(handle).cancel("4/7", "over")
    assert [one.url.raw_path for one in sent] == [b"/api/orders/4%2F7/notes", b"/api/orders/4%2F7/status"]


def test_open_orders_of_no_place_are_not_asked_for() -> None:
    assert webhook(lambda _request: httpx.Response(500)).open_orders("") == []


def test_address_without_orders_is_a_matter_of_configuration() -> None:
    erp = webhook(lambda _request: httpx.Response(404))
    for question in (lambda: erp.find("WC-A"), erp.check, erp.assets):
        with pytest.raises(ConfigError, match=r"erp\.url"):
            question()
