"""Runs as the API shows them and as callers ask for them: states, flow runs, task runs, logs, and an attempt's life.

Used by the API (requests and answers), by the operator's and the SDK's clients, and for the OpenAPI document. Times are RFC
3339 with an offset.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from towpath.contract.declared import DeploymentRead, FlowRead, ResourceRef, WorkQueueRead
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.contract.pauses import PauseRead
from towpath.contract.resources.base import DeploymentName, Tag
from towpath.contract.resources.flow_run import TaskCounts
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.states import StateType

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list.

    Attributes:
        next_cursor: give it as `cursor` for the next page; None at the end.
        total: how many match, exact up to 10,000.
        total_capped: whether there are more than `total`.
    """

    items: list[T]
    next_cursor: str | None = None
    total: int
    total_capped: bool = False


class Request(BaseModel):
    """The base of what callers send: unknown fields are named, not ignored."""

    model_config = ConfigDict(extra="forbid")


class StateRead(BaseModel):
    """One state in a run's history.

    Attributes:
        id: the transition's id.
        applied: False for one that is kept as history only: a superseded attempt told it, or the table refused it.
    """

    id: UUID
    type: StateType
    name: str
    time: AwareDatetime
    message: str | None = None
    run_count: int = 0
    attempt: int = 0
    applied: bool = True
    details: dict[str, Any] = {}


class RunState(BaseModel):
    """The state a run is in."""

    type: StateType
    name: str
    time: AwareDatetime
    message: str | None = None


class AttemptRead(BaseModel):
    """One pod's (or process') try at a run.

    Attributes:
        claimed_by: the launcher that holds or held the claim.
        outcome: how it ended; None while it goes on.
    """

    number: int
    claimed_by: str | None = None
    job_name: str | None = None
    pod_name: str | None = None
    pod_uid: str | None = None
    claimed_at: AwareDatetime | None = None
    launched_at: AwareDatetime | None = None
    taken_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    outcome: str | None = None
    reason: str | None = None
    exit_code: int | None = None


class FlowRunRead(BaseModel):
    """A flow run.

    Attributes:
        revision: rises with every change of a run, over all runs: what `GET /api/flow-runs/changes` counts by.
        waiting_for: why a run that is not running waits, as a sentence; None when it does not.
        resource: the FlowRun in the cluster, if it has one.
        attempt: the current attempt's number; 0 before the first claim and for runs that no launcher started.
        pause: what a paused run waits for; None unless it is paused.
    """

    id: UUID
    namespace: str
    name: str
    flow_id: UUID
    flow_name: str
    deployment_id: UUID | None = None
    deployment_name: str | None = None
    deployment_resource: str | None = None
    work_queue: str | None = None
    state: RunState
    pause: PauseRead | None = None
    waiting_for: str | None = None
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    attempt: int = 0
    attempts: list[AttemptRead] = []
    run_count: int = 0
    tasks: TaskCounts = TaskCounts()
    parent_flow_run_id: UUID | None = None
    parent_task_run_id: UUID | None = None
    resource: ResourceRef | None = None
    created: AwareDatetime
    scheduled_time: AwareDatetime | None = None
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    revision: int


class TaskRunRead(BaseModel):
    """A task run. `inputs` maps a parameter's name to the task runs that its value came from."""

    id: UUID
    flow_run_id: UUID | None = None
    parent_task_run_id: UUID | None = None
    task: str
    name: str
    state: RunState | None = None
    tags: list[str] = []
    inputs: dict[str, list[UUID]] = {}
    run_count: int = 0
    created: AwareDatetime
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    details: dict[str, Any] = {}


class LogRead(BaseModel):
    """One log line."""

    id: int
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    level: int
    logger: str
    message: str
    time: AwareDatetime


class FlowRunCreate(Request):
    """Asks for a run of a deployment.

    Attributes:
        deployment: its resource name or `flow/deployment`, within `namespace`; left out when the path names it.
        idempotency_key: asked for again with the same key, the answer is the run that the first one made.
        resource: the FlowRun that asks, when `kubectl` made it.
    """

    namespace: Annotated[str, Field(min_length=1, max_length=63)] = LOCAL_NAMESPACE
    deployment: DeploymentName | None = None
    name: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    parameters: dict[str, Any] = {}
    tags: Annotated[list[Tag], Field(max_length=200)] = []
    scheduled_time: AwareDatetime | None = None
    pod_template: PodTemplate | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    resource: ResourceRef | None = None
    parent_task_run_id: UUID | None = None


