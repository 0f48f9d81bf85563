"""Retries of tasks and flows, their delays, and what decides against them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.engine.effects import Sleep
from towpath.errors import DefinitionError
from towpath.states import Cancelled, Completed, Crashed, Failed, Paused, State
from towpath.tasks import exponential_backoff


class Flaky:
    """Fails so many times, then works."""

    def __init__(self, failures: int) -> None:
        self.calls = 0
        self.failures = failures

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise ValueError(f"failure {self.calls}")
        return self.calls


class UnpicklableError(Exception):
    def __init__(self) -> None:
        super().__init__("cannot be pickled")
        self.holds = lambda: None


def count_then_five(retries: int) -> list[float]:
    return [retries, 5]


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays that runs asked for, which pass at once."""
    asked: list[float] = []

    def pass_at_once(sleep: Sleep) -> None:
        asked.append(sleep.seconds)

    monkeypatch.setattr(Sleep, "perform", pass_at_once)
    return asked


def test_a_failed_task_run_awaits_retry_with_its_message_then_retries(told: Recording) -> None:
    work = task(Flaky(2), name="work", retries=2)

    @flow
    def my_flow() -> int:
        return work()

    assert my_flow() == 3
    assert told.states("work-0") == [
        "Pending",
        "Running",
        "AwaitingRetry",
        "Retrying",
        "AwaitingRetry",
        "Retrying",
        "Completed",
    ]
    events = told.state_events("work-0")
    assert events[2]["message"] == "Task run encountered an exception: ValueError: failure 1"
    assert events[2]["type"] == "SCHEDULED"
    assert [event["run_count"] for event in events] == [0, 1, 1, 2, 2, 3, 3]


def test_retries_are_bounded() -> None:
    flaky = Flaky(9)
    work = task(flaky, name="work", retries=2)
    with pytest.raises(ValueError, match="failure 3"):
        flow(lambda: work(), name="f")()
    assert flaky.calls == 3


def test_one_delay_serves_every_retry_and_is_told(sleeps: list[float], told: Recording) -> None:
    work = task(Flaky(2), name="work", retries=2, retry_delay_seconds=1.5)
    flow(lambda: work(), name="f")()
    assert sleeps == [1.5, 1.5]
    event = told.state_events("work-0")[2]
    assert event["details"]["retry_at"] - event["time"] == pytest.approx(1_500_000, abs=200_000)


def test_the_last_delay_of_a_list_repeats(sleeps: list[float]) -> None:
    work = task(Flaky(4), name="work", retries=4, retry_delay_seconds=[1, 2, timedelta(seconds=3)])
    flow(lambda: work(), name="f")()
    assert sleeps == [1, 2, 3, 3]


def test_a_function_of_the_retries_gives_the_delays(sleeps: list[float]) -> None:
    work = task(Flaky(3), name="work", retries=3, retry_delay_seconds=lambda retries: [retries * 10, 5])
    flow(lambda: work(), name="f")()
    assert sleeps == [30, 5, 5]


def test_exponential_backoff_doubles(sleeps: list[float]) -> None:
    work = task(Flaky(4), name="work", retries=4, retry_delay_seconds=exponential_backoff(10))
    flow(lambda: work(), name="f")()
    assert sleeps == [10, 20, 40, 80]


def test_jitter_stays_within_its_factor(sleeps: list[float]) -> None:
    work = task(Flaky(30), name="work", retries=30, retry_delay_seconds=10, retry_jitter_factor=0.5)
    flow(lambda: work(), name="f")()
    assert all(5 <= delay <= 15 for delay in sleeps)
    assert len(set(sleeps)) > 1


def test_a_flows_retries_run_in_the_same_process(told: Recording, sleeps: list[float]) -> None:
    body = Flaky(1)
    assert flow(body, name="again", retries=1, retry_delay_seconds=2)() == 2
    assert told.flow_states() == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert sleeps == [2]


@pytest.mark.parametrize(
    ("delays", "expected"),
    [([1, 2], [1, 2, 2]), (count_then_five, [3, 5, 5]), (exponential_backoff(3), [3, 6, 12])],
)
def test_a_flows_delays_may_be_lists_and_functions_too(delays: Any, expected: list[float], sleeps: list[float]) -> None:
    assert flow(Flaky(3), name="again", retries=3, retry_delay_seconds=delays)() == 4
    assert sleeps == expected


