"""The API and its pages: settings in, one ASGI application out, served on loopback by default."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from typing_extensions import override

from features.core.clock import clock_from
from features.core.errors import (
    ConfigError,
    RejectedError,
    RequestRejectedError,
    RetriableError,
    UnfitError,
    WearcastError,
)
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.telemetry import configure_logs, log
from serving.auth import SECURITY_HEADERS, Guard, SecurityHeaders, Sessions, TokenDigest, ensure_token
from serving.erp.incoming import Incoming
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet
from serving.routes import erp_events, health, machines, metrics, predictions, work_orders
from serving.schemas.answers import Problem, ProblemPlace, place_of
from serving.schemas.document import completed
from serving.settings import ServingSettings
from serving.store import Store
from serving.web import pages, reference, sign_in
from serving.web.render import STATIC, render, wants_page

__all__ = ["create_app", "main", "open_context"]

_LOG = log("serving.app")
# Seconds between two looks at the champions' folder.
_REFRESH_S = 2.0
# Seconds that requests in flight get at the end.
_GRACE_S = 5


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an error is told: its class, `context["reason"]` if that decides, status, name and title."""

    error: type[Exception]
    reason: str | None
    status: int
    name: str
    title: str


# The one table from errors to problem documents; the first row that fits is taken.
PROBLEMS = (
    _Kind(RequestRejectedError, "not_found", 404, "not-found", "There is no such thing"),
    _Kind(RequestRejectedError, "unsigned", 401, "unsigned", "The message is not signed by a sender we know"),
    _Kind(RequestRejectedError, "conflict", 409, "conflict", "Its state does not allow that"),
    _Kind(RequestRejectedError, "too_large", 413, "too-large", "The body is too large"),
    _Kind(RequestRejectedError, "media_type", 415, "media-type", "The body is of another type"),
    _Kind(RequestRejectedError, None, 422, "invalid-request", "The request is not valid"),
    _Kind(RequestValidationError, None, 422, "invalid-request", "The request is not valid"),
    _Kind(RejectedError, None, 422, "rejected", "This item is refused"),
    _Kind(RetriableError, None, 503, "unavailable", "Try again in a moment"),
    _Kind(UnfitError, None, 503, "unfit", "There is an answer, but it must not be used"),
    _Kind(ConfigError, None, 500, "configuration", "A person must change the configuration"),
    _Kind(WearcastError, None, 500, "internal", "Something failed here"),
)
_UNEXPECTED = _Kind(Exception, None, 500, "internal", "Something failed here")


def open_context(settings: ServingSettings) -> Context:
    """Everything the routes read from; the store is migrated.

    Raises:
        ConfigError: The plant file, the replay file or the store's URL is wrong.
    """
    plant, lake = read_plant(settings.plant), Lake(settings.lake)
    store = Store(settings.store)
    store.migrate()
    return Context(
        plant=plant,
        lake=lake,
        store=store,
        champions=Champions(settings.champion),
        fleet=Fleet(lake, plant),
        clock=clock_from(settings.replay),
        incoming=Incoming.from_settings(settings.erp),
        erp=settings.erp,
    )


