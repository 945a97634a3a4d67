"""Templates of the pages."""

import re
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from serving.auth import Identity

__all__ = ["STATIC", "render", "wants_page"]

_BACKTICKS = re.compile(r"`([^`]+)`")
STATIC = Path(__file__).parent / "static"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _code(text: str) -> Markup:
    """What stands between backticks, in the type of code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


_TEMPLATES.filters["code"] = _code


def render(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page of that template; it knows the session's CSRF token, which page it is, and what waits for a person.

    Args:
        request: Whose page it is.
        template: File name in `templates`.
        status: HTTP status.
        **values: What the template names.
    """
    identity: Identity | None = getattr(request.state, "identity", None)
    session = None if identity is None else identity.session
    csrf = None if session is None else session.csrf
    html = _TEMPLATES.get_template(template).render(**{"here": "", "csrf": csrf, "attention": None} | values)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})


def wants_page(request: Request) -> bool:
    """A browser asks for a page, not a program for a document."""
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not request.url.path.startswith(("/v1/", "/health/", "/metrics", "/openapi.json"))
