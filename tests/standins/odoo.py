"""Odoo as the contract suite meets it: 19 over JSON-2, 17 over JSON-RPC, each with its own error documents."""

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from serving.erp.texts import as_text
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.faults import Control
from tests.standins.odoo_orm import Database, OdooError
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.serve import StandIn, running

__all__ = ["DATABASE", "JSONRPC", "SECRET", "USER", "VENDOR", "control"]

SECRET, DATABASE, USER, UID = b"a secret for tests", "works", "wearcast@works.example", 7
_READS = ("search_read", "fields_get", "has_access", "check_access_rights", "authenticate", "version")
_TRACEBACK = 'Traceback (most recent call last):\n  File "/opt/odoo/http.py", line 1, in serve\n'


class _OdooControl(Control):
    """Every call is a POST: what only reads is told from the method's name."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/json/2/"):
            kind = "read" if scope["path"].rpartition("/")[2] in _READS else "write"
            scope = {**scope, "path": f"/{kind}{scope['path']}"}
        elif scope["type"] == "http" and scope["path"] == "/jsonrpc":
            body = await _body(receive)
            kind = "read" if any(f'"{name}"' in body.decode() for name in _READS) else "write"
            scope, receive = {**scope, "path": f"/{kind}/jsonrpc"}, _again(body)
        await super().__call__(scope, receive, send)


def control() -> Control:
    """The stand-in: both APIs, and what people do in Odoo."""
    return _OdooControl(_make, sign_in=("/read/",))


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    # One server has one version; here each API has the version that it is used with, on the same data.
    new, old = Database(now, 19), Database(now, 17)
    old.tables, old.notes = new.tables, new.notes

    async def json2(request: Request) -> Response:
        key = request.headers.get("Authorization", "").partition(" ")
        if key[0].lower() != "bearer" or key[2].encode() != SECRET:
            fault = OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401)
            return JSONResponse(_document(fault), 401, headers={"WWW-Authenticate": "Bearer"})
        if request.headers.get("X-Odoo-Database", DATABASE) != DATABASE:
            return JSONResponse(_document(OdooError("werkzeug.exceptions.NotFound", "no such database", 404)), 404)
        named = await request.json()
        ids = named.pop("ids", [])
        try:
            model, method = request.path_params["model"], request.path_params["method"]
            return JSONResponse(new.call(model, method, ids, named))
        except OdooError as fault:
            return JSONResponse(_document(fault), fault.status)

    async def jsonrpc(request: Request) -> Response:
        envelope = await request.json()
        assert (envelope["jsonrpc"], envelope["method"]) == ("2.0", "call")
        params = envelope["params"]
        answer = {"jsonrpc": "2.0", "id": envelope["id"]}
        try:
            result = _served(old, params["service"], params["method"], params["args"])
            return JSONResponse(answer | {"result": result})
        except OdooError as fault:
            error = {"code": 200, "message": "Odoo Server Error", "data": _document(fault)}
            return JSONResponse(answer | {"error": error})

    async def planner(request: Request) -> Response:
        done = getattr(_People(new, old), request.path_params["what"])(**await request.json())
        return JSONResponse(done)

    routes = [
        Route("/{kind}/json/2/{model}/{method}", json2, methods=["POST"]),
        Route("/{kind}/jsonrpc", jsonrpc, methods=["POST"]),
        Route("/__control/{what}", planner, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _served(db: Database, service: str, method: str, args: list[Any]) -> object:  # Any: a JSON document
    if (service, method) == ("common", "authenticate"):
        database, login, key, _agent = args
        _known(database)
        return UID if (login, key.encode()) == (USER, SECRET) else False
    if (service, method) != ("object", "execute_kw"):
        raise OdooError("builtins.KeyError", service, 500)
    database, uid, key, model, name, positional, named = args
    _known(database)
    if (uid, key.encode()) != (UID, SECRET):
        raise OdooError("odoo.exceptions.AccessDenied", "Access Denied", 403)
    return db.call(model, name, positional[0] if positional else [], named)


def _known(database: str) -> None:
    if database != DATABASE:
        raise OdooError("psycopg2.OperationalError", f'FATAL:  database "{database}" does not exist', 500)


def _document(fault: OdooError) -> dict[str, object]:
    """Odoo's error document: with a traceback of the server, values included."""
    told: dict[str, object] = {"name": fault.name, "message": fault.message, "arguments": [fault.message]}
    return told | {"context": {}, "debug": f"{_TRACEBACK}{fault.name}: {fault.message}\n" * 30}


