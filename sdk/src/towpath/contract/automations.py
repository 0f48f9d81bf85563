"""What became of what automations had to do, as the API shows it."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

FiringOutcome = Literal["waiting", "done", "averted", "skipped", "failed"]


class FiringRead(BaseModel):
    """One time that an automation had something to do.

    Attributes:
        outcome: `waiting` for the expected state or for another attempt, at `due`; `done`; `averted` when the expected state came;
            `skipped` when too many automations follow from one another; `failed` when it was given up.
        last_error: why the last attempt failed, or why it was skipped.
    """

    id: UUID
    automation_id: UUID
    flow_run_id: UUID
    flow_run_name: str
    flow_name: str
    state_name: str
    outcome: FiringOutcome
    created: AwareDatetime
    due: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    attempts: int = 0
    last_error: str | None = None
