"""A pool of threads for submitted tasks. Called by the thread task runners.

A few threads start as jobs come. More start only when jobs wait although the processor has time, which is when threads that
block help: for work that keeps Python busy they would only pass its lock around.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Final

EAGER: Final = 4
"""Threads that start without a wait."""
TICK: Final = 0.005
"""Seconds between two looks at jobs that wait."""
BUSY: Final = 0.8
"""Of one processor: above this, more threads do not help."""
_QUIET_TICKS: Final = 100


class Job:
    """Work for a pool, and what becomes of it when it is dropped."""

    __slots__ = ("drop", "run")

    def __init__(self, run: Callable[[], object], drop: Callable[[], object]) -> None:
        self.run = run
        self.drop = drop


class WorkerPool:
    """Threads that take jobs in order. They start as they are needed, and end when the pool is closed.

    Args:
        size: how many jobs run at a time.
        idle_seconds: a thread without work ends after so many seconds; None: only when the pool is closed.
    """

    def __init__(self, size: int, idle_seconds: float | None = None) -> None:
        self._size = size
        self._idle_seconds = idle_seconds
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lent = 0
        self._left = 0
        self._is_cancelled = False
        self._has_ended = threading.Event()
        self._watch: threading.Thread | None = None

    def put(self, job: Job) -> None:
        """Takes a job. After `cancel` it is dropped at once."""
        with self._lock:
            is_cancelled = self._is_cancelled
            if not is_cancelled:
                self._left += 1
                self._jobs.put(job)
                if self._idle:
                    self._idle -= 1
                elif len(self._threads) - self._lent < min(EAGER, self._size):
                    self._grow()
                elif self._watch is None and self._size > EAGER:
                    self._watch = threading.Thread(target=self._watch_backlog, name="towpath-watch", daemon=True)
                    self._watch.start()
        if is_cancelled:
            job.drop()

    def _grow(self) -> None:
        if len(self._threads) - self._lent < self._size:
            thread = threading.Thread(target=self._work, name=f"towpath-worker-{len(self._threads)}", daemon=True)
            thread.towpath_pool = self  # pyright: ignore[reportAttributeAccessIssue] - futures find their pool by it
            self._threads.append(thread)
            thread.start()

    def _watch_backlog(self) -> None:
        """Starts threads for jobs that wait while the processor has time; ends when there is nothing to watch."""
        quiet = 0
        cpu, clock = time.process_time(), time.monotonic()
        while not self._has_ended.wait(TICK):
            cpu_before, clock_before = cpu, clock
            cpu, clock = time.process_time(), time.monotonic()
            is_busy = cpu - cpu_before > BUSY * (clock - clock_before)
            with self._lock:
                waiting = self._jobs.qsize()
                quiet = 0 if waiting else quiet + 1
                room = self._size - len(self._threads) + self._lent
                if waiting and not self._idle and not is_busy:
                    for _ in range(min(waiting, room)):
                        self._grow()
                if room <= 0 or quiet > _QUIET_TICKS:
                    self._watch = None
                    return

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                job = self._await_job()
            if job is None:
                return
            job.run()
            del job
            with self._lock:
                self._left -= 1
                if len(self._threads) - self._lent > self._size:  # it stood in for one that has come back
                    self._threads.remove(threading.current_thread())
                    return

    def _await_job(self) -> "Job | None":
        """The next job, however long it takes to come; None when the thread is to end."""
        with self._lock:
            self._idle += 1
        while True:
            try:
                return self._jobs.get(timeout=self._idle_seconds)
            except Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._idle = max(0, self._idle - 1)
                        self._threads.remove(threading.current_thread())
                        return None

    @contextmanager
    def lending_a_worker(self) -> Generator[None]:
        """While a worker waits for a future within the block, another thread may take its place."""
        with self._lock:
            self._lent += 1
            if not self._jobs.empty() and not self._idle:
                self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._lent -= 1

    def drain(self) -> None:
        """Waits until there is no job left and none at work."""
        while self._left:
            time.sleep(0.01)

    def cancel(self) -> None:
        """Drops the jobs that wait, and those that come."""
        with self._lock:
            self._is_cancelled = True
        while not self._jobs.empty():
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is not None:
                job.drop()

    def close(self) -> None:
        """Ends the threads, once the jobs that they are at have ended; after `cancel` it interrupts these and does not wait."""
        self._has_ended.set()
        with self._lock:
            threads = list(self._threads)
            watch = self._watch
        if watch is not None:
            watch.join()
        for _ in threads:
            self._jobs.put(None)
        current = threading.current_thread()
        for thread in threads:
            if thread is current:
                continue
            if self._is_cancelled:
                interrupt_thread(thread)
            else:
                thread.join()


def interrupt_thread(thread: threading.Thread) -> None:
    """Ends a thread before its next bytecode; a call into C that blocks ends it when it returns."""
    if thread.ident is not None and thread.is_alive():
        import ctypes  # noqa: PLC0415 - 4 ms that flows which end well do not pay

        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
