"""`run_flow`: how a runner executes a run that the API knows already."""

import asyncio
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, get_run_logger, task
from towpath.contract.ids import uuid7_text
from towpath.engine import RunIdentity, run_flow
from towpath.errors import ParameterBindError, TerminationSignal


@task
def one() -> int:
    return 1


@flow
def add(x: int, y: int = 1) -> int:
    get_run_logger().info("adding")
    return x + y + one()


def identity(told: Recording, **fields: Any) -> RunIdentity:
    return RunIdentity(uuid7_text(), "brave-otter", 2, told, **fields)


def test_the_first_event_is_running_and_the_run_keeps_id_and_name(told: Recording) -> None:
    run = identity(told)
    state = run_flow(add, {"x": "2"}, run=run)
    assert state.result() == 4
    first = told.events[0]
    assert (first["kind"], first["name"], first["run_id"]) == ("state", "Running", run.id)
    assert told.of_kind("flow_run") == []
    assert all(event["flow_run_id"] == run.id for event in told.of_kind("log") + told.of_kind("task_run"))
    assert told.opened == []
    assert told.closed == 0


def test_asynchronous_flows_are_driven_too(told: Recording) -> None:
    @flow
    async def wait() -> int:
        await asyncio.sleep(0)
        return 5

    assert run_flow(wait, run=identity(told)).result() == 5


def test_a_failed_flow_gives_its_state_and_raises_nothing(told: Recording) -> None:
    @flow
    def fails() -> None:
        raise ValueError("no good")

    state = run_flow(fails, run=identity(told))
    assert state.is_failed()
    assert isinstance(state.data, ValueError)


def test_earlier_attempts_count_but_do_not_use_up_the_retries(told: Recording) -> None:
    calls: list[int] = []

    @flow(retries=1)
    def flaky() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError
        return 1

    state = run_flow(flaky, run=identity(told, run_count=3))
    assert state.is_completed()
    assert [event["run_count"] for event in told.of_kind("state")] == [4, 4, 5, 5]


def test_a_flow_run_name_renames_the_run(told: Recording) -> None:
    run = identity(told)
    run_flow(add.with_options(flow_run_name="x-{x}"), {"x": 1}, run=run)
    (event,) = told.of_kind("flow_run")
    assert (event["id"], event["name"]) == (run.id, "x-1")


def test_parameters_that_do_not_bind_raise(told: Recording) -> None:
    with pytest.raises(ParameterBindError, match="'z'"):
        run_flow(add, {"x": 1, "z": 2}, run=identity(told))


def test_parameters_that_do_not_validate_end_failed(told: Recording) -> None:
    state = run_flow(add, {"x": "no number"}, run=identity(told))
    assert state.is_failed()
    assert [event["name"] for event in told.of_kind("state")] == ["Failed"]


@pytest.mark.parametrize(("is_cancelling", "hook"), [(True, "on_cancellation"), (False, "on_crashed")])
def test_a_termination_calls_its_hooks_and_leaves_the_state_to_the_launcher(
    told: Recording, is_cancelling: bool, hook: str
) -> None:
    called: list[str] = []

    def note(name: str) -> Any:
        def hook(_flow: Any, _run: Any, state: Any) -> None:
            called.append(f"{name} {state.name}")

        return hook

    @flow(on_cancellation=[note("on_cancellation")], on_crashed=[note("on_crashed")])
    def stopped() -> None:
        raise TerminationSignal("told to stop", cancelling=is_cancelling)

    with pytest.raises(TerminationSignal):
        run_flow(stopped, run=identity(told))
    assert called == [f"{hook} {'Cancelled' if is_cancelling else 'Crashed'}"]
    assert [event["name"] for event in told.of_kind("state")] == ["Running"]


def test_a_termination_of_a_run_without_a_launcher_is_told(told: Recording) -> None:
    @flow
    def stopped() -> None:
        raise TerminationSignal

    with pytest.raises(TerminationSignal):
        stopped()
    assert told.flow_states()[-1] == "Crashed"


def test_without_an_identity_a_run_begins_here(told: Recording) -> None:
    assert run_flow(add, {"x": 1}).result() == 3
    assert told.flow_states() == ["Pending", "Running", "Completed"]


@pytest.mark.parametrize(("is_cancelling", "hook"), [(True, "on_cancellation"), (False, "on_crashed")])
def test_an_asynchronous_flow_asks_whether_it_was_told_to_stop(told: Recording, is_cancelling: bool, hook: str) -> None:
    called: list[str] = []
    signals: list[TerminationSignal] = []

    def note(name: str) -> Any:
        def called_hook(_flow: Any, _run: Any, state: Any) -> None:
            called.append(f"{name} {state.name}")

        return called_hook

    @flow(on_cancellation=[note("on_cancellation")], on_crashed=[note("on_crashed")])
    async def stopped() -> None:
        loop = asyncio.get_running_loop()

        def arrive() -> None:
            signals.append(TerminationSignal(cancelling=is_cancelling))
            raise signals[0]

        loop.call_soon(arrive)
        await asyncio.Event().wait()

    with pytest.raises(TerminationSignal):
        run_flow(stopped, run=identity(told, told_to_stop=lambda: signals[0] if signals else None))
    assert called == [f"{hook} {'Cancelled' if is_cancelling else 'Crashed'}"]
    assert [event["name"] for event in told.of_kind("state")] == ["Running"]
