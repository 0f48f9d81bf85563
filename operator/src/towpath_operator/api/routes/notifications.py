"""Routes of notifications beyond declaring them: a test message, and what became of the messages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from towpath.contract.notifications import DeliveryRead, NotificationTested, Outcome
from towpath.contract.runs import Page
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.api.queries import DEFAULT_LIMIT, Cursor, Limit, page_by
from towpath_operator.domain.access import needs

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=GuardedRoute)


@router.post("/{item_id}/test", operation_id="test_notification")
@guarded(needs("update", "notifications"))
async def test_notification(item_id: UUID, hub: TheHub, caller: TheCaller) -> NotificationTested:
    """Sends a test message to each of the notification's channels, and says how that went."""
    found = await hub.notifications.get(item_id)
    await caller.check(found.namespace)
    return await hub.notifying.test(found)


@router.get("/{item_id}/deliveries", operation_id="list_notification_deliveries")
@guarded(needs("get", "notifications"))
async def list_deliveries(
    item_id: UUID,
    hub: TheHub,
    caller: TheCaller,
    outcome: Annotated[Outcome | None, Query(description="Only those.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[DeliveryRead]:
    """Lists the messages that the notification had to send, newest first."""
    await caller.check((await hub.notifications.get(item_id)).namespace)
    return await hub.notifying.list_deliveries(item_id, outcome, page_by(limit, cursor, UUID))
