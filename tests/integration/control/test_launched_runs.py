"""Runs that an agent launched: suspended and resumed, retried, cancelled, each in the process it takes."""

import json
import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.control.conftest import is_alive, wait_for_state
from tests.support.agent_process import AgentProcess, wait_for
from tests.support.server_process import ServerProcess

FLOWS = """
import os, time
from pathlib import Path
from towpath import flow, pause_flow_run, suspend_flow_run, task

def note(folder, text):
    with (Path(folder) / "notes").open("a") as file:
        file.write(f"{text}\\n")

@task(persist_result=True)
def kept(folder, x):
    note(folder, f"kept {x}")
    return 10 * x

@task(persist_result=True, result_storage_key="chosen-{parameters[x]}", task_run_name="named {x}")
def chosen(folder, x):
    note(folder, f"chosen {x}")
    return 100 * x

@task
def fleeting(folder, x):
    note(folder, f"fleeting {x}")
    return x

@flow
def suspends(folder: str) -> int:
    note(folder, f"process {os.getpid()}")
    total = kept(folder, 1) + chosen(folder, 1) + fleeting(folder, 1)
    number = suspend_flow_run(wait_for_input=int)
    pause_flow_run(key="after")
    total += kept(folder, number)
    note(folder, f"total {total}")
    return total

@flow
def steps(folder: str) -> None:
    note(folder, f"process {os.getpid()}")
    number = 0
    while not (Path(folder) / "stop").exists():
        fleeting(folder, number)
        number += 1
        time.sleep(0.02)

@flow
def submits(folder: str) -> None:
    note(folder, "begun")
    futures = [slow.submit(folder) for _ in range(200)]
    for future in futures:
        future.result()
    note(folder, "all")

@task
def slow(folder):
    note(folder, "slow")
    while not (Path(folder) / "suspended").exists():
        time.sleep(0.02)
    time.sleep(2)

@flow
def fails_once(folder: str) -> int:
    first = kept(folder, 1)
    if not (Path(folder) / "mended").exists():
        raise ValueError("not yet")
    return first + fleeting(folder, 2)

def hook(flow, run, state):
    time.sleep(2)  # longer than the agent takes to send its signal
    note(run.parameters["folder"], f"hook {state.name}")

def crashed(flow, run, state):
    note(run.parameters["folder"], f"crashed {state.name}")

@flow(on_cancellation=[hook], on_crashed=[crashed])
def sleeps(folder: str) -> None:
    note(folder, "begun")
    time.sleep(600)

@flow(on_cancellation=[hook], on_crashed=[crashed])
async def sleeps_async(folder: str) -> None:
    import asyncio
    note(folder, "begun")
    await asyncio.sleep(600)

@flow(on_cancellation=[hook], on_crashed=[crashed])
def pauses(folder: str) -> None:
    note(folder, "begun")
    pause_flow_run()
"""


class Launcher:
    """Makes runs for one agent, in a folder that they write notes to."""

    def __init__(self, server: ServerProcess, folder: Path, queue: str) -> None:
        self.server = server
        self.folder = folder
        self._queue = queue

    def start(self, function: str, **spec: Any) -> str:
        name = f"{function}-{self._queue}"
        flow = {"entrypoint": f"launched_flows_of_test.py:{function}", "path": str(self.folder)}
        self.server.call("PUT", "/flows", json={"name": name, "spec": flow})
        deployment = {"flow": name, "workQueue": self._queue, "parameters": {"folder": str(self.folder)}, **spec}
        self.server.call("PUT", "/deployments", json={"name": "d", "spec": deployment})
        return self.server.call("POST", "/flow-runs", json={"deployment": f"{name}/d"})["id"]

    def ask(self, run: str, action: str, body: Any = None) -> Any:
        return self.server.call("POST", f"/flow-runs/{run}/{action}", json=body)

    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def wait_for_note(self, text: str) -> None:
        wait_for(lambda: any(note.startswith(text) for note in self.notes()), lambda: "\n".join(self.notes()))

    def attempts(self, run: str) -> list[Any]:
        return self.server.call("GET", f"/flow-runs/{run}")["attempts"]


@pytest.fixture
def launcher(server: ServerProcess, tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Launcher]:
    queue = "".join(char if char.isalnum() else "-" for char in request.node.name)[:60].strip("-")
    (tmp_path / "launched_flows_of_test.py").write_text(FLOWS)
    agent = AgentProcess(server, tmp_path / "home", "-q", queue, TOWPATH_GRACE_PERIOD="20")
    yield Launcher(server, tmp_path, queue)
    agent.end()


