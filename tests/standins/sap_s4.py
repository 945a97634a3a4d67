"""A stand-in for the maintenance services of SAP S/4HANA: OData V2 with the gateway's habits."""

import base64
import datetime as dt
import json
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.standins.faults import Control
from tests.standins.sap_book import USER, ZONE, Book, SapError
from tests.standins.sap_fields import ENTITIES, EXPANDABLE, metadata
from tests.standins.sap_filter import BadFilterError, Row, parse

__all__ = ["CLIENT", "SECRET", "control"]

SECRET, CLIENT = b"a secret for tests", "100"
_PAGE = 50
_SERVICES = {
    "API_MAINTNOTIFICATION": ("MaintenanceNotification", "MaintenanceNotificationItem"),
    "API_MAINTENANCEORDER": ("MaintenanceOrder", "MaintenanceOrderOperation"),
    "API_EQUIPMENT": ("Equipment",),
    "API_FUNCTIONALLOCATION": ("FunctionalLocation",),
}
_BASIC = "Basic " + base64.b64encode(f"{USER}:{SECRET.decode()}".encode()).decode()
# Host that the gateway knows itself by: nobody outside reaches it.
_INSIDE = "http://sapapp01.internal:50000"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_OPTIONS = {"$filter", "$top", "$skip", "$orderby", "$expand", "$select", "$format", "$skiptoken"}


