"""From the ERP back: what became of the orders, and whether both sides still tell the same.

read_back       `serving.sync.read_back`       changes since the last look, events into the lake
outcomes        `serving.sync.outcomes`        what a site's codes mean
verdicts        `serving.sync.verdicts`        what a person says where no rule could read the codes
reconciliation  `serving.sync.reconciliation`  twice, missing, closed or unknown there
"""

from serving.sync.outcomes import OutcomeMaps, read_outcome_maps
from serving.sync.read_back import OVERLAP, SyncReport, event_of, sync
from serving.sync.reconciliation import Reconciliation, reconcile
from serving.sync.verdicts import tell_outcome

__all__ = [
    "OVERLAP",
    "OutcomeMaps",
    "Reconciliation",
    "SyncReport",
    "event_of",
    "read_outcome_maps",
    "reconcile",
    "sync",
    "tell_outcome",
]
