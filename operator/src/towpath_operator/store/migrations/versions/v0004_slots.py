"""Slots of concurrency limits.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "slots",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("holder", Id(), nullable=False),
        sa.Column("root_id", Id(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "tag", "holder", name=op.f("pk_slots")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_slots_root_id"), "slots", ["root_id"])
    op.create_index(op.f("ix_slots_expires"), "slots", ["expires"])


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("slots")
