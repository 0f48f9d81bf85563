"""The WorkQueue kind: where runs wait for a launcher."""

from typing import Annotated, Literal

from pydantic import Field

from towpath.contract.resources.base import AGE_COLUMN, READY_COLUMNS, Column, DisplayName, Kind, Model, Status
from towpath.contract.resources.pod_template import PodTemplate


class WorkQueueSpec(Model):
    """What a WorkQueue declares. A queue without a resource exists with these defaults."""

    name: DisplayName | None = None
    launcher: Annotated[
        Literal["Job", "Agent"],
        Field(description="Job: the operator starts a pod; Agent: a `towpath agent` starts a process."),
    ] = "Job"
    paused: bool = False
    concurrency_limit: (
        Annotated[int, Field(ge=0, le=100_000, description="Runs at once; unlimited if left out.")] | None
    ) = None
    priority: Annotated[int, Field(ge=-1_000, le=1_000, description="Queues of higher priority are served first.")] = 0
    pod_template: PodTemplate | None = None
    kueue_queue_name: (
        Annotated[str, Field(max_length=63, description="The Kueue LocalQueue that admits its Jobs.")] | None
    ) = None


class WorkQueueStatus(Status):
    """What the operator says of a WorkQueue."""

    queued: Annotated[int, Field(ge=0)] | None = None
    running: Annotated[int, Field(ge=0)] | None = None
    late: Annotated[int, Field(ge=0)] | None = None


WORK_QUEUE = Kind(
    kind="WorkQueue",
    plural="workqueues",
    short_name="wq",
    spec=WorkQueueSpec,
    status=WorkQueueStatus,
    columns=(
        *READY_COLUMNS,
        Column("Launcher", ".spec.launcher"),
        Column("Paused", ".spec.paused", "boolean"),
        Column("Limit", ".spec.concurrencyLimit", "integer"),
        Column("Queued", ".status.queued", "integer"),
        Column("Running", ".status.running", "integer"),
        Column("Late", ".status.late", "integer"),
        AGE_COLUMN,
    ),
    description="A queue in which runs wait for a launcher.",
)
