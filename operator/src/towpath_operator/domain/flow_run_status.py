"""What a FlowRun's status says of its run, and which steps of its story are worth an Event. Pure.

Called by flow_run_plan (the status that should be) and by the reconcilers (the Events for a change of status).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from towpath.contract import names
from towpath.contract.durations import format_duration
from towpath.contract.exit_codes import CODE_NOT_LOADABLE
from towpath.contract.resources.flow_run import FlowRunStatus, TaskCounts
from towpath.contract.runs import AttemptRead, FlowRunRead
from towpath.contract.states import TERMINAL, StateType
from towpath_operator.domain.conditions import (
    FINISHED,
    SUCCEEDED,
    Reason,
    Verdict,
    find_condition,
    format_time,
    merge_conditions,
    reason_word,
)
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.reading import Raw, get_list, get_map, get_str

_MAX_MESSAGE: Final = 1_000
_MAX_STATE: Final = 63
_ATTEMPT_REASONS: Final = frozenset({StateType.CRASHED, StateType.FAILED})
_PLAIN_STATES: Final = frozenset({"Failed", "Crashed"})


class Step(NamedTuple):
    """One Event of a run's story."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def build_run_status(view: FlowRunView, run: FlowRunRead, now: datetime) -> dict[str, Any]:
    """The status of a registered FlowRun, with None for what is to be taken away.

    Args:
        view: the FlowRun; the conditions it has keep their transition times.
        run: the run as the API has it.
        now: the transition time of what changes.
    """
    ended = run.state.type in TERMINAL
    attempt = _current_attempt(run)
    message = run.state.message if ended else (run.waiting_for or run.state.message)
    status = FlowRunStatus(
        state=run.state.name[:_MAX_STATE],
        run_id=str(run.id),
        run_name=run.name,
        message=message[:_MAX_MESSAGE] if message else None,
        job=_job_name(run, attempt),
        attempt=run.attempt or None,
        tasks=TaskCounts.model_validate(run.tasks.model_dump()),
        start_time=_whole(run.start_time),
        completion_time=_whole(run.end_time or run.state.time) if ended else None,
        duration=_duration(run) if ended else None,
        observed_generation=view.generation,
    )
    verdicts = judge_run(run)
    written = status.model_dump(mode="json", by_alias=True, exclude={"conditions"})
    written["conditions"] = merge_conditions(get_list(view.status, "conditions"), verdicts, view.generation, now)
    return written


def judge_run(run: FlowRunRead) -> list[Verdict]:
    """The conditions of a run."""
    word = reason_word(run.state.name)
    message = run.state.message or ""
    if run.state.type not in TERMINAL:
        waits = run.waiting_for or message
        return [Verdict(FINISHED, "False", word, waits), Verdict(SUCCEEDED, "Unknown", word, waits)]
    succeeded = run.state.type is StateType.COMPLETED
    reason = word if succeeded else _end_reason(run)
    return [
        Verdict(FINISHED, "True", reason, message),
        Verdict(SUCCEEDED, "True" if succeeded else "False", reason, message),
    ]


def build_refused_status(view: FlowRunView, reason: Reason, message: str, now: datetime) -> dict[str, Any]:
    """The status of a FlowRun that never became a run: ended as Failed, with why."""
    verdicts = [Verdict(FINISHED, "True", reason, message), Verdict(SUCCEEDED, "False", reason, message)]
    return {
        "state": "Failed",
        "message": message[:_MAX_MESSAGE],
        "completionTime": format_time(now),
        "observedGeneration": view.generation,
        "conditions": merge_conditions(get_list(view.status, "conditions"), verdicts, view.generation, now),
    }


def build_pending_status(view: FlowRunView, reason: Reason, message: str, now: datetime) -> dict[str, Any]:
    """The status of a FlowRun that is not registered yet."""
    verdicts = [Verdict(FINISHED, "False", reason, message), Verdict(SUCCEEDED, "Unknown", reason, message)]
    return {
        "message": message[:_MAX_MESSAGE] or None,
        "observedGeneration": view.generation,
        "conditions": merge_conditions(get_list(view.status, "conditions"), verdicts, view.generation, now),
    }


