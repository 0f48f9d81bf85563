"""What interrupts a run from outside its code."""

import asyncio
import threading
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.engine.tasks import create_task_run
from towpath.engine.telling import enter_task_state
from towpath.errors import CrashedRun, TransitionRefused
from towpath.states import Crashed, State
from towpath.task_runners import ThreadPoolTaskRunner


def raising(error: BaseException) -> Any:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), "Execution was aborted by an interrupt signal."),
        (SystemExit(3), "Execution was aborted by Python system exit call."),
        (
            GeneratorExit(),
            "Execution was ended by GeneratorExit: the code's coroutine or generator was closed.",
        ),
        (BaseException("odd"), "Execution was interrupted by an unexpected exception: BaseException: odd"),
    ],
)
def test_interrupts_crash_the_run_and_go_on(error: BaseException, message: str, told: Recording) -> None:
    work = task(raising(error), name="work")
    with pytest.raises(type(error)):
        flow(lambda: work(), name="f")()
    for name in ("work-0", told.of_kind("flow_run")[0]["name"]):
        last = told.state_events(name)[-1]
        assert (last["type"], last["message"]) == ("CRASHED", message)
    assert f"Crash detected! {message}" in told.messages(level=40)
    assert told.closed == 1


def test_a_submitted_task_that_exits_crashes_and_its_flow_goes_on(told: Recording) -> None:
    work = task(raising(SystemExit(3)), name="work", retries=3)

    @flow
    def my_flow() -> int:
        future = work.submit()
        with pytest.raises(SystemExit):
            future.result()
        return 1

    assert my_flow() == 1
    assert told.states("work-0") == ["Pending", "Running", "Crashed"]


def test_an_interrupted_flow_drops_what_has_not_begun(told: Recording) -> None:
    started: list[Any] = []

    @task
    def busy() -> None:
        started.append(1)
        while True:
            pass

    waiting = task(lambda: 1, name="waiting")

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def my_flow() -> None:
        busy.submit()
        waiting.submit()
        while not started:
            pass
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        my_flow()
    assert told.states("busy-0")[-1] == "Crashed"
    assert told.states("waiting-0") == ["Pending", "Cancelled"]
    assert told.flow_states()[-1] == "Crashed"


CLOSED = "Execution was ended by GeneratorExit: the code's coroutine or generator was closed."


@pytest.mark.parametrize("error", [GeneratorExit(), BaseException("odd")])
def test_a_submitted_task_that_raises_what_is_no_exception_crashes_and_its_flow_goes_on(
    error: BaseException, told: Recording
) -> None:
    work = task(raising(error), name="work")

    @flow
    def my_flow() -> int:
        with pytest.raises(type(error)):
            work.submit().result()
        return 1

    assert my_flow() == 1
    assert told.states("work-0") == ["Pending", "Running", "Crashed"]


async def test_a_coroutine_that_is_closed_crashes_its_runs(told: Recording) -> None:
    @task
    async def hang() -> None:
        await asyncio.Event().wait()

    @flow
    async def my_flow() -> None:
        await hang()

    coroutine: Any = my_flow()
    coroutine.send(None)
    coroutine.close()
    for name in ("hang-0", told.of_kind("flow_run")[0]["name"]):
        assert told.state_events(name)[-1]["message"] == CLOSED
        assert told.states(name)[-1] == "Crashed"


async def test_a_flow_that_closes_its_own_generator_completes(told: Recording) -> None:
    ended: list[str] = []

    def numbers() -> Any:
        try:
            yield from range(3)
        finally:
            ended.append("closed")

    @flow
    def my_flow() -> int:
        source = numbers()
        first = next(source)
        source.close()
        return first

    assert my_flow() == 0
    assert ended == ["closed"]
    assert told.flow_states() == ["Pending", "Running", "Completed"]


async def test_a_cancelled_coroutine_crashes_its_runs(told: Recording) -> None:
    begun = asyncio.Event()

    @task
    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    @flow
    async def my_flow() -> None:
        await hang.submit()
        await hang()

    running = asyncio.create_task(my_flow())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0)
    for name in ("hang-0", "hang-1", told.of_kind("flow_run")[0]["name"]):
        assert told.states(name)[-1] == "Crashed"
    message = "Execution was cancelled by the runtime environment."
    assert told.state_events("hang-1")[-1]["message"] == message


def test_the_result_of_a_crashed_state_without_an_exception_is_crashed_run() -> None:
    with pytest.raises(CrashedRun, match="lost"):
        Crashed(message="lost").result()


def test_a_task_run_ends_once_whoever_ends_it_first() -> None:
    told = Recording()
    with told.installed():
        context = create_task_run(task(lambda: 1, name="work"), {}, None)
    enter_task_state(context, State("RUNNING"))
    outcomes: list[str] = []

    def end(state_type: str) -> None:
        try:
            enter_task_state(context, State(state_type))
        except TransitionRefused as refused:
            outcomes.append(refused.code)
        else:
            outcomes.append("ended")

    threads = [threading.Thread(target=end, args=(kind,)) for kind in ("COMPLETED", "CRASHED", "FAILED", "CANCELLED")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ended", "run_ended", "run_ended", "run_ended"]
    assert len(told.of_kind("state")) == 3
