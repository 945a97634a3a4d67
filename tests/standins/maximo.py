"""A Maximo of our own: API key, lean documents, pages, synonyms, history, sessions that spoil the key."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.faults import Control
from tests.standins.maximo_desk import SITE, STRUCTURES, Desk, Refused
from tests.standins.maximo_planner import Planner
from tests.standins.maximo_query import BadQueryError, moment, ordered, selected, where
from tests.standins.peer import Peer, Vendor, met
from tests.standins.serve import running

__all__ = ["SECRET", "SR_VENDOR", "VENDOR", "control"]

SECRET = b"a secret for tests"
_BASE = "/maximo/api"
# However many rows a client asks for, a page holds no more.
_MOST = 100


def control() -> Control:
    """The stand-in."""
    return Control(_make)


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    desk = Desk(now)
    routes = [
        Route(f"{_BASE}/whoami", _guarded(partial(_whoami, desk))),
        Route(f"{_BASE}/jsonschemas/{{name}}", _guarded(partial(_schema, desk))),
        Route(f"{_BASE}/os/{{name}}", _guarded(partial(_list, desk)), methods=["GET"]),
        Route(f"{_BASE}/os/{{name}}", _guarded(partial(_create, desk)), methods=["POST"]),
        Route(f"{_BASE}/os/{{name}}/{{rest}}", _guarded(partial(_update, desk)), methods=["POST"]),
        Route("/__control/{what}", partial(_people, desk), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _guarded(handle: Callable[..., object]) -> Callable[..., object]:
    """Key and session first; refusals become error documents, with namespaces when `lean` was forgotten."""

    async def answer(request: Request) -> Response:
        try:
            if "JSESSIONID" in request.cookies:
                raise Refused(401, "BMXAA0021E", "The session has no credentials.")
            if request.headers.get("apikey", "").encode() != SECRET:
                raise Refused(401, "BMXAA7901E", "You cannot log in at this time.")
            if request.path_params.get("name", "mxapisr") not in STRUCTURES:
                raise Refused(404, "BMXAA8727E", "The object structure was not found.")
            response: Response = await handle(request)  # type: ignore[misc]  # handlers are coroutines
        except (Refused, BadQueryError) as err:
            told = err if isinstance(err, Refused) else Refused(400, "BMXAA8744E", str(err))
            response = JSONResponse(_error(told, _is_lean(request)), told.status)
        response.set_cookie("JSESSIONID", "0000")
        return response

    return answer


def _error(err: Refused, is_lean: bool) -> dict[str, object]:
    if is_lean:
        return {"Error": {"statusCode": str(err.status), "reasonCode": err.reason, "message": err.message}}
    told = {"oslc:statusCode": str(err.status), "spi:reasonCode": err.reason, "oslc:message": err.message}
    return {"oslc:Error": told}


def _is_lean(request: Request) -> bool:
    return request.query_params.get("lean") == "1"


async def _whoami(_desk: Desk, _request: Request) -> Response:
    return JSONResponse({"loginID": "wearcast", "defaultSite": SITE, "insertSite": ""})


async def _schema(_desk: Desk, request: Request) -> Response:
    properties: dict[str, object] = {}
    for name, (kind, length) in STRUCTURES[request.path_params["name"]].fields.items():
        type_ = {"child": "array", "datetime": "string"}.get(kind, kind)
        properties[name] = {"type": type_} | ({"maxLength": length} if length else {})
    return JSONResponse({"type": "object", "resource": request.path_params["name"], "properties": properties})


async def _list(desk: Desk, request: Request) -> Response:
    name, query = request.path_params["name"], request.query_params
    structure = STRUCTURES[name]
    rows = desk.rows[name]
    if "oslc.where" in query:
        rows = list(filter(where(query["oslc.where"], structure.types), rows))
    if "oslc.orderBy" in query:
        rows = ordered(rows, query["oslc.orderBy"], structure.types)
    fields = selected(query.get("oslc.select", ""), structure.types)
    size, number = min(int(query.get("oslc.pageSize", _MOST)), _MOST), int(query.get("pageno", "1"))
    page = rows[(number - 1) * size : number * size]
    is_lean, prefix = _is_lean(request), "" if _is_lean(request) else "spi:"
    members = [_told(request, name, row, fields, prefix) for row in page]
    info: dict[str, object] = {"href": str(request.url), "pagenum": number}
    if number * size < len(rows):
        query_of_next = urlencode({**query, "pageno": str(number + 1)})
        # As behind a proxy: Maximo knows itself by another name.
        info["nextPage"] = {"href": f"http://maximo.internal{_BASE}/os/{name}?{query_of_next}"}
    if is_lean:
        return JSONResponse({"member": members, "responseInfo": info})
    return JSONResponse({"rdfs:member": members, "oslc:responseInfo": info})


async def _create(desk: Desk, request: Request) -> Response:
    name = request.path_params["name"]
    row = desk.create(name, await _body(request))
    properties = request.headers.get("properties", "")
    headers = {"Location": _href(name, row)}
    if not properties:
        return Response(status_code=201, headers=headers)
    wanted = [one for one in properties.split(",") if one in STRUCTURES[name].fields]
    told = _told(request, name, row, {field: [] for field in wanted}, "" if _is_lean(request) else "spi:")
    return JSONResponse(told, 201, headers)


async def _update(desk: Desk, request: Request) -> Response:
    name = request.path_params["name"]
    row = next((one for one in desk.rows[name] if _rest(name, one) == request.path_params["rest"]), None)
    if row is None:
        raise Refused(404, "BMXAA8727E", "The resource was not found.")
    if request.headers.get("x-method-override") != "PATCH":
        raise Refused(400, "BMXAA8721E", "Create is not allowed on the address of a resource.")
    action = request.query_params.get("action")
    if action == "wsmethod:changeStatus":
        desk.change_status(name, row, json.loads(await request.body()))
    elif action is not None:
        raise Refused(400, "BMXAA8733E", f"The action {action} is not known.")
    else:
        desk.patch(name, row, await _body(request), is_merge=request.headers.get("patchtype") == "MERGE")
    return Response(status_code=204)


async def _body(request: Request) -> dict[str, object]:
    """What was sent; without `lean` fields need a namespace, and others are dropped without a word."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused(400, "BMXAA8720E", "The content type is not supported.")
    try:
        body: dict[str, object] = json.loads(await request.body())
    except ValueError as err:
        raise Refused(400, "BMXAA8720E", "The document is no JSON.") from err
    if _is_lean(request):
        return body
    return {name.removeprefix("spi:"): value for name, value in body.items() if name.startswith("spi:")}


