"""ERPNext (Frappe 13 and later): asset repairs over Frappe's REST API.

- `options`: what a site says of its ERPNext.
- `wire`: documents, lists and methods, error documents, pages, the server's time zone.
- `records`: our words to and from the fields of an asset repair.
- `adapter`: the ports.
"""

from serving.erp.erpnext.adapter import ErpNext

__all__ = ["ErpNext"]
