"""Since when the evidence of a recommendation that is over is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("recommendations", sa.Column("calm_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Back to the table before."""
    op.drop_column("recommendations", "calm_since")
