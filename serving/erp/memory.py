"""An ERP in memory: for tests, tours and the conformance suite; like SAP it does not enforce keys."""

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from features.core.clock import Clock, SystemClock
from features.core.errors import OrderRejectedError
from features.core.statements import Outcome
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.settings import ErpSettings

__all__ = ["MemoryErp"]


class MemoryErp:
    """Orders and their changes, lost with the process.

    Args:
        clock: The ERP's own clock.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._orders: dict[str, WorkOrder] = {}
        self._requests: dict[str, MaintenanceRequest] = {}
        self._changes: list[OrderChange] = []
        self.notes: list[tuple[str, str]] = []

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter; there is nothing to configure, and no request to record."""
        return cls()

    @property
    def name(self) -> str:
        """Name of the connection."""
        return "memory"

    @property
    def orders(self) -> list[WorkOrder]:
        """All orders, in order of their numbers."""
        return [self._orders[number] for number in sorted(self._orders)]

    @property
    def capabilities(self) -> Capabilities:
        """Everything but a unique key."""
        return Capabilities(unique_key=False, targets=frozenset({"request", "order"}), outcome_codes=("outcome",))

    def check(self) -> ConnectionReport:
        """Always fine."""
        return ConnectionReport(f"in memory, {len(self._orders)} orders")

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key."""
        return [order for order in self.orders if order.key == key]

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so."""
        return [order for order in self.orders if order.key.startswith(prefix)]

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be kept."""
        return Preview("KEEP", "memory", f"{request.key} {request.title}")

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """A new order, even when the key is there."""
        with self._lock:
            request = replace(request, title=cut(request.title, self.capabilities.title_length))
            request = replace(request, text=cut(request.text, self.capabilities.text_length))
            number = str(4_000_000_001 + len(self._orders))
            order = WorkOrder(
                request.key, number, OrderState.OPEN, "open", request.functional_location, request.text
            )
            self._orders[number], self._requests[number] = order, request
            return order

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Keep the note."""
        with self._lock:
            held = self._requests[self._known(number).number or ""]
            self._requests[number] = replace(held, priority=min(held.priority, priority))
            self.notes.append((number, note))

    def cancel(self, number: str, note: str) -> None:
        """Cancel it; one that is over stays as it is."""
        if not self._known(number).state.is_terminal:
            self.set_status(number, OrderState.CANCELLED, text=note)

    def priority(self, number: str) -> int:
        """Present priority of an order."""
        return self._requests[number].priority

    def request(self, number: str) -> MaintenanceRequest:
        """What an order was made from, as it stands."""
        return self._requests[number]

    def edit(self, number: str, title: str) -> None:
        """A person changes the title."""
        with self._lock:
            self._requests[number] = replace(self._requests[number], title=title)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes at or after `since`."""
        return [change for change in self._changes if change.changed_at >= since]

    def assets(self) -> list[Asset]:
        """Locations that orders were made for."""
        return [Asset(place, "", "") for place in sorted({o.functional_location for o in self.orders}) if place]

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders there that are not finished."""
        return [
            order
            for order in self.orders
            if not order.state.is_terminal
            and (
                (functional_location and order.functional_location == functional_location)
                or (equipment_number and self._requests[order.number or ""].equipment_number == equipment_number)
            )
        ]

    def set_status(
        self,
        number: str,
        state: OrderState,
        *,
        outcome: Outcome | None = None,
        raw_outcome: str = "",
        completed_at: dt.datetime | None = None,
        text: str = "",
        raw_status: str = "",
        codes: Mapping[str, str] | None = None,
        malfunction_at: dt.datetime | None = None,
    ) -> OrderChange:
        """What a planner or craftsman does in the ERP."""
        with self._lock:
            order = self._known(number)
            self._orders[number] = replace(order, state=state, raw_status=raw_status or state.value)
            change = OrderChange(
                number=number,
                key=order.key,
                change_id=str(len(self._changes) + 1),
                state=state,
                raw_status=raw_status or state.value,
                changed_at=self._clock.now(),
                completed_at=completed_at,
                outcome=outcome,
                raw_outcome=raw_outcome or (outcome.value if outcome is not None else ""),
                text=text,
                codes=dict(codes or {}),
                malfunction_at=malfunction_at,
            )
            self._changes.append(change)
            return change

    def _known(self, number: str) -> WorkOrder:
        if number not in self._orders:
            raise OrderRejectedError(f"no order {number}", {"number": number})
        return self._orders[number]
