"""Deletes what is older than it is to be kept, in steps that each hold the database for milliseconds. Called by loops.retention."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from towpath_operator.domain.histograms import KEPT_SECONDS
from towpath_operator.domain.rollups import WIDTHS
from towpath_operator.domain.times import SECOND
from towpath_operator.store import retention as rows
from towpath_operator.store.artifacts import delete_artifacts_of, delete_lone_artifacts
from towpath_operator.store.engine import Database
from towpath_operator.store.results import delete_unused_results
from towpath_operator.store.rollups import delete_old_counts

STEP = 1_000
"""Rows of one kind that one transaction deletes."""
RUNS_AT_ONCE = 50
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Keep:
    """How long things are kept after they ended; None for ever.

    Attributes:
        runs: flow runs with their task runs, states, attempts and artifacts; task runs and artifacts outside flows.
        logs: log lines, at most as long as their run.
        results: results that the API keeps, after they were last used.
    """

    runs: timedelta | None = timedelta(days=90)
    logs: timedelta | None = timedelta(days=30)
    results: timedelta | None = timedelta(days=90)


async def prune(database: Database, keep: Keep, now: int) -> int:
    """One step. Returns how many runs, lines and the like it deleted: 0 when nothing is left to delete."""
    deleted = 0
    if keep.results is not None:
        async with database.write() as transaction:
            deleted += await delete_unused_results(transaction, now - keep.results // _MICROSECOND, STEP)
    if keep.logs is not None:
        async with database.write() as transaction:
            deleted += await rows.delete_old_logs(transaction, now - keep.logs // _MICROSECOND, STEP)
    if keep.runs is None:
        return deleted
    before = now - keep.runs // _MICROSECOND
    async with database.write() as transaction:
        deleted += await rows.delete_lone_task_runs(transaction, before, STEP)
        deleted += await delete_lone_artifacts(transaction, before, STEP)
    async with database.read() as reader:
        old = await rows.list_old_flow_runs(reader, before, RUNS_AT_ONCE)
    for run_id in old:
        await delete_run(database, run_id)
    if not deleted and not old:
        async with database.write() as transaction:
            await rows.delete_old_writers(transaction, before)
    return deleted + len(old)


async def prune_counts(database: Database, keep: Keep, now: int) -> int:
    """Deletes the oldest bucket of each width of the histograms' counts, if it is too old. Returns how many rows those were."""
    deleted = 0
    for seconds in WIDTHS:
        kept = KEPT_SECONDS.get(seconds)
        if kept is not None:
            before = now - kept * SECOND
        elif keep.runs is not None:
            before = now - keep.runs // _MICROSECOND
        else:
            continue
        async with database.write() as transaction:
            deleted += await delete_old_counts(transaction.connection, seconds, before)
    return deleted


async def delete_run(database: Database, run_id: UUID, *, counted: bool = False) -> None:
    """Deletes a run bottom up, the run itself last: broken off anywhere, the next step goes on.

    Args:
        counted: whether it is taken out of the histograms' counts; the counts of old runs go by themselves.
    """
    while True:
        async with database.write() as transaction:
            tasks = await rows.delete_task_runs(transaction, run_id, STEP, counted=counted)
            lines = await rows.delete_logs_of(transaction, run_id, STEP)
            shown = await delete_artifacts_of(transaction, run_id, STEP)
            if max(tasks, lines, shown) < STEP:
                await rows.delete_flow_run(transaction, run_id, counted=counted)
                return
