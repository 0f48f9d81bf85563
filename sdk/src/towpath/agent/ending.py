"""Says how an attempt's process ended, as the API wants to hear it. Pure. Called by `running`."""

import json
import signal
from typing import Any, Final

from towpath.agent.plan import Cause
from towpath.contract import exit_codes
from towpath.contract.runs import AttemptEnded, LastLine

MAX_LINES: Final = 200
_MAX_LINE: Final = 10_000
_SPOKEN: Final = (exit_codes.STORED, exit_codes.FAILED, exit_codes.STALE_ATTEMPT)
"""Exit codes after which the run's log says all that is to say."""
_OWN: Final = (*_SPOKEN, exit_codes.CODE_NOT_LOADABLE)


def judge_end(
    cause: Cause | None, code: int | None, final_state: dict[str, Any] | None, output: str
) -> AttemptEnded | None:
    """The report of an attempt's end; None when there is nothing to report, since another attempt holds the run.

    Args:
        cause: why the agent told its process to stop; None if it did not.
        code: as Python gives it: negative for a signal; None when nobody saw it.
        final_state: the state event that the runner left.
        output: what the process printed last.
    """
    if cause == "Superseded" or code == exit_codes.STALE_ATTEMPT:
        return None
    ended: dict[str, Any] = {"exit_code": None if code is None else _as_shell(code), "final_state": final_state}
    if code not in _SPOKEN:
        ended["last_lines"] = parse_last_lines(output)
    if cause == "Cancelled":
        return AttemptEnded(outcome="Cancelled", **ended)
    if cause == "TimedOut":
        message = "The run exceeded its timeoutSeconds and was ended."
        return AttemptEnded(outcome="TimedOut", reason="DeadlineExceeded", message=message, **ended)
    if final_state is not None or code in _OWN:
        return AttemptEnded(outcome="Exited", **ended)
    if cause == "AgentStopped":
        message = "The agent that ran it was stopped."
        return AttemptEnded(outcome="Infrastructure", reason="AgentStopped", message=message, **ended)
    if code is None:
        message = "Its process ended while no agent watched it."
        return AttemptEnded(outcome="Infrastructure", reason="ProcessLost", message=message, **ended)
    if code < 0:
        return AttemptEnded(outcome="Exited", reason=_signal_name(-code), message=_explain_signal(-code), **ended)
    return AttemptEnded(outcome="Exited", **ended)


def parse_final_state(text: str) -> dict[str, Any] | None:
    """The state event that a runner left; None when it left none."""
    try:
        state = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
    return state if isinstance(state, dict) and state.get("kind") == "state" else None


def parse_last_lines(output: str) -> list[LastLine]:
    """The last lines that are not empty; a line of extreme length is cut."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return [LastLine(message=line[:_MAX_LINE]) for line in lines[-MAX_LINES:]]


def _as_shell(code: int) -> int:
    return 128 - code if code < 0 else code


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"Signal{number}"


def _explain_signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "The process was killed, by the system for want of memory or by hand."
    return "A signal ended the process."
