"""A generic ERP over signed REST: for the sandbox ERP, and for a customer's own middleware."""

import datetime as dt
import json
import stat
from collections.abc import Mapping
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from features.core.clock import Clock, SystemClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    WearcastError,
)
from features.core.statements import Outcome
from serving.erp.port import Asset
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.settings import ErpSettings

__all__ = ["Webhook", "read_secret"]

_REQUEST: TypeAdapter[MaintenanceRequest] = TypeAdapter(MaintenanceRequest)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Order(BaseModel):
    model_config = ConfigDict(extra="ignore")

    number: str
    key: str = ""
    status: str = ""
    functional_location: str = ""
    text: str = ""

    def value(self) -> WorkOrder:
        return WorkOrder(
            self.key, self.number, _state(self.status), self.status, self.functional_location, self.text
        )


class _Change(BaseModel):
    model_config = ConfigDict(extra="ignore")

    change_id: str
    number: str
    key: str = ""
    status: str
    changed_at: dt.datetime
    completed_at: dt.datetime | None = None
    outcome: str | None = None
    failure_mode: str | None = None
    text: str = ""

    def value(self) -> OrderChange:
        outcome = self.outcome or ""
        return OrderChange(
            number=self.number,
            key=self.key,
            change_id=self.change_id,
            state=_state(self.status),
            raw_status=self.status,
            changed_at=self.changed_at.astimezone(dt.UTC),
            completed_at=None if self.completed_at is None else self.completed_at.astimezone(dt.UTC),
            outcome=Outcome(outcome) if outcome in list(Outcome) else None,
            raw_outcome=outcome,
            failure_mode=self.failure_mode,
            text=self.text,
        )


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore")

    orders: list[_Order] = []
    changes: list[_Change] = []
    assets: list[Asset] = []
    next: str | None = None


