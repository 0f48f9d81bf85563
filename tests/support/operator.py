"""Builders of what the operator sees: runs as the API tells of them, FlowRuns, Jobs and pods as the API server sends them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from towpath.contract import names
from towpath.contract.declared import DeploymentRead, FlowRead, ResourceRef, WorkQueueRead
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath.contract.runs import AttemptRead, ClaimedRun, FlowRunRead, RunState
from towpath.contract.states import StateType
from towpath_operator.domain.flow_runs import FlowRunView, view_flow_run
from towpath_operator.domain.jobs import JobView, view_job
from towpath_operator.domain.objects import ANNOTATION_FLOW_RUN
from towpath_operator.domain.pods import PodView, view_pod

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RUN_ID = UUID("01a20f33-6f44-74a2-aac9-f76bf3a76de3")
JOB = names.job_name("etl.main", RUN_ID, 1)
LABELS = {names.LABEL_RUN_ID: str(RUN_ID), names.LABEL_ATTEMPT: "1"}


def ago(seconds: float) -> datetime:
    """A time before NOW."""
    return NOW - timedelta(seconds=seconds)


def stamp(time: datetime) -> str:
    """A time as Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def owner(kind: str, name: str, uid: str) -> dict[str, Any]:
    """The reference to whoever owns an object and controls it."""
    return {"kind": kind, "name": name, "uid": uid, "controller": True}


def make_attempt(number: int = 1, **fields: Any) -> AttemptRead:
    """An attempt that is launched and goes on."""
    given: dict[str, Any] = {"claimed_by": "operator", "claimed_at": ago(60), "launched_at": ago(59), "job_name": JOB}
    return AttemptRead(number=number, **(given | fields))


def make_run(
    state: StateType = StateType.RUNNING,
    name: str | None = None,
    *,
    attempts: Sequence[AttemptRead] | None = None,
    message: str | None = None,
    **fields: Any,
) -> FlowRunRead:
    """A run of etl/main, at its first attempt unless `attempts` says otherwise."""
    tries = [make_attempt()] if attempts is None else list(attempts)
    run_state = RunState(type=state, name=name or state.value.capitalize(), time=ago(5), message=message)
    given: dict[str, Any] = {
        "id": RUN_ID,
        "namespace": "team",
        "name": "calm-otter",
        "flow_id": UUID(int=1),
        "flow_name": "etl",
        "deployment_id": UUID(int=2),
        "deployment_name": "main",
        "deployment_resource": "etl.main",
        "work_queue": "default",
        "state": run_state,
        "attempt": max((attempt.number for attempt in tries), default=0),
        "attempts": tries,
        "resource": ResourceRef(name="run", uid="uid-run", generation=1),
        "created": ago(100),
        "revision": 7,
    }
    return FlowRunRead(**(given | fields))


def make_flow_run_body(*, status: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A registered FlowRun `team/run`."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": "FlowRun",
        "metadata": {
            "namespace": "team",
            "name": "run",
            "uid": "uid-run",
            "resourceVersion": "10",
            "generation": 1,
            "creationTimestamp": stamp(ago(100)),
            "labels": {names.LABEL_RUN_ID: str(RUN_ID)},
            "finalizers": [names.FINALIZER],
        },
        "spec": {"deployment": "etl.main", **spec},
        "status": dict(status or {}),
    }


def make_view(
    *, metadata: Mapping[str, Any] | None = None, status: Mapping[str, Any] | None = None, **spec: Any
) -> FlowRunView:
    """The view of make_flow_run_body, with further metadata."""
    body = make_flow_run_body(status=status, **spec)
    body["metadata"] |= dict(metadata or {})
    return view_flow_run(body)


