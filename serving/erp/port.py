"""The ports to the ERP: what every adapter can really do, and what it says of itself."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from serving.orders import MaintenanceRequest, OrderChange, WorkOrder

__all__ = [
    "Asset",
    "Assets",
    "Capabilities",
    "ConnectionReport",
    "Exchange",
    "Finding",
    "Orders",
    "Preview",
    "Record",
    "Severity",
]


class Severity(StrEnum):
    """How bad a finding about a connection is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: a right, a field, a clock; `message` says what to do if it is not ok."""

    severity: Severity
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What a check of the connection found.

    Attributes:
        line: One line for a person.
        findings: Everything that was checked, in order.
        clock_skew_s: How far the ERP's clock is ahead of ours, seconds; None: it does not tell.
    """

    line: str
    findings: tuple[Finding, ...] = ()
    clock_skew_s: float | None = None

    @property
    def is_usable(self) -> bool:
        """Orders can be written and read back."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the ERP behind an adapter can do, as data.

    Attributes:
        unique_key: The ERP itself refuses a second order with the same key.
        targets: What can be written: a `request` for a planner, a released `order`.
        title_length: Longest title, in characters; longer ones are cut by the adapter.
        text_length: Longest text, in characters.
        notes: Notes can be added to an order.
        priorities: The priority of an order can be raised after it was made.
        changes: Changes of orders can be asked for.
        outcome_codes: What a closed order tells about what was found, by the ERP's own names.
        open_orders: Orders that others made can be seen by location or equipment.
    """

    unique_key: bool
    targets: frozenset[str] = frozenset({"request"})
    title_length: int = 40
    text_length: int = 1333
    notes: bool = True
    priorities: bool = True
    changes: bool = True
    outcome_codes: tuple[str, ...] = ()
    open_orders: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent, exactly, without any secret."""

    method: str
    url: str
    body: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to the ERP and its answer, with secrets masked and long bodies cut.

    Attributes:
        purpose: What it was for: find, create, annotate, changes, assets, open_orders, check, sign_in.
        key: Order key, if it was about one.
        method: HTTP method.
        url: Path and query, without the host.
        request: Body that was sent.
        status: HTTP status; None: no answer came.
        answer: Body of the answer, or why none came.
        took_ms: Milliseconds from sending to the answer.
        writes: It can change something in the ERP.
    """

    purpose: str
    key: str
    method: str
    url: str
    request: str
    status: int | None
    answer: str
    took_ms: float
    writes: bool


Record = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True)
class Asset:
    """A functional location or piece of equipment as the ERP knows it.

    Attributes:
        functional_location: Of the position; empty: the ERP has none for it.
        equipment_number: Of the piece of equipment, the ERP's own id; empty: a location only.
        description: The ERP's words for it.
        parent: Functional location or equipment above it, if told.
        asset_class: The ERP's class or category of it, if told.
        serial_number: As on its name plate, if told.
    """

    functional_location: str
    equipment_number: str
    description: str
    parent: str = ""
    asset_class: str = ""
    serial_number: str = ""


class Orders(Protocol):
    """Writing work into the ERP and reading its fate.

    Errors, translated by each adapter at its edge: `ErpUnavailableError` (surely nothing happened, come
    back later; `context["retry_after_s"]` when the ERP said when), `AmbiguousDeliveryError` (it may have
    happened: look up by key), `OrderRejectedError` (never try this one again), `ConfigError` (address,
    credentials or rights are wrong: stop).
    """

    @property
    def name(self) -> str:
        """Name of the connection, the same after a restart."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the ERP can do."""
        ...

    def check(self) -> ConnectionReport:
        """Whether it answers, and whether all that is needed is there: rights, fields, clock."""
        ...

    def find(self, key: str) -> list[WorkOrder]:
        """ALL orders with that key, lowest number first; more than one is an incident."""
        ...

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, finished ones too, lowest number first: for reconciliation."""
        ...

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What `create` would send; nothing is sent."""
        ...

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the request with its key in it; the order's number is None when nothing really left."""
        ...

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note to an order, and raise its priority if `priority` is higher; never lower it."""
        ...

    def cancel(self, number: str, note: str) -> None:
        """Close an order of ours that must not be done (a duplicate, a test), with the reason."""
        ...

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes of orders at or after `since` by the ERP's own clock, oldest first."""
        ...


@runtime_checkable
class Assets(Protocol):
    """Reading what the ERP knows of the plant."""

    def assets(self) -> list[Asset]:
        """All assets, for matching with the plant file."""
        ...

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders on that location or equipment that are not finished, whoever made them."""
        ...
