"""OData V2 as SAP speaks it: literals, times, queries, and what its error documents say."""

import datetime as dt
import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

__all__ = [
    "from_date",
    "from_moment",
    "key",
    "literal",
    "message_of",
    "moment",
    "query",
    "to_date",
    "to_moment",
    "to_time",
    "warning_of",
]

_DATE = re.compile(r"^/Date\((-?\d+)(?:[+-]\d+)?\)/$")
_TIME = re.compile(r"^P(?:T)?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?$")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TOLD = 300


def literal(text: str) -> str:
    """A string in a filter or a key.

    Example:
        >>> literal("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def key(entity: str, number: str) -> str:
    """Path of one entity.

    Example:
        >>> key("MaintenanceNotification", "10000001")
        "MaintenanceNotification('10000001')"
    """
    return f"{entity}({quote(literal(number), safe=chr(39))})"


def moment(at: dt.datetime) -> str:
    """A moment in a filter, whole seconds: SAP's stamps have no smaller ones.

    Example:
        >>> moment(dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC))
        "datetimeoffset'2026-11-23T10:00:00Z'"
    """
    return f"datetimeoffset'{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z'"


def query(path: str, told: Mapping[str, str]) -> str:
    """Path and query; `$` stays and a space is %20, as SAP's gateway wants it.

    Example:
        >>> query("A", {"$filter": "B eq 'c'"})
        "A?$filter=B%20eq%20'c'"
    """
    parts = [f"{name}={quote(value, safe=chr(39) + '(),:/$')}" for name, value in told.items() if value]
    return path + ("?" + "&".join(parts) if parts else "")


def to_date(day: dt.date) -> str:
    """A day in a body: midnight UTC.

    Example:
        >>> to_date(dt.date(2026, 11, 24))
        '/Date(1795478400000)/'
    """
    return f"/Date({(day - dt.date(1970, 1, 1)).days * 86_400_000})/"


def to_time(time: dt.time) -> str:
    """A time of day in a body.

    Example:
        >>> to_time(dt.time(6, 5))
        'PT06H05M00S'
    """
    return f"PT{time:%H}H{time:%M}M{time:%S}S"


def to_moment(at: dt.datetime) -> str:
    """A moment in a body.

    Example:
        >>> to_moment(dt.datetime(2018, 11, 21, 11, 37, 32, tzinfo=dt.UTC))
        '/Date(1542800252000+0000)/'
    """
    return f"/Date({int((at - _EPOCH) / dt.timedelta(seconds=1)) * 1000}+0000)/"


def from_moment(told: object) -> dt.datetime | None:
    """A moment of an answer, UTC; None: empty or unreadable.

    Example:
        >>> from_moment("/Date(1542800252000+0000)/")
        datetime.datetime(2018, 11, 21, 11, 37, 32, tzinfo=datetime.timezone.utc)
    """
    match = _DATE.match(told) if isinstance(told, str) else None
    return None if match is None else _EPOCH + dt.timedelta(milliseconds=int(match[1]))


def from_date(day: object, time: object, zone: dt.tzinfo) -> dt.datetime | None:
    """A day and a time of day of a zone, as UTC; None without a day.

    Example:
        >>> import zoneinfo
        >>> from_date("/Date(1795478400000)/", "PT06H00M00S", zoneinfo.ZoneInfo("Europe/Berlin"))
        datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.timezone.utc)
    """
    at = from_moment(day)
    if at is None:
        return None
    match = _TIME.match(time) if isinstance(time, str) else None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    # 24:00:00 is the end of a day in SAP.
    local = at.replace(tzinfo=None) + dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return local.replace(tzinfo=zone).astimezone(dt.UTC)


def message_of(response: httpx.Response) -> str:
    """What an error document says, be it JSON, XML or a page; short."""
    text = response.text
    try:
        error = json.loads(text)["error"]
        told = [_value(error.get("message")), str(error.get("code", ""))]
        details = (error.get("innererror") or {}).get("errordetails") or []
        told += [_value(detail.get("message")) for detail in details if detail.get("severity") != "info"]
    except (ValueError, KeyError, TypeError, AttributeError):
        found = re.search(r"<message[^>]*>(.*?)</message>", text, re.DOTALL)
        found = found or re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
        told = [html.unescape(found[1]) if found else text]
    kept = list(dict.fromkeys(part for part in told if part))
    return " ".join("; ".join(kept).split())[:_TOLD]


def warning_of(response: httpx.Response) -> tuple[str, bool]:
    """What the header `sap-message` of a successful answer says (empty: nothing), and whether it warns."""
    told: str = response.headers.get("sap-message", "")
    try:
        document = json.loads(told)
        parts = [document, *document.get("details", [])]
        is_warning = any(part.get("severity") not in (None, "", "info", "success") for part in parts)
        return "; ".join(str(part.get("message", "")) for part in parts)[:_TOLD], is_warning
    except (ValueError, AttributeError):
        return told[:_TOLD], bool(told)


def _value(told: Any) -> str:  # Any: a string, or SAP's {"lang": ..., "value": ...}
    return str(told.get("value", "")) if isinstance(told, dict) else str(told or "")
