"""Whether a run may be paused, resumed or retried, and what its history says of its pauses. Pure; called by services.run_control.

A pause is a state, and what it waits for is in that state's details; that it was resumed, and with which input, is in the details
of the state that followed. So the history is all there is, and a process that is started again finds in it what it was given.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from towpath.contract.pauses import PauseRead
from towpath.contract.problems import FieldError
from towpath.contract.run_control import AttemptPause
from towpath.contract.states import TERMINAL, RunKind, StateType, Transition, judge
from towpath_operator.domain.parameters import check_parameters, check_schema
from towpath_operator.domain.refusals import InvalidInput, InvalidParameters, InvalidSchema, RunEnded, TransitionRefused
from towpath_operator.domain.times import maybe_time

SUSPENDED: Final = "Suspended"
TIMED_OUT: Final = "The run was paused and not resumed in time."
_KEY, _UNTIL, _SCHEMA, _DESCRIPTION = "pause_key", "pause_until", "input_schema", "description"
_RESUMED, _INPUT, _RETRIED = "resumed_key", "run_input", "retried"


class ControlFacts(NamedTuple):
    """What is known of the run.

    Attributes:
        is_subflow: whether another run's process executes it.
        can_launch: whether it has a deployment that can launch it again.
    """

    state: StateType
    state_name: str
    is_subflow: bool = False
    can_launch: bool = False


def is_suspended(state: StateType, state_name: str) -> bool:
    """Whether a run in this state waits without a process."""
    return state is StateType.PAUSED and state_name == SUSPENDED


def check_pause(facts: ControlFacts, *, suspend: bool) -> None:
    """Checks that a run may be paused, or suspended.

    Raises:
        RunEnded, TransitionRefused: it may not; the message says why.
    """
    if facts.state in TERMINAL:
        raise RunEnded(f"The run has ended as {facts.state_name}: there is nothing to pause.")
    if facts.state is not StateType.RUNNING:
        raise TransitionRefused(f"Only a run that is Running can be paused; this one is {facts.state_name}.")
    if suspend and facts.is_subflow:
        raise TransitionRefused("A subflow cannot be suspended, since its process is its root run's: pause it.")
    if suspend and not facts.can_launch:
        raise TransitionRefused(
            "This run has no deployment that could launch it again, so it cannot be suspended: pause it."
        )
    _judge(facts, StateType.PAUSED)


def check_resume(facts: ControlFacts, paused_until: int | None, now: int) -> None:
    """Checks that a run may be resumed.

    Raises:
        RunEnded, TransitionRefused: it may not; the message says why.
    """
    if facts.state in TERMINAL:
        raise RunEnded(f"The run has ended as {facts.state_name}: there is nothing to resume.")
    if facts.state is not StateType.PAUSED:
        raise TransitionRefused(f"Only a paused run can be resumed; this one is {facts.state_name}.")
    if paused_until is not None and paused_until <= now:
        raise TransitionRefused(f"{TIMED_OUT} Run it again.")
    if is_suspended(facts.state, facts.state_name) and not facts.can_launch:
        raise TransitionRefused("The deployment that could launch this run again is gone: apply it first.")
    _judge(facts, StateType.SCHEDULED if is_suspended(facts.state, facts.state_name) else StateType.RUNNING)


def check_retry(facts: ControlFacts) -> None:
    """Checks that an ended run may be started again.

    Raises:
        RunEnded, TransitionRefused: it may not; the message says why.
    """
    if facts.is_subflow:
        raise TransitionRefused("A subflow is retried with its root run: retry that one.")
    if facts.state not in TERMINAL:
        raise TransitionRefused(f"Only a run that has ended can be retried; this one is {facts.state_name}.")
    if facts.state is StateType.COMPLETED:
        raise RunEnded("The run has completed: make another run of its deployment.")
    _judge(facts, StateType.SCHEDULED)


def _judge(facts: ControlFacts, after: StateType) -> None:
    """Asks the table of transitions, which is what all writers of states have in common.

    Raises:
        TransitionRefused: it does not let the run change so.
    """
    verdict = judge(Transition(RunKind.FLOW_RUN, facts.state, after, has_deployment=facts.can_launch))
    if not verdict.accepted:
        raise TransitionRefused(verdict.reason)


def check_input(schema: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> None:
    """Checks what a paused run is resumed with.

    Raises:
        InvalidInput: it is not what the run waits for; each field is named.
    """
    if schema is None:
        if given is not None:
            raise InvalidInput("The run waits for no input: resume it without one.")
        return
    try:
        check_parameters(schema, given or {})
    except InvalidParameters as refusal:
        errors = [
            FieldError(field=entry.field.replace("parameters", "run_input", 1), message=entry.message)
            for entry in refusal.errors
        ]
        told = "; ".join(f"{entry.field}: {entry.message}" for entry in errors[:3])
        raise InvalidInput(f"The run waits for another input: {told}", errors) from refusal


def check_input_schema(schema: Mapping[str, Any] | None) -> None:
    """Checks the schema of an input that a run is to wait for.

    Raises:
        InvalidSchema: it is none, or larger than a run's parameters may be.
    """
    if schema is None:
        return
    try:
        check_parameters(None, schema)
        check_schema(schema)
    except (InvalidParameters, InvalidSchema) as refusal:
        raise InvalidSchema(f"`input_schema` cannot be used: {refusal.detail}") from refusal


def pause_details(asked: AttemptPause | None, until: int | None) -> dict[str, Any]:
    """The details of a pause's state. `asked` is None for one that a person asked for."""
    details: dict[str, Any] = {_KEY: asked.key if asked is not None else None, _UNTIL: until}
    if asked is not None and asked.input_schema is not None:
        details[_SCHEMA] = asked.input_schema
    if asked is not None and asked.description:
        details[_DESCRIPTION] = asked.description
    return details


def resume_details(paused: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The details of the state that follows a pause with details `paused`."""
    key = (paused or {}).get(_KEY)
    if key is None:
        return None
    return {_RESUMED: key} if given is None else {_RESUMED: key, _INPUT: dict(given)}


def retry_details() -> dict[str, Any]:
    """The details of the state that a retried run begins again with: earlier pauses count no more."""
    return {_RETRIED: True}


def view_pause(state_name: str, details: Mapping[str, Any] | None) -> PauseRead:
    """What a run in a paused state waits for. Details that a flow wrote by hand are read as far as they can be."""
    given = details or {}
    key, until, schema, words = (given.get(name) for name in (_KEY, _UNTIL, _SCHEMA, _DESCRIPTION))
    return PauseRead(
        key=key if isinstance(key, str) else None,
        until=maybe_time(until) if isinstance(until, int) else None,
        suspended=state_name == SUSPENDED,
        input_schema=schema if isinstance(schema, dict) else None,
        description=words if isinstance(words, str) else None,
    )


class Resumed(NamedTuple):
    """A pause that was resumed, and with which input."""

    run_input: dict[str, Any] | None


def find_resumed(history: Iterable[Mapping[str, Any]], key: str) -> Resumed | None:
    """How the pause `key` was resumed; None while it was not, or not since the run was last retried.

    Args:
        history: the details of the run's states, oldest first.
    """
    found: Resumed | None = None
    for details in history:
        if details.get(_RETRIED):
            found = None
        elif details.get(_RESUMED) == key:
            found = Resumed(details.get(_INPUT))
    return found
