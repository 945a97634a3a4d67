"""All ERPs that the contract suite meets; a new adapter joins with one line."""

import importlib

from tests.standins.peer import Vendor

__all__ = ["VENDORS", "vendor"]

VENDORS: dict[str, str] = {
    "maximo": "tests.standins.maximo:VENDOR",
    "maximo_requests": "tests.standins.maximo:SR_VENDOR",
    "file": "tests.standins.file:VENDOR",
    "memory": "tests.standins.memory:VENDOR",
    "odoo": "tests.standins.odoo:VENDOR",
    "odoo_jsonrpc": "tests.standins.odoo:JSONRPC",
    "rest_atlas": "tests.standins.atlas:VENDOR",
    "sap_s4": "tests.standins.sap_vendors:VENDOR",
    "sap_s4_order": "tests.standins.sap_vendors:VENDOR_ORDERS",
    "webhook": "tests.standins.sandbox:VENDOR",
}


def vendor(name: str) -> Vendor:
    """The vendor of that name."""
    module, _, attribute = VENDORS[name].partition(":")
    found: Vendor = getattr(importlib.import_module(module), attribute)
    return found
