"""Log lines, numbered as they arrive."""

from sqlalchemy import Column, Index, SmallInteger, Table, Text, text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Micros, Serial

_OF_A_TASK = text("task_run_id IS NOT NULL")

logs = Table(
    "logs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("level", SmallInteger, nullable=False),
    Column("time", Micros, nullable=False),
    Column("logger", Text, nullable=False),
    Column("message", Text, nullable=False),
    Index(None, "flow_run_id", "time", "id"),
    Index("ix_logs_task_run", "task_run_id", "time", "id", sqlite_where=_OF_A_TASK, postgresql_where=_OF_A_TASK),
)