def control() -> Control:
    """The stand-in, and what people do in it."""
    return Control(_make)


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    gateway = _Gateway(Book(now))
    path = "/sap/opu/odata/sap/{service}"
    return Starlette(
        routes=[
            Route(path + "/", gateway.root, methods=["GET"]),
            Route(path + "/{entity}", gateway.answer, methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
            Route("/__control/{what}/{number:path}", gateway.people, methods=["POST"]),
        ]
    )


class _Gateway:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._tokens: dict[str, str] = {}

    async def root(self, request: Request) -> Response:
        """The service document; tells a CSRF token to who asks, with the cookies it belongs to."""
        refused = _refused(request)
        if refused is not None:
            return refused
        answer = JSONResponse({"d": {"EntitySets": list(_SERVICES[request.path_params["service"]])}})
        if request.headers.get("x-csrf-token", "").lower() == "fetch":
            session = request.cookies.get("SAP_SESSIONID_S4H_100", "")
            if session not in self._tokens:
                session = secrets.token_hex(8)
                self._tokens[session] = secrets.token_urlsafe(16)
            answer.headers["x-csrf-token"] = self._tokens[session]
            answer.set_cookie("SAP_SESSIONID_S4H_100", session, httponly=True)
            answer.set_cookie("sap-usercontext", f"sap-client={CLIENT}")
        return answer

    async def answer(self, request: Request) -> Response:
        """Anything below the root of a service."""
        refused = _refused(request)
        if refused is not None:
            return refused
        service, entity = request.path_params["service"], request.path_params["entity"]
        try:
            if entity == "$metadata":
                return Response(metadata(_SERVICES[service]), media_type="application/xml")
            if request.method == "GET":
                return self._read(service, entity, request)
            session = request.cookies.get("SAP_SESSIONID_S4H_100", "")
            token, context = request.headers.get("x-csrf-token"), request.cookies.get("sap-usercontext")
            if not token or context is None or self._tokens.get(session) != token:
                headers = {"x-csrf-token": "Required"}
                return Response("CSRF token validation failed", 403, headers, media_type="text/plain")
            return self._write(service, entity, request.method, request, await request.body())
        except (SapError, BadFilterError) as err:
            return _error(err)

    async def people(self, request: Request) -> Response:
        """What planners and administrators do."""
        told = json.loads(await request.body() or b"{}")
        return JSONResponse(_people(self._book, self._tokens, request.path_params, told))

    def _read(self, service: str, path: str, request: Request) -> Response:
        told = dict(parse_qsl(request.url.query.replace("+", "%2B"), keep_blank_values=True))
        entity, number = _place_of(path, _SERVICES[service])
        unknown = {name for name in told if name.startswith("$")} - _OPTIONS
        if unknown:
            raise BadFilterError(f"Invalid system query option {sorted(unknown)[0]}.")
        expand = [part for part in told.get("$expand", "").split(",") if part]
        if number is not None:
            row = self._book.notification(number) if "Notif" in entity else self._book.order(number)
            return JSONResponse({"d": self._entity(entity, row, expand)})
        rows = list(self._book.rows[entity].values())
        if told.get("$filter"):
            wanted = parse(told["$filter"], ENTITIES[entity])
            rows = [row for row in rows if wanted(row)]
        for name in reversed([part for part in told.get("$orderby", "").split(",") if part]):
            if name not in ENTITIES[entity]:
                raise BadFilterError(f"Property {name} is not known.")
            rows.sort(key=lambda row: str(row.get(name) or ""))
        start = int(told.get("$skiptoken") or told.get("$skip") or 0)
        size = min(int(told.get("$top") or _PAGE), _PAGE)
        page: dict[str, Any] = {
            "results": [self._entity(entity, row, expand) for row in rows[start : start + size]]
        }
        if "$top" not in told and len(rows) > start + size:
            kept = re.sub(r"&?\$skiptoken=\d+", "", request.url.query)
            page["__next"] = f"{_INSIDE}{request.url.path}?{kept}&$skiptoken={start + size}"
        return JSONResponse({"d": page})

    def _write(self, service: str, path: str, method: str, request: Request, content: bytes) -> Response:
        if request.headers.get("content-type", "") != "application/json":
            raise SapError(415, "/IWFND/CM_CON/026", "Content type is not supported.")
        if method in ("DELETE", "PUT"):
            raise SapError(405, "/IWBEP/CM_MGW_RT/021", f"Method {method} is not allowed for {path}.")
        if path in ("CompleteMaintNotification", "SetMaintNotifToInProcess", "SetMaintOrderToDoNotExecute"):
            return self._call(path, dict(request.query_params))
        entity, number = _place_of(path, _SERVICES[service])
        body = json.loads(content)
        if method == "POST" and number is None:
            is_order = entity == "MaintenanceOrder"
            row = self._book.create_order(body) if is_order else self._book.create_notification(body)
            made = self._entity(entity, row, [])
            headers = {"Location": made["__metadata"]["uri"]}
            if not is_order:
                headers["sap-message"] = json.dumps(
                    {"code": "IM/120", "message": "No catalog profile", "severity": "info"}
                )
            return JSONResponse({"d": made}, 201, headers)
        if method == "POST" or number is None:
            raise SapError(405, "/IWBEP/CM_MGW_RT/021", f"Method {method} is not allowed for {path}.")
        if entity == "MaintenanceNotification":
            self._book.change_notification(number, body)
            return Response(status_code=204)
        version = _etag(self._book.versions[self._book.order(number)["MaintenanceOrder"]])
        if "if-match" not in request.headers:
            raise SapError(428, "/IWFND/CM_MGW/500", "Data is subject to concurrent changes; send If-Match.")
        if request.headers["if-match"] != version:
            raise SapError(412, "/IWFND/CM_MGW/501", "Precondition failed.")
        self._book.change_order(number, body)
        return Response(status_code=204)

    def _call(self, name: str, told: dict[str, str]) -> Response:
        known = {"MaintenanceNotification", "NotificationReferenceDate", "NotificationReferenceTime"}
        known |= {"MaintenanceOrder", "sap-client", "sap-language"}
        if set(told) - known:
            raise SapError(400, "/IWBEP/CM_MGW_RT/103", f"Parameter {sorted(set(told) - known)[0]} is not known.")
        if name == "SetMaintOrderToDoNotExecute":
            self._book.set_status(told["MaintenanceOrder"].strip("'"), "CLSD NMAT")
            return JSONResponse({"d": {name: {"IsInvalid": False}}})
        number = told["MaintenanceNotification"].strip("'")
        if name == "CompleteMaintNotification":
            day, time = told["NotificationReferenceDate"], told["NotificationReferenceTime"]
            match = re.fullmatch(r"datetime'(\S{10})T00:00:00' time'PT(\d\d)H(\d\d)M(\d\d)S'", f"{day} {time}")
            if match is None:
                raise SapError(400, "/IWBEP/CM_MGW_RT/104", "Reference date or time is malformed.")
            at = dt.datetime.fromisoformat(match[1]).replace(tzinfo=ZONE)
            row = self._book.complete(
                number, at.replace(hour=int(match[2]), minute=int(match[3]), second=int(match[4]))
            )
        else:
            self._book.set_phase(number, "3")
            row = self._book.notification(number)
        return JSONResponse({"d": self._entity("MaintenanceNotification", row, [])})

    def _entity(self, entity: str, row: Row, expand: list[str]) -> Row:
        number = str(row.get(entity, row.get("Equipment", "")))
        told: Row = {"__metadata": {"uri": f"{_INSIDE}/sap/opu/odata/sap/{entity}('{number}')"}}
        if entity == "MaintenanceOrder":
            told["__metadata"]["etag"] = _etag(self._book.versions.get(number, 0))
        for name, field in ENTITIES[entity].items():
            told[name] = _shown(field.kind, row.get(name))
        for name, below in EXPANDABLE.get(entity, {}).items():
            deeper = [part.partition("/")[2] for part in expand if part.startswith(name + "/")]
            if name in expand:
                told[name] = {"results": [self._entity(below, one, deeper) for one in row.get(name, [])]}
            else:
                told[name] = {"__deferred": {"uri": f"{entity}('{number}')/{name}"}}
        return told


def _people(book: Book, tokens: dict[str, str], path: dict[str, str], told: Row) -> Any:
    what, number = path["what"], path["number"]
    if what == "forget":
        tokens.clear()
    elif what == "texts":
        book.replaces_text = bool(told["replace"])
    elif what == "lock":
        (book.locked.add if told["locked"] else book.locked.discard)(number)
    elif what == "hold":
        return (
            book.notification(number)
            | {"LastChangeDateTime": "", "order": _order_of(book, number)}
            | {name: str(value) for name, value in book.notification(number).items()}
        )
    elif what == "edit":
        book.notification(number)["NotificationText"] = told["title"]
        book.set_phase(number, book.notification(number)["NotifProcessingPhase"])
    elif what == "own":
        body = {"NotificationText": "made by hand", "NotificationType": "M2", "MaintPriority": "3", **told}
        return book.create_notification(body)["MaintenanceNotification"]
    elif what == "own_order":
        return book.create_order({"MaintenanceOrderType": "PM01", **told})["MaintenanceOrder"]
    elif what == "order_status":
        book.set_status(number, told["status"])
    elif what == "codes":
        book.notification(number)["to_Item"] = told["items"]
    elif what == "fields":
        book.notification(number).update(told)
    elif what == "status":
        _set_status(book, number, told)
    return None


def _order_of(book: Book, number: str) -> Row:
    order = book.rows["MaintenanceOrder"].get(book.notification(number).get("MaintenanceOrder") or "", {})
    return {name: str(value) for name, value in order.items()}


def _set_status(book: Book, number: str, told: Row) -> None:
    done = told.get("completed_at")
    at = None if done is None else dt.datetime.fromisoformat(done)
    row = book.notification(number)
    if at is not None and told["phase"] == "4":
        local = at.astimezone(ZONE)
        row["NotificationCompletionDate"], row["CompletionTime"] = local.date(), local.time()
    book.set_phase(number, told["phase"])
    if told.get("status") and row.get("MaintenanceOrder"):
        book.set_status(row["MaintenanceOrder"], told["status"], at)


def _place_of(path: str, entities: tuple[str, ...]) -> tuple[str, str | None]:
    match = re.fullmatch(r"(\w+)(?:\('(\w+)'\))?", path)
    if match is None or match[1] not in entities:
        raise SapError(404, "/IWFND/CM_BEC/026", f"Segment '{path}' is not found.")
    return match[1], match[2]


def _shown(kind: str, value: Any) -> Any:
    if kind == "d" and isinstance(value, dt.date):
        return f"/Date({int((dt.datetime.combine(value, dt.time(), dt.UTC) - _EPOCH).total_seconds()) * 1000})/"
    if kind == "m" and isinstance(value, dt.datetime):
        return f"/Date({int((value - _EPOCH).total_seconds()) * 1000}+0000)/"
    if kind == "t":
        return "PT00H00M00S" if value is None else f"PT{value:%H}H{value:%M}M{value:%S}S"
    return ("" if kind == "s" else None) if value is None else value


def _etag(version: int) -> str:
    return f'W/"{version}"'


def _refused(request: Request) -> Response | None:
    if request.headers.get("authorization") != _BASIC:
        page = (
            "<html><head><title>Logon failed</title></head><body><h1>Anmeldung fehlgeschlagen</h1></body></html>"
        )
        return Response(page, 401, {"www-authenticate": "Basic realm=SAP"}, media_type="text/html")
    if request.path_params["service"] not in _SERVICES or request.query_params.get("sap-client") != CLIENT:
        return _error(SapError(404, "/IWFND/MED/170", "No service found"))
    return None


def _error(err: SapError | BadFilterError) -> Response:
    """JSON, or XML where the gateway itself speaks."""
    status, code = (err.status, err.code) if isinstance(err, SapError) else (400, "005056A509B11EE1B9A8FE")
    if status in (404, 405, 415):
        xml = f'<error xmlns="x"><code>{code}</code><message xml:lang="en">{escape(str(err))}</message></error>'
        return Response(f'<?xml version="1.0"?>{xml}', status, media_type="application/xml")
    inner = {"transactionid": "A1", "errordetails": [{"code": code, "message": str(err), "severity": "error"}]}
    message = {"lang": "en", "value": str(err)}
    return JSONResponse({"error": {"code": code, "message": message, "innererror": inner}}, status)
