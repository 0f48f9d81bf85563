"""What automations declare; and what each has to do, or has done: one row for each state of a run that concerns it."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, text

from towpath_operator.store.tables.base import declared_table, metadata
from towpath_operator.store.types import Id, Json, Micros

WAITING = text("due IS NOT NULL")
"""The partial indices of what is to be done; queries repeat it word for word so that the planner sees it."""

automations = declared_table(
    "automations", Column("last_fired", Micros), Column("last_error", Text), UniqueConstraint("namespace", "name")
)

firings = Table(
    "firings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("automation_id", Id, nullable=False),
    Column("flow_run_id", Id, nullable=False),
    Column("state_id", Id, nullable=False),
    Column("facts", Json, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("created", Micros, nullable=False),
    Column("due", Micros),
    Column("attempts", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("ended", Micros),
    Column("last_error", Text),
    UniqueConstraint("automation_id", "state_id"),
    Index(None, "automation_id", "id"),
    Index(None, "created"),
    Index("ix_firings_due", "due", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_firings_waiting", "flow_run_id", sqlite_where=WAITING, postgresql_where=WAITING),
)
"""`due` is when it is to be done, or tried again; None once it ended. `outcome` is waiting, done, averted, skipped or failed. `depth`
is how many automations lie between a run that somebody asked for and this one's."""
