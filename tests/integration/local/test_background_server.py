"""The local server that starts when something must be asked and no server is there: real scripts, real processes, one home."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from towpath.client.local_server import LocalServer, find_server

PATIENCE = 60.0

ASK = """
import os, sys
from towpath.client.asking import client_for_asking

for line in sys.stdin:
    with client_for_asking() as client:
        client.list_flows()
        print(client.url, flush=True)
"""
KEEP = """
import sys
from towpath.client.asking import client_for_asking

with client_for_asking() as client:
    for line in sys.stdin:
        client.list_flows()
        print(client.url, flush=True)
"""
FLOW = """
import sys
from towpath import flow, get_run_logger, task
from towpath.client.asking import client_for_asking
from towpath.context import FlowRunContext

@task
def before():
    get_run_logger().info("told before anything was asked")

@flow
def asking():
    before()
    context = FlowRunContext.get()
    with client_for_asking() as client:
        assert context.teller.flush(60, stored=True)
        run = client.get_flow_run(context.flow_run.id)
        print(run.id, run.state.name, run.tasks.completed, flush=True)
        logs = client.list_logs(flow_run_id=run.id)
        assert any("told before" in line.message for line in logs.items), logs
    before()

asking()
"""
TELL = """
from towpath import flow

@flow
def telling():
    return 1

telling()
"""
SAVE = """
from towpath.blocks.system import JSON, Secret

JSON(value={"rows": 3}).save("settings")
Secret(value="sesame").save("door")
print("saved", flush=True)
"""
LOAD = """
from towpath.blocks.system import JSON, Secret

print(JSON.load("settings").value["rows"], Secret.load("door").get(), flush=True)
"""
PAUSE = """
from towpath import flow, pause_flow_run, task
from towpath.context import FlowRunContext

@task
def work():
    return 1

@flow
def pausing():
    work()
    print(FlowRunContext.get().flow_run.id, flush=True)
    pause_flow_run(timeout=120)
    return work()

print(pausing(), flush=True)
"""
RESUME = """
import sys, time
from towpath import resume_flow_run
from towpath.client.asking import client_for_asking

run = sys.stdin.readline().strip()
with client_for_asking() as client:
    while not any(str(found.id) == run for found in client.list_flow_runs(state="Paused").items):
        time.sleep(0.05)
resume_flow_run(run)
print("resumed", flush=True)
"""
LIMITED = """
from towpath import flow, task
from towpath.concurrency import concurrency

@flow
def limited():
    with concurrency("db", occupy=1):
        return 5

