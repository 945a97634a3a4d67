"""Where a value stands in a JSON document: names, dots and indices, nothing that is run."""

import re
from typing import Final

__all__ = ["MISSING", "parse", "read"]

_STEP = re.compile(
    r"""\.?(?P<name>[A-Za-z_@][\w@-]*)|\[(?P<index>-?\d{1,6})\]|\[(?P<quote>["'])(?P<any>.*?)(?P=quote)\]"""
)


class _Missing:
    """The place is not there, which is not the same as null."""


MISSING: Final = _Missing()


def parse(path: str) -> tuple[str | int, ...]:
    """The steps of a path; `$` or nothing is the document itself.

    Args:
        path: Such as `content[0].asset.id`, `["@odata.nextLink"]` or `result[-1]`.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse('$.content[0]["a.b"].id')
        ('content', 0, 'a.b', 'id')
    """
    steps: list[str | int] = []
    rest = path.removeprefix("$")
    place = 0
    while place < len(rest):
        found = _STEP.match(rest, place)
        if found is None or (rest[place] != "." and place and found["name"]):
            raise ValueError(
                f"{path!r} is not a path: write names with dots, indices and odd names in brackets, "
                f'e.g. content[0].id or ["a.b"]'
            )
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["any"])
        place = found.end()
    return tuple(steps)


def read(document: object, path: str) -> object:
    """The value at a path, or `MISSING`.

    Example:
        >>> read({"content": [{"id": 7}]}, "content[0].id")
        7
        >>> read({"content": []}, "content[0].id") is MISSING
        True
    """
    value = document
    for step in parse(path):
        value = _inner(value, step)
        if value is MISSING:
            break
    return value


def _inner(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    is_there = isinstance(value, list) and -len(value) <= step < len(value)
    return value[step] if isinstance(value, list) and is_there else MISSING
