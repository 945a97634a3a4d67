"""Middleware that takes CloudEvents, answers 202 before an order has a number, and makes one order a key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.orders import OrderState
from serving.sandbox_erp.app import Manners
from tests.standins.faults import Control
from tests.standins.peer import Peer, Vendor
from tests.standins.sandbox import made, started

__all__ = ["VENDOR", "control"]


def control() -> Control:
    """The sandbox ERP with those manners, behind a gate that lets only whole events in."""
    manners = Manners(unique_keys=True, accepts=True)
    return Control(lambda now: _gate(made(now, manners)))


def _gate(app: ASGIApp) -> ASGIApp:
    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/orders"):
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), bool(message.get("more_body"))
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        wrong = _wrong(headers, json.loads(body))
        if wrong:
            await JSONResponse({"error": wrong}, 415)(scope, receive, send)
            return

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await app(scope, again, send)

    return gate


def _wrong(headers: dict[str, str], event: dict[str, object]) -> str:
    """What an event bus would not route, by CloudEvents 1.0.2."""
    if headers.get("content-type", "").partition(";")[0] != "application/cloudevents+json":
        return "not a structured event"
    required = {"specversion": "1.0", "type": "org.wearcast.maintenance.request.created.v1"}
    if any(event.get(name) != value for name, value in required.items()):
        return f"not {required}"
    if not event.get("source") or event.get("id") != headers.get("idempotency-key"):
        return "no source, or id and Idempotency-Key differ"
    lower = all(name.isalnum() and name == name.lower() for name in event)
    return "" if lower else "attribute names are lower case"


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    with started(folder, "middleware", cloud_events=True, unique_key=True) as peer:
        yield peer


VENDOR = Vendor(kind="webhook", start=_start, states=tuple(OrderState)[:-1], place=("W1-P101", "100042"))
