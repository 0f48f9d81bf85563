"""Slots of concurrency limits: what a process asks before work that is limited, and leases that it renews.

A slot is held by a lease and ends with it: renewed while the work goes on, released after it, and gone when its holder dies. Who
asks first is served first.
"""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from towpath.contract.resources.base import Tag

LEASE_SECONDS = 60
"""How long a lease lasts unless it is renewed. Holders renew at a third of it."""


class SlotRequest(BaseModel):
    """Asks for a slot of each limited tag, all of them or none. Waits up to `wait_seconds` for them.

    Attributes:
        run_id: the root run whose process asks, and `attempt` which attempt of it; 0 for a run that no launcher started.
        holder: what holds the slot, as a task run's id. Asked again for the same holder, it keeps its place in the queue, and
            gets the slots that it has.
        tags: those without a limit need no slot.
        occupy: how many slots of each limit.
        rate: for a rate: the slots are not renewed or released but freed one after the other, as the limit's
            `slotDecayPerSecond` says.
    """

    model_config = ConfigDict(extra="forbid")

    run_id: UUID
    attempt: Annotated[int, Field(ge=0)]
    holder: UUID
    tags: Annotated[list[Tag], Field(min_length=1, max_length=200)]
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 30
    occupy: Annotated[int, Field(ge=1, le=100_000)] = 1
    rate: bool = False


class SlotGrant(BaseModel):
    """The answer to a SlotRequest.

    Attributes:
        granted: whether the work may begin; otherwise ask again.
        limited: the tags that have a limit. Where there are none, there is nothing to renew or release.
        lease_seconds: how long the slots are held unless they are renewed.
    """

    granted: bool
    limited: list[str] = []
    lease_seconds: int = LEASE_SECONDS


class SlotHolders(BaseModel):
    """Names holders of a run's process whose slots are to be renewed or released."""

    model_config = ConfigDict(extra="forbid")

    run_id: UUID
    attempt: Annotated[int, Field(ge=0)]
    holders: Annotated[list[UUID], Field(min_length=1, max_length=10_000)]


class SlotsHeld(BaseModel):
    """The holders, of those named, that hold slots now. A holder that is missing has lost its slots: it must ask again."""

    holders: list[UUID]
