"""Every route there is, also one that will be added tomorrow: closed to strangers, and to forms of other sites."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from features.core.clock import SystemClock
from features.core.lake import Lake
from features.core.plant import Plant
from serving.app import create_app
from serving.auth import COOKIE, OPEN_PATHS, SECURITY_HEADERS, TokenDigest
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet
from serving.store import Store

PLANT = {
    "component_classes": [{"id": "bearing"}],
    "sites": [
        {
            "id": "north",
            "machines": [
                {
                    "id": "P1",
                    "components": [{"slot": "DE", "component_class": "bearing"}],
                    "measuring_points": [
                        {"id": "t", "role": "temperature", "quantity": "temperature", "unit": "K"}
                    ],
                }
            ],
        }
    ],
}
WORDS = {"decision": "reject"}


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    plant, lake = Plant.model_validate(PLANT), Lake(tmp_path / "lake")
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    context = Context(plant, lake, store, Champions(tmp_path / "champion"), Fleet(lake, plant), SystemClock())
    return create_app(context, TokenDigest("0" * 64))


def doors(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route, parameters filled in."""

    def routes(holder: object) -> list[APIRoute]:
        found = []
        for one in getattr(holder, "routes", []):
            found += [one] if isinstance(one, APIRoute) else routes(getattr(one, "original_router", one))
        return found

    filled = [
        (route, re.sub(r"{(\w+)[^}]*}", lambda m: WORDS.get(m[1], "1"), route.path)) for route in routes(app)
    ]
    return sorted({(method, path) for route, path in filled for method in route.methods or ()})


def client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers)


def test_the_routes_are_found(app: FastAPI) -> None:
    assert {("POST", "/v1/erp/events"), ("POST", "/incidents/1/close"), ("GET", "/v1/machines")} <= set(doors(app))


@pytest.mark.anyio
@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer forged"}, {"Cookie": f"{COOKIE}=forged"}])
async def test_a_stranger_gets_nothing_from_any_route(app: FastAPI, given: dict[str, str]) -> None:
    async with client(app, **given) as stranger:
        for method, path in doors(app):
            if path in OPEN_PATHS:
                continue
            answer = await stranger.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers.items() >= {k.lower(): v for k, v in SECURITY_HEADERS.items()}.items()


@pytest.mark.anyio
async def test_no_route_that_changes_something_takes_a_cookie_alone(app: FastAPI) -> None:
    async with client(app, Cookie=f"{COOKIE}={app.state.sessions.open()}") as browser:
        changing = [path for method, path in doors(app) if method != "GET" and path not in OPEN_PATHS]
        assert len(changing) > 8
        for path in changing:
            answer = await browser.post(path, data={"csrf": "guessed", "outcome": "no_fault_found", "reason": "x"})
            assert answer.status_code == (401 if path.startswith("/v1/") else 403), path


@pytest.mark.anyio
async def test_messages_of_an_erp_are_not_taken_where_no_secret_is_set(app: FastAPI) -> None:
    async with client(app) as stranger:
        assert (await stranger.post("/v1/erp/events", json={"number": "1"})).status_code == 404
