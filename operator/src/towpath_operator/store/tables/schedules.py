"""The schedules of deployments, one row each, with when each is due next. Written when deployments are declared."""

from sqlalchemy import Column, Index, Table, Text, text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

_DUE = text("next_due IS NOT NULL")

schedules = Table(
    "schedules",
    metadata,
    Column("deployment_id", Id, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("spec", Json, nullable=False),
    Column("next_due", Micros),
    Index("ix_schedules_due", "next_due", sqlite_where=_DUE, postgresql_where=_DUE),
    sqlite_with_rowid=False,
)
"""`next_due` is None for a schedule that is paused, itself or with its deployment, or that has come to its end."""
