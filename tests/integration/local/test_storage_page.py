"""docs/how-to/storage.md, command by command in a terminal, against a real git host."""

import os
import re
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agent_process import AgentProcess, environment_of
from tests.support.git_server import GitServer, git_server
from tests.support.server_process import ServerProcess
from tests.support.terminal import give
from tests.support.walkthrough import Command, File, matches, read_page

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "storage.md"
DOCUMENTED_HOST = "https://git.example.org"
DOCUMENTED_SHELF = "/tmp/towpath-shelf"  # noqa: S108 - replaced by a folder of the test
TOKEN = "token-of-mine"


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    (tmp_path / "server").mkdir()
    server = ServerProcess(tmp_path / "server")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def agent(server: ServerProcess) -> Generator[AgentProcess]:
    agent = AgentProcess(server, server.home, "-q", "test")
    yield agent
    agent.end()


@pytest.fixture
def host(tmp_path: Path) -> Generator[GitServer]:
    """The page's git host, with the flow that the page shows."""
    files = {step.name: step.text for step in read_page(PAGE) if isinstance(step, File)}
    with git_server(tmp_path / "git") as server:
        server.make("team/flows").commit({"greeting.py": files["greeting.py"]})
        server.token = TOKEN
        yield server


def test_the_page_goes_as_it_says(server: ServerProcess, agent: AgentProcess, host: GitServer, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = environment_of(server.home, PATH=programs, TOWPATH_API_URL=server.url, TERM="xterm")

    def localize(text: str) -> str:
        return text.replace(DOCUMENTED_HOST, host.url).replace(DOCUMENTED_SHELF, str(tmp_path / "shelf"))

    steps = list(read_page(PAGE))
    assert len(steps) > 10
    uploads = 0
    for step in steps:
        if isinstance(step, File):
            (project / step.name).write_text(localize(step.text))
            continue
        assert isinstance(step, Command)
        command, documented = localize(step.text), localize(step.output)
        code, printed = give(command, project, environment)
        bars = re.findall(r"^.*Uploading.*$", printed, re.MULTILINE)
        shown = "".join(line + "\n" for line in printed.splitlines() if line.strip() and line not in bars)
        wanted = "".join(line + "\n" for line in documented.splitlines() if line.strip())
        assert code == step.code, f"$ {command}\n{printed}"
        assert matches(wanted, shown), f"$ {command}\n{shown}\nis not as documented:\n{wanted}"
        assert TOKEN not in printed
        if bars:
            uploads += 1
            assert "Uploading 2/2" in bars[-1]
    assert uploads == 2
