"""What lists and histograms read: sort keys, parameters, counts of runs over time.

Revision ID: 0006
Revises: 0005
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

from towpath_operator.store.types import Id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LAST = 2**63 - 1
_AT_ONCE = 1_000
_TEXT = 200
_LISTS = (
    ("namespace", "expected_time", "id"),
    ("work_queue_id", "expected_time", "id"),
    ("begins", "id"),
    ("ends", "id"),
    ("duration", "id"),
    ("name", "id"),
)


def upgrade() -> None:
    """Applies the change."""
    for column, type_ in (
        ("counted", sa.SmallInteger()),
        ("begins", sa.BigInteger()),
        ("ends", sa.BigInteger()),
        ("duration", sa.BigInteger()),
    ):
        op.add_column("flow_runs", sa.Column(column, type_))
    op.execute(
        "UPDATE flow_runs SET counted = state_type, begins = coalesce(start_time, expected_time), "  # noqa: S608
        f"ends = coalesce(end_time, {_LAST}), duration = coalesce(end_time - start_time, -1)"
    )
    op.drop_index("ix_flow_runs_name", "flow_runs")
    for columns in _LISTS:
        op.create_index(f"ix_flow_runs_{'_'.join(columns)}", "flow_runs", list(columns))
    op.create_table(
        "flow_run_parameters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("name", "value", "flow_run_id", name=op.f("pk_flow_run_parameters")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_flow_run_parameters_flow_run_id"), "flow_run_parameters", ["flow_run_id"])
    op.create_table(
        "rollups",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "kind", "seconds", "scope", "owner", "bucket", "namespace", "state", name=op.f("pk_rollups")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_rollups_seconds_bucket"), "rollups", ["seconds", "bucket"])
    connection = op.get_bind()
    _fill_parameters(connection)
    _fill_rollups(connection)
    if connection.dialect.name == "postgresql":
        _index_names(connection)


def _index_names(connection: sa.Connection) -> None:
    """An index for names that contain a text. Whoever may not create extensions searches without one."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        connection.execute(
            sa.text("CREATE INDEX ix_flow_runs_name_trigrams ON flow_runs USING gin (name gin_trgm_ops)")
        )
        savepoint.commit()
    except DBAPIError:
        savepoint.rollback()


def _fill_parameters(connection: sa.Connection) -> None:
    runs = sa.table("flow_runs", sa.column("id", Id()), sa.column("parameters", sa.JSON()))
    kept = sa.table("flow_run_parameters", sa.column("name"), sa.column("value"), sa.column("flow_run_id", Id()))
    query = sa.select(runs).where(runs.c.parameters.is_not(None)).order_by(runs.c.id).limit(_AT_ONCE)
    last: Any = None
    while found := connection.execute(query if last is None else query.where(runs.c.id > last)).all():
        rows = [
            {"name": name, "value": value, "flow_run_id": run_id}
            for run_id, parameters in found
            for name, value in {name[:_TEXT]: _text(value) for name, value in parameters.items()}.items()
        ]
        if rows:
            connection.execute(sa.insert(kept), rows)
        last = found[-1][0]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text[:_TEXT]


def _fill_rollups(connection: sa.Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"

    def text(column: str) -> str:
        return f"lower(hex({column}))" if sqlite else f"replace({column}::text, '-', '')"

    tagged = "flow_runs r JOIN flow_run_tags t ON t.flow_run_id = r.id"
    told = "task_runs k LEFT JOIN flow_runs r ON r.id = k.flow_run_id"
    where = "coalesce(r.namespace, k.teller_namespace, 'default')"
    for kind, scope, owner, source, namespace, time, state in (
        (0, 0, "''", "flow_runs r", "r.namespace", "r.expected_time", "r.state_type"),
        (0, 1, text("r.flow_id"), "flow_runs r", "r.namespace", "r.expected_time", "r.state_type"),
        (0, 2, text("r.deployment_id"), "flow_runs r", "r.namespace", "r.expected_time", "r.state_type"),
        (0, 3, "t.tag", tagged, "r.namespace", "r.expected_time", "r.state_type"),
        (1, 0, "''", told, where, "k.created", "k.state_type"),
        (1, 1, text("r.flow_id"), told, where, "k.created", "k.state_type"),
        (1, 2, text("r.deployment_id"), told, where, "k.created", "k.state_type"),
    ):
        for seconds in (300, 3_600, 86_400):
            width = seconds * 1_000_000
            bucket = f"({time} / {width}) * {width}"
            connection.execute(
                sa.text(
                    "INSERT INTO rollups (kind, seconds, scope, owner, bucket, namespace, state, number) "  # noqa: S608
                    f"SELECT {kind}, {seconds}, {scope}, {owner}, {bucket}, {namespace}, {state}, count(*) FROM {source} "
                    f"WHERE {owner} IS NOT NULL AND {state} IS NOT NULL GROUP BY 4, 5, 6, 7"
                )
            )


def downgrade() -> None:
    """Takes the change back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS ix_flow_runs_name_trigrams")
    op.drop_table("rollups")
    op.drop_table("flow_run_parameters")
    for columns in _LISTS:
        op.drop_index(f"ix_flow_runs_{'_'.join(columns)}", "flow_runs")
    op.create_index(op.f("ix_flow_runs_name"), "flow_runs", ["name"])
    for column in ("duration", "ends", "begins", "counted"):
        op.drop_column("flow_runs", column)
