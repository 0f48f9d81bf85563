"""What pages show of many runs at once: counts over time, durations, a run's graph, planned runs; and the server itself.

Made by the API from what it holds; used for its OpenAPI document and by clients.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from towpath.contract.runs import Request, RunState
from towpath.contract.states import StateType


class HistogramBucket(BaseModel):
    """How many runs that were expected (task runs: declared) from `start` on are in each state now. States without runs are left out."""

    start: AwareDatetime
    counts: dict[StateType, int] = {}


class Histogram(BaseModel):
    """Runs over time by the state that they are in.

    Attributes:
        bucket_seconds: how wide each bucket is; wider than asked where the time is too long ago for finer counts.
        items: every bucket from `since` to `until`, the empty ones too.
        capped: whether only the newest runs that match were counted, since no counts are kept for such a filter.
    """

    bucket_seconds: int
    since: AwareDatetime
    until: AwareDatetime
    items: list[HistogramBucket]
    capped: bool = False


class RunDuration(BaseModel):
    """A run that has started, as a dot in a plot. `seconds` is how long it has taken so far, or took."""

    id: UUID
    name: str
    flow_name: str
    state_type: StateType
    state_name: str
    start_time: AwareDatetime
    end_time: AwareDatetime | None = None
    seconds: float


class RunDurations(BaseModel):
    """Durations of runs, oldest first.

    Attributes:
        total: how many runs match, exact up to 10,000.
        sampled: whether these are some of them, spread over the time.
    """

    items: list[RunDuration]
    total: int
    total_capped: bool = False
    sampled: bool = False


class GraphNode(BaseModel):
    """A task run or a subflow of a run.

    Attributes:
        parent: the task run within which it was called, if one did.
        subflow_id: of a task run that stands for a subflow, the flow run.
    """

    id: UUID
    kind: Literal["task_run", "flow_run"]
    name: str
    label: str
    state: RunState | None = None
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    run_count: int = 0
    parent: UUID | None = None
    subflow_id: UUID | None = None


class GraphEdge(BaseModel):
    """`target` waits for or takes the result of `source`. `inputs` names the parameters; a wait without a value is `wait_for`."""

    source: UUID
    target: UUID
    inputs: list[str]


class RunGraph(BaseModel):
    """What a run consists of and what depends on what, in the order of creation.

    Attributes:
        truncated: whether the run has more task runs than are shown.
    """

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    truncated: bool = False


class PlannedRun(BaseModel):
    """A time at which a schedule will make a run."""

    time: AwareDatetime
    namespace: str
    deployment_id: UUID
    deployment_name: str
    schedule: str


class PlannedRuns(BaseModel):
    """Planned runs, the earliest first.

    Attributes:
        truncated: whether there are more in the range than these.
    """

    items: list[PlannedRun]
    truncated: bool = False


class FlowRunIds(Request):
    """Flow runs to act on."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]


class RefusedRun(BaseModel):
    """A run that was left as it is, and why."""

    id: UUID
    code: str
    detail: str


class BulkDone(BaseModel):
    """What became of many runs: how many were acted on, and which were not."""

    done: int
    refused: list[RefusedRun] = []


class DatabaseRead(BaseModel):
    """The API's database. `healthy` is whether it answers, `revision` its schema's."""

    kind: Literal["sqlite", "postgresql"]
    healthy: bool
    size_bytes: int | None = None
    revision: str | None = None


class RetentionRead(BaseModel):
    """How long things are kept, in days; None for ever."""

    runs_days: int | None = None
    logs_days: int | None = None


class ServerRead(BaseModel):
    """The server as its settings page shows it.

    Attributes:
        mode: `local`, or `cluster` where Kubernetes decides who may.
        event_schema: the newest schema of run events that it reads.
    """

    version: str
    mode: Literal["local", "cluster"]
    event_schema: int
    started: AwareDatetime
    database: DatabaseRead
    retention: RetentionRead
