"""What notifications have to send, have sent, or have given up: one row for each state of a run and channel."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

WAITING = text("due IS NOT NULL")
"""The partial index of what is to be sent; queries repeat it word for word so that the planner sees it."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notification_id", Id, nullable=False),
    Column("channel", Text, nullable=False),
    Column("flow_run_id", Id, nullable=False),
    Column("state_id", Id, nullable=False),
    Column("facts", Json, nullable=False),
    Column("created", Micros, nullable=False),
    Column("due", Micros),
    Column("attempts", Integer, nullable=False),
    Column("sent", Micros),
    Column("failed", Micros),
    Column("last_error", Text),
    UniqueConstraint("notification_id", "state_id", "channel"),
    Index(None, "notification_id", "id"),
    Index(None, "created"),
    Index("ix_deliveries_due", "due", sqlite_where=WAITING, postgresql_where=WAITING),
)
"""`facts` is what the message says, as it was when the state was entered. `due` is when it is tried next, None once it is
`sent` or given up (`failed`)."""
