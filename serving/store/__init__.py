"""The operational store: recommendations, approvals, outbox, order changes, audit.

store        `serving.store.store`       recommendations and decisions: the class `Store`
deliveries   `serving.store.deliveries`  the outbox's rows: claims, leases, results
items        `serving.store.items`       the outbox's rows: put in, woken
changes      `serving.store.changes`     what came back from the ERP
compared     `serving.store.compared`    what reconciliation changes here
brakes       `serving.store.brakes`      a site's stop, the connection's circuit breaker
holds        `serving.store.holds`       what holds recommendations back
incidents    `serving.store.incidents`   what a person must see once
inbox        `serving.store.inbox`       messages of the ERP that something changed
precision    `serving.store.precision`   how often recommendations were right
audit        `serving.store.audit`       the hash-chained log
database     `serving.store.database`    SQLite or PostgreSQL, one writer at a time
migrations   `serving.store.migrations`  Alembic revisions
"""

from serving.store.audit import AuditCheck, AuditRow
from serving.store.brakes import ALL_SITES, Breaker, Stop
from serving.store.changes import fitting
from serving.store.deliveries import DeadLetter, OutboxItem
from serving.store.documents import StoredRecommendation
from serving.store.holds import Budget
from serving.store.incidents import Incident, IncidentKind
from serving.store.precision import Precision
from serving.store.store import Store

__all__ = [
    "ALL_SITES",
    "AuditCheck",
    "AuditRow",
    "Breaker",
    "Budget",
    "DeadLetter",
    "Incident",
    "IncidentKind",
    "OutboxItem",
    "Precision",
    "Stop",
    "Store",
    "StoredRecommendation",
    "fitting",
]
