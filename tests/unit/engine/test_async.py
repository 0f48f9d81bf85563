"""Asynchronous flows and tasks, and how they mix with synchronous ones."""

import asyncio
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, get_run_logger, task
from towpath.errors import DeadlockError
from towpath.futures import AsyncFuture, Future, as_completed, wait
from towpath.task_runners import SequentialTaskRunner


@task
async def increase(x: int) -> int:
    await asyncio.sleep(0)
    get_run_logger().info("increasing %d", x)
    return x + 1


@task
def double(x: int) -> int:
    return 2 * x


@task
async def fail() -> int:
    raise ValueError("no good")


async def test_an_asynchronous_flow_awaits_its_tasks(told: Recording) -> None:
    @flow
    async def my_flow() -> int:
        return await increase(1) + double(3)

    assert await my_flow() == 8
    assert told.states("increase-0") == ["Pending", "Running", "Completed"]
    assert "increasing 1" in told.messages()


async def test_asynchronous_tasks_are_submitted_to_the_loop() -> None:
    @flow
    async def my_flow() -> int:
        future = await increase.submit(1)
        assert isinstance(future, AsyncFuture)
        state = await future.wait()
        assert state is not None
        assert state.is_completed()
        return await future.result()

    assert await my_flow() == 2


async def test_synchronous_tasks_are_submitted_to_threads_and_take_futures_of_both() -> None:
    @flow
    async def my_flow() -> int:
        first = await increase.submit(1)
        second: Any = double.submit(first)
        assert type(second) is Future
        third = await increase.submit(second)
        return await third.result()

    assert await my_flow() == 5


async def test_submitted_asynchronous_tasks_run_at_the_same_time() -> None:
    event = asyncio.Event()

    @task
    async def waits() -> str:
        await event.wait()
        return "woken"

    @task
    async def wakes() -> None:
        event.set()

    @flow
    async def my_flow() -> str:
        first = await waits.submit()
        await wakes.submit()
        return await first.result()

    assert await my_flow() == "woken"


async def test_an_asynchronous_flow_waits_for_what_it_submitted(told: Recording) -> None:
    @flow
    async def my_flow() -> int:
        await increase.submit(1)
        double.submit(2)
        return 1

    await my_flow()
    assert told.states("increase-0")[-1] == told.states("double-0")[-1] == "Completed"


async def test_a_failed_asynchronous_task_raises_when_awaited() -> None:
    @flow
    async def my_flow() -> list[bool]:
        with pytest.raises(ValueError, match="no good"):
            await fail()
        future = await fail.submit()
        with pytest.raises(ValueError, match="no good"):
            await future.result()
        state = await fail(return_state=True)
        return [state.is_failed()]

    assert await my_flow() == [True]


async def test_a_future_that_is_not_done_in_time() -> None:
    gate = asyncio.Event()
    waits = task(gate.wait, name="waits")

    @flow
    async def my_flow() -> int:
        future = await waits.submit()
        assert await future.wait(timeout=0.01) is None
        with pytest.raises(TimeoutError, match="waits-0"):
            await future.result(timeout=0.01)
        gate.set()
        return 1

    assert await my_flow() == 1


def test_synchronous_flows_run_asynchronous_tasks_to_their_end() -> None:
    @flow
    def my_flow() -> Any:
        called: Any = increase(1)
        submitted: Any = increase.submit(called)
        return submitted.result()

    assert my_flow() == 3


async def test_gather_runs_tasks_together() -> None:
    @flow
    async def my_flow() -> list[int]:
        return list(await asyncio.gather(increase(1), increase(2)))

    assert await my_flow() == [2, 3]


async def test_retries_and_generators_are_asynchronous_too(told: Recording) -> None:
    calls: list[int] = []

    @task(retries=1, retry_delay_seconds=0.001)
    async def count(n: int) -> Any:
        calls.append(n)
        if len(calls) == 1:
            raise ValueError
        for number in range(n):
            yield number

    @flow
    async def my_flow() -> Any:
        return await count(3)

    assert await my_flow() == [0, 1, 2]
    assert told.states("count-0")[2:4] == ["AwaitingRetry", "Retrying"]


@pytest.mark.parametrize("make", [flow, task])
def test_a_forgotten_await_is_told_with_the_name_of_the_flow_or_task(make: Any) -> None:
    @make
    async def crawl() -> int:
        return 1

    with pytest.warns(RuntimeWarning, match=r"coroutine '.*crawl' was never awaited"):
        crawl()


async def test_asynchronous_tasks_run_outside_flows() -> None:
    assert await increase(1) == 2
    future = await increase.submit(2)
    assert await future.result() == 3


async def test_in_sequence_asynchronous_tasks_run_one_after_another() -> None:
    running: list[int] = []

    @task
    async def alone(n: int) -> int:
        running.append(n)
        await asyncio.sleep(0.001)
        assert running == [n]
        running.clear()
        return n

    @flow(task_runner=SequentialTaskRunner())
    async def my_flow() -> list[int]:
        futures = [await alone.submit(n) for n in range(5)]
        return [await future.result() for future in futures]

    assert await my_flow() == [0, 1, 2, 3, 4]


async def test_mapped_asynchronous_tasks_give_futures_to_await() -> None:
    @flow
    async def my_flow() -> list[int]:
        futures = await increase.map([1, 2, 3])
        await futures.wait()
        assert await (await increase.map([])).result() == []
        return await futures.result()

    assert await my_flow() == [2, 3, 4]


def test_what_an_asynchronous_flow_or_task_submitted_ends_also_in_a_synchronous_parent(told: Recording) -> None:
    @task
    async def submits() -> int:
        await increase.submit(10)
        return 1

    @flow
    async def child() -> int:
        await increase.submit(1)
        return 1

    @flow
    def parent() -> Any:
        one: Any = child()
        two: Any = submits()
        return one + two

    assert parent() == 2
    ends = [event["name"] for event in told.of_kind("state") if event["type"] in ("COMPLETED", "CRASHED")]
    assert set(ends) == {"Completed"}
    assert len([name for name in told.task_names() if name.startswith("increase")]) == 2


async def test_synchronous_code_that_would_block_its_own_loop_for_ever_is_told_so(told: Recording) -> None:
    gate = asyncio.Event()

    @task
    async def waits() -> int:
        await gate.wait()
        return 1

    @flow
    async def my_flow() -> int:
        first = await waits.submit()
        second: Any = double.submit(first)
        third: Any = double.submit(second)
        with pytest.raises(DeadlockError, match=r"waits-0.*await future\.result"):
            double(first)  # pyright: ignore[reportArgumentType]
        with pytest.raises(DeadlockError, match="double-1"):
            third.result()
        with pytest.raises(DeadlockError):
            wait([second])
        with pytest.raises(DeadlockError):
            list(as_completed([third]))
        gate.set()
        await asyncio.to_thread(third.wait)
        return third.result()

    assert await my_flow() == 4
    assert told.states("double-2") == ["Pending", "Failed"]
