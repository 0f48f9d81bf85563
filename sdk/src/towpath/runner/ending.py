"""Decides a runner's exit code and what its termination message says. Pure. Called by `attempts`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from towpath.contract import exit_codes
from towpath.contract.limits import cut

MAX_TERMINATION_BYTES: Final = 4096
"""What Kubernetes keeps of a termination message."""
TERMINATED: Final = 128 + 15
"""Ended because it was told to: what shells and Kubernetes expect after SIGTERM."""
NOT_STORED: Final = 1
"""The run's end is not stored by the API; the termination message has it."""
NOT_STARTED: Final = 1
"""The attempt could not be taken, or the runner itself failed: a fault of the infrastructure."""


def plan_exit_code(
    final: Mapping[str, Any] | None,
    *,
    stored: bool,
    stale: bool,
    code_missing: bool = False,
    suspended: bool = False,
) -> int:
    """The exit code of an attempt that ran to its end.

    Args:
        final: the last state that was told of the run, None when none was.
        stored: whether the API has stored all that was told.
        stale: whether another attempt holds the run.
        code_missing: whether the flow could not be loaded.
        suspended: whether the run was suspended, so that no end was to be told.
    """
    if stale:
        return exit_codes.STALE_ATTEMPT
    if suspended and final is None:
        return exit_codes.STORED if stored else NOT_STORED
    if code_missing:
        return exit_codes.CODE_NOT_LOADABLE
    if final is not None and final["type"] == "FAILED":
        return exit_codes.FAILED
    if final is None or not stored:
        return NOT_STORED
    return exit_codes.STORED


def build_termination_message(final: Mapping[str, Any]) -> bytes:
    """The state event as JSON in at most 4096 bytes: details are left out, and the message cut, when it is larger."""
    encoded = _encode(final)
    if len(encoded) <= MAX_TERMINATION_BYTES:
        return encoded
    kept = {key: value for key, value in final.items() if key != "details"}
    message = str(kept.get("message") or "")
    room = len(message)
    while True:
        encoded = _encode({**kept, "message": cut(message, room)} if message else kept)
        if len(encoded) <= MAX_TERMINATION_BYTES or room <= 100:
            return encoded
        room = max(100, room - max(50, (len(encoded) - MAX_TERMINATION_BYTES) // 4))


def _encode(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=repr).encode(
        "utf-8", "backslashreplace"
    )
