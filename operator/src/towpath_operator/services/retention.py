"""Deletes what is older than it is to be kept, in steps that each hold the database for milliseconds. Called by loops.retention."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from towpath_operator.store import retention as rows
from towpath_operator.store.engine import Database

STEP = 1_000
"""Rows of one kind that one transaction deletes."""
RUNS_AT_ONCE = 50
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Keep:
    """How long things are kept after they ended; None for ever.

    Attributes:
        runs: flow runs with their task runs, states and attempts; task runs outside flows.
        logs: log lines, at most as long as their run.
    """

    runs: timedelta | None = timedelta(days=90)
    logs: timedelta | None = timedelta(days=30)


async def prune(database: Database, keep: Keep, now: int) -> int:
    """One step. Returns how many runs and lines it deleted: 0 when nothing is left to delete."""
    deleted = 0
    if keep.logs is not None:
        async with database.write() as transaction:
            deleted += await rows.delete_old_logs(transaction, now - keep.logs // _MICROSECOND, STEP)
    if keep.runs is None:
        return deleted
    before = now - keep.runs // _MICROSECOND
    async with database.write() as transaction:
        deleted += await rows.delete_lone_task_runs(transaction, before, STEP)
    async with database.read() as reader:
        old = await rows.list_old_flow_runs(reader, before, RUNS_AT_ONCE)
    for run_id in old:
        await _delete_flow_run(database, run_id)
    if not deleted and not old:
        async with database.write() as transaction:
            await rows.delete_old_writers(transaction, before)
    return deleted + len(old)


async def _delete_flow_run(database: Database, run_id: UUID) -> None:
    """Deletes a run bottom up, the run itself last: broken off anywhere, the next step goes on."""
    while True:
        async with database.write() as transaction:
            tasks = await rows.delete_task_runs(transaction, run_id, STEP)
            lines = await rows.delete_logs_of(transaction, run_id, STEP)
            if tasks < STEP and lines < STEP:
                await rows.delete_flow_run(transaction, run_id)
                return
