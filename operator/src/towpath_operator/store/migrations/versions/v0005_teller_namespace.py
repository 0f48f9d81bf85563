"""The namespace of task runs outside flows: that of whoever told of them first.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.add_column("task_runs", sa.Column("teller_namespace", sa.Text()))


def downgrade() -> None:
    """Takes the change back."""
    op.drop_column("task_runs", "teller_namespace")
