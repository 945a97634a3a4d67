"""The default: nothing is written anywhere; what would be sent is logged."""

import datetime as dt

from features.core.telemetry import log
from serving.erp.port import Orders
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder

__all__ = ["DryRun"]


class DryRun:
    """Sends nothing.

    Args:
        behind: Shadow mode: an ERP that is read but never written.
    """

    def __init__(self, behind: Orders | None = None) -> None:
        self._behind = behind
        self._log = log("erp.dry_run")

    @property
    def name(self) -> str:
        """Name of the connection."""
        return "dry_run" if self._behind is None else f"shadow:{self._behind.name}"

    def check(self) -> str:
        """One line for a person."""
        if self._behind is None:
            return "dry run: nothing is read from or written to an ERP"
        return f"shadow: nothing is written; behind it {self._behind.check()}"

    def find(self, key: str) -> list[WorkOrder]:
        """Orders with that key in the ERP behind, else none."""
        return [] if self._behind is None else self._behind.find(key)

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Log what would be sent; the order has no number."""
        self._log.info("order.would_send", key=request.key, title=request.title, priority=request.priority)
        return WorkOrder(request.key, None, OrderState.UNKNOWN, "", request.functional_location, request.text)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Log what would be noted."""
        self._log.info("order.would_annotate", number=number, note=note, priority=priority)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes in the ERP behind, else none."""
        return [] if self._behind is None else self._behind.changes(since)

    def close(self) -> None:
        """Close the connections of the ERP behind."""
        close = getattr(self._behind, "close", None)
        if close is not None:
            close()
