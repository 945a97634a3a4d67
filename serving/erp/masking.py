"""What is kept and told of an exchange, without anything secret in it."""

import json
from collections.abc import Iterable

__all__ = ["MASK", "without_fields", "without_values"]

MASK = "***"
# Names of fields whose values are never kept, whatever the ERP.
_SECRET_WORDS = ("password", "secret", "token", "apikey", "api_key", "authorization", "credential")


def without_values(text: str, secrets: Iterable[str]) -> str:
    """The text with these values masked, wherever they stand.

    Example:
        >>> without_values("no user with key k3y", ["k3y"])
        'no user with key ***'
    """
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def without_fields(text: str) -> str:
    """Values of JSON fields with telling names are masked; other text stays."""
    lowered = text.lower()
    if not any(word in lowered for word in _SECRET_WORDS):
        return text
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(_mask(document), ensure_ascii=False)


def _mask(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if any(word in str(name).lower() for word in _SECRET_WORDS) else _mask(held)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [_mask(one) for one in value]
    return value
