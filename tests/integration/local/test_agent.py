"""`towpath agent start` against the real API: launches, ends, cancels, crashes, restarts."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent_process import AgentProcess, wait_for
from tests.support.server_process import ServerProcess

FLOWS = '''
import os, time
from pathlib import Path
from towpath import flow

@flow(log_prints=True)
def good(x: int = 1) -> None:
    print("x is", x, "and the pot is", os.environ.get("POT"))

@flow
def bad() -> None:
    raise ValueError("the cup is empty")

@flow
def waits(folder: str) -> None:
    """Says that it runs, then waits for the word to end."""
    path = Path(folder)
    print("a line to the console", flush=True)
    (path / f"running-{os.getpid()}").touch()
    while not (path / "end").exists():
        time.sleep(0.02)

@flow
def stubborn(folder: str) -> None:
    while True:
        try:
            (Path(folder) / f"running-{os.getpid()}").touch()
            time.sleep(0.02)
        except BaseException:
            pass
'''
ENDS = ("Completed", "Failed", "TimedOut", "Crashed", "Cancelled")
StartAgent = Callable[..., AgentProcess]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    (folder / "agent_flows_of_test.py").write_text(FLOWS)
    (folder / "broken_of_test.py").write_text("import no_such_library")
    (folder / "random.py").write_text("raise RuntimeError('a file of the flow took the place of a module of Python')")
    return folder


@pytest.fixture
def start(server: ServerProcess, tmp_path: Path) -> Generator[StartAgent]:
    """Starts agents in one home; ends them, and what they left behind, at the end."""
    started: list[AgentProcess] = []

    def start(*arguments: str, **variables: str) -> AgentProcess:
        agent = AgentProcess(server, tmp_path / "home", *arguments, **variables)
        started.append(agent)
        return agent

    yield start
    for agent in started:
        agent.end()
    for pid in pids(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> str:
    """A queue for this test alone."""
    return re.sub(r"\W+", "-", request.node.name)


class Runs:
    """Declares flows and makes runs in one queue."""

    def __init__(self, server: ServerProcess, code: Path, queue: str, folder: Path) -> None:
        self._server = server
        self._code = code
        self._queue = queue
        self._folder = folder

    def make(
        self, function: str, *, source: str = "agent_flows_of_test.py", path: str | None = None, **spec: Any
    ) -> str:
        """A new run; its id."""
        name = f"{function}-{self._queue}"
        flow = {"entrypoint": f"{source}:{function}", "path": path or str(self._code)}
        self._server.call("PUT", "/flows", json={"name": name, "spec": flow})
        self._server.call(
            "PUT", "/deployments", json={"name": "d", "spec": {"flow": name, "workQueue": self._queue, **spec}}
        )
        parameters = {"folder": str(self._folder)} if function in ("waits", "stubborn") else {}
        made = self._server.call("POST", "/flow-runs", json={"deployment": f"{name}/d", "parameters": parameters})
        return made["id"]

    def state(self, run: str) -> str:
        return self._server.call("GET", f"/flow-runs/{run}")["state"]["name"]

    def type(self, run: str) -> str:
        return self._server.call("GET", f"/flow-runs/{run}")["state"]["type"]

    def end_of(self, run: str, agent: AgentProcess) -> str:
        """The name of the state in which the run ends."""
        wait_for(lambda: self.state(run) in ENDS, lambda: f"{self.state(run)}\n{agent.said()}\n{self._server.log(run)}")
        return self.state(run)

    def until_running(self, run: str) -> None:
        """Waits until the run is known to run: its process says so a moment after the flow's body began."""
        wait_for(lambda: self.state(run) == "Running", lambda: f"{self.state(run)}\n{self._server.log(run)}")

    def message(self, run: str) -> str:
        return self._server.call("GET", f"/flow-runs/{run}")["state"]["message"] or ""

    def cancel(self, run: str) -> None:
        self._server.call("POST", f"/flow-runs/{run}/cancel")


@pytest.fixture
def runs(server: ServerProcess, code: Path, queue: str, tmp_path: Path) -> Runs:
    return Runs(server, code, queue, tmp_path)


def pids(folder: Path) -> list[int]:
    """The processes of flows that said that they run."""
    return [int(path.name.partition("-")[2]) for path in folder.glob("running-*")]


