"""The number that rises with every change of a flow run, over all runs. Waiting requests for changes count by it.

The counter's row is written last in a transaction: on PostgreSQL its lock makes transactions commit in the order of the
revisions they took, so that no reader sees a later revision before an earlier one.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.store.tables import counters, flow_runs

REVISION = "revision"

_TAKE = (
    update(counters)
    .where(counters.c.name == REVISION)
    .values(value=counters.c.value + bindparam("count"))
    .returning(counters.c.value)
)
LAST = 2**63 - 1
"""When a run ends that has not ended, in the order of ends: after all others."""
NO_DURATION = -1
_STAMP = (
    update(flow_runs)
    .where(flow_runs.c.id == bindparam("run"))
    .values(
        revision=bindparam("taken"),
        counted=flow_runs.c.state_type,
        begins=func.coalesce(flow_runs.c.start_time, flow_runs.c.expected_time),
        ends=func.coalesce(flow_runs.c.end_time, LAST),
        duration=func.coalesce(flow_runs.c.end_time - flow_runs.c.start_time, NO_DURATION),
    )
)


async def stamp_revisions(connection: AsyncConnection, flow_run_ids: Sequence[UUID]) -> None:
    """Gives each of the runs a revision of its own, above all given so far, and renews what follows from its columns."""
    last: int = (await connection.execute(_TAKE, {"count": len(flow_run_ids)})).scalar_one()
    first = last - len(flow_run_ids) + 1
    await connection.execute(
        _STAMP, [{"run": run_id, "taken": first + index} for index, run_id in enumerate(flow_run_ids)]
    )


async def get_revision(connection: AsyncConnection) -> int:
    """The revision given last."""
    return (await connection.execute(select(counters.c.value).where(counters.c.name == REVISION))).scalar_one()


async def find_schema_revision(connection: AsyncConnection) -> str | None:
    """The revision of the database's schema."""
    return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
