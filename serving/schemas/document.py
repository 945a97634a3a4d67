"""The OpenAPI document, completed where the framework does not know enough."""

from typing import Any

from serving.schemas.requests import PredictionRequest

__all__ = ["completed"]


def completed(document: dict[str, Any]) -> dict[str, Any]:  # Any: an OpenAPI document
    """The same document with problem documents under their media type, and with the bodies parsed by us.

    Args:
        document: As FastAPI makes it; changed in place, twice is no harm.
    """
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    model = PredictionRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= model.pop("$defs", {})
    schemas["PredictionRequest"] = model
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for methods in document["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                _as_problem(response.get("content", {}))
    return document


def _as_problem(content: dict[str, Any]) -> None:
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref") == "#/components/schemas/Problem":
        content["application/problem+json"] = content.pop("application/json")
