"""ERPNext as the contract suite meets it: Frappe's REST API, version 1."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from serving.erp.texts import as_text
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.erpnext_book import Book, FrappeError
from tests.standins.faults import Control
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.serve import StandIn, running

__all__ = ["SECRET", "USER", "VENDOR", "control"]

SECRET, USER, EMAIL = b"a secret for tests", "4pik3y", "wearcast@works.example"
# What gunicorn takes before a request line is too large.
_LINE = 4094


def control() -> Control:
    """The stand-in: a site whose clock is not UTC, and what people do there."""
    return Control(_make)


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    book = Book(now, "America/New_York")

    async def api(request: Request) -> Response:
        try:
            return JSONResponse(await _served(book, request))
        except FrappeError as err:
            if "application/json" not in request.headers.get("Accept", ""):
                return HTMLResponse(f"<html>{err.message}</html>", err.status)
            return JSONResponse(err.document(), err.status)

    async def planner(request: Request) -> Response:
        return JSONResponse(getattr(_People(book), request.path_params["what"])(**await request.json()))

    routes = [
        Route("/api/{kind}/{rest:path}", api, methods=["GET", "POST", "PUT", "DELETE"]),
        Route("/__control/{what}", planner, methods=["POST"]),
    ]
    return Starlette(routes=routes)


async def _served(book: Book, request: Request) -> object:
    if len(str(request.url.query)) > _LINE:
        raise FrappeError("ValidationError", "Request Line is too large")
    if request.headers.get("Authorization") != f"token {USER}:{SECRET.decode()}":
        raise FrappeError("AuthenticationError", "Authentication failed")
    body = await request.json() if request.method in ("POST", "PUT") else {}
    kind, rest = request.path_params["kind"], request.path_params["rest"]
    if kind == "method":
        return _method(book, request.method, rest, dict(request.query_params), body)
    doctype, _, name = rest.partition("/")
    match request.method, bool(name):
        case "GET", False:
            return {"data": book.query(doctype, dict(request.query_params))}
        case "POST", False if doctype == "Asset Repair":
            return {"data": book.insert(body)}
        case "PUT", True if doctype == "Asset Repair":
            return {"data": book.update(name, body)}
    raise FrappeError("PermissionError", f"{request.method} {doctype} is not for this user")


def _method(book: Book, verb: str, name: str, params: dict[str, str], body: dict[str, str]) -> object:
    match verb, name:
        case "GET", "frappe.auth.get_logged_user":
            return {"message": EMAIL}
        case "GET", "frappe.client.get_time_zone":
            return {"message": {"time_zone": book.zone.key}}
        case "GET", "frappe.desk.form.load.getdoctype":
            assert params == {"doctype": "Asset Repair"}
            return {"docs": [book.form()], "user_settings": "{}"}
        case "POST", "frappe.desk.form.utils.add_comment":
            wanted = {"reference_doctype", "reference_name", "content", "comment_email", "comment_by"}
            if set(body) != wanted:
                raise FrappeError("ValidationError", f"add_comment() takes {sorted(wanted)}")
            book.comment(body["reference_doctype"], body["reference_name"], body["content"])
            return {"message": {"doctype": "Comment", "content": body["content"]}}
    raise FrappeError("PermissionError", f"Function {name} is not whitelisted.")


class _People:
    """What people do in ERPNext's own forms."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def hold(self, number: str) -> dict[str, str]:
        row = self._book.repairs[number]
        title, _, text = as_text(row["description"] or "").partition("\n")
        notes = "\n".join(as_text(one) for one in self._book.comments.get(number, []))
        return {"title": title, "text": text, "priority": "", "status": row["repair_status"], "notes": notes}

    def move(self, number: str, status: str, submit: bool, completed_at: str | None, **codes: str) -> None:
        kind, options, reqd, unique = self._book.fields["repair_status"]
        if status not in options.split("\n"):
            self._book.fields["repair_status"] = (kind, f"{options}\n{status}", reqd, unique)
        change: dict[str, object] = {"repair_status": status, **codes}
        if completed_at is not None:
            local = dt.datetime.fromisoformat(completed_at).astimezone(self._book.zone).replace(tzinfo=None)
            change["completion_date"] = local.isoformat(" ")
            held = dt.datetime.fromisoformat(self._book.repairs[number]["failure_date"])
            change["failure_date"] = min(held, local - dt.timedelta(hours=8)).isoformat(" ")
        self._book.update(number, change)
        if submit:
            self._book.update(number, {"docstatus": 1})

    def edit(self, number: str, title: str) -> None:
        text = self._book.repairs[number]["description"].partition("\n")[2]
        self._book.update(number, {"description": f"{title}\n{text}"})

    def own(self, asset: str) -> str:
        failed = self._book.stamp()
        return str(self._book.insert({"asset": asset, "failure_date": failed, "description": "leaks"})["name"])


class _Planner:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        return Held(**self._standin.control("hold", {"number": number}))

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        is_done = state in (OrderState.COMPLETED, OrderState.CLOSED)
        status = "Completed" if is_done else {OrderState.CANCELLED: "Cancelled"}.get(state, "Pending")
        fields = {"actions_performed": "actions_performed", "outcome": "wearcast_outcome"}
        change: dict[str, object] = {
            "number": number,
            "status": status,
            "submit": state is OrderState.CLOSED,
            "completed_at": completed_at.isoformat() if completed_at is not None and is_done else None,
        }
        self._standin.control("move", change | {fields[name]: code for name, code in codes.items()})

    def set_raw_status(self, number: str, status: str) -> None:
        change = {"number": number, "status": status, "submit": False, "completed_at": None}
        self._standin.control("move", change)

    def edit(self, number: str, title: str) -> None:
        self._standin.control("edit", {"number": number, "title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        return str(self._standin.control("own", {"asset": equipment_number}))


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    with running("erpnext", folder) as standin:
        settings = ErpSettings(
            kind="erpnext",
            url=standin.url,
            user=USER,
            secret=SecretStr(SECRET.decode()),
            options={"code_fields": {"outcome": "wearcast_outcome"}},
        )
        with met(settings, _Planner(standin), standin) as peer:
            yield peer


VENDOR = Vendor(
    kind="erpnext",
    start=_start,
    states=(OrderState.OPEN, OrderState.CANCELLED, OrderState.COMPLETED),
    place=("Hall 1", "ACC-ASS-2026-00001"),
)
