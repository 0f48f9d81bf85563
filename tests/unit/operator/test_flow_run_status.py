"""What a FlowRun's status and its Events say of a run."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.operator import JOB, NOW, RUN_ID, ago, make_attempt, make_run, make_view
from towpath.contract.resources.flow_run import FlowRunStatus
from towpath.contract.states import StateType
from towpath_operator.domain.conditions import FINISHED, SUCCEEDED, find_condition, merge_conditions, reason_word
from towpath_operator.domain.flow_run_status import build_run_status, is_same_status, tell_story

ENDED = make_attempt(ended_at=ago(1))


def status_of(*args: Any, **fields: Any) -> dict[str, Any]:
    return build_run_status(make_view(), make_run(*args, **fields), NOW)


def condition(status: dict[str, Any], name: str) -> tuple[str, str]:
    found = find_condition(status["conditions"], name)
    assert found is not None
    return found["status"], found["reason"]


@pytest.mark.parametrize(
    ("state", "name", "attempt", "finished", "succeeded"),
    [
        (StateType.SCHEDULED, "Late", None, ("False", "Late"), ("Unknown", "Late")),
        (StateType.RUNNING, "Running", None, ("False", "Running"), ("Unknown", "Running")),
        (StateType.COMPLETED, "Completed", ENDED, ("True", "Completed"), ("True", "Completed")),
        (StateType.FAILED, "Failed", ENDED, ("True", "Failed"), ("False", "Failed")),
        (StateType.FAILED, "TimedOut", ENDED, ("True", "TimedOut"), ("False", "TimedOut")),
        (StateType.CANCELLED, "Cancelled", ENDED, ("True", "Cancelled"), ("False", "Cancelled")),
        (
            StateType.CRASHED,
            "Crashed",
            make_attempt(ended_at=ago(1), reason="OOMKilled"),
            ("True", "OOMKilled"),
            ("False", "OOMKilled"),
        ),
        (
            StateType.FAILED,
            "Failed",
            make_attempt(ended_at=ago(1), exit_code=72),
            ("True", "CodeNotLoadable"),
            ("False", "CodeNotLoadable"),
        ),
    ],
)
def test_conditions_say_whether_it_has_finished_and_succeeded_and_why(
    state: StateType, name: str, attempt: Any, finished: tuple[str, str], succeeded: tuple[str, str]
) -> None:
    status = status_of(state, name, attempts=[attempt or make_attempt()])
    assert condition(status, FINISHED) == finished
    assert condition(status, SUCCEEDED) == succeeded


def test_a_status_is_what_the_contract_says() -> None:
    status = status_of(StateType.COMPLETED, start_time=ago(95), end_time=ago(5))
    read = FlowRunStatus.model_validate(status)
    assert (read.run_id, read.run_name, read.job, read.attempt) == (str(RUN_ID), "calm-otter", JOB, 1)
    assert (read.state, read.duration, read.completion_time) == ("Completed", "1m30s", ago(5))


def test_why_a_run_waits_is_its_message() -> None:
    assert status_of(StateType.PENDING, waiting_for="Unschedulable: 0/3 nodes")["message"] == "Unschedulable: 0/3 nodes"
    assert status_of(StateType.PENDING)["message"] is None


def test_a_status_written_once_is_not_written_again() -> None:
    run = make_run(StateType.COMPLETED, start_time=ago(95), end_time=ago(5))
    written = build_run_status(make_view(), run, NOW)
    view = make_view(status={key: value for key, value in written.items() if value is not None})
    assert is_same_status(view.status, build_run_status(view, run, NOW + timedelta(hours=1)))


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = status_of(StateType.PENDING)
    later = build_run_status(make_view(status=first), make_run(), NOW + timedelta(hours=1))
    before, after = find_condition(first["conditions"], FINISHED), find_condition(later["conditions"], FINISHED)
    assert before is not None
    assert after is not None
    assert before["lastTransitionTime"] == after["lastTransitionTime"]
    assert after["reason"] == "Running"


def test_malformed_conditions_are_dropped() -> None:
    assert merge_conditions(["x", {"status": "True"}, None], [], 1, NOW) == []


@pytest.mark.parametrize(
    ("name", "word"), [("Running", "Running"), ("my state", "MyState"), ("2 of 3", "State2Of3"), ("—", "State")]
)
def test_any_state_name_makes_a_reason(name: str, word: str) -> None:
    assert reason_word(name) == word


class TestTheStory:
    def reasons(self, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
        return [(step.type, step.reason) for step in tell_story(before, after)]

    def test_a_run_that_starts_says_where(self) -> None:
        (step,) = tell_story(status_of(StateType.PENDING), status_of(StateType.RUNNING, start_time=ago(1)))
        assert (step.reason, step.message) == ("Running", f"Attempt 1 runs in Job {JOB}.")

    def test_a_run_that_ends_says_how(self) -> None:
        before = status_of(StateType.RUNNING, start_time=ago(10))
        after = status_of(StateType.FAILED, start_time=ago(10), message="boom")
        (step,) = tell_story(before, after)
        assert (step.type, step.reason) == ("Warning", "Failed")
        assert "boom" in step.message

    def test_a_quick_run_is_told_to_have_run(self) -> None:
        after = status_of(StateType.COMPLETED, start_time=ago(10))
        assert self.reasons(status_of(StateType.PENDING), after) == [("Normal", "Running"), ("Normal", "Succeeded")]

    def test_a_crash_names_its_reason(self) -> None:
        attempt = make_attempt(ended_at=ago(1), reason="OOMKilled")
        (step,) = tell_story({}, status_of(StateType.CRASHED, attempts=[attempt]))
        assert (step.type, step.reason) == ("Warning", "Crashed")
        assert "OOMKilled" in step.message

    def test_why_it_waits_is_told_once_for_each_reason(self) -> None:
        before = status_of(StateType.PENDING)
        after = status_of(StateType.PENDING, waiting_for="Unschedulable: 0/3 nodes")
        assert self.reasons(before, after) == [("Warning", "Waiting")]
        assert self.reasons(after, after) == []

    def test_an_end_is_told_once(self) -> None:
        after = status_of(StateType.COMPLETED)
        assert self.reasons(after, status_of(StateType.COMPLETED, message="again")) == []

    def test_an_end_in_a_state_of_the_users_own_is_told(self) -> None:
        (step,) = tell_story({}, status_of(StateType.FAILED, "2 of 3"))
        assert step.reason == "State2Of3"
