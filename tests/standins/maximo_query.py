"""How Maximo reads `oslc.where`, `oslc.select`, `oslc.orderBy`: strictly, and only with `and`."""

import datetime as dt
import fnmatch
import re
from collections.abc import Callable, Mapping

__all__ = ["ZONE", "BadQueryError", "moment", "ordered", "selected", "where"]

# The server stands in another zone than the plant, and its stamps say so.
ZONE = dt.timezone(dt.timedelta(hours=-5))

_CONDITION = re.compile(
    r'(?P<field>[a-z_]+)(?P<operator>>=|<=|!=|=|>|<)(?P<value>"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false)'
)
_COMPARE: dict[str, Callable[[object, object], bool]] = {
    ">=": lambda a, b: a >= b,  # type: ignore[operator]  # values of one field have one type
    "<=": lambda a, b: a <= b,  # type: ignore[operator]  # as above
    ">": lambda a, b: a > b,  # type: ignore[operator]  # as above
    "<": lambda a, b: a < b,  # type: ignore[operator]  # as above
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class BadQueryError(Exception):
    """The query cannot be read; Maximo answers 400."""


def moment(text: str) -> dt.datetime:
    """A stamp with or without offset; without one it is the server's own time."""
    try:
        told = dt.datetime.fromisoformat(text)
    except ValueError as err:
        raise BadQueryError(f"{text} is not a date") from err
    return told if told.tzinfo is not None else told.replace(tzinfo=ZONE)


def where(text: str, types: Mapping[str, str]) -> Callable[[Mapping[str, object]], bool]:
    """A filter of rows."""
    conditions, at = [], 0
    while True:
        found = _CONDITION.match(text, at)
        if found is None:
            raise BadQueryError(f"the query was not parsed at column {at + 1}")
        conditions.append(_condition(found["field"], found["operator"], found["value"], types))
        at = found.end()
        if at == len(text):
            break
        if not text.startswith(" and ", at):
            raise BadQueryError(f"the query was not parsed at column {at + 1}")
        at += len(" and ")
    return lambda row: all(holds(row) for holds in conditions)


def selected(text: str, types: Mapping[str, str]) -> dict[str, list[str]]:
    """Fields to tell, with the fields of children."""
    found: dict[str, list[str]] = {}
    for part in re.findall(r"[a-z_]+(?:\{[a-z_,]*\})?", text):
        name, _, inner = part.partition("{")
        if name not in types:
            raise BadQueryError(f"the attribute {name} is not in the object structure")
        found[name] = inner.rstrip("}").split(",") if inner else []
    if ",".join(name + ("{" + ",".join(inner) + "}" if inner else "") for name, inner in found.items()) != text:
        raise BadQueryError("the select clause was not parsed")
    return found


def ordered(rows: list[dict[str, object]], text: str, types: Mapping[str, str]) -> list[dict[str, object]]:
    """Rows in the asked order; the sign is needed."""
    sign, name = text[:1], text[1:]
    if sign not in ("+", "-") or name not in types:
        raise BadQueryError("was expecting a sort order sign and an attribute")
    return sorted(rows, key=lambda row: (row[name] is not None, row[name]), reverse=sign == "-")


def _condition(
    field: str, operator: str, value: str, types: Mapping[str, str]
) -> Callable[[Mapping[str, object]], bool]:
    kind = types.get(field)
    if kind is None or kind == "child":
        raise BadQueryError(f"the attribute {field} is not in the object structure")
    is_quoted = value.startswith('"')
    if is_quoted != (kind in ("string", "datetime")):
        raise BadQueryError(f"{value} is no value for {field}")
    wanted: object
    if kind == "datetime":
        wanted = moment(value[1:-1])
    elif kind == "integer":
        wanted = int(value)
    elif kind == "boolean":
        wanted = value in ("true", "1")
    else:
        text = re.sub(r"\\(.)", r"\1", value[1:-1])
        if text == "*":
            return lambda row: (row[field] is None) == (operator == "!=")
        if "%" in text and operator == "=":
            pattern = re.sub(r"([\[\]?*])", r"[\1]", text).replace("%", "*").upper()
            return lambda row: row[field] is not None and fnmatch.fnmatchcase(str(row[field]).upper(), pattern)
        wanted = text
    return lambda row: row[field] is not None and _COMPARE[operator](row[field], wanted)
