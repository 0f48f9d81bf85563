"""Routes of flow runs: create, list, get, states, cancel, and the waiting request for changes."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from towpath.contract.runs import FlowRunChanges, FlowRunCreate, FlowRunRead, Page, StateRead
from towpath_operator.api.access import Caller, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, Namespaces
from towpath_operator.api.run_filters import SortBy, WantedFlowRuns, parse_sort, sorted_page
from towpath_operator.domain.access import needs
from towpath_operator.services.hub import Hub

router = APIRouter(tags=["flow-runs"], route_class=GuardedRoute)
WaitSeconds = Annotated[float, Query(ge=0, le=60, description="How long to wait for the first change.")]


async def _create(
    create: FlowRunCreate, deployment_id: UUID | None, hub: Hub, caller: Caller, response: Response
) -> FlowRunRead:
    deployment = await hub.flow_runs.find_deployment(create, deployment_id)
    await caller.check(deployment["namespace"], status=create.resource is not None)
    run, made = await hub.flow_runs.create(create, deployment_id)
    response.status_code = 201 if made else 200
    return run


_REPEATED: dict[int | str, dict[str, Any]] = {
    200: {"model": FlowRunRead, "description": "The run that the same idempotency key made before."}
}


@router.post("/flow-runs", status_code=201, operation_id="create_flow_run", responses=_REPEATED)
@guarded(needs("create", "flowruns"))
async def create_flow_run(create: FlowRunCreate, hub: TheHub, caller: TheCaller, response: Response) -> FlowRunRead:
    """Makes a Scheduled run of the deployment that the body names."""
    return await _create(create, None, hub, caller, response)


@router.post(
    "/deployments/{deployment_id}/flow-runs",
    status_code=201,
    operation_id="create_flow_run_of_deployment",
    responses=_REPEATED,
)
@guarded(needs("create", "flowruns"))
async def create_flow_run_of(
    deployment_id: UUID, create: FlowRunCreate, hub: TheHub, caller: TheCaller, response: Response
) -> FlowRunRead:
    """Makes a Scheduled run of the deployment that the path names."""
    return await _create(create, deployment_id, hub, caller, response)


@router.get("/flow-runs", operation_id="list_flow_runs")
@guarded(needs("list", "flowruns"))
async def list_flow_runs(
    hub: TheHub,
    caller: TheCaller,
    wanted: WantedFlowRuns,
    sort: SortBy = "-expected",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[FlowRunRead]:
    """Lists runs, the latest expected first. `since` and `until` bound the time at which a run was or is expected to start."""
    await caller.check_all(wanted.namespaces)
    order = parse_sort(sort)
    return await hub.flow_runs.list(wanted, sorted_page(limit, cursor, order), order)


@router.get("/flow-runs/changes", operation_id="wait_for_flow_run_changes")
@guarded(needs("update", "flowruns/status"))
async def wait_for_changes(
    hub: TheHub,
    caller: TheCaller,
    cursor: Annotated[
        int | None, Query(ge=0, lt=2**63, description="From the last answer; left out: from now on.")
    ] = None,
    wait_seconds: WaitSeconds = 0,
    namespace: Namespaces = None,
) -> FlowRunChanges:
    """Waits for runs that change after `cursor`, and answers as soon as there is one."""
    await caller.check_all(namespace)
    return await hub.flow_runs.changes(cursor, wait_seconds, namespace)


@router.get("/flow-runs/{run_id}", operation_id="get_flow_run")
@guarded(needs("get", "flowruns"))
async def get_flow_run(run_id: UUID, hub: TheHub, caller: TheCaller) -> FlowRunRead:
    """Shows a run with its attempts and task counts."""
    run = await hub.flow_runs.get(run_id)
    await caller.check(run.namespace)
    return run


@router.get("/flow-runs/{run_id}/states", operation_id="list_flow_run_states")
@guarded(needs("get", "flowruns"))
async def list_states(run_id: UUID, hub: TheHub, caller: TheCaller) -> Page[StateRead]:
    """Lists the states that the run entered or was refused, oldest first."""
    await caller.check((await hub.flow_runs.get(run_id)).namespace)
    return await hub.flow_runs.states(run_id)


@router.post("/flow-runs/{run_id}/cancel", operation_id="cancel_flow_run")
@guarded(needs("update", "flowruns"))
async def cancel_flow_run(run_id: UUID, hub: TheHub, caller: TheCaller) -> FlowRunRead:
    """Cancels a run: at once when nothing runs for it, else its launcher ends it. An ended run stays as it is."""
    await caller.check((await hub.flow_runs.get(run_id)).namespace)
    return await hub.flow_runs.cancel(run_id)
