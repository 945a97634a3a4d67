"""A generic ERP over signed REST: for the sandbox ERP, and for a customer's own middleware."""

import datetime as dt
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Self
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import override

from features.core.clock import Clock
from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError
from serving.erp.connection import Connection
from serving.erp.documents import OrderDocument, Page
from serving.erp.endpoint import Endpoint
from serving.erp.events import CONTENT_TYPE, CREATED, envelope
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.secrets import read_secret
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder, by_number
from serving.settings import ErpSettings

__all__ = ["Webhook"]

_REQUEST: TypeAdapter[MaintenanceRequest] = TypeAdapter(MaintenanceRequest)
# The same key in this header is the same request, however often it comes.
_IDEMPOTENCY_KEY = "Idempotency-Key"


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    cloud_events: bool = Field(False, description="New orders go out in an envelope of CloudEvents 1.0.")
    unique_key: bool = Field(False, description="The other side makes one order an Idempotency-Key, for good.")


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
        endpoint: The other side; its clock is for the timestamp in the signature.
        secret: Signs every request.
        cloud_events: New orders go out in an envelope of CloudEvents 1.0.
        unique_key: The other side makes one order an `Idempotency-Key`, for good.

    Raises:
        ConfigError: No URL, or http to another machine.
    """

    def __init__(
        self, endpoint: Endpoint, secret: bytes, *, cloud_events: bool = False, unique_key: bool = False
    ) -> None:
        self._cloud_events, self._unique_key = cloud_events, unique_key
        auth = Signed(secret, endpoint.clock)
        self._connection = Connection(endpoint, auth=auth, translate=_refused_signature)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or secret, a secret file that others can read, or an unknown option.
        """
        options = read_options(settings, _Options)
        return cls(Endpoint.of(settings, record), read_secret(settings), **options.model_dump())

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"webhook:{self._connection.host}"

    @property
    def capabilities(self) -> Capabilities:
        """The form is ours; whether keys are enforced, the settings say."""
        return Capabilities(
            unique_key=self._unique_key,
            targets=frozenset({"request", "order"}),
            text_length=4000,
            outcome_codes=("outcome",),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def check(self) -> ConnectionReport:
        """Whether it answers to our signature, and its clock."""
        response = self._connection.send("GET", "health", purpose="check", writes=False, accept=(404,))
        if response.status_code == 404:
            raise ConfigError(f"{self._connection.host} has no health below erp.url: correct the address")
        health = self._connection.document(response, writes=False)
        status = health.get("status", "no status") if isinstance(health, dict) else "no status"
        line = f"{self._connection.host} answers: {status}"
        return ConnectionReport(line, clock_skew_s=self._connection.skew_s(response))

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key, lowest number first."""
        found = self._orders({"key": key}, "find", key)
        return by_number(order for order in found if order.key == key)

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, lowest number first."""
        found = self._orders({"key_prefix": prefix}, "reconcile")
        return by_number(order for order in found if order.key.startswith(prefix))

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        return Preview("POST", "orders", self._body(request).decode("utf-8"))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Send the request.

        An answer without a number (202, or a body that is no order) is looked up at once: who takes a request
        and makes the order later, by hand perhaps, need not have one yet.

        Raises:
            AmbiguousDeliveryError: No order can be seen yet; `context["accepted"]`: the other side has taken the
                request, and its order comes later. The same `Idempotency-Key` goes out when it is sent again.
        """
        headers = {
            "Content-Type": CONTENT_TYPE if self._cloud_events else "application/json",
            _IDEMPOTENCY_KEY: request.key,
        }
        response = self._connection.send(
            "POST",
            "orders",
            purpose="create",
            writes=True,
            key=request.key,
            content=self._body(request),
            headers=headers,
            accept=(409,),
        )
        order = _order_in(response)
        if order is not None and order.key in ("", request.key):
            return replace(order, key=request.key)
        if response.status_code in (202, 409):
            seen = self._seen(request.key)
            if seen is not None:
                return seen
        context: dict[str, object] = {"key": request.key, "status": response.status_code}
        if response.status_code == 202:
            message = f"{self._connection.host} has taken {request.key}; its order comes later"
            raise AmbiguousDeliveryError(message, context | {"accepted": True})
        raise AmbiguousDeliveryError(f"the ERP's answer to {request.key} is not an order", context)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note; the ERP raises the priority and never lowers it."""
        body = json.dumps({"note": note, "priority": priority}).encode()
        self._write(f"orders/{quote(number, safe='')}/notes", body, "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Cancel the order."""
        body = json.dumps({"status": "cancelled", "text": note}).encode()
        self._write(f"orders/{quote(number, safe='')}/status", body, "cancel")

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes of all pages at or after `since`, oldest first, each once."""
        pages = self._pages("orders", {"changed_since": since.isoformat()}, "changes")
        told = {change.change_id: change.value() for page in pages for change in page.changes}
        return sorted(told.values(), key=lambda change: change.changed_at)

    def assets(self) -> list[Asset]:
        """All assets that the ERP tells of."""
        return [asset for page in self._pages("assets", {}, "assets") for asset in page.assets]

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders there that are not finished."""
        place = {"functional_location": functional_location, "equipment_number": equipment_number}
        query = {name: value for name, value in place.items() if value}
        # Without a place the other side would tell all orders there are.
        found = self._orders(query, "open_orders") if query else []
        return [order for order in found if not order.state.is_terminal]

    def _seen(self, key: str) -> WorkOrder | None:
        """The order that has just been made or was there; None: it cannot be seen now."""
        try:
            return next(iter(self.find(key)), None)
        except ErpUnavailableError:
            return None

    def _body(self, request: MaintenanceRequest) -> bytes:
        caps = self.capabilities
        title, text = cut(request.title, caps.title_length), cut(request.text, caps.text_length)
        told = replace(request, title=title, text=text)
        if not self._cloud_events:
            return _REQUEST.dump_json(told)
        event = envelope(
            _REQUEST.dump_python(told, mode="json"),
            kind=CREATED,
            event_id=request.key,
            source=f"/wearcast/{quote(request.site_id)}",
            subject=f"{request.machine_id}/{request.slot}",
        )
        return json.dumps(event, ensure_ascii=False).encode("utf-8")

    def _orders(self, query: Mapping[str, str], purpose: str, key: str = "") -> list[WorkOrder]:
        return [order.value() for page in self._pages("orders", query, purpose, key) for order in page.orders]

    def _pages(self, path: str, query: Mapping[str, str], purpose: str, key: str = "") -> Iterator[Page]:
        asked: dict[str, str] = dict(query)
        seen = set[str]()
        while True:
            page = self._page(path, asked, purpose, key)
            yield page
            if page.next is None:
                return
            if page.next in seen:
                raise ErpUnavailableError(f"the pages of {path} never end: {page.next!r} came twice")
            seen.add(page.next)
            asked = {**query, "after": page.next}

    def _page(self, path: str, query: Mapping[str, str], purpose: str, key: str) -> Page:
        response = self._connection.send(
            "GET", path, purpose=purpose, writes=False, params=query, key=key, accept=(404,)
        )
        if response.status_code == 404:
            raise ConfigError(f"{self._connection.host} has no {path} below erp.url: correct the address")
        try:
            return Page.model_validate(self._connection.document(response, writes=False))
        except ValidationError as err:
            raise ErpUnavailableError(f"the ERP's answer to {path} is not of the agreed form: {err}") from err

    def _write(self, path: str, body: bytes, purpose: str) -> None:
        """Whatever a successful answer says, or if it says nothing: it was done, and must not be done again."""
        headers = {"Content-Type": "application/json"}
        self._connection.send("POST", path, purpose=purpose, writes=True, content=body, headers=headers)


def _order_in(response: httpx.Response) -> WorkOrder | None:
    """The order in an answer; None: it is none that has a number."""
    try:
        return OrderDocument.model_validate_json(response.content).value()
    except ValidationError:
        return None


def _refused_signature(response: httpx.Response) -> ConfigError | None:
    if response.status_code not in (401, 403):
        return None
    text = response.text[:300]
    return ConfigError(
        f"the ERP refuses our signature ({response.status_code}): {text}", {"status": response.status_code}
    )
