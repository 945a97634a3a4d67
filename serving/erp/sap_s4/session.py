"""A session with SAP's gateway: sign-in, CSRF tokens with their cookies, pages, answers."""

import threading
from collections.abc import Mapping
from typing import Any

import httpx

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from features.core.telemetry import log
from serving.erp.connection import Connection
from serving.erp.sap_s4.wire import message_of, query, warning_of

__all__ = ["Row", "Session", "translate"]

# One entity of an answer: field -> value.
Row = dict[str, Any]

_JSON = {"Accept": "application/json"}
# What SAP says when somebody has the object open; error codes differ by object and release.
_LOCKED = (
    "locked by",
    "is locked",
    "being processed by",
    "processed by user",
    "currently being used",
    "currently used by",
    "enqueue",
)


class Session:
    """Reads and writes entities; one write at a time, because token and cookies belong together.

    Args:
        connection: To the host.
        params: Sent with every request: client and language.
    """

    def __init__(self, connection: Connection, params: Mapping[str, str]) -> None:
        self.connection = connection
        self._params, self._tokens = dict(params), dict[str, str]()
        self._lock = threading.Lock()

    def get(self, service: str, path: str, purpose: str, *, key: str = "") -> tuple[Row, str]:
        """One entity and its etag (empty: it has none).

        Raises:
            OrderRejectedError: It is not there.
        """
        url = query(f"{service}/{path}", self._params)
        answer = self.connection.send("GET", url, purpose=purpose, writes=False, key=key, headers=_JSON)
        row = self._entity(answer, writes=False)
        return row, etag_of(row, answer)

    def rows(self, service: str, path: str, told: Mapping[str, str], purpose: str, *, key: str = "") -> list[Row]:
        """All entities that a query finds, over all pages.

        Raises:
            ConfigError: There is no such service, or no such field in it.
        """
        found: list[Row] = []
        url, seen = query(f"{service}/{path}", {**self._params, **told}), set[str]()
        while url not in seen:
            seen.add(url)
            answer = self.connection.send(
                "GET", url, purpose=purpose, writes=False, key=key, headers=_JSON, accept=(400, 404)
            )
            if answer.status_code == 404:
                raise ConfigError(
                    f"SAP has no {service}/{path}: activate the service, or give its path in options"
                )
            if answer.status_code == 400:
                hint = "`wearcast erp check` looks at fields"
                raise ConfigError(f"SAP cannot be asked for {path} so (400): {message_of(answer)}; {hint}")
            page = self._document(answer, writes=False)
            results = page.get("results") if isinstance(page, dict) else page
            if not isinstance(results, list):
                raise ErpUnavailableError(f"SAP's answer to {path} is no list")
            found += results
            following = page.get("__next") if isinstance(page, dict) else None
            if not following:
                return found
            url = self._next(service, str(following))
        raise ErpUnavailableError(f"SAP's pages of {path} never end: {url} came twice")

    def write(
        self,
        method: str,
        service: str,
        path: str,
        purpose: str,
        *,
        key: str = "",
        body: Mapping[str, object] | None = None,
        told: Mapping[str, str] | None = None,
        etag: str = "",
    ) -> httpx.Response:
        """Write once; a token that is refused is fetched anew, because surely nothing was done.

        Args:
            method: POST or PATCH.
            service: Path of the service.
            path: Below it.
            purpose: For the record.
            key: Order key, for the record.
            body: Entity; None: a function import, whose parameters are in `told`.
            told: Query.
            etag: For If-Match, where the entity came with one.
        """
        url = query(f"{service}/{path}", {**self._params, **(told or {})})
        with self._lock:
            for _ in range(2):
                headers = {**_JSON, "Content-Type": "application/json", "x-csrf-token": self._token(service)}
                if etag:
                    headers["If-Match"] = etag
                answer = self.connection.send(
                    method,
                    url,
                    purpose=purpose,
                    writes=True,
                    key=key,
                    headers=headers,
                    body=body,
                    content=b"" if body is None else None,
                    accept=(403,),
                )
                if answer.status_code != 403:
                    self._log_warning(answer, purpose, key)
                    return answer
                if not _wants_token(answer):
                    text = message_of(answer)
                    raise ConfigError(f"SAP refuses our user to {purpose} (403): {text}", {"status": 403})
                self._tokens.clear()
        raise ErpUnavailableError("SAP refuses its own CSRF token twice; nothing was written")

    def entity(self, answer: httpx.Response) -> Row:
        """The entity that a write answers with.

        Raises:
            AmbiguousDeliveryError: The answer has none.
        """
        return self._entity(answer, writes=True)

    def fetch_token(self, service: str) -> httpx.Response:
        """Ask for a CSRF token; its cookies stay in the connection. The trailing slash is needed."""
        url = query(f"{service}/", self._params)
        answer = self.connection.send(
            "GET", url, purpose="sign_in", writes=False, headers={**_JSON, "x-csrf-token": "Fetch"}
        )
        self._tokens[service] = answer.headers.get("x-csrf-token", "")
        return answer

    def metadata(self, service: str) -> str:
        """The service's own description of itself, XML; empty: it has none."""
        url = query(f"{service}/$metadata", self._params)
        headers = {"Accept": "application/xml"}
        answer = self.connection.send("GET", url, purpose="check", writes=False, headers=headers, accept=(404,))
        return answer.text if answer.is_success else ""

    def _token(self, service: str) -> str:
        if service not in self._tokens:
            self.fetch_token(service)
        return self._tokens[service]

    def _next(self, service: str, following: str) -> str:
        """The next page by its path: behind a proxy SAP names a host that only it can reach."""
        path, _, asked = following.partition("?")
        return f"{service}/{path.rpartition('/')[2]}?{asked}"

    def _document(self, answer: httpx.Response, *, writes: bool) -> Any:  # Any: JSON below `d`
        told = self.connection.document(answer, writes=writes)
        if isinstance(told, dict) and "d" in told:
            return told["d"]
        message = f"the answer of {self.connection.host} is not OData V2"
        raise AmbiguousDeliveryError(message) if writes else ErpUnavailableError(message)

    def _entity(self, answer: httpx.Response, *, writes: bool) -> Row:
        row = self._document(answer, writes=writes)
        if isinstance(row, dict):
            return row
        message = f"the answer of {self.connection.host} is no entity"
        raise AmbiguousDeliveryError(message) if writes else ErpUnavailableError(message)

    def _log_warning(self, answer: httpx.Response, purpose: str, key: str) -> None:
        text, is_warning = warning_of(answer)
        if text:
            tell = log("erp").warning if is_warning else log("erp").info
            tell("erp.message", connection=self.connection.host, purpose=purpose, key=key, text=text)


def etag_of(row: Row, answer: httpx.Response) -> str:
    """The etag of an entity; empty: it has none, and If-Match is not wanted."""
    metadata = row.get("__metadata")
    told = metadata.get("etag") if isinstance(metadata, dict) else None
    return str(told or answer.headers.get("ETag", ""))


def translate(response: httpx.Response) -> WearcastError | None:
    """SAP's reading of an unsuccessful answer: locks come back later, refusals say why."""
    status, text = response.status_code, message_of(response)
    context: dict[str, object] = {"status": status}
    if status != 401 and any(words in text.lower() for words in _LOCKED):
        return ErpUnavailableError(f"SAP has it locked ({status}): {text}", context)
    if status in (412, 428):
        return ErpUnavailableError(f"somebody changed it meanwhile ({status}): {text}", context)
    if status in (401, 403):
        return ConfigError(f"SAP refuses our user ({status}): {text}", context)
    if 400 <= status < 500 and status not in (408, 423, 425, 429):
        return OrderRejectedError(f"SAP refuses it ({status}): {text}", context)
    return None


def _wants_token(answer: httpx.Response) -> bool:
    told = answer.headers.get("x-csrf-token", "").lower()
    return told == "required" or "csrf token validation failed" in answer.text.lower()