print(limited(), flush=True)
"""


class Script:
    """A Python process of the home that does something for each line it is given, and answers with one."""

    def __init__(self, home: Path, program: str, **more: str) -> None:
        self.home = home
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
        self.process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", program],
            env=environment | {"TOWPATH_HOME": str(home)} | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def send(self) -> None:
        self._pipe(self.process.stdin).write("\n")
        self._pipe(self.process.stdin).flush()

    def hear(self) -> str:
        return self._pipe(self.process.stdout).readline().strip() or self.end()[1]

    def ask(self) -> str:
        self.send()
        return self.hear()

    def end(self) -> tuple[str, str]:
        try:
            return self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler then prints where each thread is
            output, errors = self.process.communicate(timeout=PATIENCE)
            log = self.home / "server.log"
            raise AssertionError(f"{output}\n{errors}\n{log.read_text() if log.exists() else ''}") from None

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


Scripts = Callable[..., Script]


@pytest.fixture
def scripts(tmp_path: Path) -> Generator[Scripts]:
    started: list[Script] = []

    def start(program: str, **more: str) -> Script:
        started.append(Script(tmp_path, program, **more))
        return started[-1]

    try:
        yield start
    finally:
        for script in started:
            script.process.kill()
            script.process.communicate()
        left = find_server(tmp_path)
        if left is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)


def wait_until(holds: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def server_of(home: Path) -> LocalServer:
    return wait_until(lambda: find_server(home), "no server runs")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_two_scripts_at_once_share_one_server_which_ends_after_the_last(scripts: Scripts, tmp_path: Path) -> None:
    first, second, third = scripts(ASK), scripts(ASK), scripts(ASK)
    for script in (first, second, third):
        script.send()
    urls = {script.hear() for script in (first, second, third)}
    assert len(urls) == 1
    server = server_of(tmp_path)
    assert urls == {server.url}
    assert httpx.get(f"{server.url}/health").is_success
    first.end()
    second.end()
    assert third.ask() == server.url, "it stays as long as one uses it"
    third.end()
    wait_until(lambda: not is_alive(server.pid), "the server outlives its last user")
    wait_until(lambda: find_server(tmp_path) is None, "the lock outlives its server")
    assert scripts(ASK).ask().startswith("http://127.0.0.1:"), "the next one starts another"


@pytest.mark.parametrize("program", [ASK, KEEP])
def test_a_killed_server_is_replaced_at_the_next_question(scripts: Scripts, tmp_path: Path, program: str) -> None:
    script = scripts(program)
    script.ask()
    killed = server_of(tmp_path)
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: find_server(tmp_path) is None, "the lock outlives its server")
    assert script.ask().startswith("http://127.0.0.1:")
    assert server_of(tmp_path).pid != killed.pid


def test_what_a_flow_told_before_is_known_when_it_asks(scripts: Scripts, tmp_path: Path) -> None:
    output, errors = scripts(FLOW).end()
    assert output.split()[1:] == ["Running", "1"], errors
    after = scripts(ASK).ask()
    run = output.split()[0]
    ended = wait_until(
        lambda: (found := httpx.get(f"{after}/flow-runs/{run}").json())["state"]["name"] == "Completed" and found,
        "the end of the flow is not known",
    )
    assert ended["tasks"]["completed"] == 2


def test_a_server_in_the_foreground_takes_over(scripts: Scripts, tmp_path: Path) -> None:
    script = scripts(KEEP)
    script.ask()
    background = server_of(tmp_path)
    program = "from towpath.cli import main; main()"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    command = [sys.executable, "-c", program, "server"]
    with (tmp_path / "foreground.log").open("wb") as log:
        foreground = subprocess.Popen(
            [*command, "start", "--port", "0"],
            env=environment | {"TOWPATH_HOME": str(tmp_path)},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: (found := find_server(tmp_path)) and found.pid == foreground.pid, "it does not take over")
        wait_until(lambda: not is_alive(background.pid), "the one in the background does not end")
        assert script.ask() == server_of(tmp_path).url, "who used the one before goes on with it"
        script.end()
        status = subprocess.run(
            [*command, "status", "-o", "json"],
            env=environment | {"TOWPATH_HOME": str(tmp_path)},
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        said = json.loads(status.stdout)
        assert said["pid"] == foreground.pid and not said["background"] and "token" not in said
    finally:
        foreground.terminate()
        foreground.wait(PATIENCE)


def test_the_token_of_a_server_is_found_with_its_address(scripts: Scripts, tmp_path: Path) -> None:
    assert scripts(ASK, TOWPATH_API_TOKEN="sesame").ask().startswith("http://127.0.0.1:")
    server = server_of(tmp_path)
    assert httpx.get(f"{server.url}/flows").status_code == 401
    assert (tmp_path / "server.lock").stat().st_mode & 0o077 == 0
    assert scripts(ASK).ask() == server.url, "a script without the token reads it where its user alone can"


def test_a_server_that_cannot_start_is_named_with_its_reason(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "towpath.db").mkdir()
    said = scripts(ASK).ask()
    assert "The local server does not start" in said and "server.log" in said
    wait_until(lambda: find_server(tmp_path) is None, "the lock outlives its server")


def test_nothing_is_started_where_that_is_switched_off_or_not_installed(scripts: Scripts, tmp_path: Path) -> None:
    said = scripts(ASK, TOWPATH_LOCAL_SERVER="false").ask()
    assert "SettingsError: No API is set" in said and "TOWPATH_API_URL" in said
    hidden = "import importlib.util\nimportlib.util.find_spec = lambda *given: None\n"
    said = scripts(hidden + ASK).ask()
    assert "pip install 'towpath[server]'" in said and "TOWPATH_API_URL" in said
    assert list(tmp_path.iterdir()) == []


def test_a_server_started_by_hand_is_found_without_settings(scripts: Scripts, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    program = "from towpath.cli import main; main()"
    with (tmp_path / "foreground.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", program, "server", "start", "--port", "0"],
            env=environment | {"TOWPATH_HOME": str(tmp_path)},
            stdout=log,
            stderr=log,
        )
    try:
        found = server_of(tmp_path)
        assert found.pid == server.pid
        assert scripts(ASK, TOWPATH_LOCAL_SERVER="false").ask() == found.url
    finally:
        server.terminate()
        server.wait(PATIENCE)


def test_a_block_is_saved_by_one_script_and_loaded_by_another(scripts: Scripts) -> None:
    output, errors = scripts(SAVE).end()
    assert output == "saved\n", errors
    output, errors = scripts(LOAD).end()
    assert output == "3 sesame\n", errors


def test_a_flow_pauses_until_somebody_resumes_it(scripts: Scripts) -> None:
    pausing = scripts(PAUSE)
    run = pausing.hear()
    resuming = scripts(RESUME)
    output, errors = resuming.process.communicate(f"{run}\n", timeout=PATIENCE)
    assert output == "resumed\n", errors
    output, errors = pausing.end()
    assert output == "1\n", errors


def test_a_flow_asks_for_a_slot(scripts: Scripts) -> None:
    output, errors = scripts(LIMITED).end()
    assert output == "5\n", errors


def test_what_flows_tell_to_nobody_is_known_at_the_first_question(scripts: Scripts) -> None:
    scripts(TELL).end()
    scripts(TELL).end()
    url = scripts(KEEP).ask()
    assert [run["state"]["name"] for run in httpx.get(f"{url}/flow-runs").json()["items"]] == ["Completed"] * 2


def test_a_home_that_is_deleted_takes_its_server_with_it(scripts: Scripts, tmp_path: Path) -> None:
    home = tmp_path / "home"
    scripts(ASK, TOWPATH_HOME=str(home)).ask()
    before = server_of(home)
    # The server may write meanwhile.
    wait_until(lambda: shutil.rmtree(home, ignore_errors=True) or not home.exists(), "the home cannot be deleted")
    wait_until(lambda: not is_alive(before.pid), "the server outlives its home")
    scripts(TELL, TOWPATH_HOME=str(home)).end()
    again = scripts(KEEP, TOWPATH_HOME=str(home))
    assert httpx.get(f"{again.ask()}/flow-runs").json()["total"] == 1
    os.kill(server_of(home).pid, signal.SIGKILL)  # before its last user goes, and it with that one
    again.end()


def test_a_server_that_runs_takes_in_what_others_tell_to_nobody(scripts: Scripts) -> None:
    url = scripts(KEEP).ask()
    scripts(TELL).end()
    wait_until(lambda: httpx.get(f"{url}/flow-runs").json()["total"] == 1, "the spool is left alone")
