"""Decides what a FlowRun needs next, from what is. Pure: no clock, no I/O. Called by reconcilers.flow_runs.

Level-triggered: the plan depends on the FlowRun, its Jobs and pods, and the run as the API has it, never on what was done
before. So it may be made again after a crash between any two actions, and each action may be applied twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from towpath.contract.runs import AttemptRead, ClaimedRun, FlowRunRead
from towpath.contract.states import TERMINAL, StateType
from towpath_operator.domain.attempt_ends import End, judge_end
from towpath_operator.domain.belonging import is_run_of, select_own
from towpath_operator.domain.conditions import Reason
from towpath_operator.domain.flow_run_actions import (
    Action,
    ConfirmJobGone,
    DeleteJob,
    DropClaim,
    ExpireFlowRun,
    Launch,
    LookAgain,
    Observed,
    PatchStatus,
    PlanSettings,
    ReadHints,
    Register,
    RegisterToCancel,
    ReleaseFlowRun,
    ReportEnded,
    ReportLaunched,
    ReportWaiting,
    RequestCancel,
)
from towpath_operator.domain.flow_run_status import (
    build_refused_status,
    build_run_status,
    is_same_status,
)
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.jobs import JobView
from towpath_operator.domain.pods import HOPELESS, PodView, Waiting

DEFAULT_TTL_SECONDS: Final = 86_400
_EXIT_TIME: Final = timedelta(seconds=60)
"""How long a pod may take to exit by itself after its run has ended in the API."""

_HINT_AFTER: Final = timedelta(seconds=3)
"""How long a Job may have no pod, or a pod with a node no running container, before the cluster's Events are read."""


def plan_flow_run(observed: Observed, now: datetime, settings: PlanSettings) -> list[Action]:
    """What to do, in order. Empty when all is as it should be."""
    observed = select_own(observed)
    flow_run, run, claim = observed.flow_run, observed.run, observed.claim
    if flow_run is None:
        return list(_plan_without_flow_run(observed))
    if claim is not None and _is_taken(flow_run, run, claim):
        # Another FlowRun has taken the name of one that went without letting its run be cancelled first.
        return [RequestCancel(claim.run.id), DropClaim(), LookAgain(0)]
    if _is_unregistered(flow_run, observed):
        return list(_plan_unregistered(flow_run, observed, now))
    if run is None and not observed.asked:
        return list(_plan_expiry(flow_run, now))
    if run is None:
        return list(_plan_lost(flow_run, observed, now))
    if run.state.type in TERMINAL:
        return list(_plan_ended(flow_run, run, observed, now))
    return list(_plan_active(flow_run, run, observed, now, settings))


def is_settled(observed: Observed, plan: Sequence[Action]) -> bool:
    """Whether the FlowRun has ended, all of it is written, and it only waits to expire."""
    view = observed.flow_run
    if view is None or not view.finished or view.has_finalizer or observed.claim is not None:
        return False
    if any(not job.ended for job in observed.jobs):
        return False
    return all(isinstance(action, LookAgain | ExpireFlowRun) for action in plan)


def _is_taken(view: FlowRunView, run: FlowRunRead | None, claim: ClaimedRun) -> bool:
    """Whether the FlowRun at the claimed run's place is another run's."""
    if not is_run_of(claim.run, view):
        return True
    return run is not None and run.id != claim.run.id and is_run_of(run, view)


def _is_unregistered(view: FlowRunView, observed: Observed) -> bool:
    """Whether the FlowRun has no run yet. One that carries the label of another's run, as a copied manifest does, has none."""
    if view.run_id is None:
        return True
    if observed.run is not None:
        return not is_run_of(observed.run, view)
    # No such run: one that was lost, if the operator ever wrote of it or made a Job for it; else a label copied from one long gone.
    return observed.asked and view.told_run_id is None and not observed.jobs


def _plan_without_flow_run(observed: Observed) -> Iterator[Action]:
    claim = observed.claim
    if claim is None:
        return
    if claim.run.resource is not None:
        # kubectl made this run's FlowRun, and somebody took it away without letting it be cancelled first.
        yield RequestCancel(claim.run.id)
        yield DropClaim()
    else:
        yield Launch(claim)


def _plan_unregistered(view: FlowRunView, observed: Observed, now: datetime) -> Iterator[Action]:
    if view.finished:
        if observed.claim is not None:
            yield DropClaim()
        if view.has_finalizer:
            yield ReleaseFlowRun()
        yield from _plan_expiry(view, now)
    elif not view.deleting:
        yield Register()  # a claim of it waits meanwhile: the run is known, only its label was not written
    elif view.has_finalizer:
        yield RegisterToCancel()


