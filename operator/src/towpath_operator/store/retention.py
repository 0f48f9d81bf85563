"""Deletes what is old, in small steps: ended runs with all that hangs on them, log lines, and marks of writers.

Each function deletes at most so many and says how many it did, so that the caller decides how long to go on.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, delete, select

from towpath_operator.domain.codes import FIRST_ENDED
from towpath_operator.store.counting import uncount, uncount_task_runs
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import first_id_at
from towpath_operator.store.tables import (
    attempts,
    flow_run_parameters,
    flow_run_tags,
    flow_runs,
    logs,
    states,
    task_runs,
    writers,
)


async def list_old_flow_runs(reader: Reader, before: int, limit: int) -> Sequence[UUID]:
    """Ended flow runs that were expected before `before` and ended before it too, the oldest first."""
    query = (
        select(flow_runs.c.id)
        .where(flow_runs.c.expected_time < before, flow_runs.c.state_type >= FIRST_ENDED, flow_runs.c.end_time < before)
        .order_by(flow_runs.c.expected_time, flow_runs.c.id)
        .limit(limit)
    )
    return (await reader.execute(query)).scalars().all()


async def delete_task_runs(transaction: Transaction, flow_run_id: UUID, limit: int, *, counted: bool = False) -> int:
    """Deletes task runs of a flow run, with their states; if `counted`, from the histograms' counts too."""
    columns = task_runs.c
    query = select(columns.id, columns.created, columns.state_type).where(columns.flow_run_id == flow_run_id)
    found = (await transaction.connection.execute(query.limit(limit))).all()
    if counted and found:
        await uncount_task_runs(
            transaction.connection, flow_run_id, [(row.created, row.state_type) for row in found], transaction.counts
        )
    return await _delete_task_runs(transaction, [row.id for row in found])


async def delete_lone_task_runs(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes task runs outside any flow that were declared before `before`, with their states. Ids are in order of time."""
    oldest_first = select(task_runs.c.id).where(
        task_runs.c.id < first_id_at(before), task_runs.c.flow_run_id.is_(None), task_runs.c.created < before
    )
    query = oldest_first.order_by(task_runs.c.id).limit(limit)
    return await _delete_task_runs(transaction, (await transaction.connection.execute(query)).scalars().all())


async def _delete_task_runs(transaction: Transaction, ids: Sequence[UUID]) -> int:
    if ids:
        await transaction.connection.execute(delete(states).where(states.c.run_id.in_(ids)))
        await transaction.connection.execute(delete(task_runs).where(task_runs.c.id.in_(ids)))
        await transaction.connection.execute(delete(writers).where(writers.c.run_id.in_(ids)))
    return len(ids)


async def delete_logs_of(transaction: Transaction, flow_run_id: UUID, limit: int) -> int:
    """Deletes log lines of a flow run."""
    query = select(logs.c.id).where(logs.c.flow_run_id == flow_run_id).limit(limit)
    ids = (await transaction.connection.execute(query)).scalars().all()
    if ids:
        await transaction.connection.execute(delete(logs).where(logs.c.id.in_(ids)))
    return len(ids)


async def delete_flow_run(transaction: Transaction, flow_run_id: UUID, *, counted: bool = False) -> None:
    """Deletes a flow run that has no task runs and logs any more; if `counted`, from the histograms' counts too."""
    if counted:
        await uncount(transaction.connection, flow_run_id, transaction.counts)
    for table, column in (
        (states, states.c.run_id),
        (attempts, attempts.c.flow_run_id),
        (flow_run_tags, flow_run_tags.c.flow_run_id),
        (flow_run_parameters, flow_run_parameters.c.flow_run_id),
        (writers, writers.c.run_id),
        (flow_runs, flow_runs.c.id),
    ):
        await transaction.connection.execute(delete(table).where(column == flow_run_id))


async def delete_old_logs(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes log lines from before `before` among the first that arrived: lines are numbered as they arrive.

    Only the first `limit` lines are looked at, so that a step costs the same however many there are.
    """
    query = select(logs.c.id, logs.c.time).order_by(logs.c.id).limit(limit)
    old = [line_id for line_id, time in (await transaction.connection.execute(query)).all() if time < before]
    if old:
        await transaction.connection.execute(delete(logs).where(logs.c.id.in_(old)))
    return len(old)


async def delete_old_writers(transaction: Transaction, before: int) -> None:
    """Deletes the marks of writers that have said nothing since `before` and whose run is gone."""
    gone = ~select(flow_runs.c.id).where(flow_runs.c.id == writers.c.run_id).exists()
    await transaction.connection.execute(delete(writers).where(and_(writers.c.updated < before, gone)))
