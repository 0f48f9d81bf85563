"""Wakes requests that wait for a commit. Filled by the database's commits; waited on by claims and changes.

A waiter notes the topic's count before it looks and waits only while the count stands: a commit in between is never missed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable


class Signals:
    """Counts of commits by topic.

    Attributes:
        closed: whether the server is shutting down.
        on_close: what else is told of that.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = defaultdict(int)
        self._waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.closed = False
        self.on_close: list[Callable[[], None]] = []

    def wake(self, topics: Iterable[str]) -> None:
        """Tells the waiters of each topic that something was committed."""
        for topic in topics:
            self._counts[topic] += 1
            for waiter in self._waiters.pop(topic, ()):
                if not waiter.done():
                    waiter.set_result(None)

    def count(self, topic: str) -> int:
        """A number that changes with every commit of the topic."""
        return self._counts[topic]

    async def wait(self, topic: str, since: int, seconds: float) -> bool:
        """Waits until the topic's count is no longer `since`, at most `seconds`. Returns whether it is not."""
        if self.closed or self._counts[topic] != since:
            return True
        if seconds <= 0:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[topic].add(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiters[topic].discard(waiter)
        return True

    def close(self) -> None:
        """Answers everybody who waits, now and later: the server is shutting down."""
        self.closed = True
        self.wake(list(self._waiters))
        for tell in self.on_close:
            tell()
