"""When a pause ends unless the run is resumed; slots that count for more than one, and those that a rate frees.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PAUSED = sa.text("paused_until IS NOT NULL")


def upgrade() -> None:
    """Applies the change."""
    op.add_column("flow_runs", sa.Column("paused_until", sa.BigInteger()))
    op.create_index(
        "ix_flow_runs_paused", "flow_runs", ["paused_until"], sqlite_where=_PAUSED, postgresql_where=_PAUSED
    )
    op.add_column("slots", sa.Column("occupied", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.add_column("slots", sa.Column("is_rate", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Takes the change back."""
    op.drop_column("slots", "is_rate")
    op.drop_column("slots", "occupied")
    op.drop_index("ix_flow_runs_paused", "flow_runs")
    op.drop_column("flow_runs", "paused_until")