def _plan_lost(view: FlowRunView, observed: Observed, now: datetime) -> Iterator[Action]:
    """The API has no such run, as after its database was lost. A FlowRun that had ended is history and stays as it is."""
    if not view.finished:
        yield from _delete_jobs(_open_jobs(observed), "the API no longer has the run")
        message = "The API no longer has this run. Make another FlowRun to run it again."
        yield PatchStatus(build_refused_status(view, Reason.RUN_LOST, message, now) | {"state": "Crashed"})
        if view.has_finalizer:
            yield ReleaseFlowRun()
        return
    if view.has_finalizer:
        yield ReleaseFlowRun()
    yield from _plan_expiry(view, now)


def _plan_ended(view: FlowRunView, run: FlowRunRead, observed: Observed, now: datetime) -> Iterator[Action]:
    if observed.claim is not None:
        yield DropClaim()
    yield from _plan_reports(run, observed, now)
    gave_up = run.state.type in (StateType.CRASHED, StateType.CANCELLED)
    overdue = now - run.state.time > _EXIT_TIME
    open_jobs = _open_jobs(observed)
    if open_jobs and (gave_up or overdue):
        yield from _delete_jobs(open_jobs, f"the run has ended as {run.state.name}")
    elif open_jobs:
        yield LookAgain((_EXIT_TIME - (now - run.state.time)).total_seconds() + 1)
    wanted = build_run_status(view, run, now)
    if not is_same_status(view.status, wanted):
        yield PatchStatus(wanted)
        return
    still_open = bool(open_jobs) or any(not pod.ended for pod in observed.pods)
    if view.has_finalizer and (not still_open or view.deleting):
        yield ReleaseFlowRun()
    if not still_open:
        yield from _plan_expiry(view, now)


def _plan_expiry(view: FlowRunView, now: datetime) -> Iterator[Action]:
    if view.deleting or view.finished_at is None:
        return
    ttl = view.ttl_seconds if view.ttl_seconds is not None else DEFAULT_TTL_SECONDS
    left = view.finished_at + timedelta(seconds=ttl) - now
    if left <= timedelta(0):
        yield ExpireFlowRun()
    else:
        yield LookAgain(left.total_seconds() + 1)


def _plan_active(
    view: FlowRunView, run: FlowRunRead, observed: Observed, now: datetime, settings: PlanSettings
) -> Iterator[Action]:
    wanted = build_run_status(view, run, now)
    if not is_same_status(view.status, wanted):
        yield PatchStatus(wanted)
    cancelling = run.state.type is StateType.CANCELLING
    if (view.cancel or view.deleting) and not cancelling:
        yield RequestCancel(run.id)
        return
    if cancelling:
        if observed.claim is not None:
            yield DropClaim()
        yield from _plan_cancel(run, observed, now)
        return
    claim = observed.claim
    if claim is not None:
        if claim.attempt < run.attempt:
            yield DropClaim()
        else:
            yield Launch(claim)
    yield from _plan_superseded(run, observed)
    yield from _plan_attempt(run, observed, now, settings)


def _plan_cancel(run: FlowRunRead, observed: Observed, now: datetime) -> Iterator[Action]:
    yield from _delete_jobs(_open_jobs(observed), "the run is being cancelled")
    attempt = _current(run)
    if attempt is None or attempt.ended_at is not None:
        return
    unconfirmed = [pod for pod in observed.pods if not pod.ended and not _node_is_lost(pod, observed, now)]
    if unconfirmed:
        yield from _look_when_overdue(unconfirmed, now)
    elif not any(job.attempt == attempt.number and not job.ended for job in observed.jobs):
        if attempt.number in observed.gone_jobs or any(job.attempt == attempt.number for job in observed.jobs):
            yield ReportEnded(run.id, attempt.number, End("Cancelled", message="The run was cancelled."))
        else:
            yield ConfirmJobGone(attempt.number)


def _node_is_lost(pod: PodView, observed: Observed, now: datetime) -> bool:
    end = judge_end(None, [pod], now)
    return end is not None and end.reason == "NodeLost"


def _look_when_overdue(pods: Sequence[PodView], now: datetime) -> Iterator[Action]:
    due = [pod.gone_by for pod in pods if pod.gone_by is not None]
    if due:
        yield LookAgain(max(5.0, (min(due) - now).total_seconds() + 21))


def _plan_superseded(run: FlowRunRead, observed: Observed) -> Iterator[Action]:
    """Earlier attempts' Jobs that may still run something. One whose end was reported ends by itself once its pod is gone."""
    running = {pod.attempt for pod in observed.pods if not pod.ended}
    reported = {attempt.number for attempt in run.attempts if attempt.ended_at is not None}
    for job in _open_jobs(observed):
        if job.attempt < run.attempt and (job.attempt in running or job.attempt not in reported):
            yield from _delete_jobs([job], f"attempt {job.attempt} is superseded by {run.attempt}")


