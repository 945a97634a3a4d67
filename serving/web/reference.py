"""The API's description as a page of our own: FastAPI's would load its scripts from another host."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from serving.web.attention import waiting
from serving.web.render import render

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ParameterView:
    """A parameter of a route."""

    name: str
    where: str
    meaning: str


@dataclass(frozen=True, slots=True)
class RouteView:
    """A route as the page tells it."""

    method: str
    path: str
    summary: str
    paragraphs: tuple[str, ...]
    parameters: tuple[ParameterView, ...]
    fields: tuple[tuple[str, str], ...]
    answers: str


@router.get("/openapi.json")
def openapi_document(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
def docs_page(request: Request) -> Response:
    """The OpenAPI document as a page."""
    document = request.app.openapi()
    return render(
        request,
        "docs.html",
        here="docs",
        attention=waiting(request.app.state.context),
        routes=list(_routes(document)),
        description=document["info"].get("description", ""),
    )


def _routes(document: Mapping[str, Any]) -> Iterator[RouteView]:  # Any: an OpenAPI document
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            first, *rest = operation.get("description", "").split("\n\n")
            answers = operation.get("responses", {})
            yield RouteView(
                method=method.upper(),
                path=path,
                summary=first or operation.get("summary", ""),
                paragraphs=tuple(rest),
                parameters=tuple(map(_parameter, operation.get("parameters", []))),
                fields=tuple(_fields(document, operation)),
                answers=", ".join(f"{status} {answer['description']}" for status, answer in answers.items()),
            )


def _parameter(parameter: Mapping[str, Any]) -> ParameterView:
    return ParameterView(parameter["name"], parameter["in"], parameter.get("description", ""))


def _fields(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    reference = content.get("schema", {}).get("$ref", "")
    schema = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
    for name, field in schema.get("properties", {}).items():
        yield name, field.get("description", "")
