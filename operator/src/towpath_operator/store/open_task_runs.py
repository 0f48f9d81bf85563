"""Ends the open task runs of a flow run whose process is gone. Called by services.endings."""

from uuid import UUID

from sqlalchemy import bindparam, or_, select, update

from towpath.contract.ids import uuid7
from towpath.contract.states import RunKind, StateType
from towpath_operator.domain.codes import CODES, FIRST_ENDED
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.rollups import TASK_RUNS, owners_of
from towpath_operator.store.engine import Transaction
from towpath_operator.store.flow_runs import add_task_counts
from towpath_operator.store.ingest import insert_states
from towpath_operator.store.tables import flow_runs, flows, task_runs

_RUNNING = CODES[StateType.RUNNING]
_COUNTED_AS_FAILED = (CODES[StateType.FAILED], CODES[StateType.CRASHED])
_END = (
    update(task_runs)
    .where(task_runs.c.id == bindparam("run"))
    .values(
        state_id=bindparam("state"),
        state_type=bindparam("code"),
        state_name=None,
        state_time=bindparam("now"),
        end_time=bindparam("now"),
    )
)


async def end_open_task_runs(transaction: Transaction, flow_run_id: UUID, code: int, message: str, now: int) -> None:
    """Puts every task run of the flow run that has not ended into the state `code`."""
    connection = transaction.connection
    columns = task_runs.c
    query = (
        select(
            columns.id,
            columns.state_type,
            columns.run_count,
            columns.start_time,
            columns.created,
            flow_runs.c.attempt,
            flow_runs.c.namespace,
            flow_runs.c.flow_id,
            flow_runs.c.deployment_id,
            flows.c.name,
        )
        .join(flow_runs, flow_runs.c.id == columns.flow_run_id)
        .join(flows, flows.c.id == flow_runs.c.flow_id)
        .where(columns.flow_run_id == flow_run_id, or_(columns.state_type < FIRST_ENDED, columns.state_type.is_(None)))
    )
    found = (await connection.execute(query)).all()
    if not found:
        return
    states = {row.id: uuid7() for row in found}
    await insert_states(
        connection,
        [
            (row.id.bytes, states[row.id].bytes, code, None, now, message, row.run_count, row.attempt, True, None)
            for row in found
        ],
    )
    await connection.execute(
        _END, [{"run": run_id, "state": state_id, "code": code, "now": now} for run_id, state_id in states.items()]
    )
    for row in found:
        seconds = max(0, now - row.start_time) / 1e6 if row.start_time is not None else None
        transaction.entered.append(Entered(RunKind.TASK_RUN, row.id.bytes, row.name, row.state_type, code, seconds))
        owners = owners_of(row.flow_id.bytes, row.deployment_id.bytes if row.deployment_id else None)
        transaction.counts.add(TASK_RUNS, row.namespace, owners, row.created, row.state_type, -1)
        transaction.counts.add(TASK_RUNS, row.namespace, owners, row.created, code, 1)
    counts = {"tasks_running": -sum(row.state_type == _RUNNING for row in found)}
    if code in _COUNTED_AS_FAILED:
        counts["tasks_failed"] = len(found)
    await add_task_counts(transaction, flow_run_id, counts, {})
