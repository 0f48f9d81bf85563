"""What asynchronous runs need of asyncio. Imported only when there is asynchronous code: asyncio costs 25 ms."""

import asyncio
import weakref
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from towpath.context import FlowRunContext
from towpath.engine.timeouts import Overtime
from towpath.futures import Future

T = TypeVar("T")


def run_in_new_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end, in the caller's context variables, also in a thread whose own loop is at work.

    The latter happens where synchronous code, called by a coroutine, calls an asynchronous task or hook: it must wait, so
    the new loop takes a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_with_spawned(coroutine))
    import contextvars  # noqa: PLC0415 - needed here only
    import threading  # noqa: PLC0415 - needed here only

    answer: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            answer.append((asyncio.run(_with_spawned(coroutine)), None))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            answer.append((None, error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="towpath-loop")
    thread.start()
    thread.join()
    value, error = answer[0]
    if error is not None:
        raise error
    return value


async def _with_spawned(coroutine: Coroutine[Any, Any, T]) -> T:
    """Awaits a coroutine and the task runs that it submitted to this loop: they would be cancelled with the loop."""
    try:
        value = await coroutine
    except Exception:
        await _await_spawned()
        raise
    await _await_spawned()
    return value


async def _await_spawned() -> None:
    while left := [task for task in asyncio.all_tasks() if task in _all_spawned]:
        await asyncio.wait(left)


async def await_value(value: Any, timeout: float | None) -> Any:  # noqa: ASYNC109 - what it raises is ours
    """What a coroutine returns, or all that an asynchronous generator yields as a list.

    Raises:
        Overtime: it took longer than `timeout` seconds.
    """
    if hasattr(value, "__aiter__"):
        value = _gather(value)
    if timeout is None:
        return await value
    scope = asyncio.timeout(timeout)
    try:
        async with scope:
            return await value
    except TimeoutError as error:
        if scope.expired():
            raise Overtime from error
        raise


async def _gather(values: Any) -> list[Any]:
    return [value async for value in values]


async def await_futures(futures: Iterable[Future[Any]]) -> None:
    """Waits until the futures have ended, whichever thread ends them."""
    waiting = [future for future in futures if not future.done()]
    if not waiting:
        return
    loop = asyncio.get_running_loop()
    left = len(waiting)
    ended = asyncio.Event()

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            ended.set()

    for future in waiting:
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(count))
    await ended.wait()


async def _after_the_others(lock: asyncio.Lock, coroutine: Coroutine[Any, Any, Any]) -> None:
    async with lock:
        await coroutine


_spawned: set[asyncio.Task[Any]] = set()
_all_spawned: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


def spawn(
    coroutine: Coroutine[Any, Any, Any], flow_context: FlowRunContext | None, *, in_sequence: bool = False
) -> None:
    """Starts a coroutine beside the caller; kept from being collected before its end, and stopped with its flow.

    Args:
        in_sequence: begin when the flow's earlier ones have ended.
    """
    if in_sequence and flow_context is not None:
        if flow_context.loop_lock is None:
            flow_context.loop_lock = asyncio.Lock()
        coroutine = _after_the_others(flow_context.loop_lock, coroutine)
    task = asyncio.get_running_loop().create_task(coroutine)
    tasks: set[asyncio.Task[Any]] = _spawned if flow_context is None else flow_context.loop_tasks
    tasks.add(task)
    _all_spawned.add(task)
    task.add_done_callback(tasks.discard)
