"""Jobs as the operator sees them, and the Job of one attempt. Pure; reads no cluster.

Called by the reconcilers and by flow_run_plan. The pod within the Job is pod_manifests' business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from towpath.contract import exit_codes, names
from towpath.contract.runs import ClaimedRun
from towpath_operator.domain.flow_runs import build_labels
from towpath_operator.domain.objects import ANNOTATION_FLOW_RUN, LABEL_MANAGED_BY, MANAGED_BY, RunKey
from towpath_operator.domain.reading import Raw, get_list, get_map, get_owner, get_str, get_time, parse_int

KUEUE_QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"

_MIN_TTL_SECONDS: Final = 600
"""A Job outlives its FlowRun's ttl by this much at least, so that an operator that was away still finds how it ended. Usually
it goes with its FlowRun, which owns it."""

_ENDING = ("FailureTarget", "Failed")


@dataclass(frozen=True, slots=True)
class JobView:
    """What the plan needs of a Job.

    Attributes:
        owner_uid: the uid of the FlowRun that owns it; empty for one that none owns.
        ended: whether it has succeeded or failed for good.
        failed_reason: why it failed, as `DeadlineExceeded`; empty while it has not. Set as soon as it is certain, which is
            before the last pod is gone.
    """

    key: RunKey
    name: str
    uid: str
    resource_version: str
    owner_uid: str
    run_id: str
    attempt: int
    created: datetime | None
    deleting: bool
    suspended: bool
    ended: bool
    failed_reason: str
    failed_message: str
    kueue_queue: str


def view_job(body: Raw) -> JobView:
    """The view of a Job as the API server sent it."""
    metadata = get_map(body, "metadata")
    conditions = {get_str(c, "type"): c for c in get_list(body, "status", "conditions") if _is_true(c)}
    failing = next((conditions[word] for word in _ENDING if word in conditions), None)
    return JobView(
        key=RunKey(get_str(metadata, "namespace"), get_str(metadata, "annotations", ANNOTATION_FLOW_RUN)),
        name=get_str(metadata, "name"),
        uid=get_str(metadata, "uid"),
        resource_version=get_str(metadata, "resourceVersion"),
        owner_uid=get_str(get_owner(body, "FlowRun"), "uid"),
        run_id=get_str(metadata, "labels", names.LABEL_RUN_ID),
        attempt=parse_int(get_str(metadata, "labels", names.LABEL_ATTEMPT)) or 0,
        created=get_time(metadata, "creationTimestamp"),
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        suspended=get_map(body, "spec").get("suspend") is True,
        ended="Complete" in conditions or "Failed" in conditions,
        failed_reason=get_str(failing, "reason"),
        failed_message=get_str(failing, "message"),
        kueue_queue=get_str(metadata, "labels", KUEUE_QUEUE_LABEL),
    )


def _is_true(condition: Any) -> bool:
    return get_str(condition, "status") == "True"


def build_job(claimed: ClaimedRun, key: RunKey, owner_uid: str, pod: Mapping[str, Any]) -> dict[str, Any]:
    """The Job of a claimed attempt. Its name comes from run and attempt: made twice, it is a conflict.

    Args:
        claimed: the run and its attempt.
        key: the FlowRun's namespace and name.
        owner_uid: the FlowRun's uid, which owns the Job.
        pod: the pod template, as pod_manifests makes it.
    """
    spec = claimed.deployment.spec
    labels = build_labels(claimed.run) | {
        names.LABEL_ATTEMPT: str(claimed.attempt),
        LABEL_MANAGED_BY: MANAGED_BY,
    }
    if queue := claimed.work_queue.spec.kueue_queue_name:
        labels[KUEUE_QUEUE_LABEL] = queue
    job_spec: dict[str, Any] = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [_fail_on_user_failures()]},
        "ttlSecondsAfterFinished": max(spec.ttl_seconds_after_finished, _MIN_TTL_SECONDS),
        "template": pod,
    }
    if spec.timeout_seconds is not None:
        job_spec["activeDeadlineSeconds"] = spec.timeout_seconds
    owner = {
        "apiVersion": names.API_VERSION,
        "kind": "FlowRun",
        "name": key.name,
        "uid": owner_uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": names.job_name(claimed.deployment.resource_name, claimed.run.id, claimed.attempt),
        "namespace": key.namespace,
        "labels": labels,
        "annotations": {ANNOTATION_FLOW_RUN: key.name},
        "ownerReferences": [owner],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job_spec}


def _fail_on_user_failures() -> dict[str, Any]:
    """Keeps the exit code of a user's failure on the Job, also when the pod is gone."""
    codes = {"containerName": names.FLOW_CONTAINER, "operator": "In", "values": list(exit_codes.USER_FAILURES)}
    return {"action": "FailJob", "onExitCodes": codes}
