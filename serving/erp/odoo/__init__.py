"""Odoo 14 and later: maintenance requests over JSON-2 (19 and later) or JSON-RPC (14 to 18).

- `options`: what a site says of its Odoo.
- `wire`: one method call over either API, its error documents, paging.
- `records`: our words to and from Odoo's fields.
- `adapter`: the ports.
"""

from serving.erp.odoo.adapter import Odoo

__all__ = ["Odoo"]
