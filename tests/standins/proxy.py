"""Passes requests on to a real system behind, so that faults can be put in front of it."""

import datetime as dt
from collections.abc import Callable

import httpx
from starlette.types import Receive, Scope, Send

__all__ = ["Proxy"]

# Headers of one hop, and those that the server in front writes itself.
_HOP = {
    b"connection",
    b"keep-alive",
    b"transfer-encoding",
    b"content-encoding",
    b"content-length",
    b"date",
    b"server",
}


class Proxy:
    """ASGI application that is another server; it keeps no cookies of its own.

    Args:
        url: Where that server is.
        now: The clock that faults may set; told with each request as `x-clock`.
    """

    def __init__(self, url: str, now: Callable[[], dt.datetime]) -> None:
        self._url, self._now = httpx.URL(url), now
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer."""
        if self._transport is None:
            limits = httpx.Limits(max_connections=40, max_keepalive_connections=0)
            self._transport = httpx.AsyncHTTPTransport(limits=limits)
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = bool(message.get("more_body"))
        query = scope["query_string"]
        target = scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
        headers = [(name, value) for name, value in scope["headers"] if name not in _HOP]
        headers += [(b"x-clock", self._now().isoformat().encode()), (b"content-length", str(len(body)).encode())]
        request = httpx.Request(
            scope["method"],
            self._url.copy_with(raw_path=target),
            headers=headers,
            content=body,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 60.0)},
        )
        answer = await self._transport.handle_async_request(request)
        content = await answer.aread()
        await answer.aclose()
        told = [(name, value) for name, value in answer.headers.raw if name.lower() not in _HOP]
        told.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": told})
        await send({"type": "http.response.body", "body": content})
