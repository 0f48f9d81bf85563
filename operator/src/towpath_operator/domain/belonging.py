"""Which run a FlowRun stands for, and which Jobs and pods are its own. Pure; called by flow_run_plan and the reconcilers.

Labels, annotations, finalizers and spec of a FlowRun are its author's: a label that names a run is a hint where to look, never a
proof. What is believed is what the API keeps of the run (its namespace, and the uid of the FlowRun that asked for it), what only
the operator may write (the status), and who owns a Job. A run that began elsewhere has no FlowRun of its own in the API; the
FlowRun of the name that derives from it stands for it, within its namespace.
"""

from collections.abc import Sequence
from dataclasses import replace

from towpath.contract import names
from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.flow_run_actions import Observed
from towpath_operator.domain.flow_runs import FlowRunView, flow_run_key
from towpath_operator.domain.jobs import JobView
from towpath_operator.domain.pods import PodView


def is_run_of(run: FlowRunRead, view: FlowRunView) -> bool:
    """Whether the FlowRun stands for this run, whatever its label says."""
    if run.namespace != view.key.namespace:
        return False
    if run.resource is not None:
        return run.resource.uid == view.uid
    # The name derives from the deployment's, which may be another by now; the status says the same for good.
    return view.told_run_id == run.id or flow_run_key(run) == view.key


def find_job_name(run: FlowRunRead, attempt: int) -> str | None:
    """The name of an attempt's Job, as it was reported, else as it derives; None when neither is known."""
    told = next((found.job_name for found in run.attempts if found.number == attempt), None)
    if told:
        return told
    return names.job_name(run.deployment_resource, run.id, attempt) if run.deployment_resource else None


def is_job_of(job: JobView, view: FlowRunView, run: FlowRunRead | None) -> bool:
    """Whether the operator made the Job for this FlowRun: owned by it, and named for the run and an attempt.

    Args:
        job: any Job.
        view: the FlowRun.
        run: its run, where the API has one.
    """
    return job.owner_uid == view.uid and job.run_id == str(view.run_id) and _is_named(job.name, job.attempt, view, run)


def select_own(observed: Observed) -> Observed:
    """What was observed, without the Jobs and pods that only claim to be the FlowRun's."""
    view, run = observed.flow_run, observed.run
    if view is None:
        return observed
    jobs = [job for job in observed.jobs if is_job_of(job, view, run)]
    return replace(observed, jobs=jobs, pods=_select_pods(observed.pods, jobs, view, run))


def _select_pods(
    pods: Sequence[PodView], jobs: Sequence[JobView], view: FlowRunView, run: FlowRunRead | None
) -> list[PodView]:
    """The pods that a Job of the FlowRun started. One whose Job is gone already counts by its owner's name."""
    uids = {job.name: job.uid for job in jobs}
    return [
        pod
        for pod in pods
        if pod.run_id == str(view.run_id)
        and _is_named(pod.owner_name, pod.attempt, view, run)
        and uids.get(pod.owner_name, pod.owner_uid) == pod.owner_uid
    ]


def _is_named(job: str, attempt: int, view: FlowRunView, run: FlowRunRead | None) -> bool:
    if view.run_id is None:
        return False
    name = find_job_name(run, attempt) if run is not None else None
    return job == name if name is not None else job.endswith(f"-{view.run_id.hex[-12:]}-{attempt}")
