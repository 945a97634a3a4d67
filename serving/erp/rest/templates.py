"""Constants with placeholders: `{key}` stands for a value, `{due:day}` for one in a form; nothing is run."""

import re
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import quote

from pydantic import JsonValue

from features.core.errors import OrderRejectedError

__all__ = ["FORMS", "Template", "Values", "fill", "fill_text", "fill_url", "placeholders"]

# JSON with placeholders in its texts.
Template = JsonValue

# `int` and `text` change the type, `quote` doubles single quotes (filters of OData and SQL), `raw` skips `maps`.
FORMS = ("int", "text", "quote", "raw")

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Values(Protocol):
    """What placeholders stand for."""

    def value(self, name: str, form: str) -> object:
        """The value; None: there is none."""
        ...


def placeholders(template: object) -> Iterator[tuple[str, str]]:
    """Name and form of every placeholder.

    Raises:
        ValueError: A single brace.

    Example:
        >>> list(placeholders({"a": ["{key}", 1], "b": "until {due:day}"}))
        [('key', ''), ('due', 'day')]
    """
    if isinstance(template, str):
        for found in _PART.finditer(template):
            if found[0] in ("{", "}"):
                raise ValueError(f"a single brace in {template!r}: write {{{{ or }}}} for a brace")
            if found[1] is not None:
                name, _, form = found[1].partition(":")
                yield name, form
    elif isinstance(template, dict):
        for value in template.values():
            yield from placeholders(value)
    elif isinstance(template, list):
        for value in template:
            yield from placeholders(value)


def fill(template: Template, values: Values) -> object:
    """The template with its values.

    A text that is one placeholder becomes the value itself, whatever its type. Members of an object whose value
    is not there, and objects that lose all members so, are left out; places in a list become null.
    """
    if isinstance(template, str):
        whole = _PART.fullmatch(template)
        if whole is not None and whole[1] is not None:
            name, _, form = whole[1].partition(":")
            return values.value(name, form)
        return fill_text(template, values)
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if isinstance(template, dict):
        filled = {name: (value, fill(value, values)) for name, value in template.items()}
        return {name: new for name, (old, new) in filled.items() if not _is_lost(old, new)}
    return template


def fill_text(template: str, values: Values) -> str:
    """A text with its values in it; what is not there is nothing."""

    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        name, _, form = found[1].partition(":")
        value = values.value(name, form)
        return "" if value is None else str(value)

    return _PART.sub(put, template)


def fill_url(template: str, values: Values) -> str:
    """A path with its values, each escaped.

    Raises:
        OrderRejectedError: A value is not there: a path with a hole in it asks for something else.
    """

    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        name, _, form = found[1].partition(":")
        value = values.value(name, form)
        if value is None or value == "":
            raise OrderRejectedError(f"there is no {name} to put into the path {template}", {"path": template})
        return quote(str(value), safe="")

    return _PART.sub(put, template)


def _is_lost(old: Template, new: object) -> bool:
    if isinstance(old, str):
        return new is None and old != ""
    return isinstance(old, dict) and old != {} and new == {}
