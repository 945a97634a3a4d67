"""All ERPs that the contract suite meets; a new adapter joins with one line."""

import importlib

from tests.standins.peer import Vendor

__all__ = ["PEERS", "VENDORS", "vendor"]

VENDORS: dict[str, str] = {
    "dynamics365": "tests.standins.dynamics365:VENDOR",
    "erpnext": "tests.standins.erpnext:VENDOR",
    "file": "tests.standins.file:VENDOR",
    "maximo": "tests.standins.maximo:VENDOR",
    "maximo_requests": "tests.standins.maximo:SR_VENDOR",
    "memory": "tests.standins.memory:VENDOR",
    "odoo": "tests.standins.odoo:VENDOR",
    "odoo_jsonrpc": "tests.standins.odoo:JSONRPC",
    "rest_atlas": "tests.standins.atlas:VENDOR",
    "sap_s4": "tests.standins.sap_vendors:VENDOR",
    "sap_s4_order": "tests.standins.sap_vendors:VENDOR_ORDERS",
    "webhook": "tests.standins.sandbox:VENDOR",
    "webhook_events": "tests.standins.middleware:VENDOR",
}

# Real systems of others, installed by name from their registries (marker `peers`).
PEERS: dict[str, str] = {
    "rest_tryton": "tests.standins.tryton:VENDOR",
    "sap_cap": "tests.standins.sap_cap:VENDOR",
    "sap_cap_order": "tests.standins.sap_cap:VENDOR_ORDERS",
}


def vendor(name: str) -> Vendor:
    """The vendor of that name."""
    module, _, attribute = (VENDORS | PEERS)[name].partition(":")
    found: Vendor = getattr(importlib.import_module(module), attribute)
    return found
