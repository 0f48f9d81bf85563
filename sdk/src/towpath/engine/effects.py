"""What the engine's core asks for: the only things in a run's life that can take time or touch the world.

The core (`tasks`, `flows`) yields effects and gets their answers; the drivers perform them, `perform` in synchronous code
and `perform_async` in asynchronous code. Told events are no effects: telling is an append in memory.
"""

import threading
import time
from collections.abc import Callable, Generator
from types import GeneratorType
from typing import Any, TypeVar

from towpath.engine.control import RunControl
from towpath.engine.timeouts import interrupting
from towpath.futures import Future

T = TypeVar("T")

Core = Generator["Effect", Any, T]
"""A run's life: yields effects, is sent their answers, returns what came of it."""


class Effect:
    """Something to do. The answer of `perform` is sent to the core; what it raises is thrown into it."""

    __slots__ = ()

    def perform(self) -> Any:
        """Does it, blocking."""
        raise NotImplementedError

    async def perform_async(self) -> Any:
        """Does it, leaving the event loop to others where there is something to wait for."""
        return self.perform()


class CallFunction(Effect):
    """Calls the user's function; a generator that it returns becomes a list.

    Raises:
        TimeoutError: `timeout` seconds were over, with `timeouts.Overtime` in it.
    """

    __slots__ = ("args", "fn", "is_async", "kwargs", "timeout")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        is_async: bool = False,
        timeout: float | None = None,
    ) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.is_async = is_async
        self.timeout = timeout

    def perform(self) -> Any:
        if self.is_async:
            from towpath.engine.loops import run_in_new_loop  # noqa: PLC0415 - asyncio costs 25 ms

            return run_in_new_loop(self.perform_async())
        if self.timeout is not None:
            with interrupting(self.timeout):
                return self._call()
        return self._call()

    def _call(self) -> Any:
        value = self.fn(*self.args, **self.kwargs)
        return list(value) if type(value) is GeneratorType else value

    async def perform_async(self) -> Any:
        if not self.is_async:
            return self.perform()
        from towpath.engine.loops import await_value  # noqa: PLC0415 - asyncio costs 25 ms

        return await await_value(self.fn(*self.args, **self.kwargs), self.timeout)


class CallBack(Effect):
    """Calls one of the other functions that a run needs (a hook, a cache key, reading a result); may be a coroutine function."""

    __slots__ = ("args", "fn")

    def __init__(self, fn: Callable[..., Any], *args: Any) -> None:
        self.fn = fn
        self.args = args

    def perform(self) -> Any:
        value = self.fn(*self.args)
        if hasattr(value, "__await__") and not isinstance(value, Future):
            from towpath.engine.loops import await_value, run_in_new_loop  # noqa: PLC0415 - asyncio costs 25 ms

            return run_in_new_loop(await_value(value, None))
        return value

    async def perform_async(self) -> Any:
        value = self.fn(*self.args)
        return await value if hasattr(value, "__await__") and not isinstance(value, Future) else value


class ReadOrWrite(Effect):
    """Calls a function that reads or writes a storage; in asynchronous code, in a thread."""

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[], Any]) -> None:
        self.fn = fn

    def perform(self) -> Any:
        return self.fn()

    async def perform_async(self) -> Any:
        from asyncio import to_thread  # noqa: PLC0415 - asyncio costs 25 ms

        return await to_thread(self.fn)


class Sleep(Effect):
    """Waits for `seconds`, at most until the flow run that `control` is of is suspended."""

    __slots__ = ("control", "seconds")

    def __init__(self, seconds: float, control: RunControl | None = None) -> None:
        self.seconds = seconds
        self.control = control

    def perform(self) -> None:
        if self.control is None:
            time.sleep(self.seconds)
            return
        is_over = threading.Event()
        with self.control.waking(is_over.set):
            is_over.wait(self.seconds)

    async def perform_async(self) -> None:
        from towpath.engine.loops import sleep  # noqa: PLC0415 - asyncio costs 25 ms

        await sleep(self.seconds, self.control)


class AwaitFutures(Effect):
    """Waits until all of `futures` have ended."""

    __slots__ = ("futures",)

    def __init__(self, futures: list[Future[Any]]) -> None:
        self.futures = futures

    def perform(self) -> None:
        for future in self.futures:
            Future.wait(future)

    async def perform_async(self) -> None:
        from towpath.engine.loops import await_futures  # noqa: PLC0415 - asyncio costs 25 ms

        await await_futures(self.futures)