def _plan_attempt(run: FlowRunRead, observed: Observed, now: datetime, settings: PlanSettings) -> Iterator[Action]:
    """What the current attempt's Job and pod say, and the ends of earlier ones."""
    yield from _plan_reports(run, observed, now)
    attempt = _current(run)
    if attempt is None or attempt.ended_at is not None:
        return
    job = next((job for job in observed.jobs if job.attempt == attempt.number), None)
    if job is None or job.ended:
        return
    if attempt.launched_at is None and attempt.claimed_by and observed.claim is None:
        yield ReportLaunched(run.id, attempt.number, attempt.claimed_by, job.name, job.uid)
    if attempt.taken_at is None:
        yield from _plan_start(run, attempt, job, observed, now, settings)
    yield from _look_when_overdue([pod for pod in observed.pods if pod.deleting and not pod.ended], now)


def _plan_start(
    run: FlowRunRead, attempt: AttemptRead, job: JobView, observed: Observed, now: datetime, settings: PlanSettings
) -> Iterator[Action]:
    pod = next((pod for pod in observed.pods if pod.attempt == attempt.number), None)
    if pod is not None and (pod.started or pod.ended):
        return
    hint = observed.hints.get(pod.uid if pod is not None else job.uid)
    waiting = _why_waiting(job, pod, hint)
    if waiting is not None and run.waiting_for != f"{waiting.reason}: {waiting.message}":
        yield ReportWaiting(run.id, attempt.number, waiting)
    if pod is not None and pod.waiting is not None and pod.waiting.reason in HOPELESS:
        left = (pod.scheduled or pod.created or now) + settings.start_deadline - now
        if left <= timedelta(0):
            end = End("NotStarted", reason=pod.waiting.reason, message=pod.waiting.message)
            yield ReportEnded(run.id, attempt.number, end)
            return
        yield LookAgain(left.total_seconds() + 1)
    elif waiting is None or waiting == hint:
        yield from _plan_hints(job, pod, now)


def _plan_hints(job: JobView, pod: PodView | None, now: datetime) -> Iterator[Action]:
    """A quota, or a volume whose Secret is missing, shows in Events only: of the Job without a pod, of the pod with a node."""
    since = (pod.scheduled or pod.created) if pod is not None else job.created
    waits = now - since if since is not None else timedelta(0)
    if job.suspended or waits < _HINT_AFTER:
        yield LookAgain(max(1.0, (_HINT_AFTER - waits).total_seconds()))
    else:
        yield ReadHints(pod.uid if pod is not None else job.uid)
        yield LookAgain(min(60.0, max(3.0, waits.total_seconds() / 4)))


def _why_waiting(job: JobView, pod: PodView | None, hint: Waiting | None) -> Waiting | None:
    if job.suspended:
        by = f"Kueue, in its queue {job.kueue_queue!r}" if job.kueue_queue else "whoever suspended it"
        return Waiting("Suspended", f"The Job waits to be admitted by {by}.")
    if pod is not None and pod.waiting is not None:
        return pod.waiting
    return hint


def _plan_reports(run: FlowRunRead, observed: Observed, now: datetime) -> Iterator[Action]:
    """The ends of attempts that the API has not heard of."""
    for attempt in run.attempts:
        if attempt.ended_at is not None:
            continue
        job = next((job for job in observed.jobs if job.attempt == attempt.number), None)
        pods = [pod for pod in observed.pods if pod.attempt == attempt.number]
        launched = attempt.launched_at is not None or attempt.taken_at is not None
        if job is None and not launched:
            continue
        if job is None and attempt.number not in observed.gone_jobs:
            yield ConfirmJobGone(attempt.number)
            continue
        end = judge_end(job, pods, now, attempt.pod_uid)
        if end is not None:
            yield ReportEnded(run.id, attempt.number, end)


def _open_jobs(observed: Observed) -> list[JobView]:
    """Jobs that something may still run of. One whose pod has ended is about to end by itself, and keeps its pod's log."""
    running = {pod.attempt for pod in observed.pods if not pod.ended}
    ended = {pod.attempt for pod in observed.pods if pod.ended} - running
    return [job for job in observed.jobs if not job.ended and job.attempt not in ended]


def _delete_jobs(jobs: Sequence[JobView], because: str) -> Iterator[Action]:
    for job in jobs:
        if not job.deleting:
            yield DeleteJob(job.name, job.uid, because)


def _current(run: FlowRunRead) -> AttemptRead | None:
    return next((attempt for attempt in run.attempts if attempt.number == run.attempt), None)
