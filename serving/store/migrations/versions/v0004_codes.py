"""What an ERP tells of an order has no longest length: some tell many codes at once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Table, column, length before.
_COLUMNS = (
    ("order_changes", "change_id", 80),
    ("order_changes", "raw_status", 80),
    ("order_changes", "raw_outcome", 80),
    ("order_changes", "event_id", 130),
    ("recommendations", "raw_status", 80),
)


def upgrade() -> None:
    """Drop the limits; SQLite never kept them."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column, _ in _COLUMNS:
            op.alter_column(table, column, type_=sa.Text())


def downgrade() -> None:
    """Back to the lengths before; longer texts are cut."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column, length in _COLUMNS:
            op.alter_column(table, column, type_=sa.String(length), postgresql_using=f"left({column}, {length})")
