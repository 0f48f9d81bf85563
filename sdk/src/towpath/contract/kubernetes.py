"""What Kubernetes has of a flow run: its FlowRun, and the Job, pods and events of each attempt. Used by the API and the command line.

These are views of the cluster's own objects at the time of asking, in Kubernetes' words. Nothing of them is stored, and what may be
secret is left out: values of environment variables read `(hidden)`.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel


class ConditionRead(BaseModel):
    """One condition of a FlowRun, Job or pod. `time` is that of its last change."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    time: AwareDatetime | None = None


class EventRead(BaseModel):
    """An event of the cluster, which keeps it for about an hour.

    Attributes:
        kind, name: the object that it is about.
        type: `Normal` or `Warning`.
        count: how often it happened.
        source: the component that tells it, as `kubelet`.
    """

    kind: str
    name: str
    type: str
    reason: str
    message: str
    count: int = 1
    source: str = ""
    first_time: AwareDatetime | None = None
    last_time: AwareDatetime | None = None


class ContainerEndRead(BaseModel):
    """How a container ended."""

    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None


class ContainerRead(BaseModel):
    """A container of a pod.

    Attributes:
        role: `init` containers run before the main ones, `debug` ones were added by hand.
        image: the image that was asked for.
        image_id: the one that runs, by its digest; empty until it was pulled.
        state: `unknown` until the node reports the container.
        reason, message: why it waits, or how it ended.
        end: how it ended; None while it has not.
        last_end: how it ended before it was started again.
    """

    name: str
    role: Literal["init", "main", "debug"] = "main"
    image: str = ""
    image_id: str = ""
    state: Literal["waiting", "running", "terminated", "unknown"] = "unknown"
    reason: str = ""
    message: str = ""
    ready: bool = False
    restarts: int = 0
    start_time: AwareDatetime | None = None
    end: ContainerEndRead | None = None
    last_end: ContainerEndRead | None = None


class PodRead(BaseModel):
    """A pod. `reason` and `message` are its own, as for one that was evicted."""

    name: str
    uid: str
    phase: str
    reason: str = ""
    message: str = ""
    node: str = ""
    deleting: bool = False
    created: AwareDatetime | None = None
    start_time: AwareDatetime | None = None
    conditions: list[ConditionRead] = []
    containers: list[ContainerRead] = []


class JobRead(BaseModel):
    """A Job, with how many of its pods are in each state."""

    name: str
    uid: str
    suspended: bool = False
    deleting: bool = False
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    created: AwareDatetime | None = None
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    conditions: list[ConditionRead] = []


class FlowRunObjectRead(BaseModel):
    """The FlowRun that stands for a run, with what happened to it, newest last."""

    name: str
    uid: str
    deleting: bool = False
    created: AwareDatetime | None = None
    conditions: list[ConditionRead] = []
    events: list[EventRead] = []


class AttemptObjectsRead(BaseModel):
    """The objects of one attempt.

    Attributes:
        job: None before it was made and once it is gone.
        pods: those that are there; a Job of ours starts one.
        events: of the Job and its pods, newest last, also of those that are gone; the newest 100.
        pod_template: the Job's, which its pods are made from; None without a Job. Values of environment variables are hidden.
    """

    number: int
    job: JobRead | None = None
    pods: list[PodRead] = []
    events: list[EventRead] = []
    pod_template: dict[str, Any] | None = None


class KubernetesRead(BaseModel):
    """What Kubernetes has of a run.

    Attributes:
        in_cluster: False where the server runs without Kubernetes: then there is nothing else here.
        problems: what Kubernetes could not be asked, as sentences; what is there is shown all the same.
        flow_run: None for a run that has none, or whose FlowRun has expired.
        attempts: those of the run in their order, of many the newest 10.
    """

    in_cluster: bool
    problems: list[str] = []
    flow_run: FlowRunObjectRead | None = None
    attempts: list[AttemptObjectsRead] = []
