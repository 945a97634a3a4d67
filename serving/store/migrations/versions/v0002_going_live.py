"""Breakers, stops, incidents, messages of the ERP; links to orders of others; the budget's day."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_UNCLOSED = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Add tables and columns."""
    op.add_column("recommendations", sa.Column("proposed_at", _TIME))
    op.add_column("recommendations", sa.Column("linked_order", sa.String(40)))
    op.add_column("recommendations", sa.Column("linked_at", _TIME))
    op.add_column("outbox", sa.Column("first_tried_at", _TIME))
    op.create_index("recommendations_by_link", "recommendations", ["linked_order"])
    op.execute("UPDATE recommendations SET proposed_at = created_at WHERE state <> 'suppressed'")
    op.create_table(
        "breakers",
        sa.Column("connection", sa.String(80), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("open_until", _TIME),
        sa.Column("needs_person", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_table(
        "stops",
        sa.Column("site_id", sa.String(60), primary_key=True),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(130), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("closed_by", sa.String(120)),
    )
    op.create_index(
        "one_open_incident",
        "incidents",
        ["kind", "subject"],
        unique=True,
        sqlite_where=_UNCLOSED,
        postgresql_where=_UNCLOSED,
    )
    op.create_table(
        "erp_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("connection", sa.String(60), nullable=False),
        sa.Column("event_id", sa.String(120), nullable=False),
        sa.Column("number", sa.String(40), nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("read_at", _TIME),
        sa.UniqueConstraint("connection", "event_id", name="one_row_per_event"),
    )


def downgrade() -> None:
    """Back to the tables before."""
    for table in ("erp_events", "incidents", "stops", "breakers"):
        op.drop_table(table)
    op.drop_index("recommendations_by_link", "recommendations")
    op.drop_column("outbox", "first_tried_at")
    for column in ("linked_at", "linked_order", "proposed_at"):
        op.drop_column("recommendations", column)
