"""A flow whose API dies in the middle, and one whose API is not there at all: the record is whole all the same."""

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

FLOW = """
import sys, time
from pathlib import Path
from typing import Any
from towpath import flow, get_run_logger, task

FOLDER = Path(sys.argv[1])

@task
def step(number: int) -> int:
    get_run_logger().info("step %d", number)
    return number

@flow
def long(count: int) -> int:
    total = 0
    for number in range(count):
        if number == 300:
            (FOLDER / "middle").touch()
            while sys.argv[2] == "pause" and not (FOLDER / "go on").exists():
                time.sleep(0.01)
        total += step(number)
    return total

long(600)
"""
COUNT = 600


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    home = tmp_path / "server"
    home.mkdir()
    server = ServerProcess(home)
    yield server
    server.stop()


def start_flow(folder: Path, *, pause: bool, **environment: str) -> subprocess.Popen[bytes]:
    program = folder / "long.py"
    program.write_text(FLOW)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    return subprocess.Popen(
        [sys.executable, str(program), str(folder), "pause" if pause else "go"],
        env={**kept, "TOWPATH_HOME": str(folder / "home"), "TOWPATH_FLUSH_INTERVAL": "0.05", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def deliver(folder: Path, server: ServerProcess) -> None:
    subprocess.run(
        [sys.executable, "-m", "towpath.client.spooled"],
        env={**os.environ, "TOWPATH_HOME": str(folder / "home"), "TOWPATH_API_URL": server.url},
        check=True,
        timeout=60,
    )


def check_record(server: ServerProcess) -> None:
    """Every task run once, with its states in order; every log line once, in order; the flow Completed."""
    [run] = server.call("GET", "/flow-runs")["items"]
    assert run["state"]["name"] == "Completed"
    assert run["tasks"] == {"total": COUNT, "running": 0, "completed": COUNT, "failed": 0}
    assert server.states(run["id"]) == ["Pending", "Running", "Completed"]
    messages: list[str] = []
    cursor = None
    while True:
        query = {"flow_run_id": run["id"], "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = server.call("GET", "/logs", params=query)
        messages += [item["message"] for item in page["items"] if item["message"].startswith("step ")]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert messages == [f"step {number}" for number in range(COUNT)]
    for task in server.call("GET", "/task-runs", params={"flow_run_id": run["id"], "limit": 5})["items"]:
        states = server.call("GET", f"/task-runs/{task['id']}/states")["items"]
        assert [state["name"] for state in states] == ["Pending", "Running", "Completed"]


def test_an_api_killed_in_the_middle_changes_nothing_in_the_record(server: ServerProcess, tmp_path: Path) -> None:
    server.start()
    flow = start_flow(tmp_path, pause=True, TOWPATH_API_URL=server.url)
    wait_for(tmp_path / "middle")
    server.stop(signal.SIGKILL)
    (tmp_path / "go on").touch()
    assert flow.wait(60) == 0, "the flow does not notice"
    server.start()
    deliver(tmp_path, server)
    check_record(server)


def test_a_flow_without_a_server_is_in_the_record_of_the_next(server: ServerProcess, tmp_path: Path) -> None:
    flow = start_flow(tmp_path, pause=False)
    assert flow.wait(60) == 0
    server.start()
    deliver(tmp_path, server)
    check_record(server)


def test_a_server_that_starts_takes_in_what_its_home_holds(server: ServerProcess, tmp_path: Path) -> None:
    flow = start_flow(tmp_path, pause=False, TOWPATH_HOME=str(server.home))
    assert flow.wait(60) == 0
    server.start()
    wait_for_run(server, state="COMPLETED")
    check_record(server)


def test_a_flow_that_is_killed_keeps_what_it_told_before_its_last_interval(
    server: ServerProcess, tmp_path: Path
) -> None:
    server.start()
    flow = start_flow(tmp_path, pause=True, TOWPATH_API_URL=server.url)
    wait_for(tmp_path / "middle")
    [run] = wait_for_run(server)
    deadline = time.monotonic() + 60
    while server.call("GET", f"/flow-runs/{run['id']}")["tasks"]["completed"] < 300:
        assert time.monotonic() < deadline, "what was told before the last interval is not stored"
        time.sleep(0.05)
    flow.kill()
    flow.wait()
    assert server.states(run["id"]) == ["Pending", "Running"]


def wait_for_run(server: ServerProcess, **query: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60
    while not (items := server.call("GET", "/flow-runs", params=query)["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return items
