"""Messages from the ERP: signed by the sender instead of a bearer token."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from features.core.clock import SystemClock
from features.core.errors import RequestRejectedError
from serving.erp.incoming import MOST_BYTES
from serving.predictor.context import Context
from serving.schemas.answers import HintTaken, Problem

__all__ = ["router"]

router = APIRouter(prefix="/v1/erp", tags=["work orders"])


@router.post(
    "/events",
    status_code=202,
    responses={
        401: {"model": Problem, "description": "Not signed, wrongly signed, or too old"},
        404: {"model": Problem, "description": "Messages are not taken: erp.incoming is not set"},
    },
)
async def take_event(request: Request) -> HintTaken:
    """A hint that an order changed; the worker reads the order again from the ERP.

    The same message again is no error. The signature is `v1=` and the hexadecimal HMAC-SHA256 of the timestamp, a
    dot and the body, in `X-Wearcast-Signature`, with `X-Wearcast-Timestamp` beside it, unless the settings name
    another scheme.
    """
    context: Context = request.app.state.context
    if context.incoming is None:
        raise RequestRejectedError("messages are not taken: set erp.incoming", {"reason": "not_found"})
    now = SystemClock().now()
    hint = context.incoming.read(request.headers, await _body(request), now=now)
    is_new = await run_in_threadpool(
        context.store.inbox.take, context.erp.kind, hint.event_id, hint.number, now=now
    )
    return HintTaken(event_id=hint.event_id, is_new=is_new)


async def _body(request: Request) -> bytes:
    """The body, cut just above the limit: who sends more is refused, not read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return body
