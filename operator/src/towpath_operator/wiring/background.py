"""`python -m towpath_operator.wiring.background`: the local server that the SDK starts where none runs and something must be asked.

Listens on loopback, on any free port, with the home's database, and ends soon after its last user. Users are processes that
share the lock of `server.users`: whoever gets that lock alone knows that nobody uses the server, and keeps it until it has ended,
so that a process that comes then waits and starts another one.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from towpath.contract.local_files import USERS_FILE
from towpath_operator.wiring.api import run_local
from towpath_operator.wiring.local_server import Holding, hold, try_lock
from towpath_operator.wiring.settings import DEFAULT_HOST, ServerSettings, towpath_home
from towpath_operator.wiring.spool import spool_size

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
"""How long it goes on without a user: scripts and commands that follow one another find it still there."""
LOOK_SECONDS = 0.5
SMALL_SPOOL = 4 * 1024 * 1024
"""Bytes of a spool that whoever waits for the server waits for too: a fraction of a second, where the machine is not busy."""
SMALL_SPOOL_SECONDS = 30.0
LARGE_SPOOL_SECONDS = 1.0
"""How long a larger one is waited for, which goes on being taken in."""
TAKE_OVER_SECONDS = 30.0
"""How long it waits for one before it that is ending."""


async def watch_users(home: Path, is_current: Callable[[], bool]) -> None:
    """Returns when there has been no user for IDLE_SECONDS, with the users' lock held until this process ends.

    Or when the home is gone: the next process that asks makes another one, with a server of its own.
    """
    descriptor = os.open(home / USERS_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    idle_since: float | None = None
    while is_current():
        if not try_lock(descriptor):
            idle_since = None
        elif idle_since is not None and time.monotonic() - idle_since >= IDLE_SECONDS:
            return
        else:
            idle_since = idle_since or time.monotonic()
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        await asyncio.sleep(LOOK_SECONDS)


async def _end_with_users(home: Path, holding: Holding) -> None:
    await watch_users(home, holding.is_current)
    logger.info("Nobody uses this server any more: it ends.")
    os.kill(os.getpid(), signal.SIGTERM)


class _Announcing:
    """Says where the server listens once it knows what flows told before: whoever asks then misses nothing of it."""

    def __init__(self, home: Path, holding: Holding, settings: ServerSettings) -> None:
        self._home = home
        self._holding = holding
        self._host = settings.host
        self._token = settings.api_token.get_secret_value() if settings.api_token is not None else None
        self._port = 0
        self._task: asyncio.Task[None] | None = None

    def announce(self, port: int, token: str | None) -> None:
        """The port is bound."""
        self._port, self._token = port, token or self._token

    def catching_up(self, caught_up: asyncio.Event) -> None:
        """The spool is being taken in."""
        self._task = asyncio.create_task(self._tell_after(caught_up))

    async def _tell_after(self, caught_up: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            is_small = spool_size(self._home) <= SMALL_SPOOL
            await asyncio.wait_for(caught_up.wait(), SMALL_SPOOL_SECONDS if is_small else LARGE_SPOOL_SECONDS)
        self._holding.tell(f"http://{self._host}:{self._port}", token=self._token, background=True)


async def _run(settings: ServerSettings, home: Path, holding: Holding) -> None:
    announcing = _Announcing(home, holding, settings)
    watching = asyncio.create_task(_end_with_users(home, holding))
    try:
        await run_local(settings, announcing.announce, holding.withdraw, announcing.catching_up, holding.is_current)
    finally:
        watching.cancel()


def main() -> int:
    """Serves until its last user is gone or it is told to stop. Returns the exit code."""
    settings = ServerSettings().model_copy(update={"host": DEFAULT_HOST, "port": 0})
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    home = towpath_home()
    try:
        with hold(home, wait=TAKE_OVER_SECONDS) as holding:
            if holding.is_held:
                asyncio.run(_run(settings, home, holding))
    except (OSError, RuntimeError) as error:
        print(f"The server cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
