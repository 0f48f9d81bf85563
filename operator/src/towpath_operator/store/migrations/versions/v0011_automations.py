"""What automations declare, and what they have to do, have done, or have given up.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id, Json

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "automations",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text()),
        sa.Column("resource_uid", sa.Text()),
        sa.Column("resource_generation", sa.BigInteger()),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("last_fired", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_automations_namespace_name")),
    )
    op.create_table(
        "firings",
        sa.Column("id", Id(), nullable=False),
        sa.Column("automation_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("state_id", Id(), nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firings")),
        sa.UniqueConstraint("automation_id", "state_id", name=op.f("uq_firings_automation_id_state_id")),
    )
    op.create_index(op.f("ix_firings_automation_id_id"), "firings", ["automation_id", "id"])
    op.create_index(op.f("ix_firings_created"), "firings", ["created"])
    waiting = sa.text("due IS NOT NULL")
    op.create_index("ix_firings_due", "firings", ["due"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_firings_waiting", "firings", ["flow_run_id"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("firings")
    op.drop_table("automations")
