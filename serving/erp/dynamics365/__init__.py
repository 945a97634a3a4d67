"""Dynamics 365 Field Service over the Dataverse Web API, with the order key guarded by the ERP itself.

Where do I go to...? change what is written: `payload`; how Dataverse writes: `wire`; what can be set: `options`;
the token: `tokens`; what `wearcast erp check` says: `check`; the requests themselves: `client`, `adapter`.
"""

from serving.erp.dynamics365.adapter import Dynamics365
from serving.erp.dynamics365.options import Dynamics365Options

__all__ = ["Dynamics365", "Dynamics365Options"]
