"""The operational store: recommendations, approvals, outbox, order changes, audit.

store        `serving.store.store`       recommendations and decisions: the class `Store`
deliveries   `serving.store.deliveries`  the outbox's rows: claims, leases, results
changes      `serving.store.changes`     what came back from the ERP
audit        `serving.store.audit`       the hash-chained log
database     `serving.store.database`    SQLite or PostgreSQL, one writer at a time
migrations   `serving.store.migrations`  Alembic revisions
"""

from serving.store.audit import AuditCheck, AuditRow
from serving.store.deliveries import OutboxItem
from serving.store.documents import StoredRecommendation
from serving.store.store import Store

__all__ = ["AuditCheck", "AuditRow", "OutboxItem", "Store", "StoredRecommendation"]
