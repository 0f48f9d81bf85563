"""`towpath server status` and `stop`, beside a real `towpath server start`."""

import json
import signal
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.support.agent_process import PROGRAM, environment_of
from tests.support.server_process import ServerProcess

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    server = ServerProcess(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def say(tmp_path: Path) -> Say:
    def say(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*PROGRAM, "server", *arguments],
            env=environment_of(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return say


def test_a_server_is_shown_and_stopped(server: ServerProcess, say: Say, tmp_path: Path) -> None:
    assert say("status") == (1, f"No server runs for {tmp_path}: `towpath server start` starts one.\n")
    server.start()
    url = server.url.removesuffix("/api")
    code, said = say("status")
    assert code == 0
    assert said.startswith(f"The server runs at {url} (process ")
    assert json.loads(say("status", "-o", "json")[1])["url"] == url
    assert say("stop") == (0, f"Stopped the server at {url}.\n")
    assert say("status")[0] == 1
    assert say("stop") == (0, f"No server runs for {tmp_path}.\n")


def test_a_killed_server_does_not_count(server: ServerProcess, say: Say) -> None:
    server.start()
    server.stop(signal.SIGKILL)
    assert say("status")[0] == 1
    assert json.loads(say("status", "-o", "json")[1]) == {"running": False}


def test_a_port_in_use_is_named_with_the_way_out(server: ServerProcess, say: Say) -> None:
    server.start()
    port = server.url.rpartition(":")[2].removesuffix("/api")
    code, said = say("start", "--port", port)
    assert code == 1
    assert f"something listens on port {port} of 127.0.0.1 already. Give another --port" in said
