"""Routes of automations beyond declaring them: what each had to do."""

from uuid import UUID

from fastapi import APIRouter

from towpath.contract.automations import FiringRead
from towpath.contract.runs import Page
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, page_by
from towpath_operator.domain.access import needs

router = APIRouter(prefix="/automations", tags=["automations"], route_class=GuardedRoute)


@router.get("/{item_id}/firings", operation_id="list_automation_firings")
@guarded(needs("get", "automations"))
async def list_firings(
    item_id: UUID, hub: TheHub, caller: TheCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[FiringRead]:
    """Lists what the automation had to do, newest first."""
    await caller.check((await hub.automations.get(item_id)).namespace)
    return await hub.automating.list_firings(item_id, page_by(limit, cursor, UUID))
