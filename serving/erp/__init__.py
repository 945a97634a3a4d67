"""ERP adapters; a new one is one file here, one line in `KINDS`, one line in `tests/standins/vendors.py`."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from features.core.errors import ConfigError
from features.core.settings import nearest
from serving.erp.dry_run import DryRun, Shadow
from serving.erp.port import Asset, Assets, Orders, Record
from serving.settings import ErpSettings

__all__ = ["KINDS", "Asset", "Assets", "Orders", "connected", "open_erp"]

KINDS: dict[str, str] = {
    "dry_run": "serving.erp.dry_run:DryRun",
    "dynamics365": "serving.erp.dynamics365:Dynamics365",
    "erpnext": "serving.erp.erpnext:ErpNext",
    "file": "serving.erp.file:FileErp",
    "maximo": "serving.erp.maximo:Maximo",
    "memory": "serving.erp.memory:MemoryErp",
    "odoo": "serving.erp.odoo:Odoo",
    "rest": "serving.erp.rest:Rest",
    "sap_s4": "serving.erp.sap_s4:SapS4",
    "webhook": "serving.erp.webhook:Webhook",
}


def open_erp(settings: ErpSettings, record: Record | None = None) -> Orders:
    """The adapter that the settings ask for; only in modes `approve` and `automatic` can it write.

    In `dry_run` nothing is read or written. In `shadow` orders are read from the configured ERP, so that
    what would have been sent can be held against what people did, and nothing is written.

    Args:
        settings: What to connect to, and how far.
        record: Gets every exchange with the ERP.

    Raises:
        ConfigError: Unknown kind, or settings that the adapter refuses.
    """
    if settings.kind not in KINDS:
        raise ConfigError(
            f"ERP kind {settings.kind!r} is not known; {nearest(settings.kind, list(KINDS))}",
            {"kind": settings.kind},
        )
    if settings.mode == "dry_run" or settings.kind == "dry_run":
        return DryRun()
    module, _, name = KINDS[settings.kind].partition(":")
    adapter: Orders = getattr(importlib.import_module(module), name).from_settings(settings, record)
    if settings.mode != "shadow":
        return adapter
    return Shadow(adapter, adapter) if isinstance(adapter, Assets) else DryRun(adapter)


@contextmanager
def connected(settings: ErpSettings, record: Record | None = None) -> Iterator[Orders]:
    """The adapter of `open_erp`, with its connections closed at the end."""
    orders = open_erp(settings, record)
    try:
        yield orders
    finally:
        close = getattr(orders, "close", None)
        if close is not None:
            close()
