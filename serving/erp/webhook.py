"""A generic ERP over signed REST: for the sandbox ERP, and for a customer's own middleware."""

import datetime as dt
import json
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, Self

import httpx
from pydantic import TypeAdapter, ValidationError
from typing_extensions import override

from features.core.clock import Clock, SystemClock
from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError
from serving.erp.connection import Connection
from serving.erp.documents import OrderDocument, Page
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.secrets import read_secret
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder
from serving.settings import ErpSettings

__all__ = ["Webhook"]

_REQUEST: TypeAdapter[MaintenanceRequest] = TypeAdapter(MaintenanceRequest)


class Signed(httpx.Auth):
    """Signs method, path, time and body of each request."""

    requires_request_body = True

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret, self._clock = secret, clock

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature and its time."""
        timestamp = int(self._clock.now().timestamp())
        request.headers[HEADER] = sign(
            self._secret,
            method=request.method,
            path=request.url.raw_path.decode("ascii"),
            timestamp=timestamp,
            body=request.content,
        )
        request.headers[TIMESTAMP_HEADER] = str(timestamp)
        yield request


class Webhook:
    """Orders over signed HTTP.

    Args:
        url: Base URL; https, or http on this machine only.
        secret: Signs every request.
        timeout_s: Longest one request may take; the sender's lease must be longer than twice this.
        clock: For the timestamp in the signature.
        ca_file: Certificates of the ERP's own authority.
        record: Gets every exchange.
        transport: Another way to carry requests (tests).

    Raises:
        ConfigError: No URL, or http to another machine.
    """

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        timeout_s: float = 10.0,
        clock: Clock | None = None,
        ca_file: str | None = None,
        record: Record | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._connection = Connection(
            url,
            timeout_s=timeout_s,
            auth=Signed(secret, clock),
            ca_file=ca_file,
            record=record,
            clock=clock,
            translate=_refused_signature,
            transport=transport,
        )

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or secret, or a secret file that others can read.
        """
        ca_file = None if settings.ca_file is None else str(settings.ca_file)
        secret = read_secret(settings)
        return cls(settings.url, secret, timeout_s=settings.timeout_s, ca_file=ca_file, record=record)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"webhook:{self._connection.host}"

    @property
    def capabilities(self) -> Capabilities:
        """The form is ours; keys are searched, not enforced."""
        return Capabilities(
            unique_key=False, targets=frozenset({"request", "order"}), text_length=4000, outcome_codes=("outcome",)
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def check(self) -> ConnectionReport:
        """Whether it answers to our signature, and its clock."""
        response = self._connection.send("GET", "health", purpose="check", writes=False)
        health = self._connection.document(response, writes=False)
        status = health.get("status", "no status") if isinstance(health, dict) else "no status"
        line = f"{self._connection.host} answers: {status}"
        return ConnectionReport(line, clock_skew_s=self._connection.skew_s(response))

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key, lowest number first."""
        found = [order.value() for order in self._page("orders", {"key": key}, "find", key).orders]
        return sorted((o for o in found if o.key == key), key=lambda order: order.number or "")

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, lowest number first."""
        found = [order.value() for order in self._page("orders", {"key_prefix": prefix}, "reconcile").orders]
        return sorted((o for o in found if o.key.startswith(prefix)), key=lambda order: order.number or "")

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        return Preview("POST", "orders", self._body(request).decode("utf-8"))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Send the request; an unreadable answer is ambiguous, because the order may be there."""
        answer = self._write("orders", self._body(request), "create", request.key)
        try:
            return OrderDocument.model_validate(answer).value()
        except ValidationError as err:
            raise AmbiguousDeliveryError(
                f"the ERP's answer to {request.key} is not an order", {"key": request.key}
            ) from err

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note; the ERP raises the priority and never lowers it."""
        body = json.dumps({"note": note, "priority": priority}).encode()
        self._write(f"orders/{number}/notes", body, "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Cancel the order."""
        self._write(
            f"orders/{number}/status", json.dumps({"status": "cancelled", "text": note}).encode(), "cancel"
        )

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """All pages of changes at or after `since`."""
        found: list[OrderChange] = []
        query = {"changed_since": since.isoformat()}
        while True:
            page = self._page("orders", query, "changes")
            found += [change.value() for change in page.changes]
            if page.next is None:
                return found
            query = {"changed_since": since.isoformat(), "after": page.next}

    def assets(self) -> list[Asset]:
        """All assets that the ERP tells of."""
        return self._page("assets", {}, "assets").assets

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders there that are not finished."""
        query = {"functional_location": functional_location, "equipment_number": equipment_number}
        found = [
            order.value()
            for order in self._page("orders", {n: v for n, v in query.items() if v}, "open_orders").orders
        ]
        return [order for order in found if not order.state.is_terminal]

    def _body(self, request: MaintenanceRequest) -> bytes:
        caps = self.capabilities
        title, text = cut(request.title, caps.title_length), cut(request.text, caps.text_length)
        return _REQUEST.dump_json(replace(request, title=title, text=text))

    def _page(self, path: str, query: Mapping[str, str], purpose: str, key: str = "") -> Page:
        response = self._connection.send("GET", path, purpose=purpose, writes=False, params=query, key=key)
        try:
            return Page.model_validate(self._connection.document(response, writes=False))
        except ValidationError as err:
            raise ErpUnavailableError(f"the ERP's answer to {path} is not of the agreed form: {err}") from err

    def _write(self, path: str, body: bytes, purpose: str, key: str = "") -> Any:  # Any: a JSON document
        headers = {"Content-Type": "application/json"}
        response = self._connection.send(
            "POST", path, purpose=purpose, writes=True, content=body, headers=headers, key=key
        )
        return self._connection.document(response, writes=True)


def _refused_signature(response: httpx.Response) -> ConfigError | None:
    if response.status_code not in (401, 403):
        return None
    text = response.text[:300]
    return ConfigError(
        f"the ERP refuses our signature ({response.status_code}): {text}", {"status": response.status_code}
    )
