"""Routes of task runs and logs. All read: ingest writes them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.runs import LogRead, Page, StateRead, TaskRunRead
from towpath_operator.api.access import Caller, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, Time, micros, page_by
from towpath_operator.api.run_filters import WantedTaskRuns
from towpath_operator.domain.access import needs
from towpath_operator.domain.filters import LogFilter
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.services.hub import Hub

router = APIRouter(route_class=GuardedRoute)


async def _get_task_run(run_id: UUID, hub: Hub, caller: Caller) -> TaskRunRead:
    run, namespace = await hub.task_runs.get(run_id)
    await caller.check(namespace or LOCAL_NAMESPACE)
    return run


@router.get("/task-runs", tags=["task-runs"], operation_id="list_task_runs")
@guarded(needs("list", "flowruns"))
async def list_task_runs(
    hub: TheHub,
    caller: TheCaller,
    wanted: WantedTaskRuns,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TaskRunRead]:
    """Lists task runs, newest first."""
    if wanted.namespaces is None and wanted.flow_run_id is not None:
        await caller.check((await hub.flow_runs.get(wanted.flow_run_id)).namespace)
    else:
        await caller.check_all(wanted.namespaces)
    return await hub.task_runs.list(wanted, page_by(limit, cursor, UUID))


@router.get("/task-runs/{run_id}", tags=["task-runs"], operation_id="get_task_run")
@guarded(needs("get", "flowruns"))
async def get_task_run(run_id: UUID, hub: TheHub, caller: TheCaller) -> TaskRunRead:
    """Shows a task run."""
    return await _get_task_run(run_id, hub, caller)


@router.get("/task-runs/{run_id}/states", tags=["task-runs"], operation_id="list_task_run_states")
@guarded(needs("get", "flowruns"))
async def list_states(run_id: UUID, hub: TheHub, caller: TheCaller) -> Page[StateRead]:
    """Lists the states that the task run entered, oldest first."""
    await _get_task_run(run_id, hub, caller)
    return await hub.task_runs.states(run_id)


@router.get("/logs", tags=["logs"], operation_id="list_logs")
@guarded(needs("list", "flowruns"))
async def list_logs(
    hub: TheHub,
    caller: TheCaller,
    flow_run_id: UUID | None = None,
    task_run_id: UUID | None = None,
    level: Annotated[int | None, Query(ge=0, le=1_000, description="This level and above.")] = None,
    since: Time = None,
    until: Time = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[LogRead]:
    """Lists the log lines of a flow run or a task run, oldest first."""
    if flow_run_id is not None:
        await caller.check((await hub.flow_runs.get(flow_run_id)).namespace)
    elif task_run_id is not None:
        await _get_task_run(task_run_id, hub, caller)
    else:
        raise InvalidRequest("Name the run whose log to show: give `flow_run_id` or `task_run_id`.")
    wanted = LogFilter(flow_run_id, task_run_id, level, micros(since), micros(until))
    return await hub.task_runs.logs(wanted, page_by(limit, cursor, int, int))
