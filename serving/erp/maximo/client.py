"""Requests to Maximo: pages of a collection, edits of one row, the schema of a structure."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from features.core.errors import ErpUnavailableError
from serving.erp.connection import Connection
from serving.erp.endpoint import Endpoint
from serving.erp.maximo.options import MaximoOptions
from serving.erp.maximo.wire import Row, refusal

__all__ = ["LEAN", "Client"]

# Plain names of fields, and statuses with Maximo's internal value beside the site's word.
LEAN = {"lean": "1", "internalvalues": "1"}
# Maximo ends a list by leaving out `nextPage`; a circle in it must not run for ever.
_MOST_PAGES = 100_000


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    member: list[dict[str, Any]] = []  # Any: a JSON document
    responseInfo: dict[str, Any] = {}  # noqa: N815  Maximo's name; Any: a JSON document


class Client:
    """One connection with an API key; arguments as those of `Maximo`."""

    def __init__(self, endpoint: Endpoint, apikey: str, options: MaximoOptions) -> None:
        self._url, self._page_size = endpoint.url.rstrip("/"), str(options.page_size)
        self._connection = Connection(
            endpoint,
            headers={"apikey": apikey, "Accept": "application/json"},
            secrets=(apikey,),
            translate=lambda response: refusal(response, options),
        )
        self.host = self._connection.host
        self.document, self.skew_s = self._connection.document, self._connection.skew_s

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def address(self, structure: str) -> str:
        """Where new rows of a structure are sent."""
        return f"{self._url}/api/os/{structure}?lean=1"

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
        """Send one request; see `Connection.send`."""
        try:
            return self._connection.send(
                method,
                path,
                purpose=purpose,
                writes=method != "GET",
                key=key,
                params=params or {"lean": "1"},
                body=body,
                headers=headers,
                accept=accept,
            )
        finally:
            # Maximo would prefer its session to our key, and the session has no rights.
            self._connection.cookies.clear()

    def patch(
        self,
        structure: str,
        row: Row,
        body: Mapping[str, object],
        purpose: str,
        *,
        key: str = "",
        merge: bool = False,
        action: str = "",
    ) -> None:
        """Change one row: its fields, lines that are added to it (`merge`), or by an action."""
        headers = {"x-method-override": "PATCH"} | ({"patchtype": "MERGE"} if merge else {})
        params = {"lean": "1"} | ({"action": action} if action else {})
        path = f"api/os/{structure}/{row.resource}"
        self.send("POST", path, purpose, body=body, headers=headers, key=key, params=params)

    def rows(
        self, structure: str, where: str, select: str, purpose: str, *, key: str = "", order_by: str = ""
    ) -> Iterator[Row]:
        """Orders of a structure.

        Raises:
            ErpUnavailableError: One has another form than Maximo's.
        """
        for member in self.members(structure, where, select, purpose, key=key, order_by=order_by):
            try:
                yield Row.model_validate(member)
            except ValidationError as err:
                raise ErpUnavailableError(f"Maximo told an order of {structure} in another form: {err}") from err

    def members(
        self, structure: str, where: str, select: str, purpose: str, *, key: str = "", order_by: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Members of all pages of a collection.

        Raises:
            ErpUnavailableError: An answer is no page, or the pages do not end.
        """
        params = LEAN | {"oslc.select": select, "oslc.pageSize": self._page_size}
        params |= {"oslc.where": where} if where else {}
        params |= {"oslc.orderBy": order_by} if order_by else {}
        for _ in range(_MOST_PAGES):
            response = self.send("GET", f"api/os/{structure}", purpose, params=params, key=key)
            try:
                page = _Page.model_validate(self.document(response, writes=False))
            except ValidationError as err:
                raise ErpUnavailableError(f"Maximo's answer to {structure} is no page: {err}") from err
            yield from page.member
            following = page.responseInfo.get("nextPage")
            href = str(following.get("href", "")) if isinstance(following, Mapping) else ""
            if not href:
                return
            # Only its query is followed: behind a proxy Maximo writes a host that we do not know.
            params = params | dict(httpx.URL(href).params)
        raise ErpUnavailableError(f"Maximo's list of {structure} does not end")

    def schema(self, structure: str) -> Any:  # Any: a JSON document
        """The JSON schema of a structure, with the lengths of its fields."""
        params = {"lean": "1", "oslc.select": "*"}
        response = self.send("GET", f"api/jsonschemas/{structure}", "check", params=params)
        return self.document(response, writes=False)
