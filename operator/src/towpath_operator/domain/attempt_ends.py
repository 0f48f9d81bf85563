"""Judges how an attempt ended from its Job and pod: what the launcher reports, the API decides what follows. Pure.

Called by flow_run_plan. A flow's own end (exit codes of the contract) outweighs what befell its pod afterwards.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from towpath.contract import exit_codes
from towpath_operator.domain.jobs import JobView
from towpath_operator.domain.pods import PodView

Outcome = Literal["Exited", "Cancelled", "TimedOut", "Infrastructure", "NotStarted"]

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
NODE_ANSWER_TIME: Final = timedelta(seconds=20)
"""How long after its grace period a pod that is being deleted may stay before its node counts as lost."""

_OWN_ENDS: Final = (exit_codes.STORED, exit_codes.FAILED, exit_codes.STALE_ATTEMPT, exit_codes.CODE_NOT_LOADABLE)
_SPOKEN_ENDS: Final = (exit_codes.STORED, exit_codes.FAILED, exit_codes.STALE_ATTEMPT)
_DISRUPTIONS: Final[Mapping[str, str]] = {
    "PreemptionByScheduler": "Preempted",
    "DeletionByTaintManager": "NodeLost",
    "EvictionByEvictionAPI": "Evicted",
    "DeletionByPodGC": "NodeLost",
    "TerminationByKubelet": "Evicted",
}
_PLAIN_REASONS: Final = ("Error", "Completed")
_EXIT_CODE_IN_RULE = re.compile(r"failed with exit code (\d+)")


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended.

    Attributes:
        pod: the pod whose last lines belong to the report; empty when they are of no use or there is none.
        final_state: what the pod left in its termination message.
    """

    outcome: Outcome
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    final_state: Mapping[str, Any] | None = None
    pod: str = ""


def judge_end(job: JobView | None, pods: Sequence[PodView], now: datetime, holder: str | None = None) -> End | None:
    """How the attempt ended; None while it has not, or while that cannot be told yet.

    Args:
        job: the attempt's Job; None when it is gone, which the caller has made sure of.
        pods: the attempt's pods.
        now: the time, for pods whose node does not answer any more.
        holder: the uid of the pod that took the attempt; None while none has. Only that pod's end is the attempt's.
    """
    pod = _latest([pod for pod in pods if holder in (None, pod.uid)])
    if job is not None and job.failed_reason == DEADLINE_EXCEEDED:
        return _timed_out(job, pod)
    if pod is None:
        return _judge_without_pod(job)
    if pod.ended:
        return _judge_ended_pod(job, pod)
    if pod.gone_by is not None and now > pod.gone_by + NODE_ANSWER_TIME:
        message = pod.disrupted_message or "The pod is being deleted and its node does not confirm it."
        return End("Infrastructure", reason="NodeLost", message=message, pod=pod.name)
    return None


def parse_final_state(text: str) -> Mapping[str, Any] | None:
    """The state event in a termination message; None when it holds none."""
    try:
        state = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
    return state if isinstance(state, dict) and state.get("kind") == "state" else None


def _latest(pods: Sequence[PodView]) -> PodView | None:
    """The pod that counts. A Job of ours has one; of two, the one that ended by itself says more.

    A pod that found the attempt held by another says nothing while there is another.
    """
    return max(
        pods, key=lambda pod: (not _was_refused(pod), pod.terminated is not None, pod.started, pod.name), default=None
    )


def _was_refused(pod: PodView) -> bool:
    return pod.terminated is not None and pod.terminated.exit_code == exit_codes.STALE_ATTEMPT


def _judge_without_pod(job: JobView | None) -> End | None:
    if job is None:
        return End("Infrastructure", reason="JobDeleted", message="The Job was deleted while the run was under way.")
    if not job.ended:
        return None
    if not job.failed_reason:
        return End("Exited", exit_code=exit_codes.STORED)
    found = _EXIT_CODE_IN_RULE.search(job.failed_message)
    if found is not None and int(found[1]) != exit_codes.STALE_ATTEMPT:
        return End("Exited", exit_code=int(found[1]), reason=job.failed_reason, message=job.failed_message)
    return End("Infrastructure", reason="PodLost", message=f"The pod is gone. {job.failed_message}".strip())


def _judge_ended_pod(job: JobView | None, pod: PodView) -> End | None:
    ended = pod.terminated
    final_state = parse_final_state(ended.message) if ended is not None else None
    if ended is not None and (ended.exit_code in _OWN_ENDS or final_state is not None):
        spoken = ended.exit_code in _SPOKEN_ENDS
        return End("Exited", ended.exit_code, "", "", final_state, "" if spoken else pod.name)
    exit_code = ended.exit_code if ended is not None else None
    if pod.disrupted:
        reason = _DISRUPTIONS.get(pod.disrupted, pod.disrupted)
        message = pod.disrupted_message or pod.status_message
        return End("Infrastructure", exit_code, pod.status_reason or reason, message, None, pod.name)
    if ended is not None and ended.reason == "OOMKilled":
        message = "The container used more memory than its limit."
        return End("Infrastructure", exit_code, "OOMKilled", message, None, pod.name)
    if ended is None or pod.status_reason:
        reason = pod.status_reason or "PodFailed"
        return End("Infrastructure", exit_code, reason, pod.status_message, None, pod.name)
    if pod.deleting and job is not None and not job.deleting and not job.ended and not job.failed_reason:
        return None  # the Job says in a moment whether this was its deadline; it knows before we do
    if pod.deleting:
        return End("Infrastructure", exit_code, "PodDeleted", "The pod was deleted while it ran.", None, pod.name)
    return End("Exited", exit_code, "" if ended.reason in _PLAIN_REASONS else ended.reason, "", None, pod.name)


def _timed_out(job: JobView, pod: PodView | None) -> End:
    final_state = None
    if pod is not None and pod.terminated is not None:
        final_state = parse_final_state(pod.terminated.message)
    exit_code = pod.terminated.exit_code if pod is not None and pod.terminated is not None else None
    name = pod.name if pod is not None else ""
    message = "The run exceeded its timeoutSeconds and was ended."
    return End("TimedOut", exit_code, DEADLINE_EXCEEDED, message, final_state, name)
