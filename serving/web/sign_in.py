"""The way in and out: the token once, then a session cookie."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from features.core.telemetry import log
from serving.auth import COOKIE, Sessions, TokenDigest, read_form, safe_next
from serving.predictor.context import Context
from serving.web.render import render

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_LOG = log("serving.sign_in")


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the parameter's name
    """The form that takes the token."""
    return render(request, "sign_in.html", next=safe_next(next), failed=False, csrf=None)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Open a session when the token is right."""
    state: Any = request.app.state  # Any: starlette's state has no types
    token: TokenDigest = state.token
    sessions: Sessions = state.sessions
    form = await read_form(request, is_sign_in=True)
    target = safe_next(form.get("next", "/"))
    if not token.matches(form.get("token", "").strip()):
        # Only logged: strangers must not be able to make the audit grow.
        _LOG.warning("sign_in.refused", address=_address(request))
        return render(request, "sign_in.html", status=401, next=target, failed=True, csrf=None)
    context: Context = state.context
    facts = {"address": _address(request)}
    await run_in_threadpool(
        context.store.audit, "admin (page)", "sign_in.opened", "page", facts, context.clock.now()
    )
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(
        COOKIE, sessions.open(), httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    await read_form(request)
    sessions: Sessions = request.app.state.sessions
    sessions.close(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
