"""Which local server runs on this machine for a home: kept by `towpath server start`, read by `status` and `stop`.

The file `server.lock` in TOWPATH_HOME is locked as long as the server lives, and says its process and address. A server that was
killed holds no lock, so what the file still says counts no more.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

LOCK_FILE = "server.lock"
STOP_SECONDS = 30.0
_PAUSE = 0.05


class LocalServer(NamedTuple):
    """A server that runs: its process, and its address without `/api`."""

    pid: int
    url: str


class Holding:
    """The lock of a home, or not: another server of the same home may have it."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def tell(self, url: str) -> None:
        """Says where this process listens."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)


@contextmanager
def hold(home: Path) -> Generator[Holding]:
    """Holds the home's lock for this process, if nobody else does."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if _try_lock(descriptor):
            os.ftruncate(descriptor, 0)
            yield Holding(descriptor)
            os.ftruncate(descriptor, 0)
        else:
            yield Holding(None)
    finally:
        os.close(descriptor)


def find_server(home: Path) -> LocalServer | None:
    """The server that runs for this home; None when there is none, or it does not listen yet."""
    try:
        descriptor = os.open(home / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if _try_lock(descriptor):
            return None
        found = json.loads(os.pread(descriptor, 4096, 0))
        return LocalServer(int(found["pid"]), str(found["url"]))
    except (ValueError, KeyError):
        return None
    finally:
        os.close(descriptor)


def stop_server(home: Path, server: LocalServer, timeout: float = STOP_SECONDS) -> bool:
    """Tells the server to stop and waits until it has. Whether it has in time."""
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while find_server(home) == server:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
