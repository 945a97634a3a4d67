"""Routes of the sandbox ERP."""

import datetime as dt
import hmac
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from features.core.clock import Clock
from serving.erp.events import CONTENT_TYPE, opened
from serving.erp.signature import HEADER, STALE_SECONDS, TIMESTAMP_HEADER, sign
from serving.sandbox_erp.book import PAGE, STATUSES, OrderBook

__all__ = ["Manners", "create_app"]

Document = dict[str, Any]  # Any: JSON


class NewOrder(BaseModel):
    """What a client sends; more fields are accepted and not kept."""

    model_config = ConfigDict(extra="ignore")

    key: str = Field("", max_length=20)
    title: str = Field(min_length=1, max_length=40)
    text: str = Field("", max_length=4000)
    functional_location: str = Field("", max_length=40)
    equipment_number: str = Field("", max_length=40)
    machine_id: str = Field("", max_length=60)
    priority: int = Field(ge=1, le=5)
    due: AwareDatetime | None = None
    planned_start: AwareDatetime | None = None
    part_number: str | None = None


class NewStatus(BaseModel):
    """What a planner or craftsman does with an order; outcomes are free text here, as in real life."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["open", "planned", "in_progress", "on_hold", "completed", "closed", "cancelled"]
    outcome: str | None = None
    failure_mode: str | None = None
    text: str = ""
    completed_at: AwareDatetime | None = None


class NewNote(BaseModel):
    """A note, and the priority that it asks for at least."""

    model_config = ConfigDict(extra="forbid")

    note: str
    priority: int = Field(ge=1, le=5)


@dataclass(frozen=True, slots=True)
class Manners:
    """How it takes new orders.

    Attributes:
        unique_keys: One order an `Idempotency-Key`: the second request is answered with 409 and the order.
        accepts: A request is taken (202) and its number not told: it has to be looked up.
    """

    unique_keys: bool = False
    accepts: bool = False


class _MalformedError(Exception):
    """A body that is no order."""


class _UnsignedError(Exception):
    """A request that is not signed by a client we know, or is too old."""


class _NoOrderError(Exception):
    """No order has that number."""


def create_app(book: OrderBook, secret: bytes, clock: Clock, manners: Manners | None = None) -> FastAPI:
    """The sandbox ERP over an order book.

    Args:
        book: Its records.
        secret: What clients sign with.
        clock: Its own clock.
        manners: How it takes new orders.
    """
    app = FastAPI(title="Sandbox ERP", docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )

    async def signed(request: Request) -> None:
        _check_signature(request, await request.body(), secret, clock.now())

    app.add_exception_handler(_UnsignedError, _unsigned)
    app.add_exception_handler(_NoOrderError, _no_order)
    app.add_exception_handler(_MalformedError, _malformed)
    guarded = APIRouter(dependencies=[Depends(signed)])
    _add_reading(guarded, book)
    _add_writing(guarded, book, clock, manners or Manners())
    app.include_router(guarded)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        orders = book.orders()
        counts = {status: sum(o["status"] == status for o in orders) for status in STATUSES}
        return pages.get_template("orders.html").render(orders=orders, counts=counts)

    return app


def _add_reading(router: APIRouter, book: OrderBook) -> None:
    @router.get("/health")
    def health() -> Document:
        return {"status": f"sandbox ERP, {len(book.orders())} orders"}

    @router.get("/orders")
    def search(
        key: str | None = None,
        key_prefix: str | None = None,
        functional_location: str | None = None,
        equipment_number: str | None = None,
        changed_since: AwareDatetime | None = None,
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> Document:
        if changed_since is not None:
            return _changes(book, changed_since, after)
        if key is not None:
            return {"orders": [_order(order) for order in book.by_key(key)]}
        if key_prefix is not None:
            return {"orders": [_order(o) for o in book.orders() if str(o["key"]).startswith(key_prefix)]}
        if functional_location is not None or equipment_number is not None:
            places = functional_location or "", equipment_number or ""
            return {"orders": [_order(order) for order in book.by_place(*places)]}
        return {"orders": [_order(order) for order in book.orders()]}

    @router.get("/assets")
    def assets() -> Document:
        return {"assets": book.assets()}


def _add_writing(router: APIRouter, book: OrderBook, clock: Clock, manners: Manners) -> None:
    taking = threading.Lock()

    def take(order: NewOrder, key: str) -> tuple[int, Document]:
        with taking:
            held = book.by_key(key) if manners.unique_keys and key else []
            if held:
                return 409, _order(held[0])
            return 201, _order(book.create(order.model_dump(mode="json"), clock.now()))

    @router.post("/orders", status_code=201)
    async def create(request: Request) -> Response:
        order = _sent(request.headers.get("Content-Type", ""), await request.body())
        key = request.headers.get("Idempotency-Key", "")
        if key and order.key and key != order.key:
            raise _MalformedError(f"Idempotency-Key is {key}, and the order's key {order.key}")
        status, made = await run_in_threadpool(take, order, key)
        if manners.accepts:
            status, made = 202, {"status": "accepted"}
        return JSONResponse(made, status)

    @router.post("/orders/{number}/status")
    def set_status(number: int, change: NewStatus) -> Document:
        held = _known(book, number)
        if change.status == "cancelled" and held["status"] in ("completed", "closed"):
            return _order(held)
        book.set_status(number, change.model_dump(mode="json"), clock.now())
        return _order(_known(book, number))

    @router.post("/orders/{number}/notes")
    def add_note(number: int, note: NewNote) -> Document:
        _known(book, number)
        book.add_note(number, note.note, note.priority, clock.now())
        return _order(_known(book, number))


async def _unsigned(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=401)


async def _malformed(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=422)


async def _no_order(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=404)


def _check_signature(request: Request, body: bytes, secret: bytes, now: dt.datetime) -> None:
    given, stamp = request.headers.get(HEADER, ""), request.headers.get(TIMESTAMP_HEADER, "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise _UnsignedError(f"{HEADER} and {TIMESTAMP_HEADER} are needed")
    raw = request.scope["raw_path"].decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    path = f"{raw}?{query}" if query else raw
    expected = sign(secret, method=request.method, path=path, timestamp=int(stamp), body=body)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise _UnsignedError("the signature does not fit")
    if abs(now.timestamp() - int(stamp)) > STALE_SECONDS:
        raise _UnsignedError(f"the request is more than {STALE_SECONDS} s old or ahead")


def _sent(content_type: str, body: bytes) -> NewOrder:
    """The order of a request, with an envelope of CloudEvents around it or without."""
    try:
        if content_type.partition(";")[0].strip().lower() == CONTENT_TYPE:
            return NewOrder.model_validate(opened(json.loads(body)))
        return NewOrder.model_validate_json(body)
    except ValueError as err:
        raise _MalformedError(str(err)) from err


def _known(book: OrderBook, number: int) -> dict[str, object]:
    order = book.order(number)
    if order is None:
        raise _NoOrderError(f"no order {number}")
    return order


def _order(row: dict[str, object]) -> Document:
    names = ("key", "status", "functional_location", "text", "title", "priority")
    return {"number": str(row["number"])} | {name: row[name] for name in names}


def _changes(book: OrderBook, since: dt.datetime, after: int) -> Document:
    rows = book.changes(since, after)
    names = ("key", "status", "changed_at", "completed_at", "outcome", "failure_mode", "text")
    changes = [
        {"change_id": str(row["id"]), "number": str(row["number"])} | {name: row[name] for name in names}
        for row in rows
    ]
    return {"changes": changes, "next": str(rows[-1]["id"]) if len(rows) == PAGE else None}
