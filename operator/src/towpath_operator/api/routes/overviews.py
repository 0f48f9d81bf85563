"""Routes of many runs at once: histograms, durations, a run's graph, planned runs, backfills, cancelling and deleting.

Their paths lie beside `/flow-runs/{run_id}`, so they are registered before it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from towpath.contract.backfills import Backfill, Backfilled
from towpath.contract.overviews import BulkDone, FlowRunIds, Histogram, PlannedRuns, RunDurations, RunGraph
from towpath_operator.api.access import Caller, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import Names, Namespaces
from towpath_operator.api.run_filters import WantedFlowRuns, WantedTaskRuns
from towpath_operator.domain.access import needs
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.domain.times import to_micros
from towpath_operator.services.hub import Hub

router = APIRouter(route_class=GuardedRoute)
_LIST = needs("list", "flowruns")
BucketSeconds = Annotated[
    int | None, Query(ge=300, le=366 * 86_400, description="A multiple of 300; chosen by the range if left out.")
]
OffsetSeconds = Annotated[
    int,
    Query(ge=-86_400, le=86_400, description="By how much buckets begin later than in UTC: for days of a time zone."),
]


@router.get("/flow-runs/histogram", tags=["flow-runs"], operation_id="get_flow_run_histogram")
@guarded(_LIST)
async def get_flow_run_histogram(
    hub: TheHub,
    caller: TheCaller,
    wanted: WantedFlowRuns,
    bucket_seconds: BucketSeconds = None,
    offset_seconds: OffsetSeconds = 0,
) -> Histogram:
    """Counts runs by state and by the time at which they were expected, by default of the last day.

    Exact, and as fast for a million runs as for ten, for all runs or those of flows, of deployments, or of one tag; with any other
    filter the newest 10,000 runs that match are counted, and `capped` says when there were more.
    """
    await caller.check_all(wanted.namespaces)
    return await hub.overviews.flow_run_histogram(wanted, bucket_seconds, offset_seconds)


@router.get("/flow-runs/durations", tags=["flow-runs"], operation_id="list_flow_run_durations")
@guarded(_LIST)
async def list_flow_run_durations(
    hub: TheHub,
    caller: TheCaller,
    wanted: WantedFlowRuns,
    limit: Annotated[int, Query(ge=1, le=2_000, description="Runs to show.")] = 1_000,
) -> RunDurations:
    """Lists how long runs took; of many a sample that is spread over the time."""
    await caller.check_all(wanted.namespaces)
    return await hub.overviews.durations(wanted, limit)


@router.get("/flow-runs/{run_id}/graph", tags=["flow-runs"], operation_id="get_flow_run_graph")
@guarded(needs("get", "flowruns"))
async def get_flow_run_graph(run_id: UUID, hub: TheHub, caller: TheCaller) -> RunGraph:
    """Shows the run's task runs and subflows, and what depends on what."""
    await caller.check((await hub.flow_runs.get(run_id)).namespace)
    return await hub.overviews.graph(run_id)


@router.get("/task-runs/histogram", tags=["task-runs"], operation_id="get_task_run_histogram")
@guarded(_LIST)
async def get_task_run_histogram(
    hub: TheHub,
    caller: TheCaller,
    wanted: WantedTaskRuns,
    bucket_seconds: BucketSeconds = None,
    offset_seconds: OffsetSeconds = 0,
) -> Histogram:
    """Counts task runs by state and by the time at which they were declared, as `get_flow_run_histogram` does flow runs."""
    await caller.check_all(wanted.namespaces)
    return await hub.overviews.task_run_histogram(wanted, bucket_seconds, offset_seconds)


@router.get("/schedules", tags=["schedules"], operation_id="list_planned_runs")
@guarded(needs("list", "deployments"))
async def list_planned_runs(
    hub: TheHub,
    caller: TheCaller,
    since: AwareDatetime,
    until: AwareDatetime,
    namespace: Namespaces = None,
    deployment: Names = None,
    limit: Annotated[int, Query(ge=1, le=5_000, description="Times to show.")] = 1_000,
) -> PlannedRuns:
    """Lists the times at which schedules that are not paused will make runs, from now on, for a calendar."""
    await caller.check_all(namespace)
    if since >= until:
        raise InvalidRequest("`until` must be later than `since`.")
    return await hub.overviews.planned(namespace, deployment or (), to_micros(since), to_micros(until), limit)


@router.post("/deployments/{deployment_id}/backfill", tags=["deployments"], operation_id="backfill_deployment")
@guarded(needs("create", "flowruns"))
async def backfill_deployment(deployment_id: UUID, asked: Backfill, hub: TheHub, caller: TheCaller) -> Backfilled:
    """Makes the runs for times of the deployment's schedules that lie in a range, each time once; at most 1,000."""
    await caller.check((await hub.deployments.get(deployment_id)).namespace)
    return await hub.backfills.run(deployment_id, asked)


async def _check_each(hub: Hub, caller: Caller, ids: list[UUID]) -> None:
    await caller.check_all(await hub.bulk.namespaces(ids) or ["default"])


@router.post("/flow-runs/cancel", tags=["flow-runs"], operation_id="cancel_flow_runs")
@guarded(needs("update", "flowruns"))
async def cancel_flow_runs(asked: FlowRunIds, hub: TheHub, caller: TheCaller) -> BulkDone:
    """Cancels many runs, as `cancel_flow_run` does one. Those that have ended stay as they are and count as done."""
    await _check_each(hub, caller, asked.ids)
    return await hub.bulk.cancel(asked.ids)


@router.post("/flow-runs/delete", tags=["flow-runs"], operation_id="delete_flow_runs")
@guarded(needs("delete", "flowruns"))
async def delete_flow_runs(asked: FlowRunIds, hub: TheHub, caller: TheCaller) -> BulkDone:
    """Deletes many runs with all that hangs on them. Those that have not ended are left."""
    await _check_each(hub, caller, asked.ids)
    return await hub.bulk.delete(asked.ids)


@router.delete("/flow-runs/{run_id}", tags=["flow-runs"], operation_id="delete_flow_run", status_code=204)
@guarded(needs("delete", "flowruns"))
async def delete_flow_run(run_id: UUID, hub: TheHub, caller: TheCaller) -> None:
    """Deletes a run that has ended, with its task runs, states and log. A FlowRun in the cluster stays until it expires."""
    await caller.check((await hub.flow_runs.get(run_id)).namespace)
    await hub.bulk.delete_one(run_id)
