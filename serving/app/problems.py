"""Errors as problem documents (RFC 9457), or as a page that says the same."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from features.core.errors import (
    ConfigError,
    RejectedError,
    RequestRejectedError,
    RetriableError,
    UnfitError,
    WearcastError,
)
from features.core.telemetry import log
from serving.auth import SECURITY_HEADERS
from serving.schemas.answers import Problem, ProblemPlace, place_of
from serving.web.render import render, wants_page

__all__ = ["PROBLEMS", "problem"]

_LOG = log("serving.app")


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
