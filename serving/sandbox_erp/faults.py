"""Faults on demand: answers that get lost after the work was done, and refusals before it."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["FaultPlan", "Faults"]


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which creates go wrong; 0 means none.

    Attributes:
        lose_answers: Every so many-th create is done, and then the connection is cut.
        refuse_every: Every so many-th create is not done and answered with `status`.
        status: HTTP status of those.
    """

    lose_answers: int = 0
    refuse_every: int = 0
    status: int = 503


class Faults:
    """ASGI layer that makes every n-th `POST /orders` go wrong as planned."""

    def __init__(self, app: ASGIApp, plan: FaultPlan) -> None:
        self._app, self._plan, self._creates = app, plan, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, refuse, or cut."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/orders":
            await self._app(scope, receive, send)
            return
        self._creates += 1
        if self._plan.refuse_every and self._creates % self._plan.refuse_every == 0:
            await send({"type": "http.response.start", "status": self._plan.status, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif self._plan.lose_answers and self._creates % self._plan.lose_answers == 0:
            await self._app(scope, receive, _swallow)
            # A body is announced and never sent: the server closes the connection in the middle.
            headers = [(b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        else:
            await self._app(scope, receive, send)


async def _swallow(_message: Message) -> None:
    return
