"""The Deployment kind: a flow with parameters, a queue and schedules. In kubectl: `fdep`."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from towpath.contract.names import DEFAULT_WORK_QUEUE
from towpath.contract.resources.base import (
    AGE_COLUMN,
    READY_COLUMNS,
    BlockName,
    Column,
    DisplayName,
    Json,
    Kind,
    Model,
    Status,
    Tag,
)
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.resources.schedule import Schedule


class Concurrency(Model):
    """How many runs of the Deployment may be active, and what becomes of one more."""

    limit: Annotated[int, Field(ge=1, le=10_000)]
    overlap: Annotated[
        Literal["Queue", "Skip", "Replace"],
        Field(description="Queue waits, Skip cancels the new run, Replace cancels the oldest active one."),
    ] = "Queue"


class DeploymentSpec(Model):
    """What a Deployment declares."""

    name: (
        Annotated[
            DisplayName,
            Field(description="The deployment's name for people; metadata.name without `<flow>.` if left out."),
        ]
        | None
    ) = None
    version: (
        Annotated[str, Field(min_length=1, max_length=200, description="Of the flow's code, for people.")] | None
    ) = None
    flow: Annotated[DisplayName, Field(description="The Flow, by its resource name or its name for people.")]
    parameters: Json = {}
    tags: Annotated[list[Tag], Field(max_length=200)] = []
    work_queue: DisplayName = DEFAULT_WORK_QUEUE
    schedules: Annotated[
        list[Schedule],
        Field(
            max_length=50, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
        ),
    ] = []
    concurrency: Concurrency | None = None
    infra_retries: Annotated[
        int, Field(ge=0, le=100, description="Further attempts after a preemption, eviction, node loss or OOM kill.")
    ] = 0
    timeout_seconds: (
        Annotated[
            int,
            Field(ge=1, le=31_536_000, description="The run is Failed (TimedOut) past this, even if its pod hangs."),
        ]
        | None
    ) = None
    blocks: Annotated[list[BlockName], Field(max_length=100)] | None = None
    result_storage: BlockName | None = None
    pod_template: PodTemplate | None = None
    paused: Annotated[bool, Field(description="Pauses all its schedules; runs made by hand still start.")] = False
    ttl_seconds_after_finished: Annotated[
        int,
        Field(
            ge=0, le=31_536_000, description="When a finished FlowRun and its Job are deleted; the API keeps the run."
        ),
    ] = 86_400

    @model_validator(mode="after")
    def _schedule_names_differ(self) -> "DeploymentSpec":
        taken: set[str] = set()
        for schedule in self.schedules:
            if schedule.name in taken:
                raise ValueError(f"schedules: the name {schedule.name!r} is given twice")
            taken.add(schedule.name)
        return self


class DeploymentStatus(Status):
    """What the operator says of a Deployment."""

    next_run: AwareDatetime | None = None
    last_run: AwareDatetime | None = None
    active_runs: Annotated[int, Field(ge=0)] | None = None


DEPLOYMENT = Kind(
    kind="Deployment",
    plural="deployments",
    short_name="fdep",
    spec=DeploymentSpec,
    status=DeploymentStatus,
    columns=(
        *READY_COLUMNS,
        Column("Flow", ".spec.flow"),
        Column("Queue", ".spec.workQueue"),
        Column("Paused", ".spec.paused", "boolean"),
        Column("Active", ".status.activeRuns", "integer"),
        Column("Next Run", ".status.nextRun"),
        Column("Last Run", ".status.lastRun", "date"),
        AGE_COLUMN,
    ),
    description="A flow made ready to run: parameters, a work queue, schedules, limits.",
)
