"""Starts a server program for tests on loopback, waits until it listens, and ends it."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

START_SECONDS = 60.0


@contextlib.contextmanager
def running_program(
    command: Sequence[str], port: int, log: Path, env: Mapping[str, str] | None = None, host: str = "127.0.0.1"
) -> Generator[None]:
    """The program, from when it listens on `port` of this machine's `host` until the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(host, port):
            assert process.poll() is None, f"{command[0]} ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"{command[0]} does not listen: {log.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
