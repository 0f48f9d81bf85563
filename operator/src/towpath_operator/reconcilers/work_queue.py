"""One keyed, rate-limited work queue: many causes, one reconciling of a key at a time, backoff for a key that fails.

Fed by the watches, the claim and change loops and itself (`add_after`); its workers call one function with a key. A key that
is added while it waits is one entry; added while it is worked on, it is worked on once more afterwards. Knows nothing
of what keys stand for.
"""

import asyncio
import heapq
import itertools
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from towpath_operator.reconcilers.metrics import OperatorMetrics

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

_FIRST_DELAY = 0.25
_MAX_DELAY = 60.0
_JITTER = 0.2
_CHANGED_DELAY = 1.0


def backoff_delay(failures: int, chance: float) -> float:
    """Seconds until a key that has failed `failures` times in a row is tried again; `chance` in 0..1 spreads them."""
    plain = min(_MAX_DELAY, _FIRST_DELAY * 2 ** min(failures - 1, 16))
    return plain * (1 - _JITTER + 2 * _JITTER * chance)


class WorkQueue(Generic[K]):
    """The queue and its workers.

    Args:
        work: reconciles a key. What it raises is logged and repeats the key with backoff.
        workers: how many keys are worked on at once.
        metrics: where depth, latency and busy workers are counted.
    """

    def __init__(self, work: Callable[[K], Awaitable[None]], workers: int, metrics: OperatorMetrics) -> None:
        self._work = work
        self._workers = workers
        self._metrics = metrics
        self._ready: deque[K] = deque()
        self._due_since: dict[K, float] = {}
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._later: list[tuple[float, int, K]] = []
        self._later_due: dict[K, float] = {}
        self._order = itertools.count()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        metrics.queue_workers.set(workers)

    def add(self, key: K) -> None:
        """Have `key` reconciled as soon as a worker is free."""
        if key in self._busy:
            self._again.add(key)
        elif key not in self._due_since:
            self._due_since[key] = asyncio.get_running_loop().time()
            self._ready.append(key)
            self._metrics.queue_depth.set(len(self._ready))
            self._notify()

    def add_after(self, key: K, seconds: float) -> None:
        """Have `key` reconciled after `seconds`, or earlier if an earlier time was asked for."""
        if seconds <= 0:
            self.add(key)
            return
        due = asyncio.get_running_loop().time() + seconds
        if key in self._later_due and self._later_due[key] <= due:
            return
        self._later_due[key] = due
        heapq.heappush(self._later, (due, next(self._order), key))
        self._schedule()

    def time(self) -> float:
        """The clock that `add_after` counts by, in seconds."""
        return asyncio.get_running_loop().time()

    def forget(self, key: K) -> None:
        """Drop what is remembered of `key`: its failures and its later times."""
        self._failures.pop(key, None)
        self._later_due.pop(key, None)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._run_worker(), name=f"reconcile worker {number}")

    def _notify(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
                break

    async def _next(self) -> K:
        while not self._ready:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)
        key = self._ready.popleft()
        self._busy.add(key)
        now = asyncio.get_running_loop().time()
        self._metrics.queue_wait.observe(now - self._due_since.pop(key))
        self._metrics.queue_depth.set(len(self._ready))
        return key

    async def _run_worker(self) -> None:
        while True:
            key = await self._next()
            self._metrics.queue_busy.set(len(self._busy))
            try:
                with self._metrics.reconcile_time.time():
                    await self._work(key)
                self._failures.pop(key, None)
            except Exception as error:  # noqa: BLE001 whatever befell one key must not stop the others
                self._fail(key, error)
            finally:
                self._busy.discard(key)
                self._metrics.queue_busy.set(len(self._busy))
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    def _fail(self, key: K, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = backoff_delay(failures, random.random())  # noqa: S311 spreads retries, guards nothing
        self._metrics.reconcile_failures.labels(error=type(error).__name__).inc()
        expected = getattr(error, "retryable", False)
        logger.log(
            logging.INFO if expected else logging.WARNING,
            "%s: failed %d times, again in %.1f s: %s",
            key,
            failures,
            delay,
            error,
            exc_info=None if expected else error,
        )
        if key in self._again:
            # It changed while it failed, perhaps by our own doing: soon, but not at once, or it would never back off.
            self._again.discard(key)
            delay = min(delay, _CHANGED_DELAY)
        self.add_after(key, delay)

    def _schedule(self) -> None:
        if not self._later:
            return
        loop = asyncio.get_running_loop()
        due = self._later[0][0]
        if self._timer is not None:
            if self._timer.when() <= due and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._release_due)

    def _release_due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._later_due.get(key) == due:
                del self._later_due[key]
                self.add(key)
        self._schedule()
