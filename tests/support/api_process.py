"""A real API server as a process of its own, to be killed and started again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx

from tests.support.server_process import free_port

START_SECONDS = 180.0
"""How long a server may take that is started under load, on a busy machine."""
_MAIN = "from towpath_operator.wiring.commands import server; server()"


class ServerProcess:
    """One server on a database in `folder`. Its port stays the same over restarts."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self._folder = folder
        self._database = database or str(folder / "towpath.db")
        self._port = free_port()
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self._port}/api"

    @property
    def pid(self) -> int:
        """The process' id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has printed since its last start."""
        return (self._folder / f"server-{self._starts}.log").read_text()

    def start(self) -> None:
        """Starts the server and waits until it is healthy."""
        self._starts += 1
        command = [sys.executable, "-c", _MAIN, "start", "--port", str(self._port), "--database", self._database]
        environment = os.environ | {"TOWPATH_HOME": str(self._folder), "TOWPATH_SERVER_LOG_LEVEL": "WARNING"}
        environment.pop("TOWPATH_API_TOKEN", None)
        with (self._folder / f"server-{self._starts}.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        self._wait_until_healthy()

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Sends a signal and waits for the end. Returns the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def stop(self) -> None:
        """Ends the server if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill(signal.SIGTERM)

    def _wait_until_healthy(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/health", timeout=60).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"The server is not healthy after {START_SECONDS} s: {self.log}")


@contextlib.contextmanager
def run_server(folder: Path, database: str | None = None) -> Generator[ServerProcess]:
    """A started server, ended at the end."""
    server = ServerProcess(folder, database)
    try:
        server.start()
        yield server
    finally:
        server.stop()
