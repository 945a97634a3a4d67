"""A stand-in for Atlas CMMS, written from its published source: searches, PATCH that replaces, no foreign key.

Where Atlas ignores an unknown field, this refuses it: a misspelt one must not go unseen.
"""

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.types import ASGIApp

from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.faults import Control
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.serve import StandIn, running

__all__ = ["VENDOR", "control"]

KEY = "a secret for tests"
Document = dict[str, Any]  # Any: JSON
_SEARCHES = ("/work-orders/search", "/assets/search")
_ASSETS: tuple[Document, ...] = tuple(
    {
        "id": number,
        "customId": f"A{number:06d}",
        "name": f"Pump {number}",
        "serialNumber": f"S-{number}",
        "location": {"id": 1, "name": "Hall 1"},
        "parentAsset": None,
        "category": {"id": 1, "name": "Pumps"},
    }
    for number in range(1, 151)
)
_FIELDS = {"work-orders": {"id", "description", "title", "updatedAt", "asset", "status"}, "assets": {"id", "name"}}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Id(_Body):
    id: int


class _Filter(_Body):
    field: str
    operation: Literal["eq", "cn", "ge"]
    value: str | int
    enumName: Literal["JS_DATE"] | None = None  # noqa: N815  theirs


class _Search(_Body):
    filterFields: list[_Filter] = []  # noqa: N815  theirs
    direction: Literal["ASC", "DESC"] = "ASC"
    pageNum: int = Field(0, ge=0)  # noqa: N815  theirs
    pageSize: int = Field(10, ge=1, le=1000)  # noqa: N815  theirs
    sortField: Literal["id", "updatedAt"] = "id"  # noqa: N815  theirs


class _Order(_Body):
    title: str = Field(min_length=1, max_length=255)
    description: str | None = Field(None, max_length=10_000)
    priority: Literal["NONE", "LOW", "MEDIUM", "HIGH"] = "NONE"
    dueDate: dt.datetime | None = None  # noqa: N815  theirs
    estimatedStartDate: dt.datetime | None = None  # noqa: N815  theirs
    estimatedDuration: float = Field(0, ge=0)  # noqa: N815  theirs
    asset: _Id | None = None
    location: _Id | None = None


class _Message(_Body):
    workOrderId: int  # noqa: N815  theirs
    messageType: Literal["TEXT", "IMAGE", "VIDEO", "VOICE_NOTE", "DOCUMENT"]  # noqa: N815  theirs
    content: str | None = None


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _stamp(moment: dt.datetime | None) -> str | None:
    """As Spring writes it: milliseconds, offset with a colon."""
    return None if moment is None else moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")


