"""Artifacts, and results that runs keep in the API.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id, Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LATEST = sa.text("is_latest")
_OF_A_TASK = sa.text("task_run_id IS NOT NULL")
_ALONE = sa.text("flow_run_id IS NULL")


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "artifacts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("root_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id()),
        sa.Column("task_run_id", Id()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("data", Json),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("is_latest", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
    )
    op.create_index(op.f("ix_artifacts_namespace_id"), "artifacts", ["namespace", "id"])
    op.create_index(op.f("ix_artifacts_namespace_key_id"), "artifacts", ["namespace", "key", "id"])
    op.create_index(op.f("ix_artifacts_flow_run_id_id"), "artifacts", ["flow_run_id", "id"])
    op.create_index(
        "ix_artifacts_task_run",
        "artifacts",
        ["task_run_id", "id"],
        sqlite_where=_OF_A_TASK,
        postgresql_where=_OF_A_TASK,
    )
    op.create_index("ix_artifacts_latest", "artifacts", ["id"], sqlite_where=_LATEST, postgresql_where=_LATEST)
    op.create_index("ix_artifacts_alone", "artifacts", ["id"], sqlite_where=_ALONE, postgresql_where=_ALONE)
    op.create_table(
        "results",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key", name=op.f("pk_results")),
    )
    op.create_index(op.f("ix_results_used"), "results", ["used"])


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("results")
    op.drop_table("artifacts")
