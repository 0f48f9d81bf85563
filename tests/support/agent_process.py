"""The real agent as a process of its own, which tests may kill and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.server_process import ServerProcess

PATIENCE = 60.0
PROGRAM = (sys.executable, "-c", "from towpath.cli import main; main()")
"""The command line."""


def wait_for(condition: Callable[[], Any], why: Callable[[], str] = lambda: "") -> Any:
    """What `condition` gives as soon as it gives anything."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.03)
    return found


def environment_of(home: Path, **variables: str) -> dict[str, str]:
    """This process' environment with Towpath's settings replaced.

    What a process has told is with the API once it has ended, however busy the machine is: none leaves it in its spool for a later one.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    return {**kept, "TOWPATH_HOME": str(home), "TOWPATH_EXIT_TIMEOUT": str(PATIENCE), **variables}


def run_towpath(*arguments: str, environment: dict[str, str], folder: Path, code: int = 0, timeout: float = 100) -> str:
    """Runs `towpath ...` in a folder; what it prints. It must end with `code` within `timeout` seconds."""
    return run_program(*PROGRAM, *arguments, environment=environment, folder=folder, code=code, timeout=timeout)


def run_program(*words: str, environment: dict[str, str], folder: Path, code: int = 0, timeout: float = 100) -> str:
    """Runs a program in a folder; what it prints. It must end with `code` within `timeout` seconds."""
    done = subprocess.run(
        words,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


class AgentProcess:
    """`towpath agent start`, with a home of its own."""

    def __init__(self, server: ServerProcess, home: Path, *arguments: str, **variables: str) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self._log = home / "agent.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, "agent", "start", *arguments],
                env=environment_of(
                    home, **{"TOWPATH_API_URL": server.url, "TOWPATH_FLUSH_INTERVAL": "0.02", **variables}
                ),
                cwd=home,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        """What it, and those before it in the same home, have printed."""
        return self._log.read_text()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE)
