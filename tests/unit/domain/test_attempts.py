"""What becomes of a run when an attempt ends."""

from typing import Any

import pytest

from towpath.contract.runs import AttemptEnded
from towpath.contract.states import StateType
from towpath_operator.domain.attempts import UNCHANGED, Ending, FinalState, RunFacts, decide_ending

S = StateType


def make_run(state: StateType = S.RUNNING, name: str = "Running", retries: int = 0, lost: int = 0) -> RunFacts:
    return RunFacts(state, name, attempt=2, infra_attempts=lost, infra_retries=retries)


def decide(run: RunFacts, final: FinalState | None = None, number: int = 2, **report: Any) -> Ending:
    return decide_ending(run, number, AttemptEnded.model_validate(report), final)


@pytest.mark.parametrize(
    ("report", "state", "name"),
    [
        ({"outcome": "Exited", "exit_code": 0}, S.CRASHED, "Crashed"),
        ({"outcome": "Exited", "exit_code": 70}, S.FAILED, "Failed"),
        ({"outcome": "Exited", "exit_code": 72}, S.FAILED, "Failed"),
        ({"outcome": "Exited", "exit_code": 71}, S.CRASHED, "Crashed"),
        ({"outcome": "Exited", "exit_code": 137, "reason": "OOMKilled"}, S.CRASHED, "Crashed"),
        ({"outcome": "Exited"}, S.CRASHED, "Crashed"),
        ({"outcome": "Infrastructure", "reason": "Evicted"}, S.CRASHED, "Crashed"),
        ({"outcome": "NotStarted", "reason": "ErrImagePull"}, S.CRASHED, "Crashed"),
        ({"outcome": "Cancelled"}, S.CANCELLED, "Cancelled"),
        ({"outcome": "TimedOut"}, S.FAILED, "TimedOut"),
    ],
)
def test_an_end_without_a_final_state_is_decided_by_its_outcome(
    report: dict[str, Any], state: StateType, name: str
) -> None:
    ending = decide(make_run(), **report)
    assert (ending.state, ending.name, ending.told) == (state, name, False)


@pytest.mark.parametrize("outcome", ["Exited", "Infrastructure"])
def test_a_lost_attempt_is_tried_again_while_there_are_retries(outcome: str) -> None:
    ending = decide(make_run(retries=2, lost=1), outcome=outcome, exit_code=137)
    assert (ending.state, ending.name, ending.infra) == (S.SCHEDULED, "AwaitingRetry", True)


def test_a_lost_attempt_crashes_the_run_once_the_retries_are_used_up() -> None:
    ending = decide(make_run(retries=2, lost=2), outcome="Infrastructure", reason="OOMKilled", message="out of memory")
    assert ending.state is S.CRASHED
    assert ending.message == "The pod was lost (OOMKilled): out of memory"


@pytest.mark.parametrize("code", [70, 72])
def test_a_failure_of_the_flow_never_uses_infra_retries(code: int) -> None:
    assert decide(make_run(retries=5), outcome="Exited", exit_code=code).state is S.FAILED


def test_a_pod_that_never_started_uses_no_infra_retry() -> None:
    assert decide(make_run(S.PENDING, retries=5), outcome="NotStarted").state is S.CRASHED


@pytest.mark.parametrize(
    "report", [{"outcome": "Exited", "exit_code": 0}, {"outcome": "Infrastructure"}, {"outcome": "Cancelled"}]
)
def test_a_final_state_that_was_not_known_counts(report: dict[str, Any]) -> None:
    ending = decide(make_run(), FinalState(S.COMPLETED, "Completed", "done"), **report)
    assert (ending.state, ending.told) == (S.COMPLETED, True)


@pytest.mark.parametrize(
    "report", [{"outcome": "Exited", "exit_code": 0}, {"outcome": "Infrastructure"}, {"outcome": "Cancelled"}]
)
def test_a_run_that_is_cancelling_ends_as_cancelled_whatever_its_code_did_last(report: dict[str, Any]) -> None:
    run = make_run(S.CANCELLING, "Cancelling", retries=3)
    assert decide(run, FinalState(S.COMPLETED, "Completed", None), **report).state is S.CANCELLED


@pytest.mark.parametrize("state", [S.COMPLETED, S.FAILED, S.CRASHED, S.CANCELLED])
def test_a_run_that_has_ended_stays_so(state: StateType) -> None:
    assert decide(make_run(state), outcome="Infrastructure") == UNCHANGED


def test_the_end_of_a_superseded_attempt_changes_nothing() -> None:
    assert decide(make_run(), number=1, outcome="Infrastructure") == UNCHANGED


def test_a_suspended_run_waits_for_its_resumption_when_its_pod_exits() -> None:
    assert decide(make_run(S.PAUSED, "Suspended"), outcome="Exited", exit_code=0) == UNCHANGED
    assert decide(make_run(S.PAUSED, "Paused"), outcome="Exited", exit_code=0).state is S.CRASHED


@pytest.mark.parametrize("report", [{"outcome": "Exited", "exit_code": 0}, {"outcome": "Infrastructure"}])
@pytest.mark.parametrize(
    "run", [make_run(S.PAUSED, "Suspended", retries=1), make_run(S.SCHEDULED, "Late")._replace(is_due=True)]
)
def test_an_attempt_of_a_suspended_run_may_end_however_it_likes(run: RunFacts, report: dict[str, Any]) -> None:
    assert decide(run, **report) == UNCHANGED
    assert decide(run, FinalState(S.PAUSED, "Suspended", None), **report) == UNCHANGED
    assert decide(run, FinalState(S.COMPLETED, "Completed", None), **report).state is S.COMPLETED
