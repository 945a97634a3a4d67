"""Requests to Dataverse: token, pages, one renewal when a token has ended early."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.core.clock import Clock
from features.core.errors import ConfigError, ErpUnavailableError
from serving.erp.connection import Connection
from serving.erp.dynamics365.options import Dynamics365Options
from serving.erp.dynamics365.payload import written
from serving.erp.dynamics365.tokens import Tokens
from serving.erp.dynamics365.wire import refusal
from serving.erp.port import Record

__all__ = ["Client"]

_HEADERS = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
# Pages end when there is no next link; a circle in them must not run for ever.
_MOST_PAGES = 100_000


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    value: list[dict[str, Any]]  # Any: a JSON document
    following: str = Field("", alias="@odata.nextLink")


class Client:
    """One connection; arguments as those of `Dynamics365`."""

    def __init__(
        self,
        url: str,
        client_id: str,
        secret: bytes,
        options: Dynamics365Options,
        *,
        timeout_s: float,
        clock: Clock | None,
        ca_file: str | None,
        record: Record | None,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._connection = Connection(
            f"{url.rstrip('/')}/api/data/{options.api_version}",
            timeout_s=timeout_s,
            headers=_HEADERS,
            secrets=(secret.decode("utf-8"),),
            ca_file=ca_file,
            translate=refusal,
            record=record,
            clock=clock,
            transport=transport,
        )
        # A connection of its own: tokens come from another host, which is not the ERP's own authority.
        self._tokens = Tokens(
            options.signs_in_at,
            client_id,
            secret.decode("utf-8"),
            options.scope or f"{url.rstrip('/')}/.default",
            timeout_s=timeout_s,
            record=record,
            transport=transport,
        )
        self._base = f"{url.rstrip('/')}/api/data/{options.api_version}"
        self._page_size = options.page_size
        self.host = self._connection.host
        self.document, self.skew_s = self._connection.document, self._connection.skew_s

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        self._tokens.close()

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self._base}/{path}"

    def send(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str = "",
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Send one request; a token that is refused is renewed once, because nothing was done with it.

        Raises:
            ConfigError: A new token is refused too.
            WearcastError: As `Connection.send`.
        """
        asked = dict(headers or {}) | ({} if body is None else {"Content-Type": "application/json; charset=utf-8"})
        content = None if body is None else written(body).encode("utf-8")
        for _ in range(2):
            response = self._connection.send(
                method,
                path,
                purpose=purpose,
                writes=method != "GET",
                key=key,
                params=params,
                content=content,
                headers=asked | {"Authorization": self._tokens.bearer()},
                accept=(401, *accept),
            )
            if response.status_code != 401:
                return response
            self._tokens.forget()
        hint = "add the application as an application user of this environment (Power Platform admin center)"
        raise ConfigError(f"Dynamics 365 at {self.host} refuses our token; {hint}", {"status": 401})

    def rows(
        self, table: str, purpose: str, *, select: str, where: str = "", order_by: str = "", key: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Rows of all pages.

        Raises:
            ErpUnavailableError: An answer is no page, or the pages do not end.
        """
        formatted = 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"'
        headers = {"Prefer": f"odata.maxpagesize={self._page_size},{formatted}"}
        params: dict[str, str] | None = {"$select": select}
        for name, text in (("$filter", where), ("$orderby", order_by)):
            if text:
                params = (params or {}) | {name: text}
        path = table
        for _ in range(_MOST_PAGES):
            response = self.send("GET", path, purpose, params=params, headers=headers, key=key)
            try:
                page = _Page.model_validate(self.document(response, writes=False))
            except ValidationError as err:
                raise ErpUnavailableError(f"the answer of Dynamics 365 to {table} is no page: {err}") from err
            yield from page.value
            if not page.following:
                return
            path, params = page.following, None
        raise ErpUnavailableError(f"the list of {table} in Dynamics 365 does not end")
