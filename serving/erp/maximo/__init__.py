"""IBM Maximo 7.6.0.2 and later, and MAS Manage, over its JSON API with an API key.

Where do I go to...? change what is written: `payload`; how Maximo writes: `wire`; what can be set: `options`;
what `wearcast erp check` says: `check`; the requests themselves: `adapter`.
"""

from serving.erp.maximo.adapter import Maximo
from serving.erp.maximo.options import MaximoOptions

__all__ = ["Maximo", "MaximoOptions"]
