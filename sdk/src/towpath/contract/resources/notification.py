"""The Notification kind: whom to tell when runs enter certain states."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from towpath.contract.resources.base import (
    AGE_COLUMN,
    READY_COLUMNS,
    BlockName,
    Column,
    DisplayName,
    Kind,
    RunMatch,
    Status,
)


class NotificationSpec(RunMatch):
    """What a Notification declares."""

    name: DisplayName | None = None
    states: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=63)]],
        Field(min_length=1, max_length=30, description="State types or names, as FAILED or TimedOut."),
    ]
    channels: Annotated[
        list[BlockName],
        Field(min_length=1, max_length=20, description="Blocks that messages go to, as slack-webhook/team."),
    ]
    message: (
        Annotated[str, Field(max_length=5_000, description="A template; a sentence with the run's facts if left out.")]
        | None
    ) = None
    paused: bool = False


class NotificationStatus(Status):
    """What the operator says of a Notification."""

    last_sent: AwareDatetime | None = None
    last_error: (
        Annotated[str, Field(max_length=2_000, description="Why sending failed last; gone once it works again.")] | None
    ) = None
    waiting: Annotated[int, Field(ge=0, description="Messages that are to be sent.")] | None = None


NOTIFICATION = Kind(
    kind="Notification",
    plural="notifications",
    short_name="fnotif",
    spec=NotificationSpec,
    status=NotificationStatus,
    columns=(
        *READY_COLUMNS,
        Column("States", ".spec.states"),
        Column("Last Sent", ".status.lastSent", "date"),
        AGE_COLUMN,
    ),
    description="A message to people when runs enter certain states.",
)
