"""Errors as problem documents, and the OpenAPI document.

Regenerate the snapshot after a wanted change of the API:
    python tests/unit/serving/test_problems.py > tests/unit/serving/snapshots/openapi.json
"""

import json
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException, Request

from features.core import errors
from features.core.clock import SystemClock
from features.core.lake import Lake
from features.core.plant import Plant
from serving.app import create_app, problem
from serving.auth import TokenDigest
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet
from serving.store import Store

SNAPSHOT = Path(__file__).parent / "snapshots" / "openapi.json"
CASES = [
    (errors.RequestRejectedError("no machine", {"reason": "not_found"}), 404, "not-found"),
    (errors.RequestRejectedError("is over", {"reason": "conflict"}), 409, "conflict"),
    (errors.RequestRejectedError("forged", {"reason": "unsigned"}), 401, "unsigned"),
    (errors.RequestRejectedError("big", {"reason": "too_large"}), 413, "too-large"),
    (errors.RequestRejectedError("text", {"reason": "media_type"}), 415, "media-type"),
    (errors.RequestRejectedError("wrong"), 422, "invalid-request"),
    (errors.RowRejectedError("bad row", {"reason": "not_found"}), 422, "rejected"),
    (errors.LakeConflictError("busy"), 503, "unavailable"),
    (errors.ErpUnavailableError("later"), 503, "unavailable"),
    (errors.DamagedArtefactError("cut"), 503, "unfit"),
    (errors.ConfigError("wrong file"), 500, "configuration"),
    (errors.WearcastError("anything"), 500, "internal"),
    (HTTPException(404), 404, "not-found"),
    (HTTPException(405), 405, "method-not-allowed"),
]


def _request(path: str = "/v1/machines", accept: str = "*/*", method: str = "GET") -> Request:
    headers = [(b"accept", accept.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b"", "state": {}}
    return Request(scope | {"server": ("here", 80), "scheme": "http"})


@pytest.mark.parametrize(("error", "status", "name"), CASES)
def test_each_error_has_its_status_and_type(error: Exception, status: int, name: str) -> None:
    response = problem(_request(), error)
    document = json.loads(bytes(response.body))
    assert response.media_type == "application/problem+json"
    assert (response.status_code, document["status"]) == (status, status)
    assert document["type"] == f"urn:wearcast:problem:{name}"
    assert document["instance"] == "/v1/machines"


def _all_errors(root: type[errors.WearcastError]) -> list[type[errors.WearcastError]]:
    return [root, *(found for sub in root.__subclasses__() for found in _all_errors(sub))]


@pytest.mark.parametrize("error", _all_errors(errors.WearcastError))
def test_no_error_of_ours_is_told_as_unexpected(error: type[errors.WearcastError]) -> None:
    document = json.loads(bytes(problem(_request(), error("what happened")).body))
    assert document["detail"] == "what happened"


def test_an_unexpected_error_tells_nothing_of_the_inside() -> None:
    response = problem(_request(), ZeroDivisionError("secret 123"))
    assert response.status_code == 500
    assert b"secret" not in bytes(response.body)
    assert response.headers["x-content-type-options"] == "nosniff"


def test_an_error_that_passes_asks_to_come_back() -> None:
    assert problem(_request(), errors.LakeConflictError("busy")).headers["retry-after"] == "5"


def test_a_browser_gets_a_page_that_says_the_same() -> None:
    error = errors.RequestRejectedError("no machine <P9>", {"reason": "not_found"})
    response = problem(_request("/machines/P9", accept="text/html"), error)
    assert (response.status_code, response.media_type) == (404, "text/html")
    assert b"no machine &lt;P9&gt;" in bytes(response.body)


def test_the_api_gives_no_page_whatever_is_accepted() -> None:
    response = problem(_request("/v1/machines/P9", accept="text/html"), errors.RequestRejectedError("wrong"))
    assert response.media_type == "application/problem+json"


def _app(folder: Path) -> FastAPI:
    plant = Plant.model_validate(
        {
            "component_classes": [{"id": "bearing"}],
            "sites": [
                {
                    "id": "north",
                    "machines": [
                        {
                            "id": "P1",
                            "components": [{"slot": "DE", "component_class": "bearing"}],
                            "measuring_points": [
                                {"id": "t", "role": "temperature", "quantity": "temperature", "unit": "K"}
                            ],
                        }
                    ],
                }
            ],
        }
    )
    lake, store = Lake(folder / "lake"), Store("sqlite://")
    context = Context(plant, lake, store, Champions(folder / "champion"), Fleet(lake, plant), SystemClock())
    return create_app(context, TokenDigest("0" * 64))


def _document(folder: Path) -> str:
    return json.dumps(_app(folder).openapi(), indent=1, sort_keys=True) + "\n"


def test_the_openapi_document_is_the_one_that_was_reviewed(tmp_path: Path) -> None:
    assert _document(tmp_path) == SNAPSHOT.read_text(encoding="utf-8")


def test_the_framework_serves_no_page_of_its_own(tmp_path: Path) -> None:
    app = _app(tmp_path)
    assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)


def test_every_path_of_the_document_but_health_asks_for_the_token(tmp_path: Path) -> None:
    paths = _app(tmp_path).openapi()["paths"]
    free = {path for path, methods in paths.items() for one in methods.values() if "security" not in one}
    assert free == {"/health/live", "/health/ready", "/v1/erp/events"}


if __name__ == "__main__":
    print(_document(Path("nowhere")), end="")
