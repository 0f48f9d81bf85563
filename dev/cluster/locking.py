"""One lock for the machine: only one process at a time starts, ends, repairs or builds for the development cluster.

Taken by the entry points (__main__, environment); nested use within one process is free. Freed by the system when its holder
dies, so an interrupted command blocks nobody.
"""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dev.cluster.progress import say

_held: set[Path] = set()


@contextmanager
def exclusive(lock: Path) -> Generator[None]:
    """Hold the lock, waiting for another holder to finish and saying so."""
    if lock in _held:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is at work on the cluster; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _held.add(lock)
        try:
            yield
        finally:
            _held.discard(lock)
