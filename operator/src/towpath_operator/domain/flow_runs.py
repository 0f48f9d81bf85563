"""FlowRuns as the operator sees them, and the manifest of one that it makes for a claimed run. Pure; reads no cluster.

Called by the reconcilers. What a FlowRun's status says is in flow_run_status, what to do about it in flow_run_plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from towpath.contract import names
from towpath.contract.runs import ClaimedRun, FlowRunRead
from towpath_operator.domain.conditions import FINISHED, find_condition
from towpath_operator.domain.objects import ANNOTATION_TTL, RunKey
from towpath_operator.domain.reading import Raw, get_int, get_list, get_map, get_str, get_time, parse_int


@dataclass(frozen=True, slots=True)
class FlowRunView:
    """What the plan needs of a FlowRun.

    Attributes:
        run_id: the run that its label names, which anyone may have written: see belonging. None before it is registered.
        told_run_id: the run that its status names, which only the operator writes; None before.
        ttl_seconds: how long it is kept once finished; None when nobody has said so yet.
    """

    key: RunKey
    uid: str
    resource_version: str
    generation: int
    created: datetime | None
    deleting: bool
    has_finalizer: bool
    run_id: UUID | None
    told_run_id: UUID | None
    deployment: str
    cancel: bool
    ttl_seconds: int | None
    status: Raw

    @property
    def name(self) -> str:
        """Its metadata.name."""
        return self.key.name

    @property
    def finished(self) -> bool:
        """Whether its status already says that it has ended."""
        condition = find_condition(get_list(self.status, "conditions"), FINISHED)
        return condition is not None and condition.get("status") == "True"

    @property
    def finished_at(self) -> datetime | None:
        """When it ended, as its status has it."""
        if (completed := get_time(self.status, "completionTime")) is not None:
            return completed
        return get_time(find_condition(get_list(self.status, "conditions"), FINISHED), "lastTransitionTime")


def view_flow_run(body: Raw) -> FlowRunView:
    """The view of a FlowRun as the API server sent it."""
    metadata = get_map(body, "metadata")
    return FlowRunView(
        key=RunKey(get_str(metadata, "namespace"), get_str(metadata, "name")),
        uid=get_str(metadata, "uid"),
        resource_version=get_str(metadata, "resourceVersion"),
        generation=get_int(metadata, "generation") or 0,
        created=get_time(metadata, "creationTimestamp"),
        deleting=bool(get_str(metadata, "deletionTimestamp")),
        has_finalizer=names.FINALIZER in get_list(metadata, "finalizers"),
        run_id=parse_run_id(get_str(metadata, "labels", names.LABEL_RUN_ID)),
        told_run_id=parse_run_id(get_str(body, "status", "runId")),
        deployment=get_str(body, "spec", "deployment"),
        cancel=get_map(body, "spec").get("cancel") is True,
        ttl_seconds=parse_int(get_str(metadata, "annotations", ANNOTATION_TTL)),
        status=get_map(body, "status"),
    )


def parse_run_id(text: str) -> UUID | None:
    """The run id in a label; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def flow_run_key(run: FlowRunRead) -> RunKey | None:
    """Where the FlowRun of `run` is, or would be; None for a run that has none, since no launcher starts it."""
    if run.resource is not None:
        return RunKey(run.namespace, run.resource.name)
    if run.deployment_resource is None:
        return None
    return RunKey(run.namespace, names.flow_run_resource_name(run.deployment_resource, run.id))


def build_labels(run: FlowRunRead) -> dict[str, str]:
    """The labels by which a FlowRun, its Jobs and its pods are found."""
    labels = {names.LABEL_RUN_ID: str(run.id), names.LABEL_FLOW: names.label_value(run.flow_name)}
    if run.deployment_name:
        labels[names.LABEL_DEPLOYMENT] = names.label_value(run.deployment_name)
    if run.work_queue:
        labels[names.LABEL_WORK_QUEUE] = names.label_value(run.work_queue)
    return labels


def build_registration_patch(run: FlowRunRead, ttl_seconds: int) -> dict[str, Any]:
    """The merge patch that marks a FlowRun as registered."""
    metadata = {"labels": build_labels(run), "annotations": {ANNOTATION_TTL: str(ttl_seconds)}}
    return {"metadata": metadata}


def build_flow_run(claimed: ClaimedRun, key: RunKey) -> dict[str, Any]:
    """The FlowRun of a claimed run that began elsewhere. Its name comes from the run: made twice, it is a conflict."""
    run = claimed.run
    spec: dict[str, Any] = {"deployment": claimed.deployment.resource_name, "parameters": run.parameters}
    if run.scheduled_time is not None:
        spec["scheduledTime"] = run.scheduled_time.isoformat()
    if claimed.pod_template is not None:
        spec["podTemplate"] = claimed.pod_template.model_dump(mode="json", by_alias=True, exclude_unset=True)
    ttl = claimed.deployment.spec.ttl_seconds_after_finished
    metadata: Mapping[str, Any] = {
        "name": key.name,
        "namespace": key.namespace,
        "labels": build_labels(run),
        "annotations": {ANNOTATION_TTL: str(ttl)},
        "finalizers": [names.FINALIZER],
    }
    return {"apiVersion": names.API_VERSION, "kind": "FlowRun", "metadata": metadata, "spec": spec}
