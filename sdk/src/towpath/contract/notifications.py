"""What became of a notification's messages, as the API shows it."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

Outcome = Literal["waiting", "sent", "failed"]


class DeliveryRead(BaseModel):
    """One message to one channel about one state of a run.

    Attributes:
        channel: the block that it goes to, as `slack-webhook/team`.
        outcome: `waiting` for its first or next attempt, at `due`; `sent`; or `failed`, when it was given up.
        attempts: how often it was tried.
        last_error: why the last attempt failed.
    """

    id: UUID
    notification_id: UUID
    channel: str
    flow_run_id: UUID
    flow_run_name: str
    flow_name: str
    state_name: str
    outcome: Outcome
    created: AwareDatetime
    due: AwareDatetime | None = None
    sent: AwareDatetime | None = None
    failed: AwareDatetime | None = None
    attempts: int = 0
    last_error: str | None = None


class ChannelOutcome(BaseModel):
    """How a test message to one channel went."""

    channel: str
    sent: bool
    error: str | None = None


class NotificationTested(BaseModel):
    """How test messages went, one to each channel."""

    outcomes: list[ChannelOutcome]
