"""`python -m towpath.runner` against the real API: exit codes, what is stored, and stops."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import ServerProcess

FLOWS = '''
import asyncio, os, time
from pathlib import Path
from towpath import flow, task

@task
def double(x: int) -> int:
    return 2 * x

@flow(log_prints=True)
def good(x: int = 1) -> int:
    print("x is", x)
    return double(x)

@flow
def bad() -> None:
    raise ValueError("the cup is empty")

@flow
def waits(folder: str) -> str:
    """Says that it runs, then waits for the word to end."""
    (Path(folder) / "running").touch()
    while not (Path(folder) / "end").exists():
        time.sleep(0.02)
    return "ended"

@flow
async def waits_async(folder: str) -> None:
    (Path(folder) / "running").touch()
    await asyncio.sleep(600)

@flow
def stubborn(folder: str) -> None:
    (Path(folder) / "running").touch()
    while True:
        try:
            time.sleep(0.02)
        except BaseException:
            pass

@flow
def hung(folder: str) -> None:
    # Stays in C code that no signal interrupts.
    import ctypes
    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(mutex)
    (Path(folder) / "running").touch()
    library.pthread_mutex_lock(mutex)
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    server.start()
    for name in ("good", "bad", "waits", "waits_async", "stubborn", "hung"):
        server.declare(name, f"flows_of_test.py:{name}")
    server.declare("missing", "nowhere.py:x")
    server.declare("nameless", "flows_of_test.py:x")
    server.declare("broken", "broken_of_test.py:x")
    yield server
    server.stop()


class Runner:
    """One runner process."""

    def __init__(self, server: ServerProcess, folder: Path, run: str, attempt: int, **environment: str) -> None:
        self._server = server
        self._run = run
        self.termination_log = folder / "termination"
        self.termination_log.touch()
        (folder / "flows_of_test.py").write_text(FLOWS)
        (folder / "broken_of_test.py").write_text("import no_such_library")
        self.output = folder / "output"
        given = {
            "TOWPATH_API_URL": server.url,
            "TOWPATH_HOME": str(folder / "home"),
            "TOWPATH_RUN_ID": run,
            "TOWPATH_ATTEMPT": str(attempt),
            "TOWPATH_POD_NAME": "pod",
            "TOWPATH_POD_UID": "uid",
            "TOWPATH_CODE_DIR": str(folder),
            "TOWPATH_TERMINATION_LOG": str(self.termination_log),
            "TOWPATH_FLUSH_INTERVAL": "0.02",
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "towpath.runner"],
                env={**os.environ, **given, **environment},
                stdout=output,
                stderr=output,
            )

    def wait(self) -> int:
        return self.process.wait(60)

    def said(self) -> str:
        return self.output.read_text()

    def final_state(self) -> dict[str, Any]:
        return json.loads(self.termination_log.read_text())

    def wait_until_it_runs(self, folder: Path) -> None:
        """Until its flow's function has begun, and the API knows: a process says so a moment later."""
        wait_for(lambda: (folder / "running").exists() and self._is_known_to_run(), self)

    def _is_known_to_run(self) -> bool:
        return "Running" in self._server.states(self._run)


def wait_for(condition: Any, runner: Runner) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert runner.process.poll() is None, runner.said()
        assert time.monotonic() < deadline, runner.said()
        time.sleep(0.02)


def start(
    server: ServerProcess, folder: Path, name: str, *, environment: dict[str, str] | None = None, **create: Any
) -> tuple[Runner, str]:
    run, attempt = server.claim(name, **create)
    return Runner(server, folder, run, attempt, **(environment or {})), run


def test_a_run_that_completes_is_stored_with_its_tasks_and_logs(server: ServerProcess, tmp_path: Path) -> None:
    runner, run = start(server, tmp_path, "good", parameters={"x": 4})
    assert runner.wait() == 0, runner.said()
    assert server.states(run)[-2:] == ["Running", "Completed"]
    assert "x is 4" in server.log(run)
    assert "x is 4" in runner.said()
    [task] = server.call("GET", "/task-runs", params={"flow_run_id": run})["items"]
    assert (task["state"]["name"], task["details"]["value"]) == ("Completed", 8)
    assert runner.final_state()["type"] == "COMPLETED"


def test_a_flow_that_raises_is_failed_with_its_traceback(server: ServerProcess, tmp_path: Path) -> None:
    runner, run = start(server, tmp_path, "bad")
    assert runner.wait() == 70
    assert server.states(run)[-1] == "Failed"
    assert "ValueError: the cup is empty" in server.log(run)
    assert "the cup is empty" in runner.final_state()["message"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", "There is no file nowhere.py"),
        ("nameless", "flows_of_test.py has no 'x'; it holds the flows bad, good, hung, stubborn, waits, waits_async."),
        ("broken", "broken_of_test.py cannot be imported: ModuleNotFoundError: No module named 'no_such_library'"),
    ],
)
def test_code_that_cannot_be_loaded_is_failed_with_a_sentence(
    server: ServerProcess, tmp_path: Path, name: str, said: str
) -> None:
    runner, run = start(server, tmp_path, name)
    assert runner.wait() == 72
    assert server.states(run)[-1] == "Failed"
    assert said in server.log(run)
    assert said in runner.final_state()["message"]


