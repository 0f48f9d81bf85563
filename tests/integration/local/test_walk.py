"""The walk from a file to a scheduled deployment, as a person takes it: in terminals, command by command, from an empty home."""

import os
import re
import sys
from collections.abc import Generator
from pathlib import Path

import pexpect
import pytest

from tests.support.agent_process import environment_of
from tests.support.git_server import git_server
from tests.support.server_process import free_port

FLOW = """
from towpath import flow, task

@task(retries=2)
def double(number: int) -> int:
    return 2 * number

@flow(name="Doubling", log_prints=True)
def doubling(number: int = 21) -> None:
    print(f"{number} doubled is {double(number)}")
"""
SAVE = "from towpath.filesystems import GitHub\nGitHub(repository='{url}/me/flows.git', access_token='{token}').save('dev')\n"
TOKEN = "token-of-mine"
PROMPT = "ready> "
PATIENCE = 100


class Terminal:
    """A shell in a terminal."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._shell: pexpect.spawn[str] = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            cwd=str(folder),
            env=environment | {"PS1": PROMPT, "TERM": "dumb", "BASH_SILENCE_DEPRECATION_WARNING": "1"},
            dimensions=(50, 250),
            timeout=PATIENCE,
            encoding="utf-8",
            echo=False,
        )
        self._shell.expect_exact(PROMPT)

    def give(self, command: str, code: int = 0) -> str:
        """Gives a command. Returns what it prints once it has ended, which must be with the exit code."""
        self._shell.sendline(f'{command}; echo "exit $?"')
        self._shell.expect(r"exit (\d+)\r?\n")
        printed = (self._shell.before or "").replace("\r\n", "\n")
        match = self._shell.match
        assert isinstance(match, re.Match) and int(match[1]) == code, f"{command}\n{printed}"
        self._shell.expect_exact(PROMPT)
        return printed

    def start(self, command: str, says: str) -> None:
        """Gives a command that goes on, and waits for what it says."""
        self._shell.sendline(command)
        self._shell.expect_exact(says)

    def interrupt(self) -> None:
        """Ctrl-C, after which the command ends."""
        self._shell.sendintr()
        self._shell.expect_exact(PROMPT)

    def close(self) -> None:
        """Closes the terminal, which ends what runs in it."""
        self._shell.close(force=True)


@pytest.fixture
def terminals(tmp_path: Path) -> Generator[list[Terminal]]:
    """Three terminals in a project, whose person has an empty home."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "doubling.py").write_text(FLOW)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = environment_of(tmp_path / "home", PATH=programs, TOWPATH_SERVER_PORT=str(free_port()))
    opened = [Terminal(project, environment) for _ in range(3)]
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.timeout(300)
def test_the_walk(terminals: list[Terminal], tmp_path: Path) -> None:
    first, second, third = terminals
    project = tmp_path / "project"
    with git_server(tmp_path / "git") as host:
        host.token = TOKEN
        first.start("towpath server start", "towpath config set TOWPATH_API_URL=")
        address = third.give("towpath server status").split(" at ")[1].split()[0]
        said = third.give(f"towpath config set TOWPATH_API_URL={address}/api")
        assert said == f"Set 'TOWPATH_API_URL' to '{address}/api'.\nUpdated profile 'default'.\n"

        said = third.give("towpath deployment build doubling.py:doubling -n here -q test")
        assert said.splitlines() == [
            "Found flow 'Doubling'",
            f"Default '.towpathignore' file written to {project}/.towpathignore",
            "Deployment storage None does not have upload capabilities; no files uploaded.  Pass --skip-upload to suppress this warning.",
            f"Deployment YAML created at '{project}/doubling-deployment.yaml'.",
        ]
        said = third.give("towpath deployment apply doubling-deployment.yaml")
        assert re.search(
            r"^Deployment 'Doubling/here' successfully created with id '[0-9a-f-]{36}'\.$", said, re.MULTILINE
        )
        second.start("towpath agent start -q test", "Agent started! Looking for work from queue(s): 'test'...")
        said = third.give("towpath deployment run Doubling/here -p number=4 --watch")
        assert "4 doubled is 8" in said

        (project / "save.py").write_text(SAVE.format(url=host.url, token=TOKEN))
        third.give("python save.py")
        said = third.give("towpath deployment build doubling.py:doubling -n git -q test -sb github/dev -a", code=1)
        assert said.splitlines()[-1].startswith("Error: ") and "there is no repository" in said.lower()
        host.make("me/flows").commit({"doubling.py": FLOW.replace("doubled", "from git, doubled")})
        said = third.give("towpath deployment build doubling.py:doubling -n git -q test -sb github/dev -a")
        assert "Deployment storage github/dev does not have upload capabilities" in said
        assert "Deployment 'Doubling/git' successfully created with id '" in said
        assert "21 from git, doubled is 42" in third.give("towpath deployment run Doubling/git --watch")

        said = third.give("towpath deployment set-schedule Doubling/git --interval 5")
        assert said == "Updated deployment schedule of 'Doubling/git'.\n"
        third.give(
            "until towpath flow-run ls --deployment Doubling/git --tag auto-scheduled --state Completed -o json | grep -q Completed; do :; done"
        )
        third.give("towpath deployment pause-schedule Doubling/git")
        (run_id,) = re.findall(
            r'"id": "([0-9a-f-]{36})"',
            third.give(
                "towpath flow-run ls --tag auto-scheduled --state Completed --limit 1 -o json | grep -m1 '\"id\"'"
            ),
        )
        assert "21 from git, doubled is 42" in third.give(f"towpath flow-run logs {run_id}")
        assert "Doubling/git" in third.give("towpath deployment ls")
        second.interrupt()
        first.interrupt()
    found = [path for path in project.rglob("*.yaml") if TOKEN in path.read_text()]
    assert found == []
