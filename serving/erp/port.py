"""The ports to the ERP: what every adapter can really do."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from serving.orders import MaintenanceRequest, OrderChange, WorkOrder

__all__ = ["Asset", "Assets", "Orders"]


@dataclass(frozen=True, slots=True)
class Asset:
    """A functional location or piece of equipment as the ERP knows it."""

    functional_location: str
    equipment_number: str
    description: str


class Orders(Protocol):
    """Writing work into the ERP and reading its fate.

    Errors, translated by each adapter at its edge: `ErpUnavailableError` (surely nothing happened, come
    back later), `AmbiguousDeliveryError` (it may have happened: look up by key), `OrderRejectedError`
    (never try this one again), `ConfigError` (address or credentials are wrong: stop).
    """

    @property
    def name(self) -> str:
        """Name of the connection, the same after a restart."""
        ...

    def check(self) -> str:
        """One line for a person about the connection."""
        ...

    def find(self, key: str) -> list[WorkOrder]:
        """ALL orders with that key, lowest number first; more than one is an incident."""
        ...

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the request with its key in it; the order's number is None when nothing really left."""
        ...

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note to an order, and raise its priority if `priority` is higher; never lower it."""
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

    def open_orders(self, functional_location: str) -> list[WorkOrder]:
        """Orders on that location that are not finished, whoever made them."""
        ...
