"""What becomes of a run when one of its attempts ends. Pure; called by services.attempts."""

from typing import NamedTuple

from towpath.contract import exit_codes
from towpath.contract.runs import AttemptEnded
from towpath.contract.states import TERMINAL, RunKind, StateType, Transition, judge

SUSPENDED = "Suspended"


class RunFacts(NamedTuple):
    """What the decision looks at.

    Attributes:
        attempt: the run's current attempt.
        infra_attempts: how many attempts have been lost to the infrastructure so far.
        infra_retries: how many may be.
        is_due: whether the run waits to be launched again: it was resumed before this attempt was reported ended.
    """

    state: StateType
    state_name: str
    attempt: int
    infra_attempts: int = 0
    infra_retries: int = 0
    is_due: bool = False


class FinalState(NamedTuple):
    """The end that the pod left in its termination message."""

    type: StateType
    name: str
    message: str | None


class Ending(NamedTuple):
    """What becomes of the run.

    Attributes:
        state: the state it enters; None when it stays as it is.
        told: whether that is the pod's own final state, with its id, time and details.
        infra: whether the attempt counts against `infraRetries`.
    """

    state: StateType | None = None
    name: str | None = None
    message: str | None = None
    told: bool = False
    infra: bool = False


UNCHANGED = Ending()


def is_of_another(ended: AttemptEnded, *, taken: bool, launcher: str) -> bool:
    """Whether the process that ended was a second one of the same attempt, which the first keeps: its end is nobody's news.

    An agent that comes back may launch an attempt that still runs. A Job's end is different: none of its pods is left then.
    """
    refused = ended.outcome == "Exited" and ended.exit_code == exit_codes.STALE_ATTEMPT
    return refused and taken and launcher == "Agent"


def decide_ending(run: RunFacts, number: int, ended: AttemptEnded, final: FinalState | None) -> Ending:
    """What becomes of a run whose attempt `number` ended as `ended` says. To be asked once: callers know whether it was told before."""
    if number != run.attempt or run.state in TERMINAL:
        return UNCHANGED
    is_suspended = run.state is StateType.PAUSED and run.state_name == SUSPENDED
    if (is_suspended or run.is_due) and (final is None or final.type not in TERMINAL):
        return UNCHANGED  # a process that was to end has ended, however it did
    if final is not None and judge(Transition(RunKind.FLOW_RUN, run.state, final.type)).accepted:
        return Ending(final.type, final.name, final.message, told=True)
    if run.state is StateType.CANCELLING or ended.outcome == "Cancelled":
        return Ending(StateType.CANCELLED, "Cancelled", ended.message or "The run was cancelled.")
    if ended.outcome == "TimedOut":
        return Ending(StateType.FAILED, "TimedOut", ended.message or "The run exceeded its deadline.")
    if ended.outcome == "NotStarted":
        return Ending(StateType.CRASHED, "Crashed", _explain(ended, "The pod did not start"))
    if ended.outcome == "Exited" and ended.exit_code in exit_codes.USER_FAILURES:
        loaded = ended.exit_code != exit_codes.CODE_NOT_LOADABLE
        why = "The flow failed" if loaded else "The flow's code could not be loaded"
        return Ending(StateType.FAILED, "Failed", _explain(ended, f"{why}; its log says why"))
    if ended.outcome == "Exited" and ended.exit_code == exit_codes.STORED:
        return Ending(StateType.CRASHED, "Crashed", "The pod ended without telling how the run ended.")
    return _infrastructure(run, ended)


def _infrastructure(run: RunFacts, ended: AttemptEnded) -> Ending:
    what = _explain(ended, "The pod was lost" if ended.outcome == "Infrastructure" else "The pod's process was lost")
    if run.infra_attempts < run.infra_retries:
        left = run.infra_retries - run.infra_attempts - 1
        again = f"{what} Started again; {left} more such losses are allowed."
        return Ending(StateType.SCHEDULED, "AwaitingRetry", again, infra=True)
    return Ending(StateType.CRASHED, "Crashed", what, infra=True)


def _explain(ended: AttemptEnded, what: str) -> str:
    facts = [ended.reason] if ended.reason else []
    if ended.exit_code is not None and ended.outcome != "NotStarted":
        facts.append(f"exit code {ended.exit_code}")
    sentence = f"{what} ({', '.join(facts)})" if facts else what
    return f"{sentence}: {ended.message}" if ended.message else f"{sentence}."
