"""What notifications have to send, have sent, or have given up.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.add_column("notifications", sa.Column("last_error", sa.Text()))
    op.create_table(
        "deliveries",
        sa.Column("id", Id(), nullable=False),
        sa.Column("notification_id", Id(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("state_id", Id(), nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent", sa.BigInteger()),
        sa.Column("failed", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "notification_id", "state_id", "channel", name=op.f("uq_deliveries_notification_id_state_id_channel")
        ),
    )
    op.create_index(op.f("ix_deliveries_notification_id_id"), "deliveries", ["notification_id", "id"])
    op.create_index(op.f("ix_deliveries_created"), "deliveries", ["created"])
    waiting = sa.text("due IS NOT NULL")
    op.create_index("ix_deliveries_due", "deliveries", ["due"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("deliveries")
    op.drop_column("notifications", "last_error")
