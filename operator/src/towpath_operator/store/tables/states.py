"""Every state a run has entered or was refused, kept together by run: one index serves its history and its uniqueness."""

from sqlalchemy import Boolean, Column, Integer, SmallInteger, Table, Text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

states = Table(
    "states",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("type", SmallInteger, nullable=False),
    Column("name", Text),
    Column("time", Micros, nullable=False),
    Column("message", Text),
    Column("run_count", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("applied", Boolean, nullable=False),
    Column("details", Json),
    sqlite_with_rowid=False,
)