def test_the_traceback_of_an_import_is_in_the_runs_log(server: ServerProcess, tmp_path: Path) -> None:
    runner, run = start(server, tmp_path, "broken")
    runner.wait()
    assert 'broken_of_test.py", line 1' in server.log(run)


def test_parameters_that_do_not_fit_are_failed(server: ServerProcess, tmp_path: Path) -> None:
    for name, parameters in (("good", {"x": "many"}), ("good", {"y": 1})):
        runner, run = start(server, tmp_path, name, parameters=parameters)
        assert runner.wait() == 70, runner.said()
        assert "Validation of flow parameters failed with error" in runner.final_state()["message"]
        assert server.states(run)[-1] == "Failed"


def test_a_second_pod_of_the_attempt_runs_nothing(server: ServerProcess, tmp_path: Path) -> None:
    runner, run = start(server, tmp_path, "waits", parameters={"folder": str(tmp_path)})
    runner.wait_until_it_runs(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    second = Runner(server, other, run, 1, TOWPATH_POD_UID="another")
    assert second.wait() == 71
    (tmp_path / "end").touch()
    assert runner.wait() == 0
    again = Runner(server, other, run, 1)
    assert again.wait() == 0, "a run that has ended needs nothing more"


def test_what_the_launcher_must_set_is_named(server: ServerProcess, tmp_path: Path) -> None:
    runner = Runner(server, tmp_path, "not-an-id", 1)
    assert runner.wait() == 1
    assert "TOWPATH_RUN_ID: 'not-an-id' is not right" in runner.said()
    runner = Runner(server, tmp_path, "", 0)
    assert runner.wait() == 1
    assert "TOWPATH_RUN_ID, TOWPATH_ATTEMPT must be set" in runner.said()


@pytest.mark.parametrize("name", ["waits", "waits_async"])
def test_sigterm_stops_the_flow_and_leaves_its_state_to_the_launcher(
    server: ServerProcess, tmp_path: Path, name: str
) -> None:
    runner, run = start(server, tmp_path, name, parameters={"folder": str(tmp_path)})
    runner.wait_until_it_runs(tmp_path)
    runner.process.send_signal(signal.SIGTERM)
    assert runner.wait() == 143, runner.said()
    assert server.states(run)[-1] == "Running", "the launcher knows why it was stopped, the process does not"
    assert "Crash detected!" in server.log(run)


@pytest.mark.parametrize("name", ["stubborn", "hung"])
def test_a_flow_that_cannot_be_interrupted_is_ended_within_the_grace_period(
    server: ServerProcess, tmp_path: Path, name: str
) -> None:
    runner, run = start(
        server,
        tmp_path,
        name,
        parameters={"folder": str(tmp_path)},
        environment={"TOWPATH_GRACE_PERIOD": "2"},
    )
    runner.wait_until_it_runs(tmp_path)
    runner.process.send_signal(signal.SIGTERM)
    runner.process.send_signal(signal.SIGTERM)
    assert runner.wait() == 143
    assert server.states(run)[-1] == "Running"


def test_a_run_outlives_an_api_that_is_away_at_its_start_and_at_its_end(tmp_path: Path) -> None:
    home = tmp_path / "server"
    home.mkdir()
    server = ServerProcess(home)
    server.start()
    try:
        server.declare("waits", "flows_of_test.py:waits")
        run, attempt = server.claim("waits", parameters={"folder": str(tmp_path)})
        server.stop()
        runner = Runner(server, tmp_path, run, attempt)
        wait_for(lambda: "Waiting to take attempt 1" in runner.said(), runner)
        server.start()
        runner.wait_until_it_runs(tmp_path)
        server.stop(signal.SIGKILL)
        (tmp_path / "end").touch()
        wait_for(lambda: "Waiting for the run's last events to be stored" in runner.said(), runner)
        assert runner.final_state()["type"] == "COMPLETED", "the launcher can know the end without the API"
        assert runner.process.poll() is None
        server.start()
        assert runner.wait() == 0, runner.said()
        assert server.states(run)[-2:] == ["Running", "Completed"]
    finally:
        server.stop()


def test_an_end_that_cannot_be_stored_is_left_to_the_launcher(tmp_path: Path) -> None:
    home = tmp_path / "server"
    home.mkdir()
    server = ServerProcess(home)
    server.start()
    try:
        server.declare("waits", "flows_of_test.py:waits")
        run, attempt = server.claim("waits", parameters={"folder": str(tmp_path)})
        runner = Runner(server, tmp_path, run, attempt, TOWPATH_FLUSH_TIMEOUT="0.2")
        runner.wait_until_it_runs(tmp_path)
    finally:
        server.stop(signal.SIGKILL)
    (tmp_path / "end").touch()
    assert runner.wait() == 1
    assert runner.final_state()["type"] == "COMPLETED"
    assert "not stored by the API" in runner.said()
