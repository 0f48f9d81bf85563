"""An API that is killed in the middle of a long flow and away for a while: nothing of the final record shows it."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.integration.control.conftest import Run, find_run, wait_for_state
from tests.support.agent_process import environment_of, wait_for
from tests.support.server_process import ServerProcess
from towpath_operator.domain.codes import shown_name

SUBMITTED = 900
CALLED = 900
IN_SUBFLOW = 200
OUTAGE = 20.0
"""Seconds that the API is away: long enough for what is told to go to disk, and for waits between tries to grow."""

FLOW = f"""
import time
from pathlib import Path
from towpath import flow, get_run_logger, task

tries = set()

@task(retries=1)
def step(number):
    get_run_logger().info("step %d", number)
    time.sleep(0.02)
    if number % 100 == 7 and number not in tries:
        tries.add(number)
        raise ValueError("once")
    return number

@flow
def below():
    for number in range({IN_SUBFLOW}):
        step(number)

@flow(name="outage")
def long():
    futures = [step.submit(number) for number in range({SUBMITTED})]
    for number in range({CALLED}):
        if number == 200:
            Path("middle").touch()
        step(number)
    below()
    return sum(future.result() for future in futures)

print("RESULT", long())
"""
TRIED_TWICE = len(range(7, SUBMITTED, 100))
"""Of all task runs, those that fail once."""


@pytest.fixture
def own_server(tmp_path: Path) -> Any:
    home = tmp_path / "server"
    home.mkdir()
    server = ServerProcess(home)
    server.start()
    yield server
    server.stop()


def read_all(server: ServerProcess, path: str, **query: Any) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = server.call("GET", path, params=query | {"limit": 200} | ({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def read_histories(database: Path) -> dict[str, list[str]]:
    """The names of the states that every run has entered, in order: asking for each of 2,000 runs would take longer than the flow."""
    histories: dict[str, list[str]] = {}
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "SELECT run_id, type, name FROM states WHERE applied ORDER BY time, id"
        for run_id, code, name in connection.execute(query):
            histories.setdefault(str(UUID(bytes=run_id)), []).append(shown_name(code, name))
    return histories


def deliver(home: Path, server: ServerProcess) -> None:
    """What the process has left on disk goes to the API, as with the next process of that home."""
    environment = environment_of(home, TOWPATH_API_URL=server.url)
    subprocess.run([sys.executable, "-m", "towpath.client.spooled"], env=environment, check=True, timeout=90)


@pytest.mark.timeout(240)
def test_an_api_that_is_away_for_20_seconds_changes_nothing_in_the_record(
    own_server: ServerProcess, run: Run, tmp_path: Path
) -> None:
    program = run(FLOW, TOWPATH_API_URL=own_server.url)
    wait_for((tmp_path / "middle").exists, program.said)
    own_server.stop(signal.SIGKILL)
    time.sleep(OUTAGE)  # the outage itself
    own_server.start()
    assert f"RESULT {sum(range(SUBMITTED))}" in program.wait()
    deliver(tmp_path / "home", own_server)

    flow_run = find_run(own_server, "outage")
    wait_for_state(own_server, flow_run["id"], "Completed")
    assert own_server.states(flow_run["id"]) == ["Pending", "Running", "Completed"]
    (subflow,) = read_all(own_server, "/flow-runs", flow="below")
    assert own_server.states(subflow["id"]) == ["Pending", "Running", "Completed"]
    histories = read_histories(tmp_path / "server" / "towpath.db")
    names: Counter[tuple[str, str]] = Counter()
    tried_twice = 0
    for run_id, count in ((flow_run["id"], SUBMITTED + CALLED + 1), (subflow["id"], IN_SUBFLOW)):
        found = read_all(own_server, "/task-runs", flow_run_id=run_id)
        assert len(found) == count
        for task_run in found:
            names[task_run["name"], run_id] += 1
            told = histories[task_run["id"]]
            again = ["AwaitingRetry", "Retrying"] if len(told) > 3 else []
            assert told == ["Pending", "Running", *again, "Completed"]
            tried_twice += bool(again)
    assert set(names.values()) == {1}
    assert tried_twice == TRIED_TWICE
    logged = Counter(line["message"] for line in read_all(own_server, "/logs", flow_run_id=flow_run["id"]))
    assert all(logged[f"step {number}"] == 2 + (number % 100 == 7) for number in range(SUBMITTED))
