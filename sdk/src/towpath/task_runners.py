"""Task runners: where submitted tasks run. Threads by default; in sequence; other processes.

A flow's `task_runner` is a pattern: each flow run works with a duplicate of its own, closed at its end. Called by the engine.
"""

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextvars import copy_context
from typing import Any, ClassVar

from towpath.context import TaskRunContext
from towpath.engine.remote import run_packed, submit_remotely
from towpath.engine.running import drop_submitted, live_submitted
from towpath.engine.tasks import awaited_futures
from towpath.engine.workers import Job, WorkerPool
from towpath.errors import DefinitionError
from towpath.futures import Future
from towpath.settings import get_settings


def check_max_workers(max_workers: Any) -> None:
    """Raises DefinitionError unless `max_workers` is None or a whole number of at least 1."""
    is_number = isinstance(max_workers, int) and not isinstance(max_workers, bool)
    if max_workers is not None and not (is_number and max_workers >= 1):
        raise DefinitionError(f"max_workers must be a whole number of at least 1, not {max_workers!r}.")


class TaskRunner:
    """Runs submitted tasks.

    Attributes:
        is_sequential: whether one task ends before the next begins.
        is_remote: whether tasks run in other processes.
    """

    is_sequential: ClassVar[bool] = False
    is_remote: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What people call it, without `TaskRunner`: `threadpool`."""
        return type(self).__name__.removesuffix("TaskRunner").lower()

    def duplicate(self) -> "TaskRunner":
        """A new runner of the same kind, for one flow run."""
        return type(self)()

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        """Takes a task run that is Pending; `future` is given its end. Returns at once."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Drops what has not begun."""

    def close(self) -> None:
        """Ends the runner's threads or processes; what was submitted has ended or been dropped by now."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self).get("max_workers") == vars(other).get("max_workers")

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class SequentialTaskRunner(TaskRunner):
    """Runs each task when it is submitted, in the thread that submits it."""

    is_sequential = True

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        live_submitted(context, future)


class ThreadPoolTaskRunner(TaskRunner):
    """Runs tasks in threads of this process.

    A task that waits for another's future lends its place, so tasks that submit tasks cannot block one another; a task whose
    inputs are not ready takes no thread.

    Args:
        max_workers: how many tasks run at a time; default TOWPATH_TASK_RUNNER_MAX_WORKERS, which is 32.
    """

    _idle_seconds: float | None = None

    def __init__(self, max_workers: int | None = None) -> None:
        check_max_workers(max_workers)
        self.max_workers = max_workers or get_settings().task_runner_max_workers
        self._pool = WorkerPool(self.max_workers, self._idle_seconds)

    def duplicate(self) -> "ThreadPoolTaskRunner":
        return type(self)(self.max_workers)

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        variables = copy_context()

        def start() -> None:
            self._pool.put(
                Job(lambda: variables.run(live_submitted, context, future), lambda: drop_submitted(context, future))
            )

        start_when_ended(awaited_futures(context), start)

    def cancel(self) -> None:
        self._pool.cancel()

    def close(self) -> None:
        self._pool.close()

    def finish(self) -> None:
        """Waits until all that was submitted has ended."""
        self._pool.drain()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(max_workers={self.max_workers})"


ConcurrentTaskRunner = ThreadPoolTaskRunner


class ProcessPoolTaskRunner(TaskRunner):
    """Runs tasks in processes of this machine, for work that keeps Python busy.

    Tasks and their arguments are pickled. The processes import the script anew, so a script that starts a flow does so
    below `if __name__ == "__main__":`.

    Args:
        max_workers: how many processes; default one for each CPU.
    """

    is_remote = True

    def __init__(self, max_workers: int | None = None) -> None:
        check_max_workers(max_workers)
        self.max_workers = max_workers
        self._executor: Any = None
        self._ended: list[Any] = []
        self._lock = threading.Lock()
        self._is_cancelled = False

    def duplicate(self) -> "ProcessPoolTaskRunner":
        return type(self)(self.max_workers)

    def submit(self, context: TaskRunContext, future: Future[Any]) -> None:
        start_when_ended(awaited_futures(context), lambda: submit_remotely(context, future, self._send))

    def _send(self, data: bytes) -> Any:
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            if self._executor is None:
                from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - 10 ms that threads do not pay
                from multiprocessing import get_context  # noqa: PLC0415 - as above

                # Never forked: a fork copies locks that other threads hold.
                self._executor = ProcessPoolExecutor(self.max_workers, mp_context=get_context("spawn"))
            return self._executor.submit(run_packed, data)

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            executor = self._executor
        if executor is not None:
            self._ended = list((executor._processes or {}).values())
            executor.shutdown(wait=False, cancel_futures=True)
            for worker in self._ended:
                worker.terminate()

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True)
        for worker in self._ended:
            worker.join()

    def __repr__(self) -> str:
        return f"ProcessPoolTaskRunner(max_workers={self.max_workers})"


def start_when_ended(futures: list[Future[Any]], start: Callable[[], None]) -> None:
    """Calls `start` as soon as all futures have ended; at once when there are none."""
    if not futures:
        start()
        return
    left = len(futures)
    lock = threading.Lock()

    def count(_: Future[Any]) -> None:
        nonlocal left
        with lock:
            left -= 1
            is_last = left == 0
        if is_last:
            start()

    for future in futures:
        future.add_done_callback(count)


class _LastingTaskRunner(ThreadPoolTaskRunner):
    """Threads for tasks submitted outside flows. Nobody closes it, so its threads end when there is nothing to do."""

    _idle_seconds = 0.5

    def duplicate(self) -> ThreadPoolTaskRunner:
        return ThreadPoolTaskRunner(self.max_workers)


_default: ThreadPoolTaskRunner | None = None
_default_lock = threading.Lock()


def default_runner() -> ThreadPoolTaskRunner:
    """The runner of tasks that are submitted outside flows, and the pattern for flows that name none."""
    global _default
    with _default_lock:
        if _default is None:
            _default = _LastingTaskRunner()
            atexit.register(_default.finish)
        return _default
