"""Frappe's REST API: documents, lists, methods; its error documents; naive stamps in the server's time zone."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.connection import Connection, written
from serving.erp.local_time import earliest, local
from serving.erp.texts import as_text

__all__ = ["Document", "Wire", "document_path", "exception_of", "translated", "without_traceback"]

# One document as Frappe's JSON has it.
Document = dict[str, Any]

# Frappe undoes what a request did when it ends in one of these.
_LATER = (
    "QueryDeadlockError",
    "QueryTimeoutError",
    "TimestampMismatchError",
    "DocumentLockedError",
    "SessionStopped",
)
# Where a server keeps its tracebacks, as JSON within JSON.
_HIDDEN = ("exc", "_debug_messages", "_exc_source")


class Wire:
    """Reads and writes documents.

    Args:
        connection: Made with `translated` and `without_traceback`.
        page: Documents a page (Frappe's own default is 20).
        time_zone: Of the server's stamps; empty: it is asked.
    """

    def __init__(self, connection: Connection, page: int, time_zone: str = "") -> None:
        self._connection, self._page, self._zone_name = connection, page, time_zone
        self._zone: ZoneInfo | None = None
        self.skew_s: float | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the server's stamps.

        Raises:
            ConfigError: The server tells none that is known here.
        """
        if self._zone is None:
            told = self._zone_name
            if not told:
                answer = self.method("frappe.client.get_time_zone", purpose="check")
                told = str(answer.get("time_zone") or "") if isinstance(answer, dict) else ""
            try:
                self._zone = ZoneInfo(told)
            except (ZoneInfoNotFoundError, ValueError, OSError) as err:
                message = f"ERPNext tells the time zone {told!r}: set erp.options.time_zone, e.g. Europe/Berlin"
                raise ConfigError(message, {"time_zone": told}) from err
        return self._zone

    def pages(
        self,
        doctype: str,
        filters: Sequence[Sequence[object]],
        fields: Sequence[str],
        *,
        purpose: str,
        key: str = "",
        by: str = "name",
    ) -> Iterator[Document]:
        """Documents of all pages, ascending by `by` and then by name, also when some change meanwhile.

        A page begins where the last one ended, that place included, so that some documents come twice.
        Only when one place fills whole pages are those before skipped by number.

        Args:
            doctype: E.g. Asset Repair.
            filters: Each is field, operator, value.
            fields: Which fields; `by` is one of them.
            purpose: For the record of exchanges.
            key: Order key, for the record.
            by: Field that pages follow.
        """
        place, skip = None, 0
        while True:
            since: list[list[object]] = [] if place is None else [[by, ">=", place]]
            params = {
                "fields": written(list(fields)),
                "filters": written([*map(list, filters), *since]),
                "order_by": "name asc" if by == "name" else f"{by} asc, name asc",
                "limit_start": str(skip),
                "limit_page_length": str(self._page),
            }
            page: list[Document] = self._get(document_path(doctype), params, purpose, key)["data"]
            yield from page
            if len(page) < self._page:
                return
            skip = skip + self._page if page[-1][by] == place else 0
            place = page[-1][by]

    def method(self, name: str, params: Mapping[str, str] | None = None, *, purpose: str) -> Any:  # Any: JSON
        """What a method that only reads returns."""
        answer = self._get(f"api/method/{name}", params or {}, purpose, "")
        return answer.get("message", answer)

    def write(
        self,
        verb: str,
        path: str,
        body: Mapping[str, object],
        *,
        purpose: str,
        key: str = "",
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """The answer to a request that changes something."""
        response = self._connection.send(
            verb, path, purpose=purpose, writes=True, key=key, body=body, accept=accept
        )
        self.skew_s = self._connection.skew_s(response)
        return response

    def made(self, response: httpx.Response) -> Document:
        """The document of an answer to a write.

        Raises:
            AmbiguousDeliveryError: It has none.
        """
        answer = self._connection.document(response, writes=True)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            raise AmbiguousDeliveryError("ERPNext's answer holds no document: look it up")
        return data

    def _get(self, path: str, params: Mapping[str, str], purpose: str, key: str) -> Document:
        response = self._connection.send("GET", path, purpose=purpose, writes=False, key=key, params=params)
        self.skew_s = self._connection.skew_s(response)
        answer = self._connection.document(response, writes=False)
        if not isinstance(answer, dict) or (path.startswith("api/resource/") and "data" not in answer):
            raise ErpUnavailableError(f"ERPNext's answer to {path} is not of its form")
        return answer

    def moment(self, told: object, *, not_before: dt.datetime | None = None) -> dt.datetime | None:
        """The UTC moment of a naive stamp; None: the field is empty.

        Args:
            told: E.g. 2026-02-20 13:00:00.123456.
            not_before: When clocks went back a stamp means two moments: the first one that is not before this.
        """
        if not isinstance(told, str) or not told:
            return None
        try:
            naive = dt.datetime.fromisoformat(told)
        except ValueError as err:
            raise ErpUnavailableError(f"ERPNext told {told!r} where a time should be") from err
        first = naive.replace(tzinfo=self.zone).astimezone(dt.UTC)
        if not_before is not None and first < not_before:
            second = naive.replace(tzinfo=self.zone, fold=1).astimezone(dt.UTC)
            return max(first, second) if second >= not_before else first
        return first

    def stamp(self, moment: dt.datetime) -> str:
        """A moment as the server would write it."""
        return local(moment, self.zone).isoformat(" ", "microseconds")

    def earliest_stamp(self, moment: dt.datetime) -> str:
        """The earliest stamp that anything at or after a moment has."""
        return earliest(moment, self.zone).isoformat(" ", "microseconds")


def document_path(doctype: str, name: str = "") -> str:
    """Path of a document, or of all of its kind.

    Example:
        >>> document_path("Asset Repair", "ACC/1")
        'api/resource/Asset%20Repair/ACC%2F1'
    """
    return f"api/resource/{quote(doctype, safe='')}" + (f"/{quote(name, safe='')}" if name else "")


def exception_of(response: httpx.Response) -> tuple[str, str]:
    """Name of the exception and what it says to a person; both empty when it is none of Frappe's.

    The words stand in `_server_messages`: a JSON text of a list of JSON texts, with markup in them.
    """
    try:
        document = response.json()
    except ValueError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    last = str(document.get("exception") or "").strip().split("\n")[-1]
    name = str(document.get("exc_type") or "") or last.partition(":")[0].rpartition(".")[2]
    told = _server_messages(document.get("_server_messages"))
    return name, " ".join((told or last.partition(": ")[2] or str(document.get("message") or "")).split())[:300]


def translated(response: httpx.Response) -> WearcastError | None:
    """The error of an unsuccessful answer, if it is one of Frappe's own documents."""
    name, told = exception_of(response)
    context: dict[str, object] = {"name": name, "status": response.status_code}
    if name in _LATER or response.status_code == 508:
        return ErpUnavailableError(f"ERPNext asks to come back later ({name}): {told}", context)
    if response.status_code == 417 and name == "DataError":
        return ConfigError(f"ERPNext does not know a field: {told}; is the custom field there?", context)
    if response.status_code in (400, 404, 409, 413, 417) and name:
        if name.startswith("InvalidAuthorization"):
            return ConfigError(f"ERPNext refuses our key ({name}): {told}", context)
        if response.request.method == "GET":
            # A list or a method: what is asked for is wrong, and no order.
            return ConfigError(f"ERPNext cannot be asked so ({name}): {told}; `wearcast erp check`", context)
        return OrderRejectedError(f"ERPNext refuses it ({name}): {told}", context)
    return None


def without_traceback(text: str) -> str:
    """An answer without the server's tracebacks."""
    if not any(f'"{name}"' in text for name in _HIDDEN):
        return text
    try:
        document = json.loads(text)
    except ValueError:
        return "an answer that holds a traceback"
    if not isinstance(document, dict):
        return text
    kept = {name: value for name, value in document.items() if name not in _HIDDEN}
    return json.dumps(kept, ensure_ascii=False)


def _server_messages(told: object) -> str:
    listed = _parsed(told)
    messages = [_parsed(one) for one in listed] if isinstance(listed, list) else [listed or ""]
    return "; ".join(as_text(str(one.get("message", "") if isinstance(one, dict) else one)) for one in messages)


def _parsed(told: object) -> object:
    """What a JSON text holds; any other text or value as it is."""
    try:
        return json.loads(told) if isinstance(told, str) else told
    except ValueError:
        return told
