"""Routes of slots: asked for by a run's process before limited work, renewed while it goes on, released after it."""

from uuid import UUID

from fastapi import APIRouter

from towpath.contract.limit_slots import LimitRelease, LimitReleased, LimitSlots
from towpath.contract.slots import SlotGrant, SlotHolders, SlotRequest, SlotsHeld
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import POD, needs

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


limits = APIRouter(prefix="/concurrency-limits/{limit_id}", tags=["concurrency-limits"], route_class=GuardedRoute)
"""Slots as people see them: by limit."""


@limits.get("/slots", operation_id="list_limit_slots")
@guarded(needs("get", "concurrencylimits"))
async def list_slots(limit_id: UUID, hub: TheHub, caller: TheCaller) -> LimitSlots:
    """Lists who holds slots of the limit, and who waits for one, the first asked first."""
    limit = await hub.concurrency_limits.get(limit_id)
    await caller.check(limit.namespace)
    return await hub.slots.show(limit.namespace, limit.name)


@limits.post("/release", operation_id="release_limit_slots")
@guarded(needs("update", "concurrencylimits"))
async def release_slots(
    limit_id: UUID, hub: TheHub, caller: TheCaller, asked: LimitRelease | None = None
) -> LimitReleased:
    """Frees slots whose holders are stuck, or all of the limit's. Whoever works under one is not interrupted."""
    limit = await hub.concurrency_limits.get(limit_id)
    await caller.check(limit.namespace)
    return await hub.slots.free(limit.namespace, limit.name, asked.holders if asked is not None else None)
