"""What must pass the type checker. `test_types.py` runs pyright over this file; each assert_type is a promise to users."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, assert_type

from towpath import Future, State, flow, get_run_logger, task, unmapped
from towpath.flows import Flow
from towpath.futures import AsyncFuture, AsyncFutureList, FutureList
from towpath.tasks import Task, exponential_backoff


@task
def length(text: str, factor: int = 1) -> int:
    return len(text) * factor


@task(retries=3, retry_delay_seconds=exponential_backoff(2), cache_expiration=timedelta(days=1), tags=["a"])
def half(number: float) -> float:
    return number / 2


@task
async def fetch(url: str) -> bytes:
    return url.encode()


@flow
def pipeline(text: str, *, times: int = 2) -> list[int]:
    get_run_logger().info("%s", text)
    return [length(text) for _ in range(times)]


@flow(name="x", log_prints=True, timeout_seconds=3, task_runner=None)
async def main(url: str) -> int:
    data = await fetch(url)
    assert_type(data, bytes)
    future = await fetch.submit(url)
    assert_type(future, AsyncFuture[bytes])
    assert_type(await future.result(), bytes)
    return len(data)


# Tasks and flows keep their functions' parameters and what they return.
assert_type(length("x"), int)
assert_type(length("x", factor=2), int)
assert_type(half(3), float)
assert_type(pipeline("x", times=1), list[int])
assert_type(asyncio.run(main("x")), int)
assert_type(length.fn("x"), int)
assert_type(pipeline.fn("x", times=3), list[int])

# Options keep them too.
assert_type(length.with_options(name="other", retries=2)("x"), int)
assert_type(pipeline.with_options(retries=2)("x"), list[int])

# Futures have the type of the result.
future = length.submit("x")
assert_type(future, Future[int])
assert_type(future.result(), int)
assert_type(future.result(timeout=3), int)
assert_type(future.wait(), State[int] | None)
assert_type(future.state, State[int])
assert_type(future.result(raise_on_failure=False), int | BaseException)

# A future may stand for its data.
assert_type(half.submit(future), Future[float])
assert_type(half.submit(3, wait_for=[future]), Future[float])
assert_type(length.map(["a", "b"], unmapped(2)), FutureList[int])
assert_type(length.map(["a"]).result(), list[int])

# return_state gives the state.
assert_type(length("x", return_state=True), State[int])
assert_type(length("x", return_state=True).result(), int)
assert_type(pipeline("x", return_state=True), State[list[int]])
assert_type(length.submit("x", return_state=True), State[int])
running = main("x", return_state=True)
made_running: Coroutine[Any, Any, State[int]] = assert_type(running, Coroutine[Any, Any, State[int]])
assert_type(fetch.map(["a"]), AsyncFutureList[bytes])
assert_type(fetch.map(["a"])[0], AsyncFuture[bytes])
assert_type(length.map(["a"], return_state=True), list[State[int]])

# The names of what decorators make.
made: Task[..., int] = length
made_flow: Flow[..., list[int]] = pipeline
