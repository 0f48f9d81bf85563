"""Exit codes and the termination message."""

import json
from typing import Any

import pytest

from towpath.runner.ending import MAX_TERMINATION_BYTES, build_termination_message, plan_exit_code


def state(state_type: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    return {
        "kind": "state",
        "id": "i" * 36,
        "run": "flow_run",
        "run_id": "r" * 36,
        "type": state_type,
        "time": 1,
        **more,
    }


@pytest.mark.parametrize(
    ("final", "stored", "stale", "code_missing", "expected"),
    [
        (state(), True, False, False, 0),
        (state("CANCELLED"), True, False, False, 0),
        (state("PAUSED"), True, False, False, 0),
        (state("FAILED"), True, False, False, 70),
        (state("FAILED"), False, False, False, 70),
        (state("FAILED"), True, False, True, 72),
        (state(), True, True, False, 71),
        (state(), False, False, False, 1),
        (None, True, False, False, 1),
    ],
)
def test_the_exit_code_says_what_became_of_the_attempt(
    final: dict[str, Any] | None, stored: bool, stale: bool, code_missing: bool, expected: int
) -> None:
    assert plan_exit_code(final, stored=stored, stale=stale, code_missing=code_missing) == expected


@pytest.mark.parametrize(
    "message", ["short", "x" * 50_000, "ü" * 50_000, "\U0001f600" * 50_000, '"\\\n' * 20_000, "\x01" * 20_000]
)
def test_the_termination_message_fits_and_can_be_read(message: str) -> None:
    encoded = build_termination_message(state("FAILED", name="Failed", message=message, details={"x": "y" * 9_000}))
    assert len(encoded) <= MAX_TERMINATION_BYTES
    document = json.loads(encoded)
    assert document["type"] == "FAILED"
    assert document["message"][:1] == message[:1]


def test_a_small_state_is_kept_whole() -> None:
    event = state(details={"retry_at": 5}, message="done")
    assert json.loads(build_termination_message(event)) == event


@pytest.mark.parametrize(
    ("final", "stored", "expected"),
    [(None, True, 0), (None, False, 1), (state("FAILED"), True, 70), (state(), True, 0)],
)
def test_a_suspended_run_tells_no_end_unless_it_came_to_one(
    final: dict[str, Any] | None, stored: bool, expected: int
) -> None:
    assert plan_exit_code(final, stored=stored, stale=False, suspended=True) == expected
