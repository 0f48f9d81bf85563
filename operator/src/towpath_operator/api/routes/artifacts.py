"""Routes of artifacts. Ingest writes them; here they are read and deleted."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from towpath.contract.artifacts import ArtifactRead, ArtifactType
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.runs import Page
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, Namespaces, page_by
from towpath_operator.domain.access import needs
from towpath_operator.domain.artifacts import ArtifactFilter

router = APIRouter(route_class=GuardedRoute)


@router.get("/artifacts", tags=["artifacts"], operation_id="list_artifacts")
@guarded(needs("list", "flowruns"))
async def list_artifacts(
    hub: TheHub,
    caller: TheCaller,
    namespace: Namespaces = None,
    key: Annotated[str | None, Query(max_length=200)] = None,
    type: ArtifactType | None = None,
    flow_run_id: UUID | None = None,
    task_run_id: UUID | None = None,
    latest: Annotated[bool, Query(description="Only the newest of each key; those without a key are all new.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ArtifactRead]:
    """Lists artifacts, newest first. Data of more than 4,000 bytes is left out."""
    if namespace is None and flow_run_id is not None:
        await caller.check((await hub.flow_runs.get(flow_run_id)).namespace)
    elif namespace is None and task_run_id is not None:
        await caller.check((await hub.task_runs.get(task_run_id))[1] or LOCAL_NAMESPACE)
    else:
        await caller.check_all(namespace)
    namespaces = tuple(namespace) if namespace is not None else None
    wanted = ArtifactFilter(namespaces, key, type, flow_run_id, task_run_id, latest)
    return await hub.artifacts.list(wanted, page_by(limit, cursor, UUID))


@router.get("/artifacts/{artifact_id}", tags=["artifacts"], operation_id="get_artifact")
@guarded(needs("get", "flowruns"))
async def get_artifact(artifact_id: UUID, hub: TheHub, caller: TheCaller) -> ArtifactRead:
    """Shows an artifact with its data."""
    artifact = await hub.artifacts.get(artifact_id)
    await caller.check(artifact.namespace)
    return artifact


@router.delete("/artifacts/{artifact_id}", tags=["artifacts"], operation_id="delete_artifact", status_code=204)
@guarded(needs("delete", "flowruns"))
async def delete_artifact(artifact_id: UUID, hub: TheHub, caller: TheCaller) -> None:
    """Deletes an artifact. The version before it is then the newest of its key."""
    await caller.check((await hub.artifacts.get(artifact_id)).namespace)
    await hub.artifacts.delete(artifact_id)