class _Book:
    """Work orders and their messages."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self.now, self.lock = now, threading.Lock()
        self.orders: dict[int, Document] = {}
        self.messages: list[tuple[int, str]] = []
        self._numbers = iter(range(101, 1_000_000))

    def add(self, order: _Order) -> Document:
        with self.lock:
            asset = None
            if order.asset is not None:
                asset = next((one for one in _ASSETS if one["id"] == order.asset.id), None)
                if asset is None:
                    raise _RefusedError(404, "Asset not found")
            number, stamp = next(self._numbers), _stamp(self.now())
            held = order.model_dump(exclude={"asset", "location"}) | {
                "id": number,
                "customId": f"WO{number:06d}",
                "status": "OPEN",
                "archived": False,
                "feedback": None,
                "completedOn": None,
                "asset": None if asset is None else {name: asset[name] for name in ("id", "name", "customId")},
                "location": None if asset is None else asset["location"],
                "createdAt": stamp,
                "updatedAt": stamp,
            }
            held |= {name: _stamp(held[name]) for name in ("dueDate", "estimatedStartDate")}
            self.orders[number] = held
            return held

    def order(self, number: int) -> Document:
        if number not in self.orders:
            raise _RefusedError(404, "Not found")
        return self.orders[number]

    def change(self, number: int, values: Document) -> None:
        with self.lock:
            self.order(number).update(values | {"updatedAt": _stamp(self.now())})


def _matches(item: Document, one: _Filter) -> bool:
    held = item[one.field]
    if one.operation == "cn":
        return str(one.value).lower() in str(held or "").lower()
    if one.operation == "ge":
        assert one.enumName == "JS_DATE"
        bound = dt.datetime.strptime(str(one.value), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)
        return dt.datetime.fromisoformat(held) >= bound
    return bool((held["id"] if isinstance(held, dict) else held) == one.value)


def _page(kind: str, items: list[Document], search: _Search) -> Document:
    unknown = [one.field for one in search.filterFields if one.field not in _FIELDS[kind]]
    if unknown:
        raise _RefusedError(500, f"Could not resolve attribute '{unknown[0]}'")
    fitting = [item for item in items if all(_matches(item, one) for one in search.filterFields)]
    fitting.sort(key=lambda item: item[search.sortField], reverse=search.direction == "DESC")
    start = search.pageNum * search.pageSize
    content = fitting[start : start + search.pageSize]
    return {
        "content": content,
        "number": search.pageNum,
        "size": search.pageSize,
        "totalElements": len(fitting),
        "totalPages": -(-len(fitting) // search.pageSize),
        "last": start + search.pageSize >= len(fitting),
    }


def control() -> Control:
    """The stand-in with faults; searches are questions though they are sent by POST."""
    return Control(_make, sign_in=_SEARCHES)


def _make(now: Callable[[], dt.datetime]) -> ASGIApp:
    app, book = FastAPI(), _Book(now)

    @app.middleware("http")
    async def with_key(request: Request, call: Callable[[Request], Any]) -> Response:  # Any: starlette's
        if not request.url.path.startswith("/__control/") and request.headers.get("x-api-key") != KEY:
            return JSONResponse({"message": "Unauthorized"}, 401)
        answer: Response = await call(request)
        return answer

    @app.exception_handler(_RefusedError)
    def refused(_request: Request, error: _RefusedError) -> Response:
        return JSONResponse({"success": False, "message": str(error)}, error.status)

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> Response:
        return JSONResponse({"status": 400, "error": "Bad Request", "message": str(error)}, 400)

    _add_api(app, book)
    _add_people(app, book)
    return app


def _add_api(app: FastAPI, book: _Book) -> None:
    @app.post("/work-orders/search")
    def search(asked: _Search) -> Document:
        return _page("work-orders", list(book.orders.values()), asked)

    @app.post("/assets/search")
    def assets(asked: _Search) -> Document:
        return _page("assets", list(_ASSETS), asked)

    @app.get("/work-orders/{number}")
    def by_number(number: int) -> Document:
        return book.order(number)

    @app.post("/work-orders")
    def create(order: _Order) -> Document:
        return book.add(order)

    @app.delete("/work-orders/{number}")
    def delete(number: int) -> Document:
        book.order(number)
        del book.orders[number]
        return {"success": True, "message": "Deleted successfully"}

    @app.post("/work-order-messages", status_code=201)
    def message(sent: _Message) -> Document:
        if book.order(sent.workOrderId)["status"] == "COMPLETE":
            raise _RefusedError(403, "Cannot send messages to a completed Work Order")
        book.messages.append((sent.workOrderId, sent.content or ""))
        return {"id": len(book.messages), "content": sent.content}


def _add_people(app: FastAPI, book: _Book) -> None:
    @app.post("/__control/hold/{number}")
    def hold(number: int) -> Document:
        notes = "\n".join(text for of, text in book.messages if of == number)
        return book.order(number) | {"notes": notes}

    @app.post("/__control/change/{number}")
    def change(number: int, values: Document) -> None:
        book.change(number, values)

    @app.post("/__control/own")
    def own(order: _Order) -> int:
        return int(book.add(order)["id"])


class _Planner:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        order = self._standin.control(f"hold/{number}", {})
        return Held(order["title"], order["description"], order["priority"], order["status"], order["notes"])

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        if state is OrderState.CLOSED:
            self._standin.control(f"change/{number}", {"archived": True})
            return
        status = "COMPLETE" if state is OrderState.COMPLETED else state.name
        done = {"completedOn": _stamp(completed_at)} if completed_at is not None else {}
        self._standin.control(f"change/{number}", {"status": status, **codes, **done})

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control(f"change/{number}", {"status": status})

    def edit(self, number: str, title: str) -> None:
        self._standin.control(f"change/{number}", {"title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        order = {"title": "made by hand", "asset": {"id": int(equipment_number)}}
        return str(self._standin.control("own", order))


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    with running("atlas", folder) as standin:
        settings = ErpSettings(kind="rest", url=standin.url, secret=SecretStr(KEY), options={"mapping": "atlas"})
        with met(settings, _Planner(standin), standin) as peer:
            yield peer


VENDOR = Vendor(
    kind="rest",
    start=_start,
    states=(OrderState.OPEN, OrderState.IN_PROGRESS, OrderState.ON_HOLD, OrderState.COMPLETED, OrderState.CLOSED),
    place=("Hall 1", "7"),
)
