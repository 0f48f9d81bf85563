"""Takes in what flows have told while no server ran, or told to none. Called by local servers, as long as they run.

The spool's format is the SDK's: its own command delivers it, as a process beside the server, over HTTP like any client. It is
started at once if there is anything to deliver, and again whenever a process has left something.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from pathlib import Path

from towpath.contract.local_files import SPOOL_FOLDER, SPOOL_SUFFIX
from towpath_operator.wiring.local_server import try_lock

_COMMAND = (sys.executable, "-m", "towpath.client.spooled")
LOOK_SECONDS = 2.0
LONGEST_SECONDS = 60.0
"""Between two looks while there is what cannot be delivered: a file that may not be read, a full database."""


def has_left(home: Path) -> bool:
    """Whether there is something in the home's spool that no living process owns."""
    return any(_is_left(file) for file in _files(home))


def spool_size(home: Path) -> int:
    """How many bytes the home's spool has."""
    size = 0
    for file in _files(home):
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def _files(home: Path) -> Iterator[Path]:
    return (home / SPOOL_FOLDER).glob(f"*{SPOOL_SUFFIX}")


def _is_left(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


@contextlib.asynccontextmanager
async def delivering_spool(
    home: Path, port: int, token: str | None, is_current: Callable[[], bool]
) -> AsyncGenerator[asyncio.Event]:
    """Delivers the home's spool to the server on this machine's `port` while the block runs.

    What is not delivered by the block's end stays in the spool, for the next server.

    Args:
        is_current: whether the home is still this server's.

    Yields:
        set once what was there at the beginning is delivered.
    """
    caught_up = asyncio.Event()
    env = os.environ | {"TOWPATH_API_URL": f"http://127.0.0.1:{port}/api", "TOWPATH_HOME": str(home)}
    env |= {"TOWPATH_API_TOKEN": token} if token else {}
    task = asyncio.create_task(_deliver_forever(lambda: is_current() and has_left(home), env, caught_up))
    try:
        yield caught_up
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _deliver_forever(is_due: Callable[[], bool], env: Mapping[str, str], caught_up: asyncio.Event) -> None:
    pause = LOOK_SECONDS
    while True:
        if await asyncio.to_thread(is_due):
            await _deliver(env)
            pause = min(2 * pause, LONGEST_SECONDS)
        else:
            pause = LOOK_SECONDS
        caught_up.set()
        await asyncio.sleep(pause)


async def _deliver(env: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(*_COMMAND, env=env, stdin=asyncio.subprocess.DEVNULL)
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
