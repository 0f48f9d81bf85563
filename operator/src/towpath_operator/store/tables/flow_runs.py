"""Flow runs, their attempts and their tags.

`state_type` holds domain.codes' numbers, `state_name` only names that differ from the type's default; the state's message and
details are in `states` under `state_id`. `expected_time` never changes and orders the lists; `run_after` is when the run may be
claimed next, `paused_until` when its pause ends unless it is resumed before. `root_id` is the run whose process executes a subflow; None for a root.
`counted`, `begins`, `ends` and `duration` follow from the rest at the end of every transaction that changes the run
(store.revisions): the state that histograms count it in, and what lists are sorted by, for runs that have not come so far too.
A run that was told of before any state of it has no `state_id` and counts as PENDING.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    column,
    or_,
    text,
)

from towpath_operator.domain.codes import FIRST_ENDED, SCHEDULED
from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

WAITING = text(f"state_type = {SCHEDULED}")
"""The partial index of runs that wait to be claimed; queries repeat it word for word so that the planner sees it."""
ACTIVE = text(f"state_type > {SCHEDULED} AND state_type < {FIRST_ENDED}")
"""The partial index of runs that hold or are being given infrastructure, and of suspended ones, which hold none."""
HOLDS = or_(column("state_name").is_(None), column("state_name") != "Suspended")
"""Tells suspended runs from those that hold infrastructure; goes with ACTIVE."""

BY_SCHEDULE = text("schedule_name IS NOT NULL")
SUBFLOW = text("root_id IS NOT NULL")
PAUSED = text("paused_until IS NOT NULL")

flow_runs = Table(
    "flow_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("flow_id", Id, nullable=False),
    Column("deployment_id", Id),
    Column("work_queue_id", Id),
    Column("root_id", Id),
    Column("parent_flow_run_id", Id),
    Column("parent_task_run_id", Id),
    Column("state_id", Id),
    Column("state_type", SmallInteger, nullable=False),
    Column("state_name", Text),
    Column("state_time", Micros, nullable=False),
    Column("waiting_for", Text),
    Column("version", Text),
    Column("parameters", Json),
    Column("tags", Json),
    Column("pod_template", Json),
    Column("attempt", Integer, nullable=False),
    Column("infra_attempts", Integer, nullable=False),
    Column("run_count", Integer, nullable=False),
    Column("tasks_total", Integer, nullable=False),
    Column("tasks_running", Integer, nullable=False),
    Column("tasks_completed", Integer, nullable=False),
    Column("tasks_failed", Integer, nullable=False),
    Column("resource_name", Text),
    Column("resource_uid", Text),
    Column("resource_generation", BigInteger),
    Column("idempotency_key", Text),
    Column("schedule_name", Text),
    Column("created", Micros, nullable=False),
    Column("scheduled_time", Micros),
    Column("expected_time", Micros, nullable=False),
    Column("run_after", Micros),
    Column("paused_until", Micros),
    Column("start_time", Micros),
    Column("end_time", Micros),
    Column("revision", BigInteger, nullable=False),
    Column("counted", SmallInteger),
    Column("begins", Micros),
    Column("ends", Micros),
    Column("duration", Micros),
    UniqueConstraint("resource_uid"),
    UniqueConstraint("deployment_id", "idempotency_key"),
    Index(
        "ix_flow_runs_schedule",
        "deployment_id",
        "schedule_name",
        "scheduled_time",
        unique=True,
        sqlite_where=BY_SCHEDULE,
        postgresql_where=BY_SCHEDULE,
    ),
    Index(None, "revision"),
    Index(None, "name", "id"),
    Index(None, "begins", "id"),
    Index(None, "ends", "id"),
    Index(None, "duration", "id"),
    Index(None, "namespace", "expected_time", "id"),
    Index(None, "work_queue_id", "expected_time", "id"),
    Index(None, "expected_time", "id"),
    Index(None, "flow_id", "expected_time", "id"),
    Index(None, "deployment_id", "expected_time", "id"),
    Index(None, "state_type", "expected_time", "id"),
    Index(None, "parent_flow_run_id"),
    Index("ix_flow_runs_root_id", "root_id", sqlite_where=SUBFLOW, postgresql_where=SUBFLOW),
    Index("ix_flow_runs_paused", "paused_until", sqlite_where=PAUSED, postgresql_where=PAUSED),
    Index("ix_flow_runs_waiting", "work_queue_id", "run_after", "id", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_flow_runs_active", "work_queue_id", "deployment_id", sqlite_where=ACTIVE, postgresql_where=ACTIVE),
)

attempts = Table(
    "attempts",
    metadata,
    Column("flow_run_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("claimed_by", Text),
    Column("claimed_at", Micros),
    Column("lease_expires", Micros),
    Column("job_name", Text),
    Column("job_uid", Text),
    Column("launched_at", Micros),
    Column("pod_name", Text),
    Column("pod_uid", Text),
    Column("taken_at", Micros),
    Column("ended_at", Micros),
    Column("outcome", Text),
    Column("reason", Text),
    Column("exit_code", Integer),
    Index(
        "ix_attempts_leased",
        "lease_expires",
        sqlite_where=text("lease_expires IS NOT NULL"),
        postgresql_where=text("lease_expires IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
"""`lease_expires` is set by a claim and cleared by the report of the launch."""

flow_run_tags = Table(
    "flow_run_tags",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("flow_run_id", Id, primary_key=True),
    Index(None, "flow_run_id"),
    sqlite_with_rowid=False,
)

flow_run_parameters = Table(
    "flow_run_parameters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("flow_run_id", Id, primary_key=True),
    Index(None, "flow_run_id"),
    sqlite_with_rowid=False,
)
"""A run's parameters as text, cut, for the lists to find runs by them. See domain.parameter_texts."""
