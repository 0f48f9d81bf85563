"""Routes of results: bytes in, the same bytes out. In a cluster a run's pod reads and writes those of its own namespace."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from towpath.contract.limits import MAX_RESULT, MAX_RESULT_KEY
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import needs

router = APIRouter(prefix="/results", tags=["results"], route_class=GuardedRoute)

Key = Annotated[
    str,
    Path(min_length=1, max_length=MAX_RESULT_KEY, pattern=r"^[^\x00-\x1f\x7f]+$", description="May hold slashes."),
]
Namespace = Annotated[str | None, Query(min_length=1, max_length=63, description="The caller's own if left out.")]
_BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "maxLength": MAX_RESULT}}},
    }
}
_HEADERS = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""A browser saves it; whatever it holds, it is no page of ours."""


@router.get(
    "/{key:path}",
    operation_id="read_result",
    response_class=Response,
    responses={200: {"content": _BYTES, "description": "The bytes as they were written."}},
)
@guarded(needs("get", "flowruns/results"))
async def read(key: Key, hub: TheHub, caller: TheCaller, namespace: Namespace = None) -> Response:
    """Gives the bytes that a run has kept under this key."""
    await caller.check(namespace or caller.home)
    data = await hub.results.read(namespace or caller.home, key)
    return Response(data, media_type="application/octet-stream", headers=_HEADERS)


@router.put("/{key:path}", operation_id="write_result", status_code=204, openapi_extra=_BODY)
@guarded(needs("update", "flowruns/results"))
async def write(key: Key, request: Request, hub: TheHub, caller: TheCaller, namespace: Namespace = None) -> None:
    """Keeps the bytes of the body under this key, in place of what was there."""
    await caller.check(namespace or caller.home)
    await hub.results.write(namespace or caller.home, key, await request.body())


@router.delete("/{key:path}", operation_id="delete_result", status_code=204)
@guarded(needs("delete", "flowruns/results"))
async def delete(key: Key, hub: TheHub, caller: TheCaller, namespace: Namespace = None) -> None:
    """Deletes what is kept under this key, if anything is."""
    await caller.check(namespace or caller.home)
    await hub.results.delete(namespace or caller.home, key)
