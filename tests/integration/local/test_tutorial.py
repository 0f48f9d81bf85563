"""docs/tutorial/local.md, command by command, as a person would go through it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agent_process import environment_of, wait_for
from tests.support.server_process import free_port
from tests.support.walkthrough import Command, File, matches, read_page

PAGE = Path(__file__).parents[3] / "docs" / "tutorial" / "local.md"
NOT_TRIED = ("pip install",)
DOCUMENTED_PORT = "4200"


class Walk:
    """A folder, a home and terminals of its own."""

    def __init__(self, folder: Path) -> None:
        self._project = folder / "project"
        self._project.mkdir()
        self._port = str(free_port())
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = {"PATH": programs, "TOWPATH_SERVER_PORT": self._port, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
        self._environment = environment_of(folder / "home", **variables)
        self._terminals: list[tuple[subprocess.Popen[bytes], Path]] = []

    def set_variable(self, name: str, value: str) -> None:
        """A variable of the environment in every terminal that is opened from now on."""
        self._environment[name] = value

    def take(self, step: File | Command) -> None:
        """Does what the page says, and compares what comes of it."""
        if isinstance(step, File):
            (self._project / step.name).write_text(step.text)
        elif not step.text.startswith(NOT_TRIED):
            self._give(step)

    def _give(self, command: Command) -> None:
        text, documented = (part.replace(DOCUMENTED_PORT, self._port) for part in (command.text, command.output))
        if command.goes_on:
            self._open_terminal(text, documented)
            return
        done = subprocess.run(
            ["bash", "-c", text],
            env=self._environment,
            cwd=self._project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == command.code, f"$ {text}\n{done.stdout}"
        assert matches(documented, done.stdout), f"$ {text}\n{done.stdout}\nis not as documented:\n{documented}"

    def _open_terminal(self, text: str, documented: str) -> None:
        output = self._project.parent / f"terminal-{len(self._terminals)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {text}"],
                env=self._environment,
                cwd=self._project,
                stdout=file,
                stderr=subprocess.DEVNULL,
                # As in a terminal: who starts the tests in the background has Ctrl-C ignored, and hands that on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self._terminals.append((process, output))
        last = documented.rstrip().splitlines()[-1]
        wait_for(lambda: last in output.read_text(), output.read_text)
        shown = re.search(re.escape(documented.rstrip()), output.read_text())
        assert shown is not None, output.read_text()

    def close_terminals(self) -> list[int]:
        """Ctrl-C in each, the last opened first. Their exit codes."""
        codes: list[int] = []
        for process, _ in reversed(self._terminals):
            process.send_signal(signal.SIGINT)
            codes.append(process.wait(60))
        self._terminals.clear()
        return codes


@pytest.fixture
def walk(tmp_path: Path) -> Generator[Walk]:
    walk = Walk(tmp_path)
    yield walk
    walk.close_terminals()


def test_the_tutorial_goes_as_it_says(walk: Walk) -> None:
    steps = list(read_page(PAGE))
    assert len(steps) > 20
    for step in steps:
        walk.take(step)
    assert walk.close_terminals() == [0, 0]
