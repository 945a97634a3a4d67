"""A Dynamics 365 of our own: tokens from another host, alternate keys, versions, pages by link, option sets."""

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.dynamics365_planner import Planner
from tests.standins.dynamics365_store import (
    ACCOUNT,
    ASSET,
    COLUMNS,
    LABELS,
    LOCATION,
    LOOKUPS,
    PRIORITIES,
    Row,
    Store,
    Wrong,
    named,
)
from tests.standins.faults import Control
from tests.standins.peer import Peer, Vendor, met
from tests.standins.serve import running

__all__ = ["CLIENT", "SECRET", "VENDOR", "control"]

SECRET, CLIENT = b"a secret for tests", "wearcast-client"
_BASE = "/api/data/v9.2/"
_FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_TOKEN_LIFE_S = 3599
# A page holds no more, whatever is preferred; few, so that tests see several.
_MOST = 60


def control() -> Control:
    """The stand-in."""
    return Control(_make, sign_in=("/tenant/",))


class _Site:
    """Rows and tokens."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self.store = Store(now)
        self.tokens: dict[str, float] = {}
        self.labels: dict[str, str] = {}


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    site = _Site(now)
    methods = ["GET", "POST", "PATCH", "DELETE"]
    routes = [
        Route("/tenant/oauth2/v2.0/token", partial(_token, site), methods=["POST"]),
        Route(_BASE + "{rest:path}", partial(_data, site), methods=methods),
        Route("/__control/{what}", partial(_people, site), methods=["POST"]),
    ]
    return Starlette(routes=routes)


async def _token(site: _Site, request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    if form.get("client_id") != CLIENT or form.get("client_secret", "").encode() != SECRET:
        told = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
        return JSONResponse(told, 401)
    if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
        return JSONResponse({"error": "invalid_request", "error_description": "AADSTS900144"}, 400)
    token = uuid4().hex
    site.tokens[token] = time.monotonic() + _TOKEN_LIFE_S
    return JSONResponse({"token_type": "Bearer", "expires_in": _TOKEN_LIFE_S, "access_token": token})


async def _data(site: _Site, request: Request) -> Response:
    try:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or site.tokens.get(token, 0.0) < time.monotonic():
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if request.headers.get("odata-maxversion") != "4.0" or request.headers.get("odata-version") != "4.0":
            raise Wrong(400, "0x80060888", "OData-Version and OData-MaxVersion must be 4.0.")
        return await _answer(site, request, request.path_params["rest"])
    except Wrong as err:
        return JSONResponse({"error": {"code": err.code, "message": err.message}}, err.status)


async def _answer(site: _Site, request: Request, path: str) -> Response:
    if path == "WhoAmI":
        return JSONResponse({"UserId": named("user"), "OrganizationId": named("organization")})
    if path.startswith("EntityDefinitions(LogicalName='msdyn_workorder')/"):
        return JSONResponse({"value": _metadata(path.partition("/")[2])})
    found = re.fullmatch(r"(?P<table>\w+)(?:\((?:(?P<column>\w+)=)?(?P<value>[^)]*)\))?", path)
    if found is None or found["table"] not in COLUMNS:
        raise Wrong(404, "0x80060888", f"Resource not found for the segment '{path}'.")
    if found["value"] is None:
        if request.method != "GET":
            raise Wrong(405, "0x80060888", "This stand-in takes rows by their address only.")
        return _list(site, request, found["table"])
    return await _one(site, request, found["table"], found["column"], found["value"])


def _metadata(path: str) -> list[dict[str, object]]:
    columns = COLUMNS["msdyn_workorders"]
    if path == "Keys":
        return [
            {"SchemaName": "wearcast", "KeyAttributes": ["wearcast_externalref"], "EntityKeyIndexStatus": "Active"}
        ]
    if path == "ManyToOneRelationships":
        return [{"ReferencingEntityNavigationPropertyName": name} for name in LOOKUPS["msdyn_workorders"]]
    kinds = {
        "Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata": "text",
        "Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata": "memo",
    }
    if path not in kinds:
        raise Wrong(404, "0x80060888", f"Resource not found for the segment '{path}'.")
    return [{"LogicalName": n, "MaxLength": size} for n, (kind, size) in columns.items() if kind == kinds[path]]


def _list(site: _Site, request: Request, table: str) -> Response:
    preferred = re.search(r"odata\.maxpagesize=(\d+)", request.headers.get("prefer", ""))
    size = min(int(preferred[1]), _MOST) if preferred else _MOST
    query = dict(request.query_params)
    page, following = site.store.select(table, query, size)
    answer: dict[str, object] = {"value": [_told(site, request, table, row) for row in page]}
    if following:
        answer["@odata.nextLink"] = str(request.url.replace(query=urlencode(query | {"$skiptoken": following})))
    return JSONResponse(answer)


async def _one(site: _Site, request: Request, table: str, column: str | None, value: str) -> Response:
    store = site.store
    # Before any look: between look and write nobody else may come in.
    body = await _body(request) if request.method == "PATCH" else {}
    if column is None:
        row, key = store.rows[table].get(value), ""
        if re.fullmatch(r"[0-9a-f-]{36}", value) is None:
            raise Wrong(400, "0x80060888", f"{value} is no Edm.Guid.")
    else:
        key = value[1:-1].replace("''", "'")
        row = store.by_key(column, key)
    if request.method == "GET":
        if row is None:
            raise Wrong(404, "0x80040217", f"{table} With Id = {value} Does Not Exist")
        return JSONResponse(_told(site, request, table, row))
    if request.method != "PATCH":
        raise Wrong(405, "0x80060888", "This stand-in takes PATCH only.")
    if row is not None and request.headers.get("if-none-match") == "*":
        raise Wrong(412, "0x80060892", "A record with matching key values already exists.")
    wanted = request.headers.get("if-match")
    if wanted is not None and row is None:
        raise Wrong(404, "0x80040217", f"{table} With Id = {value} Does Not Exist")
    if wanted not in (None, "*") and row is not None and wanted != row["etag"]:
        raise Wrong(412, "0x80060882", "The version of the existing record doesn't match the RowVersion property.")
    status = 200 if row is not None else 201
    if row is None:
        row = store.create(table, str(uuid4()) if column else value, body, key)
    else:
        store.update(table, row, body)
    if "return=representation" in request.headers.get("prefer", ""):
        return JSONResponse(_told(site, request, table, row), status)
    record = row[next(iter(COLUMNS[table]))]
    return Response(status_code=204, headers={"OData-EntityId": f"{request.base_url}{_BASE[1:]}{table}({record})"})


async def _body(request: Request) -> dict[str, object]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Wrong(415, "0x80060888", "The content type is not supported.")
    try:
        body: dict[str, object] = json.loads(await request.body())
    except ValueError as err:
        raise Wrong(400, "0x80048d19", "The payload is no JSON.") from err
    return body


def _told(site: _Site, request: Request, table: str, row: Row) -> dict[str, object]:
    """A row with the columns that were asked for, and their labels if they are preferred."""
    wanted = request.query_params.get("$select", ",".join(COLUMNS[table])).split(",")
    told: dict[str, object] = {"@odata.etag": row["etag"]}
    for column in wanted:
        if column not in COLUMNS[table]:
            raise Wrong(400, "0x80060888", f"Could not find a property named '{column}' on type '{table}'.")
        told[column] = row[column]
        label = site.labels.get(str(row[column]))
        if column == "msdyn_systemstatus":
            label = label or LABELS.get(int(str(row[column])))
        if label and "FormattedValue" in request.headers.get("prefer", ""):
            told[column + _FORMATTED] = label
    return told | {next(iter(COLUMNS[table])): row[next(iter(COLUMNS[table]))]}


async def _people(site: _Site, request: Request) -> Response:
    """What people do in Field Service."""
    store, body, what = site.store, await request.json(), request.path_params["what"]
    if what == "expire":
        site.tokens.clear()
        return Response(status_code=204)
    if what == "own":
        bound = {"msdyn_serviceaccount@odata.bind": f"/accounts({ACCOUNT})"} | body
        summary = {"msdyn_workordersummary": "made by hand"}
        return JSONResponse(store.create("msdyn_workorders", str(uuid4()), bound | summary)["msdyn_name"])
    row = next(one for one in store.rows["msdyn_workorders"].values() if one["msdyn_name"] == body["number"])
    if what == "change":
        site.labels |= body.get("labels", {})
        row |= body["values"]
        store.touch(row)
    ranks = {record: str(rank) for rank, record in PRIORITIES.items()}
    notes = [
        str(note["notetext"])
        for note in store.rows["annotations"].values()
        if note["_objectid_value"] == row["msdyn_workorderid"]
    ]
    shown = {name: row[name] for name in ("msdyn_workordersummary", "msdyn_instructions", "msdyn_systemstatus")}
    return JSONResponse(shown | {"priority": ranks.get(str(row["_msdyn_priority_value"]), ""), "notes": notes})


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    with running("dynamics365", folder) as standin:
        # Another name for this machine: tokens never come from the host of the orders.
        url = standin.url.replace("127.0.0.1", "localhost") + "/tenant/oauth2/v2.0/token"
        settings = ErpSettings(
            kind="dynamics365",
            url=standin.url,
            user=CLIENT,
            secret=SecretStr(SECRET.decode()),
            options={"token_url": url, "service_account": ACCOUNT, "priorities": PRIORITIES},
        )
        with met(settings, Planner(standin), standin) as peer:
            yield peer


VENDOR = Vendor(
    kind="dynamics365",
    start=_start,
    states=(
        OrderState.OPEN,
        OrderState.PLANNED,
        OrderState.IN_PROGRESS,
        OrderState.COMPLETED,
        OrderState.CLOSED,
        OrderState.CANCELLED,
    ),
    place=(LOCATION, ASSET),
)
