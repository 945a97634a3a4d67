"""ERP adapters; a new one is one file here, one line in `KINDS`, one line in `tests/contracts/test_erp.py`."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from features.core.errors import ConfigError
from features.core.settings import nearest
from serving.erp.dry_run import DryRun
from serving.erp.port import Asset, Assets, Orders
from serving.settings import ErpSettings

__all__ = ["KINDS", "Asset", "Assets", "Orders", "connected", "open_erp"]

KINDS: dict[str, str] = {
    "dry_run": "serving.erp.dry_run:DryRun",
    "memory": "serving.erp.memory:MemoryErp",
    "webhook": "serving.erp.webhook:Webhook",
}


def open_erp(settings: ErpSettings) -> Orders:
    """The adapter that the settings ask for; only in mode `live` can it write.

    In `dry_run` nothing is read or written. In `shadow` orders are read from the configured ERP, so that
    what would have been sent can be held against what people did, and nothing is written.

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
    adapter: Orders = getattr(importlib.import_module(module), name).from_settings(settings)
    return DryRun(adapter) if settings.mode == "shadow" else adapter


@contextmanager
def connected(settings: ErpSettings) -> Iterator[Orders]:
    """The adapter of `open_erp`, with its connections closed at the end."""
    orders = open_erp(settings)
    try:
        yield orders
    finally:
        close = getattr(orders, "close", None)
        if close is not None:
            close()
