"""The FlowRun kind: one execution of a Deployment, small enough for etcd whatever the run does."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from towpath.contract.resources.base import AGE_COLUMN, Column, DeploymentName, Json, Kind, Model, Status, cel
from towpath.contract.resources.pod_template import PodTemplate


class FlowRunSpec(Model):
    """What a FlowRun asks for. Only `cancel` may change once it is made."""

    model_config = Model.model_config | {
        "json_schema_extra": cel(
            ("self.deployment == oldSelf.deployment", "deployment cannot change once the run is made"),
            (
                "has(self.scheduledTime) == has(oldSelf.scheduledTime) && "
                "(!has(self.scheduledTime) || self.scheduledTime == oldSelf.scheduledTime)",
                "scheduledTime cannot change once the run is made",
            ),
            ("!oldSelf.cancel || self.cancel", "a cancelled run cannot be taken up again: make another FlowRun"),
        )
    }

    deployment: Annotated[DeploymentName, Field(description="The Deployment, by resource name or as flow/deployment.")]
    parameters: Annotated[Json, Field(description="Laid over the Deployment's parameters.")] = {}
    scheduled_time: Annotated[AwareDatetime, Field(description="When it is due; at once if left out.")] | None = None
    pod_template: PodTemplate | None = None
    cancel: Annotated[bool, Field(description="Ends the run as Cancelled.")] = False


class TaskCounts(Model):
    """Task runs of the run by what became of them."""

    total: Annotated[int, Field(ge=0)] = 0
    running: Annotated[int, Field(ge=0)] = 0
    completed: Annotated[int, Field(ge=0)] = 0
    failed: Annotated[int, Field(ge=0)] = 0


class FlowRunStatus(Status):
    """What the operator says of a FlowRun: counts, never task states."""

    state: Annotated[str, Field(max_length=63, description="The state's name, as Running or TimedOut.")] | None = None
    run_id: Annotated[str, Field(max_length=36)] | None = None
    run_name: Annotated[str, Field(max_length=500)] | None = None
    message: Annotated[str, Field(max_length=1_000)] | None = None
    job: Annotated[str, Field(max_length=63)] | None = None
    attempt: Annotated[int, Field(ge=0)] | None = None
    tasks: TaskCounts | None = None
    start_time: AwareDatetime | None = None
    completion_time: AwareDatetime | None = None
    duration: Annotated[str, Field(max_length=40, description="How long it has run or ran, as 1m30s.")] | None = None


FLOW_RUN = Kind(
    kind="FlowRun",
    plural="flowruns",
    short_name="fr",
    spec=FlowRunSpec,
    status=FlowRunStatus,
    columns=(
        Column("State", ".status.state"),
        Column("Deployment", ".spec.deployment"),
        Column("Tasks", ".status.tasks.total", "integer", priority=1),
        Column("Attempt", ".status.attempt", "integer", priority=1),
        Column("Job", ".status.job", priority=1),
        AGE_COLUMN,
        Column("Duration", ".status.duration"),
    ),
    description="One run of a Deployment.",
)
