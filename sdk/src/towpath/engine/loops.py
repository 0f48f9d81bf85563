"""What asynchronous runs need of asyncio. Imported only when there is asynchronous code: asyncio costs 25 ms."""

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from towpath.context import FlowRunContext
from towpath.engine.control import RunControl
from towpath.engine.timeouts import Overtime
from towpath.futures import Future

if TYPE_CHECKING:
    from towpath.engine.slots import Slot, Slots, Wish

T = TypeVar("T")
CancelledError = asyncio.CancelledError


def run_in_new_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end, in the caller's context variables, also in a thread whose own loop is at work.

    The latter happens where synchronous code, called by a coroutine, calls an asynchronous task or hook: it must wait, so
    the new loop takes a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_with_spawned(coroutine))
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


async def sleep(seconds: float, control: RunControl | None) -> None:
    """Waits for `seconds`, at most until the flow run that `control` is of is suspended."""
    if control is None:
        await asyncio.sleep(seconds)
        return
    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()
    with control.waking(lambda: loop.call_soon_threadsafe(is_over.set)), suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await is_over.wait()


class TaskInterrupter:
    """Interrupts the asyncio task that makes this, from another thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_over = False
        self._has_cancelled = False

    def interrupt(self) -> None:
        """Cancels the task, soon."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if not self._is_over and self._task is not None:
            self._has_cancelled = True
            self._task.cancel()

    def settle(self) -> None:
        """From now on nothing is cancelled."""
        self._is_over = True

    def forget(self) -> None:
        """The cancellation has done its work: the task goes on as if there had been none."""
        if self._has_cancelled and self._task is not None:
            self._task.uncancel()


async def run_beside(function: Callable[[], T], give_up: Callable[[], object]) -> T:
    """What `function` gives, called in a thread of its own: one that waits long must not take the place of others in a pool.

    Args:
        give_up: called when nobody waits for it any more, so that the thread ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    variables = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = variables.run(function)
        except BaseException as raised:  # noqa: BLE001 - handed to who awaits it
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name="towpath-beside", daemon=True).start()
    try:
        return await answer
    except asyncio.CancelledError:
        give_up()
        raise


_asking: weakref.WeakKeyDictionary[Any, dict[frozenset[str], asyncio.Semaphore]] = weakref.WeakKeyDictionary()


async def acquire_slot(slots: "Slots", wish: "Wish", timeout: float | None = None) -> "Slot | None":  # noqa: ASYNC109
    """`Slots.acquire`, in a thread of its own; of each set of tags a few have a thread, the others await their turn."""
    if not wish.tags or slots.is_unlimited(wish.tags):
        return None
    from towpath.engine.slots import ASK_AT_ONCE  # noqa: PLC0415 - who asks has it loaded

    turns = _asking.setdefault(asyncio.get_running_loop(), {})
    turn = turns.setdefault(wish.tags, asyncio.Semaphore(ASK_AT_ONCE))

    def give_up() -> None:
        wish.is_given_up = True

    async def acquire() -> "Slot | None":
        async with turn:
            return await run_beside(lambda: slots.acquire(wish, timeout), give_up)

    return await asyncio.wait_for(acquire(), None if timeout is None else timeout + 1)


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
