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

from towpath.contract.local_files import SERVER_FILE

STOP_SECONDS = 30.0
LOOK_SECONDS = 0.5
"""Whoever looks whether a server runs has the lock for an instant: so long it is tried for before it counts as held."""
_PAUSE = 0.02


class LocalServer(NamedTuple):
    """A server that runs: its process, its address without `/api`, and whether it ends with its last user."""

    pid: int
    url: str
    background: bool = False


class Holding:
    """The lock of a home, or not: another server of the same home may have it."""

    def __init__(self, home: Path, descriptor: int | None) -> None:
        self._home = home
        self._descriptor = descriptor
        self._is_withdrawn = False

    @property
    def is_held(self) -> bool:
        """Whether this process has the lock."""
        return self._descriptor is not None

    def is_current(self) -> bool:
        """Whether the home is still the one whose lock this is: it may have been deleted, and made anew for another server."""
        if self._descriptor is None:
            return True
        try:
            there, held = (self._home / SERVER_FILE).stat(), os.fstat(self._descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def tell(self, url: str, *, token: str | None = None, background: bool = False) -> None:
        """Says where this process listens. The file is its user's alone, so the token may be in it."""
        if self._descriptor is not None and not self._is_withdrawn:
            told = {"pid": os.getpid(), "url": url, "token": token, "background": background}
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(told).encode(), 0)

    def withdraw(self) -> None:
        """Says nothing any more: this server takes no new callers."""
        self._is_withdrawn = True
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)


@contextmanager
def hold(home: Path, *, wait: float = LOOK_SECONDS) -> Generator[Holding]:
    """Holds the home's lock for this process.

    Args:
        wait: seconds to wait for a server that is ending. One that listens is not waited for.
    """
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / SERVER_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _wait_for_lock(descriptor, home, wait):
            os.ftruncate(descriptor, 0)
            yield Holding(home, descriptor)
            os.ftruncate(descriptor, 0)
        else:
            yield Holding(home, None)
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, home: Path, wait: float) -> bool:
    deadline = time.monotonic() + max(wait, LOOK_SECONDS)
    while not try_lock(descriptor):
        if find_server(home) is not None or time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def find_server(home: Path) -> LocalServer | None:
    """The server that runs for this home; None when there is none, or it does not listen yet."""
    try:
        descriptor = os.open(home / SERVER_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if try_lock(descriptor, fcntl.LOCK_SH):
            return None
        found = json.loads(os.pread(descriptor, 4096, 0))
        return LocalServer(int(found["pid"]), str(found["url"]), bool(found.get("background")))
    except (ValueError, KeyError):
        return None
    finally:
        os.close(descriptor)


def stop_server(home: Path, server: LocalServer, timeout: float = STOP_SECONDS) -> bool:
    """Tells the server to stop and waits until it has. Whether it has in time."""
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while _is_held(home) and _is_alive(server.pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _is_held(home: Path) -> bool:
    try:
        descriptor = os.open(home / SERVER_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Locks the file for this process, or with LOCK_SH for it and others; False when another's lock keeps it from that."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
