"""The first schema.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from towpath_operator.store.types import Id, Json, Serial

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_expires", sa.BigInteger(), nullable=True),
        sa.Column("job_name", sa.Text(), nullable=True),
        sa.Column("job_uid", sa.Text(), nullable=True),
        sa.Column("launched_at", sa.BigInteger(), nullable=True),
        sa.Column("pod_name", sa.Text(), nullable=True),
        sa.Column("pod_uid", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("flow_run_id", "number", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempts_leased",
        "attempts",
        ["lease_expires"],
        unique=False,
        sqlite_where=sa.text("lease_expires IS NOT NULL"),
        postgresql_where=sa.text("lease_expires IS NOT NULL"),
    )


def _create_blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
        sa.UniqueConstraint("namespace", "type", "name", name=op.f("uq_blocks_namespace_type_name")),
    )


def _create_concurrency_limits() -> None:
    op.create_table(
        "concurrency_limits",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concurrency_limits")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_concurrency_limits_namespace_name")),
    )


def _create_counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        sqlite_with_rowid=False,
    )


def _create_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("flow_id", Id(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("work_queue_id", Id(), nullable=False),
        sa.Column("concurrency_limit", sa.Integer(), nullable=True),
        sa.Column("overlap", sa.Text(), nullable=True),
        sa.Column("deleted", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint("flow_id", "name", name=op.f("uq_deployments_flow_id_name")),
        sa.UniqueConstraint("namespace", "slug", name=op.f("uq_deployments_namespace_slug")),
    )
    op.create_index(op.f("ix_deployments_namespace_name"), "deployments", ["namespace", "name"], unique=False)


def _create_flow_run_tags() -> None:
    op.create_table(
        "flow_run_tags",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("tag", "flow_run_id", name=op.f("pk_flow_run_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_flow_run_tags_flow_run_id"), "flow_run_tags", ["flow_run_id"], unique=False)


def _create_flow_runs() -> None:
    op.create_table(
        "flow_runs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_id", Id(), nullable=False),
        sa.Column("deployment_id", Id(), nullable=True),
        sa.Column("work_queue_id", Id(), nullable=True),
        sa.Column("root_id", Id(), nullable=True),
        sa.Column("parent_flow_run_id", Id(), nullable=True),
        sa.Column("parent_task_run_id", Id(), nullable=True),
        sa.Column("state_id", Id(), nullable=True),
        sa.Column("state_type", sa.SmallInteger(), nullable=False),
        sa.Column("state_name", sa.Text(), nullable=True),
        sa.Column("state_time", sa.BigInteger(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("parameters", Json, nullable=True),
        sa.Column("tags", Json, nullable=True),
        sa.Column("pod_template", Json, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("infra_attempts", sa.Integer(), nullable=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("tasks_total", sa.Integer(), nullable=False),
        sa.Column("tasks_running", sa.Integer(), nullable=False),
        sa.Column("tasks_completed", sa.Integer(), nullable=False),
        sa.Column("tasks_failed", sa.Integer(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_time", sa.BigInteger(), nullable=True),
        sa.Column("expected_time", sa.BigInteger(), nullable=False),
        sa.Column("run_after", sa.BigInteger(), nullable=True),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_runs")),
        sa.UniqueConstraint(
            "deployment_id", "idempotency_key", name=op.f("uq_flow_runs_deployment_id_idempotency_key")
        ),
        sa.UniqueConstraint("resource_uid", name=op.f("uq_flow_runs_resource_uid")),
    )
    op.create_index(
        "ix_flow_runs_active",
        "flow_runs",
        ["work_queue_id", "deployment_id"],
        unique=False,
        sqlite_where=sa.text("state_type > 0 AND state_type < 5"),
        postgresql_where=sa.text("state_type > 0 AND state_type < 5"),
    )
    op.create_index(
        op.f("ix_flow_runs_deployment_id_expected_time_id"),
        "flow_runs",
        ["deployment_id", "expected_time", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_flow_runs_expected_time_id"), "flow_runs", ["expected_time", "id"], unique=False)
    op.create_index(
        op.f("ix_flow_runs_flow_id_expected_time_id"), "flow_runs", ["flow_id", "expected_time", "id"], unique=False
    )
    op.create_index(op.f("ix_flow_runs_parent_flow_run_id"), "flow_runs", ["parent_flow_run_id"], unique=False)
    op.create_index(op.f("ix_flow_runs_revision"), "flow_runs", ["revision"], unique=False)
    op.create_index(
        "ix_flow_runs_root_id",
        "flow_runs",
        ["root_id"],
        unique=False,
        sqlite_where=sa.text("root_id IS NOT NULL"),
        postgresql_where=sa.text("root_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_flow_runs_state_type_expected_time_id"),
        "flow_runs",
        ["state_type", "expected_time", "id"],
        unique=False,
    )
    op.create_index(
        "ix_flow_runs_waiting",
        "flow_runs",
        ["work_queue_id", "run_after", "id"],
        unique=False,
        sqlite_where=sa.text("state_type = 0"),
        postgresql_where=sa.text("state_type = 0"),
    )


def _create_flows() -> None:
    op.create_table(
        "flows",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flows")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_flows_namespace_name")),
    )


def _create_logs() -> None:
    op.create_table(
        "logs",
        sa.Column("id", Serial, autoincrement=True, nullable=False),
        sa.Column("flow_run_id", Id(), nullable=True),
        sa.Column("task_run_id", Id(), nullable=True),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("logger", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logs")),
    )
    op.create_index(op.f("ix_logs_flow_run_id_time_id"), "logs", ["flow_run_id", "time", "id"], unique=False)
    op.create_index(
        "ix_logs_task_run",
        "logs",
        ["task_run_id", "time", "id"],
        unique=False,
        sqlite_where=sa.text("task_run_id IS NOT NULL"),
        postgresql_where=sa.text("task_run_id IS NOT NULL"),
    )


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("last_sent", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_notifications_namespace_name")),
    )


def _create_states() -> None:
    op.create_table(
        "states",
        sa.Column("run_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("details", Json, nullable=True),
        sa.PrimaryKeyConstraint("run_id", "id", name=op.f("pk_states")),
        sqlite_with_rowid=False,
    )


def _create_task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=True),
        sa.Column("root_id", Id(), nullable=True),
        sa.Column("parent_task_run_id", Id(), nullable=True),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state_id", Id(), nullable=True),
        sa.Column("state_type", sa.SmallInteger(), nullable=True),
        sa.Column("state_name", sa.Text(), nullable=True),
        sa.Column("state_time", sa.BigInteger(), nullable=True),
        sa.Column("tags", Json, nullable=True),
        sa.Column("inputs", Json, nullable=True),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_runs")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_task_runs_flow_run_id_id"), "task_runs", ["flow_run_id", "id"], unique=False)


def _create_work_queues() -> None:
    op.create_table(
        "work_queues",
        sa.Column("id", Id(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=True),
        sa.Column("resource_uid", sa.Text(), nullable=True),
        sa.Column("resource_generation", sa.BigInteger(), nullable=True),
        sa.Column("spec", Json, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_queues")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_work_queues_namespace_name")),
    )


def _create_writers() -> None:
    op.create_table(
        "writers",
        sa.Column("run_id", Id(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("beyond", Json, nullable=True),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "attempt", "writer", name=op.f("pk_writers")),
        sqlite_with_rowid=False,
    )


def upgrade() -> None:
    """Makes every table."""
    _create_attempts()
    _create_blocks()
    _create_concurrency_limits()
    _create_counters()
    _create_deployments()
    _create_flow_run_tags()
    _create_flow_runs()
    _create_flows()
    _create_logs()
    _create_notifications()
    _create_states()
    _create_task_runs()
    _create_work_queues()
    _create_writers()
    op.execute("INSERT INTO counters (name, value) VALUES ('revision', 0)")


def downgrade() -> None:
    """Drops every table."""
    for table in (
        "writers",
        "work_queues",
        "task_runs",
        "states",
        "notifications",
        "logs",
        "flows",
        "flow_runs",
        "flow_run_tags",
        "deployments",
        "counters",
        "concurrency_limits",
        "blocks",
        "attempts",
    ):
        op.drop_table(table)
