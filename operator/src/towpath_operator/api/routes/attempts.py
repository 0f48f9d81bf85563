"""Routes of an attempt's life: claims and reports by launchers, taking by pods, events by either."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request

from towpath.contract.events import RunEventBatch
from towpath.contract.runs import (
    AttemptEnded,
    AttemptLaunched,
    AttemptTake,
    AttemptWaiting,
    ClaimRequest,
    Claims,
    FlowRunRead,
    Ingested,
    TakenRun,
)
from towpath_operator.api.access import Caller, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import POD, needs
from towpath_operator.domain.batches import parse_batch
from towpath_operator.services.hub import Hub

router = APIRouter(route_class=GuardedRoute)
Number = Annotated[int, Path(ge=1, lt=2**31)]
_LAUNCHER = needs("update", "flowruns/status")


@router.post("/work-queues/claims", tags=["work-queues"], operation_id="claim_flow_runs")
@guarded(_LAUNCHER)
async def claim(wanted: ClaimRequest, request: Request, hub: TheHub, caller: TheCaller) -> Claims:
    """Waits for due runs of the launcher's queues and gives it a lease on them."""
    await caller.check_all(wanted.namespaces)
    return await hub.claims.claim(wanted, request.is_disconnected)


async def _check_launcher(run_id: UUID, hub: Hub, caller: Caller) -> None:
    await caller.check((await hub.flow_runs.get(run_id)).namespace)


@router.post("/flow-runs/{run_id}/attempts/{number}/launched", tags=["attempts"], operation_id="report_launched")
@guarded(_LAUNCHER)
async def launched(
    run_id: UUID, number: Number, report: AttemptLaunched, hub: TheHub, caller: TheCaller
) -> FlowRunRead:
    """Reports that the attempt's Job or process exists, which ends the claim's lease."""
    await _check_launcher(run_id, hub, caller)
    return await hub.attempts.launched(run_id, number, report)


@router.post("/flow-runs/{run_id}/attempts/{number}/waiting", tags=["attempts"], operation_id="report_waiting")
@guarded(_LAUNCHER)
async def waiting(run_id: UUID, number: Number, report: AttemptWaiting, hub: TheHub, caller: TheCaller) -> FlowRunRead:
    """Reports why the attempt does not start yet."""
    await _check_launcher(run_id, hub, caller)
    return await hub.attempts.waiting(run_id, number, report)


@router.post("/flow-runs/{run_id}/attempts/{number}/ended", tags=["attempts"], operation_id="report_ended")
@guarded(_LAUNCHER)
async def ended(run_id: UUID, number: Number, report: AttemptEnded, hub: TheHub, caller: TheCaller) -> FlowRunRead:
    """Reports how the attempt ended; the answer shows what became of the run."""
    await _check_launcher(run_id, hub, caller)
    return await hub.attempts.ended(run_id, number, report)


@router.post("/flow-runs/{run_id}/attempts/{number}/take", tags=["attempts"], operation_id="take_attempt")
@guarded(POD)
async def take(run_id: UUID, number: Number, take: AttemptTake, hub: TheHub, caller: TheCaller) -> TakenRun:
    """Takes the attempt for a pod or process. Taking it again with the same uid is answered as the first time."""
    await caller.own(run_id, number, take.pod_uid)
    return await hub.attempts.take(run_id, number, take)


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{RunEventBatch.__name__}"}}},
    }
}


@router.post("/events", tags=["events"], operation_id="ingest_events", openapi_extra=_BODY)
@guarded(POD)
async def ingest_events(request: Request, hub: TheHub, caller: TheCaller) -> Ingested:
    """Takes a batch of run events and answers after its commit."""
    batch = parse_batch(await request.body())
    await caller.own(UUID(bytes=batch.run_id), batch.attempt)
    return await hub.ingest.ingest(batch, caller.home)
