"""Pods of attempts as the operator sees them, and why one does not start. Pure; reads no cluster.

Called by the reconcilers and by flow_run_plan. How a pod's end is judged is in attempt_ends.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from towpath.contract import names
from towpath_operator.domain.objects import ANNOTATION_FLOW_RUN, RunKey
from towpath_operator.domain.reading import Raw, get_int, get_list, get_map, get_owner, get_str, get_time, parse_int

HOPELESS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Reasons of a container that does not start and, left alone, mostly will not: they end the attempt at a deadline."""

_UNREMARKABLE: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_MAX_REASON: Final = 200
_MAX_MESSAGE: Final = 2_000


class Terminated(NamedTuple):
    """How the flow's container ended. `message` is what it wrote to its termination log."""

    exit_code: int
    reason: str
    message: str


class Waiting(NamedTuple):
    """Why a pod does not start: a CamelCase reason and the kubelet's or scheduler's message, not longer than the API keeps it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PodView:
    """What the plan needs of a pod.

    Attributes:
        owner_name, owner_uid: the Job that started it; empty for one that none did.
        scheduled: when it got its node; None before.
        started: whether the flow's container has run at all.
        waiting: why it does not start, where the pod says so.
        terminated: how the flow's container ended; None while it has not.
        disrupted: the reason of its DisruptionTarget condition, empty without one.
        gone_by: when it should be gone, if it is being deleted.
        status_reason: the pod's own reason, as `Evicted`.
    """

    key: RunKey
    name: str
    uid: str
    resource_version: str
    owner_name: str
    owner_uid: str
    run_id: str
    attempt: int
    created: datetime | None
    phase: str
    scheduled: datetime | None
    started: bool
    waiting: Waiting | None
    terminated: Terminated | None
    disrupted: str
    disrupted_message: str
    deleting: bool
    gone_by: datetime | None
    status_reason: str
    status_message: str

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.terminated is not None or self.phase in ("Succeeded", "Failed")


def view_pod(body: Raw) -> PodView:
    """The view of a pod as the API server sent it."""
    metadata = get_map(body, "metadata")
    status = get_map(body, "status")
    owner = get_owner(body, "Job")
    conditions = {get_str(c, "type"): get_map(c) for c in get_list(status, "conditions")}
    scheduled = conditions.get("PodScheduled", {})
    disrupted = conditions.get("DisruptionTarget", {})
    is_disrupted = get_str(disrupted, "status") == "True"
    flow = next((c for c in get_list(status, "containerStatuses") if get_str(c, "name") == names.FLOW_CONTAINER), {})
    return PodView(
        key=RunKey(get_str(metadata, "namespace"), get_str(metadata, "annotations", ANNOTATION_FLOW_RUN)),
        name=get_str(metadata, "name"),
        uid=get_str(metadata, "uid"),
        resource_version=get_str(metadata, "resourceVersion"),
        owner_name=get_str(owner, "name"),
        owner_uid=get_str(owner, "uid"),
        run_id=get_str(metadata, "labels", names.LABEL_RUN_ID),
        attempt=parse_int(get_str(metadata, "labels", names.LABEL_ATTEMPT)) or 0,
        created=get_time(metadata, "creationTimestamp"),
        phase=get_str(status, "phase"),
        scheduled=get_time(scheduled, "lastTransitionTime") if get_str(scheduled, "status") == "True" else None,
        started=bool(get_map(flow, "state", "running")) or get_map(flow).get("started") is True,
        waiting=_find_waiting(status, scheduled, flow),
        terminated=_find_terminated(flow),
        disrupted=get_str(disrupted, "reason") if is_disrupted else "",
        disrupted_message=get_str(disrupted, "message") if is_disrupted else "",
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        gone_by=get_time(metadata, "deletionTimestamp"),
        status_reason=get_str(status, "reason"),
        status_message=get_str(status, "message"),
    )


def make_waiting(reason: str, message: str) -> Waiting:
    """A Waiting within the API's bounds."""
    return Waiting(reason[:_MAX_REASON], message.strip()[:_MAX_MESSAGE])


def _find_terminated(flow: Raw) -> Terminated | None:
    ended = get_map(flow, "state", "terminated")
    exit_code = get_int(ended, "exitCode")
    if exit_code is None:
        return None
    return Terminated(exit_code, get_str(ended, "reason"), get_str(ended, "message"))


def _find_waiting(status: Raw, scheduled: Raw, flow: Raw) -> Waiting | None:
    if get_str(scheduled, "status") == "False":
        reason = get_str(scheduled, "reason") or "Unschedulable"
        return make_waiting(reason, get_str(scheduled, "message") or "The scheduler has found no node for the pod yet.")
    for container in (*get_list(status, "initContainerStatuses"), flow):
        waits = get_map(container, "state", "waiting")
        reason = get_str(waits, "reason")
        if reason not in _UNREMARKABLE:
            return make_waiting(reason, get_str(waits, "message") or f"The container waits: {reason}.")
    return None
