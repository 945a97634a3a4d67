"""A problem document (RFC 9457), as every refusal of the API is told."""

from typing import Any

import httpx

__all__ = ["assert_problem"]


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:  # Any: JSON
    """The document of a refusal with that status."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= document.keys()
    assert document["status"] == status
    return document
