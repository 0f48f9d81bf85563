"""Reads task runs, their states, and logs. Called by their routes."""

from uuid import UUID

from towpath.contract.runs import LogRead, Page, StateRead, TaskRunRead
from towpath_operator.domain.filters import LogFilter, TaskRunFilter
from towpath_operator.domain.pages import COUNTED, PageRequest, encode_cursor
from towpath_operator.domain.refusals import NotFound
from towpath_operator.domain.rollups import TASK_RUNS
from towpath_operator.services.overviews import MOST_COUNTED, find_scope, is_kept_of_tasks
from towpath_operator.services.pages import paged
from towpath_operator.services.views import view_log, view_state, view_task_run
from towpath_operator.store import task_runs as rows
from towpath_operator.store.engine import Database, Reader
from towpath_operator.store.flow_runs import list_states
from towpath_operator.store.rollups import read_total


async def _count(reader: Reader, wanted: TaskRunFilter) -> tuple[int, bool]:
    """How many match, and whether there are more than that: what joins millions of task runs to flow runs is not counted."""
    if not rows.is_joined(wanted):
        return await rows.count_task_runs(reader, wanted), False
    kept = await _kept(reader, wanted)
    if kept > COUNTED or (kept and wanted.states):
        return kept, False  # only runs without any state are not counted there
    matching, more = await rows.count_newest(reader, wanted, MOST_COUNTED)
    return (matching, more) if kept <= matching else (kept, False)


async def _kept(reader: Reader, wanted: TaskRunFilter) -> int:
    """How many match by the histograms' counts; 0 where those do not say."""
    scope = await find_scope(reader, wanted.flows, wanted.deployments, ())
    if scope is None or wanted.since is not None or wanted.until is not None or not is_kept_of_tasks(wanted):
        return 0
    codes = {code for code, _ in wanted.states}
    by_state = await read_total(reader, TASK_RUNS, *scope, wanted.namespaces)
    return sum(number for code, number in by_state.items() if not codes or code in codes)


class TaskRuns:
    """The task runs and logs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, run_id: UUID) -> tuple[TaskRunRead, str | None]:
        """The task run, and the namespace of its flow run, or outside a flow of who told of it; None where nobody knows.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.read() as reader:
            row = await rows.find_task_run(reader, run_id)
        if row is None:
            raise NotFound(f"There is no task run {run_id}.")
        return view_task_run(row), row["namespace"]

    async def list(self, wanted: TaskRunFilter, page: PageRequest) -> Page[TaskRunRead]:
        """One page of the matching task runs, newest first."""
        async with self._database.read() as reader:
            found = await rows.list_task_runs(reader, wanted, page)
            total, more = await _count(reader, wanted)
        shown = found[: page.limit]
        cursor = encode_cursor((shown[-1]["id"].hex,)) if len(found) > page.limit else None
        return paged([view_task_run(row) for row in shown], total, cursor, more=more)

    async def states(self, run_id: UUID) -> Page[StateRead]:
        """The task run's history, oldest first."""
        async with self._database.read() as reader:
            found = await list_states(reader, run_id)
        return paged([view_state(row) for row in found], len(found), None)

    async def logs(self, wanted: LogFilter, page: PageRequest) -> Page[LogRead]:
        """One page of the matching log lines, oldest first."""
        async with self._database.read() as reader:
            found, total = await rows.list_logs(reader, wanted, page)
        shown = found[: page.limit]
        cursor = encode_cursor((shown[-1]["time"], shown[-1]["id"])) if len(found) > page.limit else None
        return paged([view_log(row) for row in shown], total, cursor)