def test_a_suspended_run_goes_on_in_another_process_with_the_input_and_what_was_kept(launcher: Launcher) -> None:
    run = launcher.start("suspends")
    suspended = wait_for_state(launcher.server, run, "Suspended")
    wait_for(lambda: launcher.attempts(run)[0]["ended_at"])
    (first,) = [int(note.split()[1]) for note in launcher.notes() if note.startswith("process")]
    wait_for(lambda: not is_alive(first))
    assert suspended["pause"]["suspended"] is True
    launcher.ask(run, "resume", {"run_input": {"value": 4}})
    wait_for_state(launcher.server, run, "Paused")
    launcher.ask(run, "resume")
    wait_for_state(launcher.server, run, "Completed")
    notes = [note for note in launcher.notes() if not note.startswith("process")]
    assert notes == ["kept 1", "chosen 1", "fleeting 1", "fleeting 1", "kept 4", "total 151"]
    wait_for(lambda: launcher.attempts(run)[1]["ended_at"])
    first, second = launcher.attempts(run)
    assert (first["outcome"], first["exit_code"], second["exit_code"]) == ("Exited", 0, 0)
    states = launcher.server.states(run)
    assert [name for name in states if name in ("Suspended", "Resuming", "Paused")] == [
        "Suspended",
        "Resuming",
        "Paused",
    ]


def test_a_run_that_a_person_suspends_ends_its_process_at_its_next_task(launcher: Launcher) -> None:
    run = launcher.start("steps")
    launcher.wait_for_note("fleeting 3")
    wait_for_state(launcher.server, run, "Running")
    launcher.ask(run, "suspend")
    wait_for(lambda: launcher.attempts(run)[0]["ended_at"])
    assert wait_for_state(launcher.server, run, "Suspended")["attempts"][0]["exit_code"] == 0
    (launcher.folder / "stop").touch()
    launcher.ask(run, "resume")
    wait_for_state(launcher.server, run, "Completed")
    assert len([note for note in launcher.notes() if note.startswith("process")]) == 2


def test_a_suspended_run_drops_what_was_submitted_and_has_not_begun(launcher: Launcher) -> None:
    run = launcher.start("submits")
    launcher.wait_for_note("slow")
    wait_for_state(launcher.server, run, "Running")
    launcher.ask(run, "suspend")
    (launcher.folder / "suspended").touch()
    wait_for(lambda: launcher.attempts(run)[0]["ended_at"])
    assert wait_for_state(launcher.server, run, "Suspended", "Failed")["state"]["name"] == "Suspended"
    tasks = launcher.server.call("GET", "/task-runs", params={"flow_run_id": run, "limit": 200})["items"]
    assert {task["state"]["name"] for task in tasks} == {"Completed", "Cancelled"}
    assert "all" not in launcher.notes()
    launcher.ask(run, "cancel")
    wait_for_state(launcher.server, run, "Cancelled")


def test_a_failed_run_is_retried_and_keeps_what_its_tasks_had_done(launcher: Launcher) -> None:
    run = launcher.start("fails_once")
    wait_for_state(launcher.server, run, "Failed")
    wait_for(lambda: launcher.attempts(run)[0]["ended_at"])
    (launcher.folder / "mended").touch()
    assert launcher.ask(run, "retry")["state"]["name"] == "AwaitingRetry"
    wait_for_state(launcher.server, run, "Completed")
    assert launcher.notes() == ["kept 1", "fleeting 2"]
    assert len(launcher.attempts(run)) == 2


@pytest.mark.parametrize("function", ["sleeps", "sleeps_async", "pauses"])
def test_cancelling_a_run_calls_its_cancellation_hooks_in_the_agents_process(launcher: Launcher, function: str) -> None:
    run = launcher.start(function)
    launcher.wait_for_note("begun")
    if function == "pauses":
        wait_for_state(launcher.server, run, "Paused")
    launcher.ask(run, "cancel")
    wait_for_state(launcher.server, run, "Cancelled")
    launcher.wait_for_note("hook")
    assert launcher.notes() == ["begun", "hook Cancelled"]


def test_a_process_that_is_merely_told_to_stop_calls_its_crash_hooks(launcher: Launcher) -> None:
    run = launcher.start("sleeps")
    launcher.wait_for_note("begun")
    pid = wait_for(lambda: find_pid(launcher.folder))
    os.kill(pid, signal.SIGTERM)
    wait_for_state(launcher.server, run, "Crashed")
    assert launcher.notes() == ["begun", "crashed Crashed"]


def find_pid(folder: Path) -> int | None:
    """The process of the agent's one attempt."""

    for record in folder.glob("home/**/*.json"):
        pid = json.loads(record.read_text()).get("pid")
        if isinstance(pid, int) and is_alive(pid):
            return pid
    return None