class Webhook:
    """Orders over HTTP; TLS is always verified.

    Args:
        url: Base URL; https, or http on this machine only.
        secret: Signs every request.
        timeout_s: Longest one request may take; the sender's lease must be longer than twice this.
        clock: For the timestamp in the signature.
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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        parsed = httpx.URL(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ConfigError(f"ERP url {url!r} is not a URL; e.g. https://erp.example/wearcast", {"url": url})
        if parsed.scheme == "http" and parsed.host not in _LOOPBACK:
            raise ConfigError(f"ERP url {url!r} must be https: http is for this machine only", {"url": url})
        self._secret, self._clock, self._host = secret, clock or SystemClock(), parsed.host
        # Each phase has its own limit; together they stay within `timeout_s`.
        phases = httpx.Timeout(
            connect=timeout_s * 0.2, write=timeout_s * 0.2, read=timeout_s * 0.5, pool=timeout_s * 0.1
        )
        self._client = httpx.Client(
            base_url=url, timeout=phases, verify=True, transport=transport, trust_env=False
        )

    @classmethod
    def from_settings(cls, settings: ErpSettings) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or secret, or a secret file that others can read.
        """
        return cls(settings.url, read_secret(settings), timeout_s=settings.timeout_s)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"webhook:{self._host}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> str:
        """One line for a person."""
        health = self._read("/health", {})
        return f"{self._host} answers: {health.get('status', 'no status')}"

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key, lowest number first."""
        found = [order.value() for order in self._page("/orders", {"key": key}).orders]
        return sorted((o for o in found if o.key == key), key=lambda order: order.number or "")

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Send the request; an unreadable answer is ambiguous, because the order may be there."""
        answer = self._write("/orders", _REQUEST.dump_json(request))
        try:
            return _Order.model_validate(answer).value()
        except ValidationError as err:
            raise AmbiguousDeliveryError(
                f"the ERP's answer to {request.key} is not an order", {"key": request.key}
            ) from err

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note; the ERP raises the priority and never lowers it."""
        self._write(f"/orders/{number}/notes", json.dumps({"note": note, "priority": priority}).encode())

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """All pages of changes at or after `since`."""
        found: list[OrderChange] = []
        query = {"changed_since": since.isoformat()}
        while True:
            page = self._page("/orders", query)
            found += [change.value() for change in page.changes]
            if page.next is None:
                return found
            query = {"changed_since": since.isoformat(), "after": page.next}

    def assets(self) -> list[Asset]:
        """All assets that the ERP tells of."""
        return self._page("/assets", {}).assets

    def open_orders(self, functional_location: str) -> list[WorkOrder]:
        """Orders there that are not finished."""
        query = {"functional_location": functional_location}
        found = [order.value() for order in self._page("/orders", query).orders]
        return [order for order in found if not order.state.is_terminal]

    def _page(self, path: str, query: Mapping[str, str]) -> _Page:
        try:
            return _Page.model_validate(self._read(path, query))
        except ValidationError as err:
            raise ErpUnavailableError(f"the ERP's answer to {path} is not of the agreed form: {err}") from err

    def _read(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:  # Any: a JSON document
        request = self._client.build_request("GET", path.lstrip("/"), params=query)
        try:
            return self._answer(request)
        except AmbiguousDeliveryError as err:
            # A question that got no answer changed nothing.
            raise ErpUnavailableError(err.message, err.context) from err

    def _write(self, path: str, body: bytes) -> dict[str, Any]:  # Any: a JSON document
        headers = {"Content-Type": "application/json"}
        return self._answer(self._client.build_request("POST", path.lstrip("/"), content=body, headers=headers))

    def _answer(self, request: httpx.Request) -> dict[str, Any]:  # Any: a JSON document
        timestamp = int(self._clock.now().timestamp())
        signature = sign(
            self._secret,
            method=request.method,
            path=request.url.raw_path.decode("ascii"),
            timestamp=timestamp,
            body=request.content,
        )
        request.headers[HEADER], request.headers[TIMESTAMP_HEADER] = signature, str(timestamp)
        try:
            response = self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as err:
            raise ErpUnavailableError(f"the ERP at {self._host} cannot be reached: {err}") from err
        except httpx.TransportError as err:
            raise AmbiguousDeliveryError(f"the ERP at {self._host} gave no answer: {err!r}") from err
        if not response.is_success:
            raise _translated(response)
        try:
            document = response.json()
        except ValueError as err:
            raise AmbiguousDeliveryError(f"the ERP at {self._host} answered something unreadable") from err
        return document if isinstance(document, dict) else {}


def read_secret(settings: ErpSettings) -> bytes:
    """The signing secret, from the settings or from a file that only its owner can read.

    Raises:
        ConfigError: No secret, an unreadable or empty file, or one that others may read.
    """
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode("utf-8")
    file = settings.secret_file
    if file is None:
        raise ConfigError("the webhook needs a secret: set erp.secret_file to a file of mode 0600")
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        secret = file.read_text(encoding="utf-8").strip()
    except OSError as err:
        hint = (
            f"; make one: (umask 077; openssl rand -hex 32 > {file})" if isinstance(err, FileNotFoundError) else ""
        )
        raise ConfigError(f"secret file {file}: {err.strerror}{hint}", {"file": str(file)}) from err
    if mode & 0o077:
        raise ConfigError(
            f"secret file {file} has mode {mode:04o}; others can use it: chmod 600 {file}", {"file": str(file)}
        )
    if not secret:
        raise ConfigError(f"secret file {file} is empty", {"file": str(file)})
    return secret.encode("utf-8")


def _state(raw: str) -> OrderState:
    return OrderState(raw) if raw in list(OrderState) else OrderState.UNKNOWN


def _translated(response: httpx.Response) -> WearcastError:
    status, text = response.status_code, response.text[:300]
    context = {"status": status}
    if status in (401, 403):
        return ConfigError(f"the ERP refuses our signature ({status}): {text}", context)
    if status == 429:
        return ErpUnavailableError("the ERP asks to slow down (429)", context)
    if status == 408 or status >= 500 or status < 400:
        return AmbiguousDeliveryError(f"the ERP answered {status}: it may have done it", context)
    return OrderRejectedError(f"the ERP refuses it ({status}): {text}", context)
