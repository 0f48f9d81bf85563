"""Schedules, and which of them made a run.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "schedules",
        sa.Column("deployment_id", Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("deployment_id", "name", name=op.f("pk_schedules")),
        sqlite_with_rowid=False,
    )
    due = sa.text("next_due IS NOT NULL")
    op.create_index("ix_schedules_due", "schedules", ["next_due"], sqlite_where=due, postgresql_where=due)
    op.add_column("flow_runs", sa.Column("schedule_name", sa.Text(), nullable=True))
    scheduled = sa.text("schedule_name IS NOT NULL")
    op.create_index(
        "ix_flow_runs_schedule",
        "flow_runs",
        ["deployment_id", "schedule_name", "scheduled_time"],
        unique=True,
        sqlite_where=scheduled,
        postgresql_where=scheduled,
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_index("ix_flow_runs_schedule", "flow_runs")
    op.drop_column("flow_runs", "schedule_name")
    op.drop_table("schedules")
