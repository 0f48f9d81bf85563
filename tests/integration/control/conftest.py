"""One server for all tests here, and programs that run flows against it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent_process import environment_of, wait_for
from tests.support.server_process import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


class Program:
    """`python flow.py` against the server."""

    def __init__(self, server: ServerProcess, folder: Path, code: str, *arguments: str, **variables: str) -> None:
        self.server = server
        self._log = folder / f"{len(list(folder.glob('*.log')))}.log"
        file = self._log.with_suffix(".py")
        file.write_text(code)
        given = {"TOWPATH_API_URL": server.url, "TOWPATH_FLUSH_INTERVAL": "0.02", **variables}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", str(file), *arguments],
                env=environment_of(folder / "home", **given),
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        return self._log.read_text()

    def wait_until_says(self, text: str) -> None:
        wait_for(lambda: text in self.said() or self.process.poll() is not None, self.said)
        assert text in self.said()

    def wait(self) -> str:
        """What it has said, once it has ended well."""
        assert self.process.wait(90) == 0, self.said()
        return self.said()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)


Run = Callable[..., Program]


@pytest.fixture
def run(server: ServerProcess, tmp_path: Path) -> Generator[Run]:
    """Starts programs, and ends those that the test leaves."""
    (tmp_path / "home").mkdir()
    started: list[Program] = []

    def start(code: str, *arguments: str, **variables: str) -> Program:
        started.append(Program(server, tmp_path, code, *arguments, **variables))
        return started[-1]

    yield start
    for program in started:
        program.end()


def find_run(server: ServerProcess, flow: str) -> Any:
    """The newest run of the flow, once there is one."""
    found = wait_for(lambda: server.call("GET", "/flow-runs", params={"flow": flow, "limit": 1})["items"])
    return found[0]


def wait_for_state(server: ServerProcess, run_id: str, *names: str) -> Any:
    """The run, once it is in one of these states."""

    def look() -> Any:
        found = server.call("GET", f"/flow-runs/{run_id}")
        return found if found["state"]["name"] in names else None

    return wait_for(look, lambda: f"{server.states(run_id)}\n{server.log(run_id)}")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
