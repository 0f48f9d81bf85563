"""The state that a run ends in, from what its function returned or raised. Pure."""

import traceback
from collections.abc import Iterable
from typing import Any, cast

from towpath.contract.states import TERMINAL, StateType
from towpath.errors import TerminationSignal
from towpath.states import State, is_state_iterable


def state_of_value(value: Any) -> State[Any]:
    """The state of a run whose function returned `value`, futures in it having been made states already.

    A state: that one. A list, set or tuple of states: COMPLETED if all are. Anything else: COMPLETED.
    """
    if isinstance(value, State):
        return cast("State[Any]", value)
    if is_state_iterable(value):
        state_type, message = summarise([state.type for state in cast("Iterable[State[Any]]", value)])
        return State(state_type, message=message, data=value)
    return State(StateType.COMPLETED, data=value)


def summarise(types: list[StateType]) -> tuple[StateType, str]:
    """What states of these types make together, and the sentence that says so."""
    total = len(types)

    def count(*wanted: StateType) -> int:
        return sum(1 for one in types if one in wanted)

    if count(StateType.COMPLETED) == total:
        return StateType.COMPLETED, "All states completed."
    if cancelled := count(StateType.CANCELLED):
        return StateType.CANCELLED, f"{cancelled}/{total} states cancelled."
    if paused := count(StateType.PAUSED):
        return StateType.PAUSED, f"{paused}/{total} states paused."
    if failed := count(StateType.FAILED, StateType.CRASHED):
        return StateType.FAILED, f"{failed}/{total} states failed."
    return StateType.FAILED, f"{total - count(*TERMINAL)}/{total} states are not final."


def describe(error: BaseException) -> str:
    """An exception in one line: its type and what it says."""
    return "".join(traceback.format_exception_only(error)).strip()


def failed_state(word: str, error: BaseException) -> State[Any]:
    """The state of a run whose function raised."""
    return State(StateType.FAILED, message=f"{word} run encountered an exception: {describe(error)}", data=error)


def timed_out_state(word: str, seconds: float) -> State[Any]:
    """The state of a run that took longer than its `timeout_seconds`."""
    message = f"{word} run exceeded timeout of {seconds:g} seconds"
    return State(StateType.FAILED, name="TimedOut", message=message, data=TimeoutError(message))


def crashed_state(error: BaseException) -> State[Any]:
    """The state of a run that something other than its code interrupted."""
    kind = type(error).__name__
    if isinstance(error, TerminationSignal):
        message = "Execution was aborted by a termination signal."
    elif isinstance(error, KeyboardInterrupt):
        message = "Execution was aborted by an interrupt signal."
    elif isinstance(error, SystemExit):
        message = "Execution was aborted by Python system exit call."
    elif isinstance(error, GeneratorExit):
        message = "Execution was ended by GeneratorExit: the code's coroutine or generator was closed."
    elif kind == "CancelledError":
        message = "Execution was cancelled by the runtime environment."
    else:
        message = f"Execution was interrupted by an unexpected exception: {describe(error)}"
    return State(StateType.CRASHED, message=message, data=error)