def is_same_status(current: Raw, wanted: Mapping[str, Any]) -> bool:
    """Whether a status has all that is wanted of it already."""
    return all(current.get(field) == value for field, value in wanted.items())


def tell_story(before: Raw, after: Mapping[str, Any]) -> list[Step]:
    """The Events that tell how a run came from one status to the next; none when nothing worth telling changed."""
    state, earlier = str(after.get("state") or ""), get_str(before, "state")
    message = str(after.get("message") or "")
    finished = find_condition(after.get("conditions") or [], FINISHED) or {}
    if finished.get("status") == "True":
        return [] if _was_finished(before) else [*_tell_missed_start(before, after), _tell_end(after, state, message)]
    if state == earlier:
        told = get_str(before, "message")
        return [Step("Warning", "Waiting", message)] if message and message != told and state in _WAITING else []
    match state:
        case "Running":
            return [_tell_start(after)]
        case "Retrying" | "Rerunning" | "AwaitingRetry":
            return [Step("Warning", state, message or "The run is tried again.")]
        case "Late" | "Paused" | "Suspended" | "Resuming" | "AwaitingConcurrencySlot" | "Cancelling":
            return [Step("Normal", state, message or f"The run is {state}.")]
        case _:
            return []


_WAITING: Final = frozenset({"Pending", "Submitting", "InfrastructurePending", "NotReady"})


def _tell_start(after: Mapping[str, Any]) -> Step:
    return Step("Normal", "Running", f"Attempt {after.get('attempt')} runs in Job {after.get('job')}.")


def _tell_missed_start(before: Raw, after: Mapping[str, Any]) -> list[Step]:
    """A run so quick that its running was never written into its status has run all the same."""
    missed = after.get("startTime") and not get_str(before, "startTime")
    return [_tell_start(after)] if missed else []


def _was_finished(before: Raw) -> bool:
    condition = find_condition(get_list(before, "conditions"), FINISHED) or {}
    return condition.get("status") == "True"


def _tell_end(after: Mapping[str, Any], state: str, message: str) -> Step:
    succeeded = find_condition(after.get("conditions") or [], SUCCEEDED) or {}
    lasted = f" after {after['duration']}" if after.get("duration") else ""
    if succeeded.get("status") == "True":
        total = get_map(after, "tasks").get("total") or 0
        return Step("Normal", "Succeeded", f"The run is {state}{lasted}, with {total} task runs.")
    reason = str(succeeded.get("reason") or state)
    why = reason if reason == state else f"{state} ({reason})"
    kind: Literal["Normal", "Warning"] = "Normal" if state == "Cancelled" else "Warning"
    return Step(kind, state if state.isalpha() else reason, f"{why}{lasted}. {message}".strip())


def _end_reason(run: FlowRunRead) -> str:
    attempt = _current_attempt(run)
    if attempt is not None and attempt.exit_code == CODE_NOT_LOADABLE and run.state.type is StateType.FAILED:
        return Reason.CODE_NOT_LOADABLE
    known = attempt.reason if attempt is not None and run.state.type in _ATTEMPT_REASONS else None
    if known and run.state.name in _PLAIN_STATES:
        return reason_word(known)
    return reason_word(run.state.name)


def _current_attempt(run: FlowRunRead) -> AttemptRead | None:
    return next((attempt for attempt in run.attempts if attempt.number == run.attempt), None)


def _job_name(run: FlowRunRead, attempt: AttemptRead | None) -> str | None:
    if attempt is None or attempt.launched_at is None:
        return None
    if attempt.job_name:
        return attempt.job_name
    return names.job_name(run.deployment_resource, run.id, attempt.number) if run.deployment_resource else None


def _duration(run: FlowRunRead) -> str | None:
    if run.start_time is None:
        return None
    return format_duration((run.end_time or run.state.time) - run.start_time)


def _whole(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(microsecond=0)
