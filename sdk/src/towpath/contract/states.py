"""States of flow runs and task runs, and the one table of the transitions between them.

Called by the engine for what it decides itself, by the API for what it is asked, by ingest for what it is told. Pure:
no clock, no I/O, and no pydantic, since `import towpath` reads this module.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class StateType(StrEnum):
    """What a state means to Towpath. Its name (`Late`, `TimedOut`, ...) says more to people."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"


NAMES: Final[Mapping[StateType, tuple[str, ...]]] = {
    StateType.SCHEDULED: ("Scheduled", "Late", "AwaitingRetry", "Resuming", "AwaitingConcurrencySlot"),
    StateType.PENDING: ("Pending", "NotReady", "Submitting", "InfrastructurePending"),
    StateType.RUNNING: ("Running", "Retrying", "Rerunning"),
    StateType.PAUSED: ("Paused", "Suspended"),
    StateType.CANCELLING: ("Cancelling",),
    StateType.COMPLETED: ("Completed", "Cached"),
    StateType.FAILED: ("Failed", "TimedOut"),
    StateType.CRASHED: ("Crashed",),
    StateType.CANCELLED: ("Cancelled",),
}
"""The names each type is known by, the default first. Users may return states with names of their own."""

TERMINAL: Final = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED})


class RunKind(StrEnum):
    """Whose state it is."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"


class Transition(NamedTuple):
    """What a guard may look at.

    Attributes:
        kind: whether a flow run or a task run changes.
        before: the state type it is in, None before its first.
        after: the state type proposed.
        flow_state: for a task run in a flow, the flow run's state type; None outside a flow.
        has_infrastructure: whether a pod or process holds the run, or is being started for it.
        has_deployment: whether the run can be launched again.
    """

    kind: RunKind
    before: StateType | None
    after: StateType
    flow_state: StateType | None = None
    has_infrastructure: bool = True
    has_deployment: bool = True


class Verdict(NamedTuple):
    """A guard's answer.

    Attributes:
        accepted: whether the run's state changes.
        code: why not, in the words of a problem's `code`; empty when accepted.
        reason: why not, as a sentence for people; empty when accepted.
        instead: the state type to enter in the proposed one's place, None for the proposed one.
    """

    accepted: bool
    code: str = ""
    reason: str = ""
    instead: StateType | None = None


Guard = Callable[[Transition], Verdict]

_ACCEPTED = Verdict(True)


def _accept(_: Transition) -> Verdict:
    return _ACCEPTED


def _abort_second_start(t: Transition) -> Verdict:
    return Verdict(False, "duplicate_submission", f"This run is {t.before} and must not be submitted a second time.")


def _stay_ended(t: Transition) -> Verdict:
    return Verdict(False, "run_ended", f"This run has ended as {t.before} and cannot become {t.after}.")


def _only_cancelled(t: Transition) -> Verdict:
    return Verdict(
        False, "run_cancelling", f"This run is being cancelled and can only become CANCELLED, not {t.after}."
    )


def _not_first(t: Transition) -> Verdict:
    return Verdict(False, "not_started", f"A run cannot begin as {t.after}.")


def _start(t: Transition) -> Verdict:
    if t.kind is RunKind.TASK_RUN and t.flow_state not in (None, StateType.RUNNING):
        return Verdict(False, "flow_not_running", f"A task run cannot start while its flow run is {t.flow_state}.")
    return _ACCEPTED


def _cancel(t: Transition) -> Verdict:
    if not t.has_infrastructure:
        return Verdict(True, instead=StateType.CANCELLED)
    return _ACCEPTED


def _launch_again(t: Transition) -> Verdict:
    if t.kind is RunKind.FLOW_RUN and not t.has_deployment:
        return Verdict(False, "no_deployment", "This run has no deployment that could launch it again.")
    return _ACCEPTED


def _pause(t: Transition) -> Verdict:
    if t.kind is RunKind.TASK_RUN and t.before is not StateType.RUNNING:
        return Verdict(False, "not_running", f"A task run that is {t.before} cannot be paused.")
    return _ACCEPTED


def _build_table() -> dict[tuple[StateType | None, StateType], Guard]:
    s = StateType
    table: dict[tuple[StateType | None, StateType], Guard] = {}
    for before in (None, s.SCHEDULED, s.PENDING, s.RUNNING, s.PAUSED):
        for after in s:
            table[before, after] = _accept
        table[before, s.RUNNING] = _start
        table[before, s.CANCELLING] = _cancel
        table[before, s.PAUSED] = _pause
    table[None, s.PAUSED] = table[None, s.CANCELLING] = _not_first
    table[s.PENDING, s.PENDING] = table[s.RUNNING, s.PENDING] = _abort_second_start
    for after in s:
        table[s.CANCELLING, after] = _only_cancelled
        for ended in TERMINAL:
            table[ended, after] = _stay_ended
    table[s.CANCELLING, s.PENDING] = table[s.CANCELLED, s.PENDING] = _abort_second_start
    table[s.CANCELLING, s.CANCELLED] = _accept
    for ended in (s.FAILED, s.CRASHED, s.CANCELLED):
        table[ended, s.SCHEDULED] = _launch_again
    return table


TRANSITIONS: Final[Mapping[tuple[StateType | None, StateType], Guard]] = _build_table()
"""Every (from, to) and its guard. From None is a run's first state."""


def judge(transition: Transition) -> Verdict:
    """Whether the table lets a run change as proposed.

    A repeated transition id is not judged here: whoever keeps the history knows the ids and answers as it did before.
    """
    return TRANSITIONS[transition.before, transition.after](transition)


def default_name(state_type: StateType) -> str:
    """The name of a state of this type when nobody gave it one: `Completed` for COMPLETED."""
    return NAMES[state_type][0]
