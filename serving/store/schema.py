"""Tables of the operational store, as SQLAlchemy sees them; the migrations make them."""

import datetime as dt

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from features.core.clock import require_utc

__all__ = [
    "OPEN_CONDITION",
    "UNCLOSED_CONDITION",
    "UtcTime",
    "answers",
    "audit",
    "audit_head",
    "breakers",
    "erp_events",
    "incidents",
    "metadata",
    "order_changes",
    "outbox",
    "recommendations",
    "stops",
    "watermarks",
]

# Written out, because the index in the database must not change when the enum grows: that is a migration.
UNCLOSED_CONDITION = "closed_at IS NULL"
OPEN_CONDITION = "state NOT IN ('completed', 'cancelled', 'rejected')"


class UtcTime(TypeDecorator[dt.datetime]):
    """A moment in UTC: refuses naive ones, and gives aware ones back on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        moment = require_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    @override
    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _told(written: int) -> TypeEngine[str]:
    """What an ERP tells, as long as it is; SQLite keeps no lengths, its tables stay as they were written."""
    return Text().with_variant(String(written), "sqlite")


metadata = MetaData()

recommendations = Table(
    "recommendations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(20), nullable=False, unique=True),
    Column("site_id", String(60), nullable=False),
    Column("machine_id", String(60), nullable=False),
    Column("slot", String(60), nullable=False),
    Column("failure_mode", String(60), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("document", Text, nullable=False),  # Recommendation as JSON
    Column("request", Text, nullable=False),  # MaintenanceRequest as JSON
    Column("updates", Integer, nullable=False, default=0),
    Column("order_number", String(40)),
    Column("order_state", String(20)),
    Column("raw_status", _told(80)),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("decided_by", String(120)),
    Column("decided_at", UtcTime),
    Column("proposed_at", UtcTime),  # since when it counts against the site's budget; None: held back
    Column("linked_order", String(40)),  # an order that a person made for the same asset
    Column("linked_at", UtcTime),
    Column("calm_since", UtcTime),  # since when the evidence of one that is over is gone
    Index(
        "one_open_per_failure_mode",
        "machine_id",
        "slot",
        "failure_mode",
        unique=True,
        sqlite_where=text(OPEN_CONDITION),
        postgresql_where=text(OPEN_CONDITION),
    ),
    Index("recommendations_by_order", "order_number"),
    Index("recommendations_by_link", "linked_order"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_key", String(40), nullable=False, unique=True),  # key, or key:n for the nth note
    Column("recommendation_id", Integer, ForeignKey("recommendations.id"), nullable=False),
    Column("key", String(20), nullable=False),
    Column("kind", String(10), nullable=False),  # create or note
    Column("payload", Text, nullable=False),
    Column("state", String(20), nullable=False),  # queued, sending, unknown, done, dead_letter
    Column("attempts", Integer, nullable=False, default=0),
    Column("lookups", Integer, nullable=False, default=0),  # look-ups without a find since `unknown`
    Column("next_try_at", UtcTime, nullable=False),
    Column("lease_owner", String(80)),
    Column("lease_until", UtcTime),
    Column("last_error", Text, nullable=False, default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("first_tried_at", UtcTime),
    Index("outbox_by_state", "state", "next_try_at"),
)

order_changes = Table(
    "order_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String(60), nullable=False),
    Column("change_id", _told(80), nullable=False),
    Column("number", String(40), nullable=False),
    Column("key", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("raw_status", _told(80), nullable=False),
    Column("outcome", String(40)),
    Column("raw_outcome", _told(80), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("event_id", _told(130)),  # the maintenance event it led to, in the lake
    Column("event_revision", Integer),
    Column("needs_review", Boolean, nullable=False),
    UniqueConstraint("connection", "change_id", name="one_row_per_change"),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("time", UtcTime, nullable=False),
)

# One row a connection: shared by all its senders.
breakers = Table(
    "breakers",
    metadata,
    Column("connection", String(80), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("open_until", UtcTime),
    Column("needs_person", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

# One row a stopped site; `*` stops all.
stops = Table(
    "stops",
    metadata,
    Column("site_id", String(60), primary_key=True),
    Column("by", String(120), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),  # storm, twice, missing, orphan
    Column("subject", String(130), nullable=False),  # site/class, or an order key
    Column("message", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("closed_by", String(120)),
    Index(
        "one_open_incident",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text(UNCLOSED_CONDITION),
        postgresql_where=text(UNCLOSED_CONDITION),
    ),
)

# Messages of the ERP that something changed: each once, hints only.
erp_events = Table(
    "erp_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String(60), nullable=False),
    Column("event_id", String(120), nullable=False),
    Column("number", String(40), nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("read_at", UtcTime),
    UniqueConstraint("connection", "event_id", name="one_row_per_event"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("document", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

# One row: the newest hash and the number of rows. Every writer locks it first, so that writers of the
# store queue up instead of forking the chain or waiting for each other in circles.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
