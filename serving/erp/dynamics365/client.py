"""Requests to Dataverse: token, pages, one renewal when a token has ended early."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.core.errors import ErpUnavailableError
from serving.erp.connection import Connection
from serving.erp.dynamics365.options import Dynamics365Options
from serving.erp.dynamics365.wire import refusal
from serving.erp.endpoint import Endpoint
from serving.erp.tokens import ClientCredentials

__all__ = ["Client"]

_HEADERS = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
_SIGN_IN_HINT = "check erp.user (client id), the secret's value and end date, erp.options.tenant and scope"
# Pages end when there is no next link; a circle in them must not run for ever.
_MOST_PAGES = 100_000


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    value: list[dict[str, Any]]  # Any: a JSON document
    following: str = Field("", alias="@odata.nextLink")


class Client:
    """One connection; arguments as those of `Dynamics365`."""

    def __init__(self, endpoint: Endpoint, client_id: str, secret: str, options: Dynamics365Options) -> None:
        url = endpoint.url.rstrip("/")
        self._base = f"{url}/api/data/{options.api_version}"
        # A connection of its own: tokens come from another host, which is not the ERP's own authority.
        signs_in = replace(endpoint, url=options.signs_in_at, ca_file=None)
        self._tokens = ClientCredentials(
            signs_in, client_id, secret, scope=options.scope or f"{url}/.default", hint=_SIGN_IN_HINT
        )
        self._connection = Connection(
            replace(endpoint, url=self._base),
            headers=_HEADERS,
            auth=self._tokens,
            secrets=(secret,),
            translate=refusal,
        )
        self._page_size = options.page_size
        self.host = self._connection.host
        self.send, self.document = self._connection.send, self._connection.document
        self.skew_s = self._connection.skew_s

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        self._tokens.close()

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self._base}/{path}"

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
            response = self.send(
                "GET", path, purpose=purpose, writes=False, params=params, headers=headers, key=key
            )
            try:
                page = _Page.model_validate(self.document(response, writes=False))
            except ValidationError as err:
                raise ErpUnavailableError(f"the answer of Dynamics 365 to {table} is no page: {err}") from err
            yield from page.value
            if not page.following:
                return
            path, params = page.following, None
        raise ErpUnavailableError(f"the list of {table} in Dynamics 365 does not end")
