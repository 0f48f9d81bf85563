"""Routes that ask about a run under way: by people (pause, suspend, resume, retry), and by the run's own process."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from towpath.contract.run_control import (
    AttemptPause,
    AttemptPaused,
    FlowRunPause,
    FlowRunResume,
    RunOrders,
)
from towpath.contract.runs import FlowRunRead, Page, TaskRunRead
from towpath.contract.states import StateType
from towpath_operator.api.access import Caller, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, page_by
from towpath_operator.domain.access import POD, needs
from towpath_operator.domain.codes import CODES
from towpath_operator.domain.filters import TaskRunFilter
from towpath_operator.services.hub import Hub

router = APIRouter(prefix="/flow-runs/{run_id}", route_class=GuardedRoute)
_CHANGE = needs("update", "flowruns")
Number = Annotated[int, Path(ge=0, lt=2**31, description="The attempt; 0 for a run that no launcher started.")]


async def _check(run_id: UUID, hub: Hub, caller: Caller) -> None:
    await caller.check((await hub.flow_runs.get(run_id)).namespace)


@router.post("/pause", tags=["flow-runs"], operation_id="pause_flow_run")
@guarded(_CHANGE)
async def pause_flow_run(
    run_id: UUID, hub: TheHub, caller: TheCaller, asked: FlowRunPause | None = None
) -> FlowRunRead:
    """Pauses a run that is Running: its process stays, and begins no task run until it is resumed."""
    await _check(run_id, hub, caller)
    return await hub.run_control.pause(run_id, asked or FlowRunPause(), suspend=False)


@router.post("/suspend", tags=["flow-runs"], operation_id="suspend_flow_run")
@guarded(_CHANGE)
async def suspend_flow_run(
    run_id: UUID, hub: TheHub, caller: TheCaller, asked: FlowRunPause | None = None
) -> FlowRunRead:
    """Suspends a run that is Running: its process ends at the next task run, and resuming launches the run again."""
    await _check(run_id, hub, caller)
    return await hub.run_control.pause(run_id, asked or FlowRunPause(), suspend=True)


@router.post("/resume", tags=["flow-runs"], operation_id="resume_flow_run")
@guarded(_CHANGE)
async def resume_flow_run(
    run_id: UUID, hub: TheHub, caller: TheCaller, asked: FlowRunResume | None = None
) -> FlowRunRead:
    """Lets a paused run go on, with the input that it waits for if it waits for one; `pause.input_schema` says which."""
    await _check(run_id, hub, caller)
    return await hub.run_control.resume(run_id, asked or FlowRunResume())


@router.post("/retry", tags=["flow-runs"], operation_id="retry_flow_run")
@guarded(_CHANGE)
async def retry_flow_run(run_id: UUID, hub: TheHub, caller: TheCaller) -> FlowRunRead:
    """Launches a run again that has failed, crashed or been cancelled: task runs whose results are kept do not run again."""
    await _check(run_id, hub, caller)
    return await hub.run_control.retry(run_id)


@router.post("/attempts/{number}/pause", tags=["attempts"], operation_id="pause_attempt")
@guarded(POD)
async def pause_attempt(
    run_id: UUID, number: Number, asked: AttemptPause, hub: TheHub, caller: TheCaller
) -> AttemptPaused:
    """A run's own process pauses or suspends it, or a subflow of it. A key that was resumed before is answered so."""
    await caller.own(await hub.run_control.find_root(run_id), number)
    return await hub.run_control.pause_attempt(run_id, number, asked)


@router.get("/attempts/{number}/task-runs", tags=["attempts"], operation_id="list_attempt_task_runs")
@guarded(POD)
async def list_attempt_task_runs(
    run_id: UUID,
    number: Number,
    hub: TheHub,
    caller: TheCaller,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TaskRunRead]:
    """Lists the run's task runs that have completed, for its own process: what earlier attempts have done and kept."""
    await caller.own(await hub.run_control.find_root(run_id), number)
    completed = TaskRunFilter(flow_run_id=run_id, states=((CODES[StateType.COMPLETED], None),))
    return await hub.task_runs.list(completed, page_by(limit, cursor, UUID))


@router.get("/attempts/{number}/orders", tags=["attempts"], operation_id="wait_for_orders")
@guarded(POD)
async def wait_for_orders(
    run_id: UUID,
    number: Number,
    hub: TheHub,
    caller: TheCaller,
    seen: Annotated[UUID | None, Query(description="The `state_id` of the last answer.")] = None,
    wait_seconds: Annotated[float, Query(ge=0, le=60, description="How long to wait for another state.")] = 0,
) -> RunOrders:
    """The waiting request of a run's own process: answers when the run is cancelled, paused or resumed."""
    await caller.own(await hub.run_control.find_root(run_id), number)
    return await hub.run_control.orders(run_id, number, seen, wait_seconds)
