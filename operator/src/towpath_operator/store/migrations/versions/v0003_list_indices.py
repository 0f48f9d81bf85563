"""Indices for lists: flow runs by name, task runs that are not completed.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_index(op.f("ix_flow_runs_name"), "flow_runs", ["name"])
    others = sa.text("state_type <> 5")
    op.create_index(
        "ix_task_runs_not_completed", "task_runs", ["state_type", "id"], sqlite_where=others, postgresql_where=others
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_index("ix_task_runs_not_completed", "task_runs")
    op.drop_index(op.f("ix_flow_runs_name"), "flow_runs")