def create_app(context: Context, token: TokenDigest) -> FastAPI:
    """The application: guard and metrics in front, routes and pages behind.

    Args:
        context: What the routes read from; closed when the application ends.
        token: The digest of the bearer token.
    """
    app = _Application(
        title="Wearcast",
        version="1",
        description="Remaining life of machines, and the work that follows from it. "
        "Every error is a problem document (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.context, app.state.token = context, token
    app.state.sessions, app.state.metrics = Sessions(), metrics.Metrics()
    app.state.readiness = health.ReadinessDesk(context)
    _include(app)
    for error in (HTTPException, RequestValidationError, WearcastError, Exception):
        app.add_exception_handler(error, problem)
    app.add_middleware(Guard, token=token, sessions=app.state.sessions, refuse=problem)
    app.add_middleware(metrics.MetricsMiddleware, metrics=app.state.metrics)
    app.add_middleware(SecurityHeaders)
    return app


def _include(app: FastAPI) -> None:
    bearer = [Depends(HTTPBearer(auto_error=False, description="Printed once at the first start."))]
    problems: dict[int | str, dict[str, Any]] = {  # Any: pieces of an OpenAPI document
        401: {"model": Problem, "description": "No token, or a wrong one"},
        404: {"model": Problem, "description": "There is no such thing"},
        422: {"model": Problem, "description": "The request is not valid"},
    }
    for router in (machines.router, predictions.router, work_orders.router):
        app.include_router(router, dependencies=bearer, responses=problems)
    app.include_router(erp_events.router, responses={422: problems[422]})
    app.include_router(metrics.router, dependencies=bearer, responses={401: problems[401]})
    for router in (health.router, pages.router, sign_in.router, reference.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    await run_in_threadpool(context.champions.refresh)
    refreshing = asyncio.create_task(_keep_fresh(context))
    try:
        yield
    finally:
        refreshing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refreshing
        context.store.close()


async def _keep_fresh(context: Context) -> None:
    while True:
        await asyncio.sleep(_REFRESH_S)
        try:
            await run_in_threadpool(context.champions.refresh)
        except Exception as err:  # noqa: BLE001 - one bad look must not end all later ones
            _LOG.error("champions.refresh_failed", error=repr(err))


def problem(request: Request, error: Exception) -> Response:
    """The problem document of an error; for a browser that asked for a page, a page that says the same."""
    document = _document(request, error)
    headers = dict(SECURITY_HEADERS)
    if isinstance(error, HTTPException):
        headers |= dict(error.headers or {})
    if document.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "5"
    if wants_page(request):
        page = render(request, "problem.html", status=document.status, problem=document)
        page.headers.update(headers)
        return page
    body = document.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, document.status, headers, media_type="application/problem+json")


def _document(request: Request, error: Exception) -> Problem:
    places = None
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        kind = _Kind(HTTPException, None, error.status_code, phrase.lower().replace(" ", "-"), phrase)
        detail = _http_detail(request, error)
    elif isinstance(error, RequestValidationError):
        kind, places = _kind(error), [place_of(one) for one in error.errors()]
        detail = f"{places[0].place}: {places[0].message}, got {places[0].value}"
    elif isinstance(error, WearcastError):
        kind, detail = _kind(error), error.message
        found = error.context.get("errors")
        places = [ProblemPlace.model_validate(one) for one in found] if isinstance(found, list) else None
    else:
        kind, detail = _UNEXPECTED, "an unexpected error; the log of the server has it"
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("request.failed", path=request.url.path, error=repr(error))
    return Problem(
        type=f"urn:wearcast:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        errors=places,
    )


def _kind(error: Exception) -> _Kind:
    reason = error.context.get("reason") if isinstance(error, WearcastError) else None
    for kind in PROBLEMS:
        if isinstance(error, kind.error) and kind.reason in (None, reason):
            return kind
    return _UNEXPECTED


def _http_detail(request: Request, error: HTTPException) -> str:
    path, is_plain = request.url.path, error.detail == HTTPStatus(error.status_code).phrase
    told = {404: f"there is nothing at {path}", 405: f"{path} does not take {request.method}"}
    return told.get(error.status_code, error.detail) if is_plain else error.detail


class _Application(FastAPI):
    @override
    def openapi(self) -> dict[str, Any]:  # Any: an OpenAPI document
        return completed(super().openapi())


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._listening()


def main(
    settings: ServingSettings, *, port_file: Path | None = None, announce: Callable[[str], None] | None = None
) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: Where everything is; port 0 takes a free one.
        port_file: Gets the port as text once the server listens.
        announce: Gets the token on first start; default: a line on standard output.

    Raises:
        ConfigError: A setting is wrong, or the port is taken.
    """
    configure_logs(settings.log_format)
    token = ensure_token(settings.token_file, announce or _to_terminal)
    if port_file is not None:
        port_file.unlink(missing_ok=True)
    app = create_app(open_context(settings), token)
    bound = _bind(settings.host, settings.port)
    host, port = bound.getsockname()[:2]

    def listening() -> None:
        _LOG.info("server.listening", url=f"http://{host}:{port}/")
        if port_file is not None:
            draft = port_file.with_name(port_file.name + ".draft")
            draft.write_text(f"{port}\n", encoding="ascii")
            draft.replace(port_file)

    config = uvicorn.Config(
        app, access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=_GRACE_S
    )
    _Server(config, listening).run(sockets=[bound])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as err:
        bound.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {err.strerror}; set another port", {"port": port}
        ) from err
    return bound


def _to_terminal(token: str) -> None:
    sys.stdout.write(
        f"Wearcast's token, shown this once: {token}\nSign in with it, or send it as a bearer token.\n"
    )
    sys.stdout.flush()