def make_job(
    *conditions: tuple[str, str], attempt: int = 1, deleting: bool = False, suspend: bool = False, **fields: Any
) -> JobView:
    """The attempt's Job. Conditions are (type, reason), all True; `message` is theirs."""
    message = str(fields.get("message", ""))
    told = [{"type": kind, "status": "True", "reason": reason, "message": message} for kind, reason in conditions]
    metadata: dict[str, Any] = {
        "namespace": "team",
        "name": names.job_name("etl.main", RUN_ID, attempt),
        "uid": f"uid-job-{attempt}",
        "resourceVersion": "20",
        "creationTimestamp": stamp(ago(fields.get("age", 60))),
        "labels": LABELS | {names.LABEL_ATTEMPT: str(attempt)},
        "annotations": {ANNOTATION_FLOW_RUN: "run"},
        "ownerReferences": [owner("FlowRun", "run", str(fields.get("owner_uid", "uid-run")))],
    }
    if deleting:
        metadata["deletionTimestamp"] = stamp(NOW)
    return view_job({"metadata": metadata, "spec": {"suspend": suspend}, "status": {"conditions": told}})


def make_pod_body(
    *,
    phase: str = "Running",
    state: Mapping[str, Any] | None = None,
    conditions: Sequence[Mapping[str, Any]] = (),
    deleted: datetime | None = None,
    attempt: int = 1,
    name: str | None = None,
    uid: str | None = None,
    owner_uid: str | None = None,
    owners: Sequence[Mapping[str, Any]] | None = None,
    **status: Any,
) -> dict[str, Any]:
    """The attempt's pod, started by its Job unless `owners` says otherwise; `state` is its container's."""
    job = owner("Job", names.job_name("etl.main", RUN_ID, attempt), owner_uid or f"uid-job-{attempt}")
    metadata: dict[str, Any] = {
        "namespace": "team",
        "name": name or f"pod-{attempt}",
        "uid": uid or f"uid-pod-{attempt}",
        "resourceVersion": "30",
        "creationTimestamp": stamp(ago(60)),
        "labels": LABELS | {names.LABEL_ATTEMPT: str(attempt)},
        "annotations": {ANNOTATION_FLOW_RUN: "run"},
        "ownerReferences": [job] if owners is None else list(owners),
    }
    if deleted is not None:
        metadata["deletionTimestamp"] = stamp(deleted)
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(ago(55))}
    told: dict[str, Any] = {"phase": phase, "conditions": list(conditions) or [scheduled], **status}
    if state is not None:
        told["containerStatuses"] = [{"name": names.FLOW_CONTAINER, "state": dict(state)}]
    return {"metadata": metadata, "status": told}


def make_pod(**fields: Any) -> PodView:
    """The view of make_pod_body."""
    return view_pod(make_pod_body(**fields))


def ended(exit_code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """A container's state once it has ended."""
    return {"terminated": {"exitCode": exit_code, "reason": reason, "message": message}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    """A container's state while it waits."""
    return {"waiting": {"reason": reason, "message": message}}


def make_claim(
    *,
    flow: FlowSpec | None = None,
    deployment: DeploymentSpec | None = None,
    queue: WorkQueueSpec | None = None,
    attempt: int = 1,
    **fields: Any,
) -> ClaimedRun:
    """A claim of etl/main."""
    common: dict[str, Any] = {"namespace": "team", "created": ago(500), "updated": ago(500)}
    run = fields.pop("run", None) or make_run(
        StateType.PENDING,
        "Submitting",
        attempts=[make_attempt(attempt, launched_at=None, job_name=None)],
        **fields.pop("run_fields", {}),
    )
    given: dict[str, Any] = {
        "run": run,
        "attempt": attempt,
        "lease_expires": NOW + timedelta(seconds=30),
        "flow": FlowRead(id=UUID(int=1), name="etl", spec=flow or FlowSpec(entrypoint="flows.py:etl"), **common),
        "deployment": DeploymentRead(
            id=UUID(int=2),
            name="main",
            full_name="etl/main",
            resource_name="etl.main",
            flow_id=UUID(int=1),
            flow_name="etl",
            spec=deployment or DeploymentSpec(flow="etl"),
            **common,
        ),
        "work_queue": WorkQueueRead(
            id=UUID(int=3), name="default", declared=True, spec=queue or WorkQueueSpec(), **common
        ),
    }
    return ClaimedRun(**(given | fields))
