"""What waits for a person, told by a running API, and the words that end it."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from features.core.tables import MAINTENANCE_EVENTS
from serving.orders import OrderChange, OrderState, WorkOrder
from serving.store import IncidentKind, Store
from serving.sync import OutcomeMaps, SyncReport
from serving.sync.read_back import take

LEASE = dt.timedelta(minutes=1)


@pytest.fixture
def store(api: Any) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{api.folder}/store.db")) as opened:
        yield opened


@pytest.fixture
def client(api: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, headers=api.headers, timeout=30.0) as opened:
        yield opened


@pytest.fixture
def browser(api: Any) -> Iterator[httpx.Client]:
    """A signed-in browser."""
    with httpx.Client(base_url=api.url, timeout=30.0, headers={"Accept": "text/html"}) as opened:
        assert opened.post("/sign-in", data={"token": api.token, "next": "/"}).status_code == 303
        yield opened


def _csrf(browser: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/attention").text)
    assert found is not None
    return found[1]


def test_a_storm_is_told_as_json_and_closed_once(client: httpx.Client, store: Store, api: Any) -> None:
    store.incidents.open(IncidentKind.STORM, "north/rolling_bearing", "many", {"machines": ["P1"]}, now=api.now)
    (told,) = client.get("/v1/attention").json()["waiting"]
    assert (told["kind"], told["machines"], told["acts"]) == ("incident", ["P1"], ["close"])
    assert dt.datetime.fromisoformat(told["since"]) == api.now
    assert client.post(f"/v1/incidents/{told['id']}/close").json()["closed_by"] == "admin (token)"
    assert client.post(f"/v1/incidents/{told['id']}/close").status_code == 404
    assert client.get("/v1/attention").json()["waiting"] == []


def test_the_shadow_report_of_a_dry_run_stands_beside_it(client: httpx.Client) -> None:
    shadow = client.get("/v1/attention").json()["shadow"]
    assert (shadow["sites"], shadow["would_have_been_written"]) == (["north"], 2)
    assert [row["component"] for row in shadow["recommendations"]] == ["P2/DE-bearing", "P1/DE-bearing"]


def test_closing_from_the_page_needs_the_sessions_csrf_token(
    browser: httpx.Client, store: Store, api: Any
) -> None:
    store.incidents.open(IncidentKind.ORPHAN, "WC-X", "unknown", {}, now=api.now)
    (incident,) = store.incidents.unclosed()
    path = f"/incidents/{incident.id}/close"
    assert browser.post(path, data={"csrf": "guessed", "next": "/attention"}).status_code == 403
    assert browser.post(f"/v1{path}").status_code == 401  # a session changes nothing through the API
    done = browser.post(path, data={"csrf": _csrf(browser), "next": "/attention"})
    assert (done.status_code, done.headers["location"], store.incidents.unclosed()) == (303, "/attention", [])


def test_what_was_found_is_told_on_the_page_and_lands_in_the_lake(
    browser: httpx.Client, client: httpx.Client, store: Store, api: Any
) -> None:
    held = store.recommendations(machine_id="P1")[0]
    store.approve(held.id, "planner", api.now)
    item = store.deliveries.claim("test", wall=dt.datetime.now(dt.UTC), lease=LEASE, now=api.now)
    assert item is not None
    assert store.deliveries.delivered(item, WorkOrder(held.key, "4711", OrderState.OPEN), now=api.now)
    change = OrderChange("4711", held.key, "c1", OrderState.CLOSED, "TECO", api.now, raw_outcome="ZX-99")
    take(change, store, "sap", api.lake, OutcomeMaps(), api.now, SyncReport())
    (waiting,) = client.get("/v1/attention").json()["waiting"]
    assert (waiting["kind"], waiting["machines"], waiting["acts"]) == ("outcome", ["P1"], ["tell"])
    assert "4711" in browser.get("/attention").text
    path = f"/outcomes/{waiting['id']}"
    assert browser.post(path, data={"csrf": _csrf(browser), "outcome": "nonsense"}).status_code == 422
    said = {"csrf": _csrf(browser), "outcome": "incipient_fault", "next": "/attention"}
    assert browser.post(path, data=said).status_code == 303
    assert client.post(f"/v1{path}", json={"outcome": "incipient_fault"}).status_code == 404
    events = api.lake.read(MAINTENANCE_EVENTS).sort("revision").collect()
    assert events["outcome"].to_list() == [None, "incipient_fault"]
    assert client.get("/v1/attention").json()["waiting"] == []
