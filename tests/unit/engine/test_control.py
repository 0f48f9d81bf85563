"""What a flow run does when the API asks something of it: holds its tasks, ends, is suspended, begins again."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, pause_flow_run, suspend_flow_run, task
from towpath.context import Child, FlowRunContext
from towpath.contract.ids import uuid7_text
from towpath.contract.states import StateType
from towpath.engine import RunIdentity, run_flow
from towpath.engine.control import RunControl
from towpath.engine.earlier import EarlierResult
from towpath.errors import CancelledRun, MissingContextError, ParameterTypeError, SuspendSignal, TerminationSignal
from towpath.input import AwaitedInput, RunInput
from towpath.results import FolderStorage, ResultStore
from towpath.settings import overriding_settings


def orders(kind: str, revision: int = 1, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"state": {"type": kind, "name": name or kind.title()}, "revision": revision, "stale": False, **more}


def control_here() -> RunControl:
    context = FlowRunContext.get()
    assert context is not None
    return context.control


@task
def step(number: int = 0) -> int:
    return number


def test_task_runs_wait_while_the_run_is_paused_and_go_on_when_it_is_resumed(told: Recording) -> None:
    @flow
    def f() -> int:
        control = control_here()
        control.take(orders("PAUSED", 1))
        future = step.submit(3)
        assert future.wait(0.05) is None
        assert future.state.is_pending()
        control.take(orders("RUNNING", 2))
        return future.result()

    assert f() == 3
    assert told.states("step-0") == ["Pending", "Running", "Completed"]


def test_asynchronous_task_runs_wait_too() -> None:
    @task
    async def step_async() -> int:
        return 4

    @flow
    async def f() -> int:
        control = control_here()
        control.close_gate()
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, control.open_gate)
        return await step_async()

    assert asyncio.run(f()) == 4


def test_an_answer_that_is_older_than_the_last_one_changes_nothing() -> None:
    control = RunControl()
    control.take(orders("PAUSED", 5))
    control.take(orders("RUNNING", 4))
    assert control.hold is not None
    control.take(orders("RUNNING", 6))
    assert control.hold is None


def test_a_cancel_interrupts_once_and_says_that_it_is_one() -> None:
    control = RunControl()
    interrupted: list[int] = []
    control._interrupt = lambda: interrupted.append(1)
    control.take(orders("CANCELLING", 1))
    control.take(orders("CANCELLED", 2))
    assert (control.is_cancelled, interrupted) == (True, [1])


def test_a_stale_attempt_is_not_ended_by_the_run_of_another() -> None:
    control = RunControl()
    control.take(orders("CANCELLING", 1, stale=True))
    assert control.told is None


def test_a_run_that_failed_while_it_was_held_is_interrupted_but_not_cancelled() -> None:
    control = RunControl()
    control.take(orders("PAUSED", 1))
    control.take(orders("FAILED", 2))
    assert control.told is not None
    assert not control.is_cancelled


def test_a_suspended_run_ends_before_its_next_task_and_drops_what_was_submitted(told: Recording) -> None:
    begun = threading.Event()

    @task
    def slow() -> None:
        begun.set()
        threading.Event().wait(0.05)

    @flow
    def f() -> None:
        slow.submit()
        begun.wait(10)
        control_here().take(orders("PAUSED", 1, "Suspended"))
        step()

    state = run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told))
    assert (state.type, state.name) == (StateType.PAUSED, "Suspended")
    assert told.states("slow-0") == ["Pending", "Running", "Completed"]
    assert told.states("step-0") == ["Pending", "Cancelled"]
    assert [event["name"] for event in told.of_kind("state") if event["run"] == "flow_run"] == ["Running"]


def test_a_suspended_run_does_not_fail_by_what_its_dropped_tasks_make_of_it(told: Recording) -> None:
    @flow
    def f() -> int:
        control = control_here()
        control.close_gate()
        future = step.submit(1)
        control.take(orders("PAUSED", 1, "Suspended"))
        return future.result()

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).name == "Suspended"


def test_a_suspended_run_that_completes_all_the_same_has_completed(told: Recording) -> None:
    @flow
    def f() -> int:
        control_here().take(orders("PAUSED", 1, "Suspended"))
        return 1

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).is_completed()


def test_a_subflow_is_suspended_with_its_root(told: Recording) -> None:
    @flow(name="below")
    def below() -> None:
        control_here().suspend()
        try:
            step()
        except Exception:  # noqa: BLE001 - what a flow's own code may do
            pytest.fail("a suspension passes by what catches exceptions")

    @flow
    def f() -> None:
        below()

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).name == "Suspended"
    (subflow,) = told.of_kind("flow_run")
    assert told.states(subflow["name"])[-1] == "Cancelled"


def test_a_cancelled_flow_gives_its_state_or_raises(told: Recording) -> None:
    hooked: list[str] = []

    @flow(on_cancellation=[lambda _flow, _run, state: hooked.append(state.name)])
    def f() -> None:
        control = control_here()
        raise control.stop(TerminationSignal("The run was cancelled.", cancelling=True), interrupts=False)

    assert f(return_state=True).is_cancelled()
    with pytest.raises(CancelledRun):
        f()
    assert hooked == ["Cancelled", "Cancelled"]
    assert told.flow_states()[-1] == "Cancelled"


def test_a_flow_in_another_thread_is_interrupted_before_its_next_line() -> None:
    states: list[Any] = []
    begun = threading.Event()
    controls: list[RunControl] = []

    @flow
    def f() -> None:
        controls.append(control_here())
        begun.set()
        while True:
            pass

    def run() -> None:
        with_api(lambda: states.append(f(return_state=True)))

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait(10)
    controls[0].take(orders("CANCELLING", 1))
    thread.join(30)
    assert states[0].is_cancelled()


def with_api(call: Any) -> None:
    """Calls a flow as if an API were set, but for what would be sent to it."""
    with overriding_settings(api_url="http://127.0.0.1:9/api"):
        call()


def kept_result(folder: Path, key: str, value: Any) -> Child:
    ResultStore(FolderStorage(folder)).write(key, value)
    return earlier_child(folder, key)


def earlier_child(folder: Path, key: str) -> Child:
    child = Child(uuid7_text())
    child.type = StateType.COMPLETED
    child.result = EarlierResult(FolderStorage(folder).locate(key), key)
    return child


def test_results_of_earlier_attempts_are_used_and_those_that_are_gone_are_made_again(
    told: Recording, tmp_path: Path
) -> None:
    calls: list[int] = []

    @task(name="kept")
    def kept(number: int) -> int:
        calls.append(number)
        return number

    @flow(result_storage=str(tmp_path))
    def f() -> list[int]:
        return [kept(1), kept(2), kept(3)]

    there, gone = kept_result(tmp_path, "key-1", 100), earlier_child(tmp_path, "key-2")
    identity = RunIdentity(uuid7_text(), "brave-otter", 2, told, earlier={"kept-0": there, "kept-1": gone})
    assert run_flow(f, run=identity).result() == [100, 2, 3]
    assert calls == [2, 3]
    states = [event["name"] for event in told.of_kind("state") if event["run_id"] == gone.run_id]
    assert states == ["AwaitingRetry", "Rerunning", "Completed"]
    assert not [event for event in told.of_kind("state") if event["run_id"] == there.run_id]


def test_an_input_is_a_model_or_any_type_and_is_checked_by_it() -> None:
    class Approval(RunInput):
        approved: bool
        count: int = 1

    assert AwaitedInput(Approval).build({"approved": True}) == Approval(approved=True)
    assert AwaitedInput(int).schema()["properties"]["value"]["type"] == "integer"
    assert AwaitedInput(list[int]).build({"value": [1, 2]}) == [1, 2]
    with pytest.raises(ParameterTypeError, match="approved"):
        AwaitedInput(Approval).build({"approved": "perhaps"})
    prepared = AwaitedInput(Approval.with_initial_data("Please", count=5))
    assert (prepared.description, prepared.build({"approved": False}).count) == ("Please", 5)
    assert prepared.schema()["properties"]["count"]["default"] == 5


def test_pausing_needs_a_flow() -> None:
    with pytest.raises(MissingContextError, match="outside a flow run"):
        pause_flow_run()

    @task
    def pauses() -> None:
        suspend_flow_run()

    with pytest.raises(MissingContextError, match="in a task"):
        pauses()


def test_a_suspension_passes_by_what_catches_exceptions() -> None:
    assert not issubclass(SuspendSignal, Exception)
