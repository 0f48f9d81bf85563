"""The route by which open pages follow what changes: server-sent events. What processes tell goes to `attempts`."""

import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from towpath.contract.live import LiveBeginning, LiveHint, LiveKind
from towpath.contract.runs import FlowRunRead
from towpath_operator.api.access import Caller, Gate, GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import Namespaces
from towpath_operator.domain.access import needs
from towpath_operator.domain.refusals import InvalidRequest, Refusal, StoreUnavailable
from towpath_operator.services.hub import Hub
from towpath_operator.services.live import OF_RUNS, Wanted, encode

logger = logging.getLogger(__name__)
router = APIRouter(route_class=GuardedRoute)
_ACCESS = needs("list", "flowruns")

HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 30.0
"""How long a stream goes on after its caller's rights or token have ended."""
_RETRY_MS = 2_000

_RESOURCES = {
    LiveKind.FLOW_RUNS: "flowruns",
    LiveKind.TASK_RUNS: "flowruns",
    LiveKind.LOGS: "flowruns",
    LiveKind.ARTIFACTS: "flowruns",
    LiveKind.FLOWS: "flows",
    LiveKind.DEPLOYMENTS: "deployments",
    LiveKind.WORK_QUEUES: "workqueues",
    LiveKind.BLOCKS: "blocks",
    LiveKind.NOTIFICATIONS: "notifications",
    LiveKind.AUTOMATIONS: "automations",
    LiveKind.CONCURRENCY_LIMITS: "concurrencylimits",
}
"""What one must be allowed to list to follow a kind."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events: `hello` and `reset` carry a LiveBeginning, `flow-runs` a FlowRunRead, all others a LiveHint.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "x-events": {
                    "hello": {"$ref": f"#/components/schemas/{LiveBeginning.__name__}"},
                    "reset": {"$ref": f"#/components/schemas/{LiveBeginning.__name__}"},
                    "flow-runs": {"$ref": f"#/components/schemas/{FlowRunRead.__name__}"},
                    "*": {"$ref": f"#/components/schemas/{LiveHint.__name__}"},
                },
            }
        },
    }
}
Kinds = Annotated[list[LiveKind] | None, Query(max_length=20, description="May repeat; only runs if left out.")]
RunIds = Annotated[
    list[UUID] | None,
    Query(max_length=50, description="May repeat: only these runs and their subflows, and what hangs on them."),
]
LastId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, lt=2**63, description="Where to go on from.")]


@router.get(
    "/events", tags=["events"], operation_id="follow_events", response_class=StreamingResponse, responses=_STREAM
)
@guarded(_ACCESS)
async def follow(
    request: Request,
    hub: TheHub,
    caller: TheCaller,
    kind: Kinds = None,
    namespace: Namespaces = None,
    flow_run_id: RunIds = None,
    last_event_id: LastId = None,
) -> StreamingResponse:
    """Streams what changes, as server-sent events, until either side ends it. A comment every 15 s keeps it alive."""
    kinds = frozenset(kind or [LiveKind.FLOW_RUNS])
    if kinds & OF_RUNS and not flow_run_id:
        raise InvalidRequest("Name the runs whose tasks or logs to follow: give `flow_run_id`.")
    runs = frozenset(flow_run_id or ())
    if namespace is None and runs:
        namespace = sorted({(await hub.flow_runs.get(run)).namespace for run in runs})
    wanted = Wanted(kinds, None if namespace is None else frozenset(namespace), runs)
    await _check(caller, wanted)
    hub.live.check_room()

    async def is_allowed() -> bool:
        gate: Gate = request.app.state.gate
        try:
            await _check(Caller(await gate.admit(request), _ACCESS), wanted)
        except Refusal as refusal:
            return refusal.status >= 500  # nobody can say now; what was allowed goes on until somebody can
        return True

    stream = _stream(hub, wanted, last_event_id, is_allowed)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _check(caller: Caller, wanted: Wanted) -> None:
    """Checks that the caller may list each kind in each namespace.

    Raises:
        Forbidden: when it may not.
    """
    if wanted.namespaces is not None and not wanted.namespaces:
        raise InvalidRequest("The list of namespaces is empty: name one, or leave it out for all.")
    for resource in sorted({_RESOURCES[kind] for kind in wanted.kinds}):
        for namespace in sorted(wanted.namespaces) if wanted.namespaces is not None else (None,):
            await caller.check(namespace, resource=resource)


async def _stream(
    hub: Hub, wanted: Wanted, after: int | None, is_allowed: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[bytes]:
    yield f"retry: {_RETRY_MS}\n\n".encode()
    checked = time.monotonic()
    try:
        async with contextlib.aclosing(hub.live.follow(wanted, after, HEARTBEAT_SECONDS)) as following:
            async for messages in following:
                if time.monotonic() - checked > RECHECK_SECONDS:
                    if not await is_allowed():
                        return
                    checked = time.monotonic()
                yield encode(messages)
    except StoreUnavailable as error:
        logger.warning("A stream of events ends, its reader will come again: %s", error.detail)