class _People:
    """What people do in Odoo's own screens."""

    def __init__(self, new: Database, old: Database) -> None:
        self._db, self._both = new, (new, old)

    def hold(self, number: int) -> dict[str, str]:
        row, notes = self._db.tables["maintenance.request"][number], self._db.notes.get(number, [])
        stage = self._db.tables["maintenance.stage"][row["stage_id"]]["name"]
        text = as_text(row["description"] or "")
        return {
            "title": row["name"],
            "text": text,
            "priority": row["priority"] or "0",
            "status": stage,
            "notes": "\n".join(as_text(note) for note in notes),
        }

    def move(self, number: int, stage: str, done: bool, close_date: str | None, **values: object) -> None:
        stages = self._db.tables["maintenance.stage"]
        found = [row["id"] for row in stages.values() if row["name"] == stage]
        stage_id = found[0] if found else self._db.insert("maintenance.stage", name=stage, done=done, sequence=99)
        if "schedule_date" in values:
            values["schedule_date"] = self._db.now()
        self._db.put(number, stage_id=stage_id, **values)
        if close_date is not None:
            self._db.put(number, close_date=dt.date.fromisoformat(close_date))

    def edit(self, number: int, title: str) -> None:
        self._db.put(number, name=title)

    def own(self, equipment: int) -> int:
        defaults = {"stage_id": 1, "kanban_state": "normal", "create_date": self._db.now()}
        made = self._db.insert("maintenance.request", name="made by hand", equipment_id=equipment, **defaults)
        self._db.put(made)
        return made

    def busy(self, times: int) -> None:
        for db in self._both:
            db.busy = times

    def deny(self, model: str, operation: str) -> None:
        for db in self._both:
            db.denied = {(model, operation)} if model else set()


_STAGE = {
    OrderState.OPEN: "New Request",
    OrderState.PLANNED: "New Request",
    OrderState.COMPLETED: "Repaired",
}


class _Planner:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        return Held(**self._standin.control("hold", {"number": int(number)}))

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        is_done = state is OrderState.COMPLETED
        change: dict[str, object] = {
            "number": int(number),
            "stage": codes.get("stage", _STAGE.get(state, "In Progress")),
            "done": is_done,
            "close_date": completed_at.date().isoformat() if completed_at is not None and is_done else None,
            "archive": state is OrderState.CANCELLED,
            "kanban_state": "blocked" if state is OrderState.ON_HOLD else "normal",
            "x_cause": codes.get("cause", False),
        }
        if state is OrderState.PLANNED:
            change["schedule_date"] = True
        self._standin.control("move", change)

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control("move", {"number": int(number), "stage": status, "done": False, "close_date": None})

    def edit(self, number: str, title: str) -> None:
        self._standin.control("edit", {"number": int(number), "title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        return str(self._standin.control("own", {"equipment": int(equipment_number)}))


@contextmanager
def _start(folder: Path, api: str) -> Iterator[Peer]:
    with running("odoo", folder) as standin:
        settings = ErpSettings(
            kind="odoo",
            url=standin.url,
            user=USER,
            secret=SecretStr(SECRET.decode()),
            options={"api": api, "database": DATABASE, "code_fields": {"cause": "x_cause"}},
        )
        with met(settings, _Planner(standin), standin) as peer:
            yield peer


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


_STATES = (
    OrderState.OPEN,
    OrderState.PLANNED,
    OrderState.IN_PROGRESS,
    OrderState.ON_HOLD,
    OrderState.CANCELLED,
    OrderState.COMPLETED,
)
VENDOR = Vendor(kind="odoo", start=functools.partial(_start, api="json2"), states=_STATES, place=("", "1"))
JSONRPC = Vendor(kind="odoo", start=functools.partial(_start, api="jsonrpc"), states=_STATES, place=("", "1"))
