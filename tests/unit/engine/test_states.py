"""States as users see them: their kinds, texts, results and exceptions."""

from datetime import UTC, datetime
from typing import Any

import pytest

from towpath import states
from towpath.contract.states import NAMES, StateType
from towpath.errors import CancelledRun, CrashedRun, FailedRun, MissingResult, PausedRun, UnfinishedRun
from towpath.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    State,
    Suspended,
    get_state_exception,
    is_state,
    is_state_iterable,
    raise_state_exception,
)


@pytest.mark.parametrize(
    ("make", "state_type", "name"),
    [
        (Scheduled, "SCHEDULED", "Scheduled"),
        (Late, "SCHEDULED", "Late"),
        (AwaitingRetry, "SCHEDULED", "AwaitingRetry"),
        (states.AwaitingConcurrencySlot, "SCHEDULED", "AwaitingConcurrencySlot"),
        (Pending, "PENDING", "Pending"),
        (Running, "RUNNING", "Running"),
        (Retrying, "RUNNING", "Retrying"),
        (Paused, "PAUSED", "Paused"),
        (Suspended, "PAUSED", "Suspended"),
        (Cancelling, "CANCELLING", "Cancelling"),
        (Completed, "COMPLETED", "Completed"),
        (Failed, "FAILED", "Failed"),
        (Crashed, "CRASHED", "Crashed"),
        (Cancelled, "CANCELLED", "Cancelled"),
    ],
)
def test_every_constructor_gives_its_type_and_name(make: Any, state_type: str, name: str) -> None:
    state = make()
    assert (state.type.value, state.name) == (state_type, name)
    assert name in NAMES[state.type]
    assert make(name="Other").name == "Other"


def test_exactly_one_question_about_the_type_is_answered_yes() -> None:
    questions = (
        "scheduled",
        "pending",
        "running",
        "paused",
        "cancelling",
        "completed",
        "failed",
        "crashed",
        "cancelled",
    )
    for state_type in StateType:
        state: State[Any] = State(state_type)
        answers = [word for word in questions if getattr(state, f"is_{word}")()]
        assert answers == [state_type.value.lower()]
        assert state.is_final() is (answers[0] in ("completed", "failed", "crashed", "cancelled"))


def test_texts() -> None:
    assert str(Completed()) == "Completed()"
    assert str(Failed(message="no good")) == "Failed('no good')"
    assert repr(Completed(data=3)) == "Completed(message=None, type=COMPLETED, result=3)"
    assert repr(Running()) == "Running(message=None, type=RUNNING)"


def test_the_result_of_a_completed_state_is_its_data() -> None:
    assert Completed(data=3).result() == 3
    assert Completed(data=None).result() is None
    with pytest.raises(MissingResult, match="persist_result"):
        Completed().result()


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (Failed(message="why"), FailedRun),
        (Crashed(message="why"), CrashedRun),
        (Cancelled(message="why"), CancelledRun),
    ],
)
def test_a_bad_state_without_an_exception_raises_its_kind_of_run(state: State[Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="why"):
        state.result()
    assert isinstance(state.result(raise_on_failure=False), error)
    with pytest.raises(error):
        raise_state_exception(state)


def test_the_stored_exception_is_raised() -> None:
    error = ValueError("no good")
    with pytest.raises(ValueError, match="no good"):
        Failed(data=error).result()
    assert Failed(data=error).result(raise_on_failure=False) is error
    assert get_state_exception(Failed(data=[Completed(), Failed(data=error)])) is error
    assert get_state_exception(Failed(data=Failed(data=error))) is error
    assert str(get_state_exception(Failed(data="text"))) == "text"


def test_states_that_have_not_ended_have_no_result() -> None:
    with pytest.raises(PausedRun):
        Paused().result()
    with pytest.raises(UnfinishedRun, match=r"Pending.*upstream"):
        Pending(message="upstream").result()
    with pytest.raises(ValueError, match="must be failed"):
        get_state_exception(Completed())
    raise_state_exception(Completed())


def test_times() -> None:
    at = datetime(2030, 1, 2, tzinfo=UTC)
    assert Scheduled(at).state_details["scheduled_at"] == int(at.timestamp() * 1e6)
    assert abs(Running().timestamp - datetime.now(UTC)).total_seconds() < 60
    paused = Paused(timeout_seconds=60)
    assert paused.state_details["pause_timeout"] == paused.time + 60_000_000
    assert Running().state_details == {}


def test_a_copy_is_a_transition_of_its_own() -> None:
    state = Failed(message="a", data=1)
    other = state.copy(update={"name": "Odd"})
    assert (other.name, other.message, other.data) == ("Odd", "a", 1)
    assert other.id != state.id
    assert state != other
    assert state == Failed(message="a", data=1)


def test_what_is_a_state() -> None:
    assert is_state(Completed())
    assert not is_state("Completed")
    assert is_state_iterable({Completed(), Failed()})
    assert not is_state_iterable([])
    assert not is_state_iterable([Completed(), 1])
    assert not is_state_iterable({1: Completed()})
    with pytest.raises(ValueError, match="NOPE"):
        State("NOPE")
