"""Where a task's inputs come from: futures and states in arguments, `wait_for`, and what becomes of bad upstreams."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from tests.unit.engine.recording import Recording
from towpath import allow_failure, flow, quote, task
from towpath.errors import UnfinishedRun
from towpath.futures import Future
from towpath.states import Cancelled, Crashed, Failed, Paused, Pending, Running, Scheduled, State


@task
def one() -> int:
    return 1


@task
def fail() -> int:
    raise ValueError("no good")


@task
def crash() -> int:
    raise SystemExit(3)


@task
def same(x: Any) -> Any:
    return x


@dataclass
class Point:
    x: Any


class Model(BaseModel):
    x: Any = None


def test_futures_and_states_anywhere_in_collections_become_their_data() -> None:
    @flow
    def my_flow() -> Any:
        future, state = one.submit(), one(return_state=True)
        point, model = Point(future), Model(x=state)
        given = {"a": [future, (state, {future.result()})], "b": point, "c": model, "d": {"e": future}}
        result = same.submit(given).result()
        assert isinstance(point.x, Future)
        assert isinstance(model.x, State)
        return [result]

    (result,) = my_flow()
    assert result == {"a": [1, (1, {1})], "b": Point(1), "c": Model(x=1), "d": {"e": 1}}


def test_a_collection_without_futures_stays_the_object_it_was() -> None:
    given = {"a": [1, (2, {3})], "b": Point(4)}

    @flow
    def my_flow() -> bool:
        return same(given) is given

    assert my_flow() is True


def test_inputs_say_which_runs_they_came_from(told: Recording) -> None:
    @flow
    def my_flow() -> None:
        first, second = one.submit(), one.submit()
        same.submit([first, {"k": second}], wait_for=[first]).wait()

    my_flow()
    ids = [told.run_id("one-0"), told.run_id("one-1")]
    event = next(e for e in told.of_kind("task_run") if e["name"] == "same-0")
    assert event["inputs"] == {"x": ids, "wait_for": ids[:1]}


@pytest.mark.parametrize("upstream", [fail, crash])
def test_a_task_whose_upstream_did_not_complete_is_not_ready_and_never_runs(told: Recording, upstream: Any) -> None:
    calls: list[Any] = []

    @task
    def after(x: Any) -> None:
        calls.append(x)

    @flow
    def my_flow() -> list[str]:
        first = upstream.submit()
        state = after.submit(first).wait()
        called = after(first, return_state=True)
        with pytest.raises(UnfinishedRun, match="did not reach"):
            after(first)
        assert state is not None
        return [state.name, state.message or "", called.name, first.task_run_id]

    name, message, called, run_id = my_flow()
    assert (name, called) == ("NotReady", "NotReady")
    assert message == f"Upstream task run '{run_id}' did not reach a 'COMPLETED' state."
    assert calls == []
    assert told.states("after-0") == ["Pending", "NotReady"]


def test_wait_for_is_the_same_rule_without_data(told: Recording) -> None:
    @flow
    def my_flow() -> list[str]:
        good = same.submit(1, wait_for=[one.submit()]).wait()
        bad = same.submit(1, wait_for=[fail.submit()]).wait()
        inline = same(1, wait_for=[fail(return_state=True)], return_state=True)
        assert good is not None
        assert bad is not None
        return [good.name, bad.name, inline.name]

    assert my_flow() == ["Completed", "NotReady", "NotReady"]


def test_allow_failure_admits_failed_and_hands_over_the_exception() -> None:
    @flow
    def my_flow() -> list[Any]:
        direct = same.submit(allow_failure(fail.submit())).result()
        nested = same.submit(allow_failure([fail.submit(), one.submit()])).result()
        good = same.submit(allow_failure(one.submit())).result()
        return [type(direct), type(nested[0]), nested[1], good]

    assert my_flow() == [ValueError, ValueError, 1, 1]


def test_allow_failure_in_wait_for_admits_failed() -> None:
    @flow
    def my_flow() -> int:
        return same.submit(5, wait_for=[allow_failure(fail.submit())]).result()

    assert my_flow() == 5


@pytest.mark.parametrize("state", [Failed(), Crashed(), Cancelled(), Paused(), Running(), Pending(), Scheduled()])
def test_no_state_but_completed_admits_a_task(state: State[Any]) -> None:
    @flow
    def my_flow() -> list[str]:
        given = same(state, return_state=True)
        waited = same(1, wait_for=[state], return_state=True)
        return [given.name, waited.name]

    assert my_flow() == ["NotReady", "NotReady"]


def test_a_timeout_is_a_failure_that_may_be_allowed() -> None:
    slow = task(lambda: time.sleep(30), name="slow", timeout_seconds=0.05)

    @flow
    def my_flow() -> Any:
        state = slow(return_state=True)
        return state.name, type(same(allow_failure(state)))

    assert my_flow() == ("TimedOut", TimeoutError)


@pytest.mark.parametrize("state", [Crashed(), Cancelled()])
def test_allow_failure_does_not_admit_crashed_or_cancelled(state: State[Any]) -> None:
    @flow
    def my_flow() -> str:
        return same(allow_failure(state), return_state=True).name

    assert my_flow() == "NotReady"


def test_quote_skips_the_traversal() -> None:
    given: list[Any] = []

    @task
    def keep(x: Any) -> None:
        given.append(x)

    @flow
    def my_flow() -> bool:
        future = one.submit()
        whole = [future]
        keep(quote(whole))
        keep({"k": quote(future)})
        return given[0] is whole and given[1]["k"] is future

    assert my_flow() is True


def test_a_state_returned_by_a_task_is_the_tasks_state() -> None:
    @task
    def by_hand() -> Any:
        return Cancelled(message="enough")

    @flow
    def my_flow() -> str:
        state = by_hand(return_state=True)
        return f"{state.name}: {state.message}"

    assert my_flow() == "Cancelled: enough"


def test_a_task_does_not_start_before_its_inputs_are_there(told: Recording) -> None:
    @flow
    def my_flow() -> int:
        value: Any = one.submit()
        for _ in range(50):
            value = same.submit(value)
        return value.result()

    assert my_flow() == 1
    ends = [e["run_id"] for e in told.of_kind("state") if e["name"] == "Completed"]
    names = {e["id"]: e["name"] for e in told.of_kind("task_run")}
    assert [names[run] for run in ends[:-1]] == ["one-0", *(f"same-{n}" for n in range(50))]


def test_an_object_returned_by_a_call_is_known_by_its_run_as_long_as_it_lives(told: Recording) -> None:
    @task
    def make() -> Model:
        return Model(x=1)

    @flow
    def my_flow() -> int:
        model = make()
        same(model)
        same(Model(x=1))
        same([1])
        del model
        return 1

    my_flow()
    inputs = [event.get("inputs") for event in told.of_kind("task_run") if event["task"] == "same"]
    assert inputs == [{"x": [told.run_id("make-0")]}, None, None]


def test_an_object_returned_by_a_subflow_is_known_by_the_task_run_that_stands_for_it(told: Recording) -> None:
    @flow
    def make() -> Model:
        return Model(x=1)

    flow(lambda: same(make()), name="my-flow")()
    inputs = [event.get("inputs") for event in told.of_kind("task_run") if event["task"] == "same"]
    assert inputs == [{"x": [told.run_id("make-0")]}]


def test_wait_for_takes_one_future_too(told: Recording) -> None:
    @flow
    def my_flow() -> Any:
        waits: Any = fail.submit()
        return same(1, wait_for=waits, return_state=True).name

    assert my_flow() == "NotReady"
