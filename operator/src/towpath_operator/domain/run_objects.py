"""Which of a namespace's Jobs, pods and events are a run's, put together by attempt. Pure; called by services.kubernetes.

A label proves nothing (see belonging): a Job counts if it has its attempt's name and a FlowRun of the run owns it, a pod if such a
Job started it. Names of Jobs hold the run's id, so events are found by name, also when their object is gone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from towpath.contract.kubernetes import AttemptObjectsRead, KubernetesRead
from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.belonging import find_job_name
from towpath_operator.domain.flow_runs import view_flow_run
from towpath_operator.domain.jobs import view_job
from towpath_operator.domain.kube_views import (
    view_events,
    view_flow_run_object,
    view_job_object,
    view_pod_object,
)
from towpath_operator.domain.pods import PodView, view_pod
from towpath_operator.domain.reading import Raw, get_map, get_str
from towpath_operator.domain.redacting import redact_template

MOST_ATTEMPTS: Final = 10
MOST_PODS: Final = 5
"""Of one attempt that events are asked for; a Job of ours starts one pod, or another when Kubernetes loses it."""
_CREATED: Final = "Created pod: "


class Subject(NamedTuple):
    """An object that events may be about. `uid` empty: whichever has the name."""

    kind: str
    name: str
    uid: str = ""


class Found(NamedTuple):
    """What Kubernetes told of a run.

    Attributes:
        flow_run: the object of the name of the run's FlowRun.
        jobs, pods: those with the run's label.
        events: by what they were asked for.
        problems: what could not be asked.
    """

    flow_run: Raw | None
    jobs: Sequence[Raw]
    pods: Sequence[Raw]
    events: Mapping[Subject, Sequence[Raw]]
    problems: Sequence[str] = ()


def shown_attempts(run: FlowRunRead) -> dict[int, str]:
    """The attempts that are shown, each with the name of its Job; none for a run that no launcher starts."""
    numbers = [attempt.number for attempt in run.attempts][-MOST_ATTEMPTS:]
    named = {number: find_job_name(run, number) for number in numbers}
    return {number: name for number, name in named.items() if name}


def select_flow_run(run: FlowRunRead, body: Raw | None) -> Raw | None:
    """The FlowRun, if it stands for the run: its uid is the one that asked for it, or its status names the run."""
    if body is None:
        return None
    view = view_flow_run(body)
    mine = view.uid == run.resource.uid if run.resource is not None else view.told_run_id == run.id
    return body if mine else None


def select_jobs(run: FlowRunRead, jobs: Sequence[Raw]) -> dict[int, Raw]:
    """The run's Jobs by attempt."""
    names = shown_attempts(run)
    return {
        job.attempt: body
        for body in jobs
        if (job := view_job(body)).name == names.get(job.attempt) and _owned(run, body)
    }


def _owned(run: FlowRunRead, body: Raw) -> bool:
    view = view_job(body)
    if view.run_id != str(run.id) or not view.owner_uid:
        return False
    return run.resource is None or run.resource.uid == view.owner_uid


def select_pods(run: FlowRunRead, jobs: Mapping[int, Raw], pods: Sequence[Raw]) -> dict[int, list[Raw]]:
    """The run's pods by attempt, the oldest first."""
    names = shown_attempts(run)
    found: dict[int, list[tuple[PodView, Raw]]] = {}
    for body in pods:
        pod = view_pod(body)
        job = jobs.get(pod.attempt)
        started = job is None or get_str(job, "metadata", "uid") == pod.owner_uid
        if pod.run_id == str(run.id) and pod.owner_name == names.get(pod.attempt) and started:
            found.setdefault(pod.attempt, []).append((pod, body))
    return {
        number: [body for _, body in sorted(each, key=lambda one: (str(one[0].created or ""), one[0].name))]
        for number, each in found.items()
    }


def list_subjects(run: FlowRunRead, flow_run: Raw | None) -> list[Subject]:
    """What events are asked about first: the FlowRun and the Jobs."""
    jobs = [Subject("Job", name) for name in shown_attempts(run).values()]
    if flow_run is None:
        return jobs
    return [Subject("FlowRun", get_str(flow_run, "metadata", "name"), get_str(flow_run, "metadata", "uid")), *jobs]


def list_pod_subjects(run: FlowRunRead, pods: Sequence[Raw], events: Mapping[Subject, Sequence[Raw]]) -> list[Subject]:
    """The pods that events are asked about: those that are there, that took an attempt, or that a Job says it started."""
    mine = select_pods(run, {}, pods)
    took = {attempt.number: attempt.pod_name for attempt in run.attempts}
    subjects: list[Subject] = []
    for number, job in shown_attempts(run).items():
        names = [get_str(body, "metadata", "name") for body in mine.get(number, [])]
        names += [took.get(number) or "", *(_created_pod(event) for event in events.get(Subject("Job", job), ()))]
        of_job = dict.fromkeys(name for name in names if name.startswith(f"{job}-"))
        subjects += [Subject("Pod", name) for name in list(of_job)[:MOST_PODS]]
    return subjects


def _created_pod(event: Raw) -> str:
    message = get_str(event, "message")
    return message.removeprefix(_CREATED).strip() if message.startswith(_CREATED) else ""


def build_kubernetes(run: FlowRunRead, found: Found) -> KubernetesRead:
    """What is shown of a run."""
    flow_run = select_flow_run(run, found.flow_run)
    jobs = select_jobs(run, found.jobs)
    pods = select_pods(run, jobs, found.pods)
    told = next((events for subject, events in found.events.items() if subject.kind == "FlowRun"), ())
    return KubernetesRead(
        in_cluster=True,
        problems=list(found.problems),
        flow_run=view_flow_run_object(flow_run, told) if flow_run is not None else None,
        attempts=[
            _build_attempt(number, name, jobs.get(number), pods.get(number, ()), found.events)
            for number, name in shown_attempts(run).items()
        ],
    )


def _build_attempt(
    number: int, name: str, job: Raw | None, pods: Sequence[Raw], events: Mapping[Subject, Sequence[Raw]]
) -> AttemptObjectsRead:
    mine = [
        event
        for subject, told in events.items()
        if subject == Subject("Job", name) or (subject.kind == "Pod" and subject.name.startswith(f"{name}-"))
        for event in told
    ]
    return AttemptObjectsRead(
        number=number,
        job=view_job_object(job) if job is not None else None,
        pods=[view_pod_object(pod) for pod in pods],
        events=view_events(mine),
        pod_template=redact_template(get_map(job, "spec", "template")) if job is not None else None,
    )
