"""A small reader of `$filter` as SAP's gateway takes it: comparisons, `and`, `or`, brackets."""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.standins.sap_fields import Field

__all__ = ["BadFilterError", "Row", "parse"]

Row = dict[str, Any]
Test = Callable[[Row], bool]

_TOKEN = re.compile(r"\s*(datetimeoffset'[^']*'|'(?:[^']|'')*'|[()]|[\w./]+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


class BadFilterError(Exception):
    """The query cannot be answered: 400."""


def parse(text: str, fields: Mapping[str, Field]) -> Test:
    """What a filter keeps; times are compared in whole seconds, as they are stored."""
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadFilterError(f"Syntax error at position {at}.")
        tokens.append(match[1])
        at = match.end()
    test = _either(tokens, fields)
    if tokens:
        raise BadFilterError(f"Syntax error at {tokens[0]}.")
    return test


def _either(tokens: list[str], fields: Mapping[str, Field]) -> Test:
    tests = [_both(tokens, fields)]
    while tokens[:1] == ["or"]:
        tokens.pop(0)
        tests.append(_both(tokens, fields))
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _both(tokens: list[str], fields: Mapping[str, Field]) -> Test:
    tests = [_one(tokens, fields)]
    while tokens[:1] == ["and"]:
        tokens.pop(0)
        tests.append(_one(tokens, fields))
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _one(tokens: list[str], fields: Mapping[str, Field]) -> Test:
    if not tokens:
        raise BadFilterError("The filter ends early.")
    if tokens[0] == "(":
        tokens.pop(0)
        test = _either(tokens, fields)
        if tokens[:1] != [")"]:
            raise BadFilterError("A bracket is open.")
        tokens.pop(0)
        return test
    if len(tokens) < 3:
        raise BadFilterError("The filter ends early.")
    name, how, told = tokens.pop(0), tokens.pop(0), tokens.pop(0)
    if name not in fields or not fields[name].filterable or how not in _COMPARE:
        raise BadFilterError(f"Property {name} cannot be used in system query option 'filter'.")
    value, compare = _value(told, fields[name]), _COMPARE[how]
    return lambda row: row.get(name) not in (None, "") and compare(row[name], value)


def _value(told: str, field: Field) -> Any:
    if field.kind == "m":
        if not told.startswith("datetimeoffset'"):
            raise BadFilterError(f"{field.name} is an Edm.DateTimeOffset.")
        return dt.datetime.fromisoformat(told[15:-1])
    if field.kind == "b":
        return told == "true"
    if not told.startswith("'"):
        raise BadFilterError(f"{field.name} is an Edm.String.")
    return told[1:-1].replace("''", "'")
