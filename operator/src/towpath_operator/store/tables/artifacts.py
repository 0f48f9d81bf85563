"""Artifacts: what runs show to people. One with a key is a version of it; the newest of a key is marked.

Those that were made outside any run have no run's id, and their process as `root_id`.
"""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

_LATEST = text("is_latest")
_OF_A_TASK = text("task_run_id IS NOT NULL")
_ALONE = text("flow_run_id IS NULL")

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("root_id", Id, nullable=False),
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("type", Text, nullable=False),
    Column("key", Text),
    Column("description", Text),
    Column("data", Json),
    Column("size", Integer, nullable=False),
    Column("created", Micros, nullable=False),
    Column("updated", Micros, nullable=False),
    Column("is_latest", Boolean, nullable=False),
    Index("ix_artifacts_namespace_id", "namespace", "id"),
    Index("ix_artifacts_namespace_key_id", "namespace", "key", "id"),
    Index("ix_artifacts_flow_run_id_id", "flow_run_id", "id"),
    Index("ix_artifacts_task_run", "task_run_id", "id", sqlite_where=_OF_A_TASK, postgresql_where=_OF_A_TASK),
    Index("ix_artifacts_latest", "id", sqlite_where=_LATEST, postgresql_where=_LATEST),
    Index("ix_artifacts_alone", "id", sqlite_where=_ALONE, postgresql_where=_ALONE),
)
