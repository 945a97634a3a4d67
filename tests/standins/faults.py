"""What goes wrong between a client and a stand-in ERP, set while it runs."""

import asyncio
import datetime as dt
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Control", "FaultPlan"]


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Shares of the writes that go wrong (0 to 1), and what that means.

    Attributes:
        seed: Of the draws.
        lose_answers: Done, then the connection is cut in the middle of the answer.
        server_errors: Not done, answered with 500.
        errors_after: Done, answered with 502.
        too_many: Not done, answered with 429 and `Retry-After: retry_after_s`.
        retry_after_s: Seconds to wait after those.
        locked: Not done: the object is locked by a planner (423).
        late: Cut at once, and done `late_s` seconds later.
        late_s: How late.
        slow_s: Every answer, reads too, comes so much later.
        outage: Nothing is done, every connection is cut.
        now: The stand-in's clock stands still at this moment (ISO, with offset); empty: it runs.
    """

    seed: int = 0
    lose_answers: float = 0.0
    server_errors: float = 0.0
    errors_after: float = 0.0
    too_many: float = 0.0
    retry_after_s: int = 1
    locked: float = 0.0
    late: float = 0.0
    late_s: float = 1.0
    slow_s: float = 0.0
    outage: bool = False
    now: str = ""


class Control:
    """ASGI layer around a stand-in: makes writes go wrong as planned, and counts.

    `POST /__control/faults` with a plan's fields as JSON replaces the plan; `GET /__control/counts` tells
    how often each fault struck, how many writes came and how many were done.

    Args:
        make: Makes the stand-in, given its clock.
        sign_in: Beginnings of paths that are no writes though their method says so.
    """

    def __init__(
        self, make: Callable[[Callable[[], dt.datetime]], ASGIApp], sign_in: tuple[str, ...] = ()
    ) -> None:
        self._app, self._sign_in = make(self.now), sign_in
        self._plan, self._draw = FaultPlan(), random.Random(0)
        self._counts: dict[str, int] = {}
        self._late: set[asyncio.Task[None]] = set()

    def now(self) -> dt.datetime:
        """The stand-in's clock, UTC."""
        return dt.datetime.fromisoformat(self._plan.now) if self._plan.now else dt.datetime.now(dt.UTC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, refuse, cut, or be late."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = self._dated(send)
        if scope["path"] == "/__control/faults":
            body = json.loads(await _body(receive))
            known = {field.name for field in fields(FaultPlan)}
            assert set(body) <= known, f"a fault plan has {sorted(known)}"
            self._plan = replace(FaultPlan(), **body)
            self._draw = random.Random(self._plan.seed)
            await _answer(send, 204, b"")
            return
        if scope["path"] == "/__control/counts":
            await _answer(send, 200, json.dumps(self._counts).encode())
            return
        if scope["path"].startswith("/__control/"):
            await self._app(scope, receive, send)
            return
        if self._plan.slow_s:
            await asyncio.sleep(self._plan.slow_s)
        if self._plan.outage:
            self._count("outage")
            await _cut(send)
            return
        is_sign_in = any(scope["path"].startswith(start) for start in self._sign_in)
        if scope["method"] in ("GET", "HEAD", "OPTIONS") or is_sign_in:
            await self._app(scope, receive, send)
            return
        self._count("writes")
        await self._write(scope, receive, send)

    def _dated(self, send: Send) -> Send:
        """Answers tell the stand-in's own clock."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [(name, value) for name, value in message.get("headers", []) if name.lower() != b"date"]
                now = format_datetime(self.now(), usegmt=True).encode()
                message = {**message, "headers": [*told, (b"date", now)]}
            await send(message)

        return dated

    async def _write(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan, fault = self._plan, self._fault()
        if fault in ("server_errors", "too_many", "locked"):
            self._count(fault)
            status = {"server_errors": 500, "too_many": 429, "locked": 423}[fault]
            await _answer(send, status, b'{"error":"planned"}', retry_after_s=plan.retry_after_s)
            return
        if fault == "late":
            self._count("late")
            body = await _body(receive)
            task = asyncio.create_task(self._later(scope, body, plan.late_s))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            await _cut(send)
            return
        if fault == "":
            await self._app(scope, receive, send)
            self._count("done")
            return
        await self._app(scope, receive, _swallow)
        self._count("done")
        self._count(fault)
        if fault == "lose_answers":
            await _cut(send)
        else:
            await _answer(send, 502, b"")

    def _fault(self) -> str:
        draw = self._draw.random()
        for name in ("lose_answers", "server_errors", "errors_after", "too_many", "locked", "late"):
            draw -= getattr(self._plan, name)
            if draw < 0:
                return name
        return ""

    async def _later(self, scope: Scope, body: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive, _swallow)
        self._count("done")

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, *, retry_after_s: int = 0) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if retry_after_s and status in (429, 503):
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _cut(send: Send) -> None:
    """A body is announced and never sent: the server closes the connection in the middle."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})


async def _swallow(_message: Message) -> None:
    return
