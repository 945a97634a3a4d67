"""The default: nothing is written anywhere; what would be sent is logged."""

import datetime as dt
from dataclasses import replace

from features.core.telemetry import log
from serving.erp.port import Asset, Assets, Capabilities, ConnectionReport, Orders, Preview
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder

__all__ = ["DryRun", "Shadow"]


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
        """Name of the connection: that of the ERP behind, whose changes are the same in every mode."""
        return "dry_run" if self._behind is None else self._behind.name

    @property
    def is_blind(self) -> bool:
        """There is no ERP behind: nothing is read either."""
        return self._behind is None

    @property
    def capabilities(self) -> Capabilities:
        """Those of the ERP behind."""
        return Capabilities(unique_key=False) if self._behind is None else self._behind.capabilities

    def check(self) -> ConnectionReport:
        """That nothing is written, and how the ERP behind is."""
        if self._behind is None:
            return ConnectionReport("dry run: nothing is read from or written to an ERP")
        behind = self._behind.check()
        return replace(behind, line=f"shadow: nothing is written; behind it {behind.line}")

    def find(self, key: str) -> list[WorkOrder]:
        """Orders with that key in the ERP behind, else none."""
        return [] if self._behind is None else self._behind.find(key)

    def keys(self, prefix: str) -> list[WorkOrder]:
        """Orders with such keys in the ERP behind, else none."""
        return [] if self._behind is None else self._behind.keys(prefix)

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What the ERP behind would get."""
        if self._behind is None:
            return Preview("NONE", "dry_run", f"{request.title}\n{request.text}")
        return self._behind.preview(request)

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Log what would be sent; the order has no number."""
        preview = self.preview(request)
        self._log.info(
            "order.would_send",
            key=request.key,
            title=request.title,
            priority=request.priority,
            method=preview.method,
            url=preview.url,
        )
        return WorkOrder(request.key, None, OrderState.UNKNOWN, "", request.functional_location, request.text)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Log what would be noted."""
        self._log.info("order.would_annotate", number=number, note=note, priority=priority)

    def cancel(self, number: str, note: str) -> None:
        """Log what would be cancelled."""
        self._log.info("order.would_cancel", number=number, note=note)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes in the ERP behind, else none."""
        return [] if self._behind is None else self._behind.changes(since)

    def close(self) -> None:
        """Close the connections of the ERP behind."""
        close = getattr(self._behind, "close", None)
        if close is not None:
            close()


class Shadow(DryRun):
    """Sends nothing, and reads orders and assets of an ERP that tells of them.

    Args:
        behind: The ERP that is read.
        assets: The same, as it tells of its assets.
    """

    def __init__(self, behind: Orders, assets: Assets) -> None:
        super().__init__(behind)
        self._assets = assets

    def assets(self) -> list[Asset]:
        """Assets of the ERP behind."""
        return self._assets.assets()

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Open orders of the ERP behind."""
        return self._assets.open_orders(functional_location, equipment_number)