def wait_for_processes(folder: Path, agent: AgentProcess, number: int = 1) -> list[int]:
    """So many processes, once their flows run and the agent has noted which they are."""

    def look() -> list[int] | None:
        found, said = pids(folder), agent.said()
        return found if len(found) >= number and all(f" started as process {pid}." in said for pid in found) else None

    return wait_for(look, agent.said)


def is_gone(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True


def run_of(pid: int) -> str:
    """The run that a process executes."""
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return next(value.partition("=")[2] for value in variables if value.startswith("TOWPATH_RUN_ID="))


def test_runs_are_launched_and_their_ends_and_logs_are_kept(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str
) -> None:
    template = {"spec": {"containers": [{"name": "flow", "env": [{"name": "POT", "value": "blue"}]}]}}
    agent = start("-q", queue)
    good, bad = runs.make("good", podTemplate=template), runs.make("bad")
    assert runs.end_of(good, agent) == "Completed"
    assert runs.end_of(bad, agent) == "Failed"
    assert "x is 1 and the pot is blue" in server.log(good)
    assert "the cup is empty" in server.log(bad)
    assert agent.end() == 0
    assert "Agent started! Looking for work from queue(s): " in agent.said()
    assert agent.said().rstrip().endswith("Agent stopped!")
    assert not list((agent.home / "agents").iterdir()), "nothing is left on disk"


def test_code_that_cannot_be_loaded_is_a_failure_and_a_folder_that_is_not_there_is_said(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str
) -> None:
    agent = start("-q", queue)
    broken = runs.make("x", source="broken_of_test.py")
    assert runs.end_of(broken, agent) == "Failed"
    assert "No module named 'no_such_library'" in server.log(broken)
    nowhere = runs.make("good", path="/no/such/folder")
    assert runs.end_of(nowhere, agent) == "Crashed"
    assert "there is no folder /no/such/folder" in runs.message(nowhere)


def test_a_run_is_cancelled(runs: Runs, start: StartAgent, queue: str, tmp_path: Path) -> None:
    agent = start("-q", queue)
    run = runs.make("waits")
    [pid] = wait_for_processes(tmp_path, agent)
    runs.cancel(run)
    assert runs.end_of(run, agent) == "Cancelled"
    wait_for(lambda: is_gone(pid))


def test_a_run_that_ignores_the_cancel_is_killed_when_its_grace_is_over(
    runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    agent = start("-q", queue, TOWPATH_GRACE_PERIOD="0.5")
    run = runs.make("stubborn")
    [pid] = wait_for_processes(tmp_path, agent)
    runs.cancel(run)
    assert runs.end_of(run, agent) == "Cancelled"
    wait_for(lambda: is_gone(pid))


def test_a_killed_process_is_a_crash_with_its_reason_and_last_lines(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    agent = start("-q", queue)
    run = runs.make("waits")
    [pid] = wait_for_processes(tmp_path, agent)
    os.kill(pid, signal.SIGKILL)
    assert runs.end_of(run, agent) == "Crashed"
    assert "SIGKILL, exit code 137" in runs.message(run)
    assert "a line to the console" in server.log(run)


def test_a_lost_process_uses_an_infra_retry(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    agent = start("-q", queue)
    run = runs.make("waits", infraRetries=1)
    [pid] = wait_for_processes(tmp_path, agent)
    os.kill(pid, signal.SIGKILL)
    wait_for_processes(tmp_path, agent, 2)
    (tmp_path / "end").touch()
    assert runs.end_of(run, agent) == "Completed"
    assert "AwaitingRetry" in server.states(run)


def test_a_run_that_takes_too_long_fails(runs: Runs, start: StartAgent, queue: str, tmp_path: Path) -> None:
    agent = start("-q", queue)
    run = runs.make("waits", timeoutSeconds=1)
    assert runs.end_of(run, agent) == "TimedOut"
    wait_for(lambda: all(is_gone(pid) for pid in pids(tmp_path)))


def test_an_agent_that_is_told_to_stop_ends_its_runs_and_the_next_one_starts_them_again(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    first = start("-q", queue, TOWPATH_GRACE_PERIOD="1")
    run, lost = runs.make("waits", infraRetries=1), runs.make("stubborn")
    before = wait_for_processes(tmp_path, first, 2)
    assert first.end() == 0
    assert all(is_gone(pid) for pid in before)
    assert server.states(run)[-1] == "AwaitingRetry"
    assert runs.state(lost) == "Crashed"
    assert "AgentStopped" in runs.message(lost)
    (tmp_path / "end").touch()
    second = start("-q", queue)
    assert runs.end_of(run, second) == "Completed"


def test_a_killed_agent_leaves_its_runs_to_the_next_one(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    first = start("-q", queue)
    going, dying = runs.make("waits"), runs.make("stubborn")
    running = wait_for_processes(tmp_path, first, 2)
    first.end(signal.SIGKILL)
    assert not any(is_gone(pid) for pid in running)
    os.kill(next(pid for pid in running if run_of(pid) == dying), signal.SIGKILL)
    second = start("-q", queue)
    assert runs.end_of(dying, second) == "Crashed"
    runs.until_running(going)
    runs.cancel(going)
    assert runs.end_of(going, second) == "Cancelled"
    assert server.states(going).count("Running") == 1, "it was not started a second time"
    assert second.end() == 0
    assert not list((second.home / "agents").iterdir())


def test_a_run_that_ends_while_no_agent_lives_has_ended_as_it_said(
    runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    first = start("-q", queue)
    run = runs.make("waits")
    [pid] = wait_for_processes(tmp_path, first)
    first.end(signal.SIGKILL)
    (tmp_path / "end").touch()
    wait_for(lambda: is_gone(pid))
    assert runs.state(run) == "Completed"
    second = start("-q", queue)
    wait_for(lambda: "ended as Completed" in second.said(), second.said)


def test_the_agent_outlives_its_server(
    server: ServerProcess, runs: Runs, start: StartAgent, queue: str, tmp_path: Path
) -> None:
    agent = start("-q", queue)
    run = runs.make("waits")
    wait_for_processes(tmp_path, agent)
    server.stop(signal.SIGKILL)
    (tmp_path / "end").touch()
    wait_for(lambda: "Waiting for the API" in agent.said(), agent.said)
    server.start()
    assert runs.end_of(run, agent) == "Completed"
    assert runs.end_of(runs.make("good"), agent) == "Completed"
    wait_for(lambda: "The API answers again." in agent.said(), agent.said)


def test_no_more_run_at_once_than_the_limit_says(runs: Runs, start: StartAgent, queue: str, tmp_path: Path) -> None:
    agent = start("-q", queue, "-l", "1")
    first, second = runs.make("waits"), runs.make("waits")
    [pid] = wait_for_processes(tmp_path, agent)
    started = run_of(pid)
    runs.until_running(started)
    assert runs.type(second if started == first else first) == "SCHEDULED"
    (tmp_path / "end").touch()
    assert {runs.end_of(first, agent), runs.end_of(second, agent)} == {"Completed"}
    assert len(pids(tmp_path)) == 2


def test_an_agent_that_runs_once_ends_when_what_was_due_has_ended(runs: Runs, start: StartAgent, queue: str) -> None:
    made = [runs.make("good") for _ in range(3)]
    agent = start("--run-once", "-m", queue[:-1], "-l", "2")
    assert agent.process.wait(60) == 0
    assert {runs.state(run) for run in made} == {"Completed"}


def test_a_queue_that_jobs_serve_is_named(server: ServerProcess, start: StartAgent, queue: str) -> None:
    server.call("PUT", "/work-queues", json={"name": queue, "spec": {"launcher": "Job"}})
    agent = start("-q", queue)
    wait_for(lambda: "are launched as Jobs, not by agents" in agent.said(), agent.said)


def test_an_agent_needs_queues_and_an_api(start: StartAgent) -> None:
    agent = start()
    assert agent.process.wait(60) == 1
    assert (
        agent.said()
        == "Error: Say which work queues to serve: `-q NAME`, or `-m PREFIX` for all whose names begin so.\n"
    )


def test_an_api_that_is_not_there_is_a_sentence(start: StartAgent) -> None:
    agent = start("-q", "x", TOWPATH_API_URL="http://127.0.0.1:9/api")
    assert agent.process.wait(60) == 1
    assert "The API at http://127.0.0.1:9/api does not answer" in agent.said()