def test_a_failed_flow_run_awaits_retry_with_its_message(told: Recording) -> None:
    flow(Flaky(1), name="again", retries=1)()
    waiting = told.state_events(told.of_kind("flow_run")[0]["name"])[2]
    assert (waiting["type"], waiting["name"]) == ("SCHEDULED", "AwaitingRetry")
    assert waiting["message"] == "Flow run encountered an exception: ValueError: failure 1"


def test_the_retry_condition_decides() -> None:
    asked: list[tuple[str, str, int]] = []

    def may_retry(task: Any, task_run: Any, state: Any) -> bool:
        asked.append((task.name, state.name, task_run.run_count))
        return len(asked) < 2

    flaky = Flaky(9)
    work = task(flaky, name="work", retries=5, retry_condition_fn=may_retry)
    with pytest.raises(ValueError, match="failure 2"):
        flow(lambda: work(), name="f")()
    assert asked == [("work", "Failed", 1), ("work", "Failed", 2)]


def test_a_retry_condition_that_raises_is_logged_and_ends_the_retries(told: Recording) -> None:
    def broken(*_: Any) -> bool:
        raise RuntimeError("broken condition")

    work = task(Flaky(9), name="work", retries=5, retry_condition_fn=broken)
    with pytest.raises(ValueError, match="failure 1"):
        flow(lambda: work(), name="f")()
    assert any("broken condition" in message for message in told.messages(level=40))


def test_a_failed_state_that_is_returned_by_hand_is_retried_like_an_exception(told: Recording) -> None:
    tries: list[str] = []

    def body() -> State[Any]:
        tries.append("once more")
        return Failed(message="not yet") if len(tries) < 3 else Completed(data=len(tries))

    work = task(body, name="work", retries=2)
    assert flow(lambda: work(), name="f")() == 3
    assert told.state_events("work-0")[2]["message"] == "not yet"
    tries.clear()
    assert flow(body, name="g", retries=2)() == 3


@pytest.mark.parametrize("state", [Cancelled(), Crashed(), Paused()])
def test_what_has_not_failed_is_not_retried(state: State[Any], told: Recording) -> None:
    work = task(lambda: state.copy(), name="work", retries=2)
    flow(lambda: work(return_state=True).name, name="f")()
    assert told.states("work-0") == ["Pending", "Running", state.name]


def test_what_cannot_be_pickled_still_retries() -> None:
    calls: list[int] = []

    @task(retries=1)
    def work() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise UnpicklableError
        return len(calls)

    assert flow(lambda: work(), name="f")() == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"retry_delay_seconds": -1}, "retry_delay_seconds"),
        ({"retry_delay_seconds": [1, -2]}, "retry_delay_seconds"),
        ({"retry_delay_seconds": ["x"]}, "retry_delay_seconds"),
        ({"retry_delay_seconds": float("nan")}, "retry_delay_seconds"),
        ({"retry_delay_seconds": [1] * 51}, "at most 50 delays, not 51"),
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"on_failure": print}, "on_failure"),
        ({"on_failure": [1]}, "on_failure"),
        ({"name": ""}, "name"),
    ],
)
def test_options_that_make_no_sense_are_refused_when_defined(options: dict[str, Any], word: str) -> None:
    makers: list[Any] = [task, flow]
    for make in makers:
        with pytest.raises(DefinitionError, match=word):
            make(lambda: None, **{"name": "x", **options})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"retry_jitter_factor": -1}, "retry_jitter_factor"),
        ({"retry_condition_fn": 3}, "retry_condition_fn"),
        ({"cache_key_fn": 3}, "cache_key_fn"),
        ({"cache_expiration": 3}, "cache_expiration"),
    ],
)
def test_task_options_that_make_no_sense_are_refused_when_defined(options: dict[str, Any], word: str) -> None:
    make: Any = task
    with pytest.raises(DefinitionError, match=word):
        make(lambda: None, **{"name": "x", **options})