def _told(
    request: Request, name: str, row: Mapping[str, object], fields: Mapping[str, list[str]], prefix: str
) -> dict[str, object]:
    """A row as it is told: no nulls, whole seconds with the server's offset, the internal status if asked."""
    told: dict[str, object] = {"href": _href(name, row), "_rowstamp": str(row.get("rowstamp", 1))}
    for field, inner in fields.items():
        value = row[field]
        if isinstance(value, dt.datetime):
            value = value.isoformat(timespec="seconds")
        if isinstance(value, list):
            value = [{one: line[one] for one in inner if one in line} for line in value]
        if value is not None and value != []:
            told[prefix + field] = value
        if field == "status" and request.query_params.get("internalvalues") == "1":
            told[prefix + "status_maxvalue"] = row["internal"]
    return told


def _rest(name: str, row: Mapping[str, object]) -> str:
    key = f"{row[STRUCTURES[name].number]}/{row['siteid']}"
    return "_" + base64.b64encode(key.encode()).decode().replace("=", "-")


def _href(name: str, row: Mapping[str, object]) -> str:
    return f"http://maximo.internal{_BASE}/os/{name}/{_rest(name, row)}"


async def _people(desk: Desk, request: Request) -> Response:
    """What people do in Maximo's own screens."""
    body = await request.json()
    if request.path_params["what"] == "own":
        row = desk.create(
            "mxapiwodetail", {"siteid": SITE, "description": "made by hand", "worktype": "PM"} | body
        )
        return JSONResponse(row["wonum"])
    name, row = desk.of(body["number"])
    match request.path_params["what"]:
        case "status":
            if body.get("finish"):
                row[STRUCTURES[name].finish] = moment(body["finish"])
            row |= body.get("fields", {})
            desk.set_status(name, row, body["word"], body.get("internal") or STRUCTURES[name].words[body["word"]])
        case "edit":
            row["description"] = body["title"]
            desk.touch(row)
        case "lines":
            row["failurereport"] = body["lines"]
        case "hold":
            pass
    shown = {field: row[field] for field in ("description", "description_longdescription", "status", "worklog")}
    return JSONResponse(shown | {"priority": row.get("wopriority", row.get("reportedpriority"))})


@contextmanager
def _start(folder: Path, **options: str) -> Iterator[Peer]:
    with running("maximo", folder) as standin:
        settings = ErpSettings(
            kind="maximo",
            url=f"{standin.url}/maximo/",
            secret=SecretStr(SECRET.decode()),
            options={"site": SITE, **options},
        )
        with met(settings, Planner(standin), standin) as peer:
            yield peer


VENDOR = Vendor(
    kind="maximo",
    start=_start,
    states=tuple(OrderState)[:-1],
    place=("W1-P101", "100042"),
)
SR_VENDOR = Vendor(
    kind="maximo",
    start=partial(_start, request_as="service_request"),
    states=(
        OrderState.OPEN,
        OrderState.ON_HOLD,
        OrderState.IN_PROGRESS,
        OrderState.COMPLETED,
        OrderState.CLOSED,
    ),
    place=("W1-P101", "100042"),
)
