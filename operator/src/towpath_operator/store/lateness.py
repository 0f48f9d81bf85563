"""Finds due runs that no launcher has claimed, and writes that they are late."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select, update

from towpath.contract.ids import uuid7
from towpath_operator.domain.codes import SCHEDULED
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.flow_runs import StateValues, insert_state_values
from towpath_operator.store.tables import flow_runs, flows
from towpath_operator.store.tables.flow_runs import WAITING
from towpath_operator.store.types import Row

LATE = "Late"
_LATE = (
    update(flow_runs)
    .where(flow_runs.c.id == bindparam("run"))
    .values(state_id=bindparam("state"), state_name=LATE, state_time=bindparam("now"))
)


async def list_overdue(reader: Reader, before: int, limit: int) -> Sequence[Row]:
    """Runs that have been due since before `before` and are plainly Scheduled still."""
    query = (
        select(
            flow_runs.c.id,
            flow_runs.c.run_count,
            flow_runs.c.attempt,
            flow_runs.c.state_type,
            flows.c.name.label("flow_name"),
        )
        .join(flows, flows.c.id == flow_runs.c.flow_id)
        .where(
            WAITING,
            flow_runs.c.work_queue_id.is_not(None),
            flow_runs.c.run_after < before,
            flow_runs.c.state_name.is_(None),
        )
        .limit(limit)
    )
    return (await reader.execute(query)).mappings().all()


async def save_late(transaction: Transaction, rows: Sequence[Row], now: int) -> dict[UUID, UUID]:
    """Puts these runs into Scheduled (Late). Returns the new states' ids by the runs'."""
    states = [
        (row["id"], StateValues(uuid7(), SCHEDULED, LATE, now, None, row["run_count"], row["attempt"])) for row in rows
    ]
    if states:
        await insert_state_values(transaction, states)
        await transaction.connection.execute(
            _LATE, [{"run": run_id, "state": state.id, "now": now} for run_id, state in states]
        )
        for run_id, _ in states:
            transaction.changed(run_id)
    return {run_id: state.id for run_id, state in states}
