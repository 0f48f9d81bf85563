"""The keyed work queue: one reconciling of a key at a time, later times, backoff, and its metrics."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue, backoff_delay

Work = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def running(work: Work, workers: int = 4) -> AsyncGenerator[tuple[WorkQueue[str], OperatorMetrics]]:
    metrics = OperatorMetrics()
    queue = WorkQueue[str](work, workers, metrics)
    task = asyncio.create_task(queue.run())
    try:
        yield queue, metrics
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sample(metrics: OperatorMetrics, name: str, **labels: str) -> float:
    value = metrics.registry.get_sample_value(f"towpath_operator_{name}", labels)
    assert value is not None, name
    return value


async def test_a_key_added_often_while_it_waits_is_worked_on_once() -> None:
    done: list[str] = []
    finished = asyncio.Event()

    async def work(key: str) -> None:
        done.append(key)
        if key == "last":
            finished.set()

    async with running(work, workers=1) as (queue, _):
        for key in ("a", "a", "b", "a", "last"):
            queue.add(key)
        await finished.wait()
    assert done == ["a", "b", "last"]


async def test_a_key_added_while_it_is_worked_on_is_worked_on_once_more_and_never_twice_at_once() -> None:
    started, go_on, busy, most, count = asyncio.Event(), asyncio.Event(), 0, 0, 0
    again = asyncio.Event()

    async def work(_: str) -> None:
        nonlocal busy, most, count
        busy, count = busy + 1, count + 1
        most = max(most, busy)
        if count == 2:
            again.set()
        started.set()
        await go_on.wait()
        busy -= 1

    async with running(work) as (queue, metrics):
        queue.add("a")
        await started.wait()
        queue.add("a")
        queue.add("a")
        assert sample(metrics, "queue_depth") == 0
        assert sample(metrics, "queue_busy_workers") == 1
        go_on.set()
        await again.wait()
    assert (most, count) == (1, 2)


async def test_no_more_keys_are_worked_on_than_there_are_workers() -> None:
    go_on, full, all_done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    busy, most, left = 0, 0, 6

    async def work(_: str) -> None:
        nonlocal busy, most, left
        busy += 1
        most = max(most, busy)
        if busy == 2:
            full.set()
        await go_on.wait()
        busy, left = busy - 1, left - 1
        if left == 0:
            all_done.set()

    async with running(work, workers=2) as (queue, metrics):
        for number in range(6):
            queue.add(str(number))
        await full.wait()
        assert sample(metrics, "queue_depth") == 4
        go_on.set()
        await all_done.wait()
    assert most == 2


async def test_a_key_that_fails_is_tried_again_and_the_others_go_on() -> None:
    tries: list[str] = []
    finished = asyncio.Event()

    async def work(key: str) -> None:
        tries.append(key)
        if key == "bad" and tries.count("bad") < 2:
            raise ValueError("no")
        if key == "bad":
            finished.set()

    async with running(work, workers=1) as (queue, metrics):
        queue.add("bad")
        queue.add("good")
        await finished.wait()
        assert sample(metrics, "reconcile_failures_total", error="ValueError") == 1
    assert tries == ["bad", "good", "bad"]


async def test_of_two_later_times_the_earlier_counts() -> None:
    done: list[str] = []
    finished = asyncio.Event()

    async def work(key: str) -> None:
        done.append(key)
        if key == "end":
            finished.set()

    async with running(work, workers=1) as (queue, _):
        queue.add_after("a", 3600)
        queue.add_after("a", 0.02)
        queue.add_after("a", 1800)
        queue.add_after("end", 0.05)
        await finished.wait()
    assert done == ["a", "end"]


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"), [(1, 0.2, 0.3), (2, 0.4, 0.6), (5, 3.2, 4.8), (50, 48, 72)]
)
def test_the_delay_doubles_up_to_a_minute_and_is_spread(failures: int, shortest: float, longest: float) -> None:
    assert backoff_delay(failures, 0) == pytest.approx(shortest)
    assert backoff_delay(failures, 1) == pytest.approx(longest)
