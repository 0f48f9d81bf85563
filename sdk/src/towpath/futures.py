"""Futures: task runs that were submitted and whose results come later.

Made by `Task.submit` and `Task.map`; the engine resolves them where they are given as arguments. Runs nothing itself.
"""

import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, overload

from towpath.errors import DeadlockError
from towpath.event_loop import is_in_loop
from towpath.states import State
from towpath.tracebacks import without_engine_frames

R = TypeVar("R", covariant=True)
T = TypeVar("T")

_lock = threading.Lock()


class Future(Generic[R]):
    """A task run whose result comes later.

    Attributes:
        task_run_id: the task run's id.
        name: the task run's name.
        needs_loop: whether the run, or one that it waits for, is a coroutine in the event loop it was submitted in.
    """

    __slots__ = ("_callbacks", "_event", "_state", "name", "needs_loop", "run", "task_run_id")

    def __init__(self, task_run_id: str, name: str) -> None:
        self.task_run_id = task_run_id
        self.name = name
        self.run: Any = None
        self.needs_loop = False
        self._state: State[R] | None = None
        self._event: threading.Event | None = None
        self._callbacks: list[Callable[[Future[R]], object]] | None = None

    @property
    def state(self) -> State[R]:
        """The state the run is in now."""
        if self._state is not None:
            return self._state
        state = self.run.state if self.run is not None else None
        return state if state is not None else State("PENDING")

    @property
    def task_run(self) -> Any:
        """The task run, with its `id`, `name` and `state`, under Prefect's name."""
        return self.run

    def get_state(self) -> State[R]:
        """The state the run is in now."""
        return self.state

    def done(self) -> bool:
        """Whether the run has come to its end."""
        return self._state is not None

    def finish(self, state: State[Any]) -> None:
        """Gives the future its state, wakes who waits and calls the callbacks. What comes after the first is ignored."""
        with _lock:
            if self._state is not None:
                return
            self._state = state
            callbacks, self._callbacks = self._callbacks, None
            event = self._event
        if event is not None:
            event.set()
        for callback in callbacks or ():
            callback(self)

    def add_done_callback(self, callback: "Callable[[Future[Any]], object]") -> None:
        """Calls `callback(future)` at the run's end, in the thread that ends it; at once when it has ended."""
        with _lock:
            if self._state is None:
                self._callbacks = [*(self._callbacks or ()), callback]
                return
        callback(self)

    def _await_end(self, timeout: float | None) -> State[R] | None:
        if self._state is None:
            if self.needs_loop:
                _refuse_to_block_a_loop(self.name)
            with _lock:
                if self._state is None and self._event is None:
                    self._event = threading.Event()
                event = self._event
            if event is not None and self._state is None:
                pool = getattr(threading.current_thread(), "towpath_pool", None)
                if pool is None:
                    event.wait(timeout)
                else:
                    with pool.lending_a_worker():
                        event.wait(timeout)
        return self._state

    def wait(self, timeout: float | None = None) -> State[R] | None:
        """Waits for the run's end.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.

        Returns:
            The state it ended in, or None when the time is over.
        """
        return self._await_end(timeout)

    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> R: ...
    @overload
    def result(self, timeout: float | None = None, *, raise_on_failure: bool) -> R | BaseException: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R | BaseException:
        """Waits for the run's end and gives what it returned.

        Args:
            timeout: seconds to wait at most; None waits as long as it takes.
            raise_on_failure: raise what the task raised; else return it.

        Raises:
            TimeoutError: the time is over.
        """
        state = self._await_end(timeout)
        if state is None:
            raise TimeoutError(f"Task run {self.name!r} did not end within {timeout:g} seconds.")
        try:
            return state.result(raise_on_failure=raise_on_failure)
        except BaseException as error:
            without_engine_frames(error)
            raise

    def __bool__(self) -> bool:
        warnings.warn(
            "A future is always true: ask for its result, as in `if future.result():`.", UserWarning, stacklevel=2
        )
        return True

    if not TYPE_CHECKING:  # type checkers know that a future has none of these

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"A future has no {name!r}: {_WAY_OUT}.", name=name, obj=self)

        def __getitem__(self, _: object) -> Any:
            raise TypeError(f"A future has no elements: {_WAY_OUT}.")

        def __len__(self) -> int:
            raise TypeError(f"A future has no length: {_WAY_OUT}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


_WAY_OUT = "ask for its data first, with .result(), or give the future to a task, which gets the data"


def _refuse_to_block_a_loop(name: str) -> None:
    """Raises DeadlockError in a thread whose event loop is at work."""
    if not is_in_loop():
        return
    raise DeadlockError(
        f"Task run {name!r} needs the event loop that this code would block: await it first, as in "
        "`await future.result()`, or submit what needs it."
    )


class AsyncFuture(Future[R]):
    """The future of an asynchronous task that was submitted from an asynchronous flow: its methods are awaited.

    Awaiting the future itself gives the future, so that `await task.submit(x)` reads as in Prefect 2.
    """

    __slots__ = ()

    def __init__(self, task_run_id: str, name: str) -> None:
        super().__init__(task_run_id, name)
        self.needs_loop = True

    def __await__(self) -> "Generator[Any, None, AsyncFuture[R]]":
        return self
        yield  # makes this a generator: awaiting it waits for nothing

    async def _await_end_async(self, timeout: float | None) -> State[R] | None:  # noqa: ASYNC109 - as in `wait`
        import asyncio  # noqa: PLC0415 - 25 ms that flows without asynchronous code do not pay

        if self._state is None:
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            self.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
            try:
                await asyncio.wait_for(ended.wait(), timeout)
            except TimeoutError:
                return None
        return self._state

    async def wait(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited, by design
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - Prefect's signature
    ) -> State[R] | None:
        """Waits for the run's end; see Future.wait."""
        return await self._await_end_async(timeout)

    async def result(  # pyright: ignore[reportIncompatibleMethodOverride] - awaited, by design
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - Prefect's signature
        raise_on_failure: bool = True,
    ) -> R:
        """Waits for the run's end and gives what it returned; see Future.result."""
        state = await self._await_end_async(timeout)
        if state is None:
            raise TimeoutError(f"Task run {self.name!r} did not end within {timeout} seconds.")
        try:
            return state.result(raise_on_failure=raise_on_failure)  # pyright: ignore[reportReturnType]
        except BaseException as error:
            without_engine_frames(error)
            raise


PrefectFuture = Future


class FutureList(list[Future[T]], Generic[T]):
    """The futures of a `.map()`."""

    def wait(self, timeout: float | None = None) -> None:
        """Waits until every run has ended, at most `timeout` seconds in all."""
        wait(self, timeout)

    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> list[T]: ...
    @overload
    def result(self, timeout: float | None = None, *, raise_on_failure: bool) -> list[T | BaseException]: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[Any]:
        """What the runs returned, in order. See Future.result; `timeout` is for all together."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [future.result(_left(deadline), raise_on_failure=raise_on_failure) for future in self]


PrefectFutureList = FutureList


class AsyncFutureList(list[AsyncFuture[T]], Generic[T]):
    """The futures of an asynchronous task's `.map()` in an asynchronous flow. Awaited, it is itself, as in Prefect 2."""

    def __await__(self) -> "Generator[Any, None, AsyncFutureList[T]]":
        return self
        yield  # makes this a generator: awaiting it waits for nothing

    async def wait(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as FutureList
        """Waits until every run has ended, at most `timeout` seconds in all."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for future in self:
            await future.wait(_left(deadline))

    async def result(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as FutureList
        raise_on_failure: bool = True,
    ) -> list[T]:
        """What the runs returned, in order. See Future.result; `timeout` is for all together."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [await future.result(_left(deadline), raise_on_failure=raise_on_failure) for future in self]


class DoneAndNotDone(NamedTuple):
    """The answer of `wait`."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Waits until the futures have ended, at most `timeout` seconds in all."""
    deadline = None if timeout is None else time.monotonic() + timeout
    done: set[Future[Any]] = set()
    not_done: set[Future[Any]] = set()
    for future in futures:
        ended = Future.wait(future, _left(deadline)) is not None
        (done if ended else not_done).add(future)
    return DoneAndNotDone(done, not_done)


def as_completed(futures: Iterable[Future[T]], timeout: float | None = None) -> Iterator[Future[T]]:
    """The futures in the order in which they end.

    Raises:
        TimeoutError: not all ended within `timeout` seconds.
    """
    from queue import Empty, SimpleQueue  # noqa: PLC0415 - 2 ms that most flows do not pay

    deadline = None if timeout is None else time.monotonic() + timeout
    ended: SimpleQueue[Future[T]] = SimpleQueue()
    waiting = list(futures)
    for future in waiting:
        if future.needs_loop and not future.done():
            _refuse_to_block_a_loop(future.name)
        future.add_done_callback(ended.put)
    for left in range(len(waiting), 0, -1):
        try:
            yield ended.get(timeout=_left(deadline))
        except Empty:
            raise TimeoutError(f"{left} of {len(waiting)} task runs did not end within {timeout} seconds.") from None


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
