"""From the newest predictions to recommendations: at most one open one per component and failure mode.

plan      `serving.planning.plan`      one round over all components
grant     `serving.planning.grant`     which wishes come before people, what holds the others back
round     `serving.planning.round`     what the steps of a round share
others    `serving.planning.others`    open orders that people made, asked once a place
cases     `serving.planning.cases`     what is known of each component as of a moment
rules     `serving.planning.rules`     hysteresis, new episodes, how a recommendation ends by itself
limits    `serving.planning.limits`    modes, budgets, storms
mapping   `serving.planning.mapping`   machine -> equipment of the ERP, confirmed
matching  `serving.planning.matching`  proposals for that map, and what is wrong with it
requests  `serving.planning.requests`  the text for the ERP
"""

from serving.planning.cases import newest_statements
from serving.planning.limits import Limits
from serving.planning.mapping import AssetMap, MappedAsset, read_asset_map
from serving.planning.plan import approve, plan
from serving.planning.requests import request_for
from serving.planning.round import PlanReport
from serving.planning.rules import PlanRules

__all__ = [
    "AssetMap",
    "Limits",
    "MappedAsset",
    "PlanReport",
    "PlanRules",
    "approve",
    "newest_statements",
    "plan",
    "read_asset_map",
    "request_for",
]
