"""What a flow run does when the API asks something of it: holds its tasks, ends, is suspended, begins again."""

import asyncio
import threading
import time
from collections.abc import Callable
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
from towpath.engine.slots import NobodyWaitsError, Wish
from towpath.errors import CancelledRun, MissingContextError, ParameterTypeError, SuspendSignal, TerminationSignal
from towpath.input import AwaitedInput, RunInput
from towpath.results import FolderStorage, ResultStore
from towpath.settings import Settings, overriding_settings


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


def suspend_when(told: Recording, name: str, state: str, control: RunControl) -> None:
    """Suspends the run of `control`, in a thread of its own, once the run called `name` has entered `state`."""

    def watch() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if name in told.task_names() and told.states(name)[-1:] == [state]:
                control.take(orders("PAUSED", 1, "Suspended"))
                return
            threading.Event().wait(0.005)

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("submits", [False, True])
def test_a_task_run_that_waits_for_its_retry_does_not_keep_a_suspended_run(submits: bool, told: Recording) -> None:
    @task(retries=1, retry_delay_seconds=3600)
    def fails() -> None:
        raise ValueError

    @flow
    def f() -> None:
        suspend_when(told, "fails-0", "AwaitingRetry", control_here())
        if submits:
            fails.submit().wait()
            step()
        else:
            fails()

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).name == "Suspended"
    assert told.states("fails-0") == ["Pending", "Running", "AwaitingRetry", "Cancelled"]


def test_an_asynchronous_task_run_that_waits_for_its_retry_does_not_either(told: Recording) -> None:
    @task(retries=1, retry_delay_seconds=3600)
    async def fails() -> None:
        raise ValueError

    @flow
    async def f() -> None:
        suspend_when(told, "fails-0", "AwaitingRetry", control_here())
        await fails()

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).name == "Suspended"
    assert told.states("fails-0")[-1] == "Cancelled"


def test_a_subflow_that_waits_for_its_retry_does_not_either(told: Recording) -> None:
    @flow(name="below", retries=1, retry_delay_seconds=3600)
    def below() -> None:
        raise ValueError

    @flow
    def f() -> None:
        suspend_when(told, "below-0", "AwaitingRetry", control_here())
        below()

    assert run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told)).name == "Suspended"
    assert told.states("below-0") == ["Pending", "Running", "AwaitingRetry", "Cancelled"]


def test_a_subflow_is_not_tried_again_while_the_run_is_paused(told: Recording) -> None:
    tries: list[int] = []

    @flow(name="below", retries=1, retry_delay_seconds=0.01)
    def below() -> None:
        tries.append(1)
        if len(tries) == 1:
            control = control_here()
            control.take(orders("PAUSED", 1))
            threading.Timer(0.1, lambda: (tries.append(0), control.take(orders("RUNNING", 2)))).start()
            raise ValueError

    flow(lambda: below(), name="f")()
    assert tries == [1, 0, 1]


def test_a_retry_whose_wait_is_over_goes_on(told: Recording) -> None:
    @task(retries=1, retry_delay_seconds=0.01)
    async def fails_once() -> int:
        if len(told.states("fails_once-0")) == 2:
            raise ValueError
        return 1

    @flow
    async def f() -> int:
        return await fails_once()

    assert asyncio.run(f()) == 1


@pytest.mark.parametrize("then", ["PAUSED", "Suspended"])
def test_what_happens_to_the_run_while_its_task_run_waits_for_a_slot_counts_before_it_begins(
    then: str, told: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = Slots()
    monkeypatch.setattr("towpath.engine.gates.slots_of", slots.of)
    work = task(lambda: 1, name="work", tags=["db"])

    @flow
    def f() -> int:
        control = control_here()

        def ask() -> None:
            control.take(orders("PAUSED", 1, "Suspended" if then == "Suspended" else None))
            if then == "PAUSED":
                resume = threading.Timer(0.02, lambda: control.take(orders("RUNNING", 2)))
                slots.after_the_first_release = resume.start  # before that, the pause might be over unseen

        slots.before_the_first = ask
        return work()

    with overriding_settings(api_url="http://127.0.0.1:9/api"):
        state = run_flow(f, run=RunIdentity(uuid7_text(), "brave-otter", 1, told))
    if then == "Suspended":
        assert (state.name, slots.given, slots.released) == ("Suspended", 0, 0)
        assert told.states("work-0") == ["Pending", "Cancelled"]
    else:
        assert (state.name, slots.given, slots.released) == ("Completed", 2, 2)


class Slots:
    """Gives a slot to all who want one still, and counts."""

    def __init__(self) -> None:
        self.given = self.released = 0
        self.before_the_first: Callable[[], None] | None = None
        self.after_the_first_release: Callable[[], None] | None = None

    def of(self, _: Settings) -> "Slots":
        return self

    def is_unlimited(self, _: frozenset[str]) -> bool:
        return False

    def acquire(self, wish: Wish) -> "Slots":
        if self.before_the_first is not None:
            self.before_the_first()
            self.before_the_first = None
        if wish.is_unwanted:
            raise NobodyWaitsError
        self.given += 1
        return self

    def release(self) -> None:
        self.released += 1
        if self.after_the_first_release is not None:
            self.after_the_first_release()
            self.after_the_first_release = None


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