class ClaimRequest(Request):
    """A launcher's waiting request for runs that are due. Answered as soon as there is one, or empty after `wait_seconds`.

    Attributes:
        launcher: claims only runs of queues with this launcher.
        holder: names the launcher, for people and for its own renewals.
        queues: only these queues by name, for agents; None for all.
    """

    launcher: Literal["Job", "Agent"] = "Job"
    holder: Annotated[str, Field(min_length=1, max_length=253)]
    namespaces: Annotated[list[str], Field(max_length=1_000)] | None = None
    queues: Annotated[list[str], Field(max_length=1_000)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = 15


class ClaimedRun(BaseModel):
    """A run that the caller now has a lease on, with all that launching it needs.

    Attributes:
        attempt: the number of the attempt to start.
        lease_expires: when others may claim it, unless the launch is reported before.
    """

    run: FlowRunRead
    attempt: int
    lease_expires: AwareDatetime
    flow: FlowRead
    deployment: DeploymentRead
    work_queue: WorkQueueRead
    pod_template: PodTemplate | None = None


class Claims(BaseModel):
    """The answer to a ClaimRequest."""

    items: list[ClaimedRun]


class AttemptLaunched(Request):
    """The launcher's report that an attempt's Job (or process) exists. It ends the claim's lease."""

    holder: Annotated[str, Field(min_length=1, max_length=253)]
    job_name: Annotated[str, Field(max_length=253)]
    job_uid: Annotated[str, Field(max_length=64)] | None = None


class AttemptWaiting(Request):
    """The launcher's report of why an attempt does not start yet: unschedulable, an image that cannot be pulled, a quota."""

    reason: Annotated[str, Field(max_length=200)]
    message: Annotated[str, Field(max_length=2_000)]


class AttemptTake(Request):
    """A pod (or process) takes its attempt of a run. Taking it again with the same uid is answered as the first time."""

    pod_uid: Annotated[str, Field(min_length=1, max_length=64)]
    pod_name: Annotated[str, Field(min_length=1, max_length=253)]


class TakenRun(BaseModel):
    """What a runner needs to execute a run."""

    run: FlowRunRead
    flow: FlowRead
    deployment: DeploymentRead | None = None


class LastLine(Request):
    """A line the pod printed that may not have come as a log event."""

    message: str
    time: AwareDatetime | None = None


class AttemptEnded(Request):
    """The launcher's report of how an attempt's pod or process ended; the API decides what becomes of the run.

    Attributes:
        outcome: `Exited` with an exit code; `Cancelled` when the launcher ended it because the run was to be cancelled;
            `TimedOut` past its deadline; `Infrastructure` for a preemption, eviction, node loss, OOM kill or a pod that was lost;
            `NotStarted` when its pod never ran and will not (an image that cannot be pulled by the deadline, a bad template).
        reason: a CamelCase word, as `OOMKilled` or `Evicted`.
        final_state: the state event in the pod's termination message, which counts if the API has not had it.
        last_lines: what the pod printed last.
    """

    outcome: Literal["Exited", "Cancelled", "TimedOut", "Infrastructure", "NotStarted"]
    exit_code: int | None = None
    reason: Annotated[str, Field(max_length=200)] = ""
    message: Annotated[str, Field(max_length=10_000)] = ""
    final_state: dict[str, Any] | None = None
    last_lines: Annotated[list[LastLine], Field(max_length=1_000)] = []


class FlowRunChanges(BaseModel):
    """Runs that changed after a revision, oldest change first; ask again with `cursor`."""

    items: list[FlowRunRead]
    cursor: int


class RefusedItem(BaseModel):
    """An event of a batch that was not kept, and why."""

    sequence: int
    detail: str


class Ingested(BaseModel):
    """The answer to a batch of events, after its commit.

    Attributes:
        applied: how many items were new; repeated ones are not counted.
        refused: malformed items, each by itself; the rest is kept.
        stale: whether the attempt is superseded: its items are history and changed no state.
    """

    applied: int
    refused: list[RefusedItem] = []
    stale: bool = False
