"""Recommendations, outbox, order changes, watermarks, answers, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text("state NOT IN ('completed', 'cancelled', 'rejected')")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recommendations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(20), nullable=False, unique=True),
        sa.Column("site_id", sa.String(60), nullable=False),
        sa.Column("machine_id", sa.String(60), nullable=False),
        sa.Column("slot", sa.String(60), nullable=False),
        sa.Column("failure_mode", sa.String(60), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("updates", sa.Integer, nullable=False),
        sa.Column("order_number", sa.String(40)),
        sa.Column("order_state", sa.String(20)),
        sa.Column("raw_status", sa.String(80)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.String(120)),
        sa.Column("decided_at", _TIME),
    )
    op.create_index(
        "one_open_per_failure_mode",
        "recommendations",
        ["machine_id", "slot", "failure_mode"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("recommendations_by_order", "recommendations", ["order_number"])
    _create_delivery_tables()
    _create_audit_tables()


def _create_delivery_tables() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("item_key", sa.String(40), nullable=False, unique=True),
        sa.Column("recommendation_id", sa.Integer, sa.ForeignKey("recommendations.id"), nullable=False),
        sa.Column("key", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lookups", sa.Integer, nullable=False),
        sa.Column("next_try_at", _TIME, nullable=False),
        sa.Column("lease_owner", sa.String(80)),
        sa.Column("lease_until", _TIME),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("done_at", _TIME),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "next_try_at"])
    op.create_table(
        "order_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("connection", sa.String(60), nullable=False),
        sa.Column("change_id", sa.String(80), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("key", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("raw_status", sa.String(80), nullable=False),
        sa.Column("outcome", sa.String(40)),
        sa.Column("raw_outcome", sa.String(80), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("event_id", sa.String(130)),
        sa.Column("event_revision", sa.Integer),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.UniqueConstraint("connection", "change_id", name="one_row_per_change"),
    )
    op.create_table(
        "watermarks",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("time", _TIME, nullable=False),
    )


def _create_audit_tables() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(130), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(130), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "rows": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
        )


def downgrade() -> None:
    """Drop the tables."""
    names = ("audit_head", "audit", "answers", "watermarks", "order_changes", "outbox", "recommendations")
    for name in names:
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_append_only()")
