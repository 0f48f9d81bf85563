"""Who holds slots of a concurrency limit, who waits for one, and how a stuck one is freed. Used by the API and the command line."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class LimitSlot(BaseModel):
    """A slot that is held, or a place in the queue for one.

    Attributes:
        holder: what holds it: a task run, or a block of code under a limit.
        occupied: how many slots that is.
        since: when it was asked for.
        expires: when it ends unless it is renewed.
        flow_run_id, flow_run_name: the run whose process asked, where it is a flow's.
        task_run_id, task_run_name: the task run that holds it, where one does.
    """

    holder: UUID
    occupied: int
    since: AwareDatetime
    expires: AwareDatetime
    flow_run_id: UUID | None = None
    flow_run_name: str | None = None
    task_run_id: UUID | None = None
    task_run_name: str | None = None


class LimitSlots(BaseModel):
    """The slots of a limit: those that are held, and those that wait, the first asked first; at most 1,000 of each."""

    holders: list[LimitSlot] = []
    waiters: list[LimitSlot] = []


class LimitRelease(BaseModel):
    """Frees slots whose holders are stuck.

    Attributes:
        holders: those to free; None for all that are held.
    """

    model_config = ConfigDict(extra="forbid")

    holders: Annotated[list[UUID], Field(min_length=1, max_length=10_000)] | None = None


class LimitReleased(BaseModel):
    """How many holders were freed."""

    released: int
