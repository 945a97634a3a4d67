"""Prometheus metrics: a pure ASGI middleware that counts, and the page that tells."""

import time

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.core.telemetry import log
from serving.predictor.context import Context

__all__ = ["Metrics", "MetricsMiddleware", "router"]

router = APIRouter(tags=["health"])
_LOG = log("serving.http")
# Upper edges in seconds: a prediction from the lake takes tenths, a page less, a health check microseconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Not worth a line in the log, they come every few seconds.
_QUIET = ("/health/live", "/health/ready", "/metrics")


class Metrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("wearcast_http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "wearcast_http_request_seconds",
            "Time to answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.answers = Counter(
            "wearcast_online_answers", "Online predictions and refusals", ("kind",), registry=self.registry
        )
        self.recommendations = Gauge(
            "wearcast_recommendations", "Recommendations in the store", ("state",), registry=self.registry
        )
        self.champions = Gauge(
            "wearcast_champion_info", "Models in use", ("model_name", "model_version"), registry=self.registry
        )
        self.damaged = Gauge("wearcast_champions_refused", "Models that were refused", registry=self.registry)
        self.age = Gauge(
            "wearcast_data_age_seconds",
            "Time since a historian was read",
            ("source", "area"),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)

    def document(self, context: Context) -> bytes:
        """All figures in the text format of Prometheus; the gauges are read now."""
        self.recommendations.clear()
        for stored in context.store.recommendations():
            self.recommendations.labels(str(stored.state)).inc()
        self.champions.clear()
        for champion in context.champions.held.values():
            self.champions.labels(champion.name, champion.version).set(1)
        self.damaged.set(len(context.champions.problems))
        now = context.clock.now()
        for (source, group), until in context.fleet.read_until().items():
            if until is not None:
                self.age.labels(source, group).set((now - until).total_seconds())
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Counts every request under its route's template, and writes one line a request to the log.

    Only method, template, status and time are written: no query, no header, no body, so no token.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            self._count(scope, status, time.perf_counter() - begun)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        if route not in _QUIET:
            _LOG.info("request.answered", method=method, route=route, status=status, seconds=round(seconds, 4))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Figures in the text format of Prometheus."""
    held: Metrics = request.app.state.metrics
    return Response(held.document(request.app.state.context), media_type=CONTENT_TYPE_LATEST)
