"""Making up for times of a deployment's schedules that lie in the past: what is asked and what was done."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from towpath.contract.runs import Request

MOST_BACKFILLED = 1_000
"""One backfill makes at most so many runs."""


class Backfill(Request):
    """Asks for a run for each time of a deployment's schedules from `since` on and before `until`.

    Attributes:
        schedules: only these, by name; all of them if left out, paused ones too.
        dry_run: only says which runs it would make.
    """

    since: AwareDatetime
    until: AwareDatetime
    schedules: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=100)] = []
    dry_run: bool = False


class BackfilledRun(BaseModel):
    """A time of a schedule.

    Attributes:
        run_id: its run; None where none was made because the backfill was a dry run.
        existed: whether that run was there before.
    """

    schedule: str
    time: AwareDatetime
    run_id: UUID | None = None
    existed: bool = False


class Backfilled(BaseModel):
    """What a backfill did, in the order of time: `made` runs, beside `existing` ones. A dry run says what it would make."""

    made: int
    existing: int
    items: list[BackfilledRun]
