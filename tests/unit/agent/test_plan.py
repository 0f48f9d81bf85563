"""What an agent decides, with no process, file or API in sight."""

import json
import signal
from dataclasses import replace
from typing import Any

import pytest

from towpath.agent.ending import judge_end, parse_final_state, parse_last_lines
from towpath.agent.plan import Held, Key, Kill, Report, Terminate, choose_queues, plan_agent, plan_wake

KEY = Key("run", 1)
NOW = 1_000.0
FINAL = {"kind": "state", "type": "COMPLETED"}


def make_held(**fields: Any) -> Held:
    return replace(Held(KEY, grace=30), **fields)


@pytest.mark.parametrize(
    ("fields", "stopping", "expected"),
    [
        ({}, False, []),
        ({"deadline": NOW + 1}, False, []),
        ({"deadline": NOW}, False, [Terminate(KEY, "TimedOut")]),
        ({"is_cancelled": True}, False, [Terminate(KEY, "Cancelled")]),
        ({"is_superseded": True}, False, [Terminate(KEY, "Superseded")]),
        ({}, True, [Terminate(KEY, "AgentStopped")]),
        ({"is_cancelled": True, "deadline": 1.0}, True, [Terminate(KEY, "Cancelled")]),
        ({"is_cancelled": True, "told_at": NOW - 29}, True, []),
        ({"is_cancelled": True, "told_at": NOW - 30}, False, [Kill(KEY)]),
        ({"told_at": NOW - 60, "is_killed": True}, True, []),
        ({"is_ended": True}, True, [Report(KEY)]),
        ({"is_ended": True, "is_cancelled": True, "deadline": 1.0}, False, [Report(KEY)]),
        ({"is_ended": True, "is_reported": True}, True, []),
    ],
)
def test_an_attempt_is_told_to_stop_once_then_killed_then_reported(
    fields: dict[str, Any], stopping: bool, expected: list[object]
) -> None:
    assert plan_agent([make_held(**fields)], NOW, stopping=stopping) == expected


@pytest.mark.parametrize(
    ("held", "pause"),
    [
        ([], None),
        ([make_held()], None),
        ([make_held(deadline=NOW + 5), make_held(told_at=NOW - 28)], 2.0),
        ([make_held(deadline=NOW - 5)], 0.0),
        ([make_held(told_at=NOW - 40, is_killed=True)], None),
        ([make_held(deadline=NOW + 5, is_ended=True)], None),
    ],
)
def test_it_wakes_for_the_nearest_deadline(held: list[Held], pause: float | None) -> None:
    assert plan_wake(held, NOW) == pause


@pytest.mark.parametrize(
    ("names", "prefixes", "chosen"),
    [
        (["a"], [], ["a"]),
        (["a"], ["et"], ["a", "etl", "etl-2"]),
        ([], ["etl", "e"], ["etl", "etl-2"]),
        (["new", "etl"], ["etl"], ["new", "etl", "etl-2"]),
        ([], ["x"], []),
    ],
)
def test_queues_are_those_named_and_those_that_begin_so(
    names: list[str], prefixes: list[str], chosen: list[str]
) -> None:
    assert choose_queues(names, prefixes, ["default", "etl", "etl-2"]) == chosen


@pytest.mark.parametrize(
    ("cause", "code", "final", "outcome", "reason", "exit_code"),
    [
        (None, 0, FINAL, "Exited", "", 0),
        (None, 70, None, "Exited", "", 70),
        (None, 72, None, "Exited", "", 72),
        (None, 1, FINAL, "Exited", "", 1),
        (None, 1, None, "Exited", "", 1),
        (None, -9, None, "Exited", "SIGKILL", 137),
        (None, -signal.SIGSEGV, None, "Exited", "SIGSEGV", 139),
        (None, None, None, "Infrastructure", "ProcessLost", None),
        (None, None, FINAL, "Exited", "", None),
        ("Cancelled", 143, None, "Cancelled", "", 143),
        ("Cancelled", -9, None, "Cancelled", "", 137),
        ("TimedOut", 143, None, "TimedOut", "DeadlineExceeded", 143),
        ("AgentStopped", 143, None, "Infrastructure", "AgentStopped", 143),
        ("AgentStopped", 0, FINAL, "Exited", "", 0),
        ("AgentStopped", 70, None, "Exited", "", 70),
    ],
)
def test_an_end_is_reported_as_the_api_judges_it(
    cause: Any, code: int | None, final: Any, outcome: str, reason: str, exit_code: int | None
) -> None:
    ended = judge_end(cause, code, final, "one\n\ntwo\n")
    assert ended is not None
    assert (ended.outcome, ended.reason, ended.exit_code, ended.final_state) == (outcome, reason, exit_code, final)
    spoken = code in (0, 70)
    assert [line.message for line in ended.last_lines] == ([] if spoken else ["one", "two"])


@pytest.mark.parametrize(("cause", "code"), [("Superseded", 0), ("Superseded", None), (None, 71), ("AgentStopped", 71)])
def test_an_attempt_that_another_one_superseded_is_not_reported(cause: Any, code: int | None) -> None:
    assert judge_end(cause, code, None, "") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "log"}', "hello"])
def test_what_is_no_state_event_is_no_end(text: str) -> None:
    assert parse_final_state(text) is None
    assert parse_final_state(json.dumps(FINAL)) == FINAL


def test_last_lines_are_bounded() -> None:
    lines = parse_last_lines("\n".join(f"{number} {'x' * 20_000}" for number in range(300)))
    assert len(lines) == 200
    assert lines[0].message.startswith("100 ")
    assert max(len(line.message) for line in lines) == 10_000
