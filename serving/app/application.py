"""One ASGI application over a context: guard and metrics in front, routes and pages behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from typing_extensions import override

from features.core.clock import clock_from
from features.core.errors import WearcastError
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.telemetry import log
from serving.app.problems import problem
from serving.auth import Guard, SecurityHeaders, Sessions, TokenDigest
from serving.erp.incoming import Incoming
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet
from serving.routes import attention, erp_events, health, machines, metrics, predictions, work_orders
from serving.schemas.answers import Problem
from serving.schemas.document import completed
from serving.settings import ServingSettings
from serving.store import Store
from serving.web import attention as attention_pages
from serving.web import pages, reference, sign_in
from serving.web.render import STATIC

__all__ = ["create_app", "open_context"]

_LOG = log("serving.app")
# Seconds between two looks at the champions' folder.
_REFRESH_S = 2.0


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
    for router in (machines.router, predictions.router, work_orders.router, attention.router):
        app.include_router(router, dependencies=bearer, responses=problems)
    app.include_router(erp_events.router, responses={422: problems[422]})
    app.include_router(metrics.router, dependencies=bearer, responses={401: problems[401]})
    for router in (health.router, pages.router, attention_pages.router, sign_in.router, reference.router):
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


class _Application(FastAPI):
    @override
    def openapi(self) -> dict[str, Any]:  # Any: an OpenAPI document
        return completed(super().openapi())
