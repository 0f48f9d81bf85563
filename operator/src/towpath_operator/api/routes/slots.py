"""Routes of slots: asked for by a run's process before limited work, renewed while it goes on, released after it."""

from fastapi import APIRouter

from towpath.contract.slots import SlotGrant, SlotHolders, SlotRequest, SlotsHeld
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import POD

router = APIRouter(prefix="/slots", tags=["slots"], route_class=GuardedRoute)


@router.post("", operation_id="acquire_slots")
@guarded(POD)
async def acquire(request: SlotRequest, hub: TheHub, caller: TheCaller) -> SlotGrant:
    """Waits for a slot of each limited tag. Not granted in time, ask again: the place in the queue is kept."""
    await caller.own(request.run_id, request.attempt)
    return await hub.slots.acquire(request, caller.home)


@router.post("/renew", operation_id="renew_slots")
@guarded(POD)
async def renew(named: SlotHolders, hub: TheHub, caller: TheCaller) -> SlotsHeld:
    """Renews leases, and says which holders still had one."""
    await caller.own(named.run_id, named.attempt)
    return await hub.slots.renew(named)


@router.post("/release", status_code=204, operation_id="release_slots")
@guarded(POD)
async def release(named: SlotHolders, hub: TheHub, caller: TheCaller) -> None:
    """Gives slots back."""
    await caller.own(named.run_id, named.attempt)
    await hub.slots.release(named)
