"""SAP S/4HANA over OData V2: maintenance notifications, and orders made from them.

Where do I go to...? change what is written: `bodies`; what SAP's statuses and codes mean: `reading`; what can
be set: `options`; CSRF, pages and errors: `session`; literals and times: `wire`; what `wearcast erp check`
says: `checks`; the questions: `queries`; the changes: `writing`; the port: `adapter`.
"""

from serving.erp.sap_s4.adapter import SapS4

__all__ = ["SapS4"]
