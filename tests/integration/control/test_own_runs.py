"""Runs of `python flow.py` that are paused, resumed and cancelled: by themselves, and by people."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.control.conftest import Run, find_run, wait_for_state
from tests.support.agent_process import wait_for
from tests.support.server_process import ServerProcess
from towpath.client.local_server import find_server

PAUSES = """
import sys
from pydantic import field_validator
from towpath import flow, pause_flow_run, task
from towpath.exceptions import FlowPauseTimeout
from towpath.input import RunInput

class Approval(RunInput):
    approved: bool
    count: int = 3

@task
def double(x):
    return 2 * x

@flow(name=sys.argv[1])
def pauses():
    double(1)
    approval = pause_flow_run(wait_for_input=Approval.with_initial_data("Is it good?", count=7))
    number = pause_flow_run(wait_for_input=int, key="number")
    pause_flow_run(timeout=600)
    return approval.approved, double(approval.count), number

@flow(name=sys.argv[1])
async def pauses_async():
    approval = await pause_flow_run(wait_for_input=Approval)
    return approval.count

@flow(name=f"{sys.argv[1]}-below")
def below():
    return pause_flow_run(wait_for_input=str)

@flow(name=sys.argv[1])
def above():
    return below()

@flow(name=sys.argv[1])
def waits_in_vain():
    pause_flow_run(timeout=0.3)

if __name__ == "__main__":
    if sys.argv[2] == "async":
        import asyncio
        print("RESULT", asyncio.run(pauses_async()))
    elif sys.argv[2] == "above":
        print("RESULT", above())
    elif sys.argv[2] == "vain":
        try:
            waits_in_vain()
        except FlowPauseTimeout as error:
            print("RESULT", error)
    else:
        print("RESULT", pauses())
"""

CANCELLED = """
import asyncio, sys, threading, time
from towpath import flow, task

def hook(flow, run, state):
    print("HOOK", flow.name, state.name)

@task
def brief():
    time.sleep(0.05)

@flow(name=sys.argv[1], on_cancellation=[hook], on_crashed=[lambda *_: print("CRASHED")])
def sleeps():
    print("BEGUN")
    time.sleep(600)

@flow(name=sys.argv[1], on_cancellation=[hook])
async def sleeps_async():
    print("BEGUN")
    await asyncio.sleep(600)

@flow(name=sys.argv[1], on_cancellation=[hook])
def works():
    print("BEGUN")
    while True:
        brief()

@flow(name=sys.argv[1], on_cancellation=[hook])
def submits():
    print("BEGUN")
    return [future.result() for future in [brief.submit() for _ in range(20_000)]]

@flow(name=sys.argv[1], on_cancellation=[hook])
def parent():
    sleeps.with_options(name="below")()

def end(state):
    print("ENDED", state.name)

how = sys.argv[2]
if how == "async":
    async def main():
        end(await sleeps_async(return_state=True))
        await asyncio.sleep(0.01)
    asyncio.run(main())
elif how == "thread":
    thread = threading.Thread(target=lambda: end(works(return_state=True)))
    thread.start()
    thread.join()
elif how == "raises":
    try:
        sleeps()
    except Exception as error:
        print("ENDED", type(error).__name__)
else:
    end({"main": sleeps, "works": works, "submits": submits, "parent": parent}[how](return_state=True))
print("GOES ON")
"""

HOLDS = """
import sys, time
from pathlib import Path
from towpath import flow, task

@task
def step(number):
    Path(f"step-{number}").touch()

@flow(name=sys.argv[1])
def holds():
    number = 0
    while not Path("stop").exists():
        step(number)
        number += 1
        time.sleep(0.02)
    return step.submit(number).result()

holds()
print("ENDED")
"""


def resume(server: ServerProcess, run_id: str, run_input: Any = None) -> None:
    server.call("POST", f"/flow-runs/{run_id}/resume", json={"run_input": run_input})


def pause_of(server: ServerProcess, run_id: str, key: str) -> Any:
    """What the run waits for, once it waits at that pause."""

    def look() -> Any:
        found = wait_for_state(server, run_id, "Paused")["pause"]
        return found if found["key"] == key else None

    return wait_for(look)


def test_a_flow_waits_for_inputs_and_goes_on_with_them(server: ServerProcess, run: Run) -> None:
    program = run(PAUSES, "inputs", "sync")
    run_id = find_run(server, "inputs")["id"]
    pause = pause_of(server, run_id, "0")
    assert pause["description"] == "Is it good?"
    assert pause["input_schema"]["properties"]["count"]["default"] == 7
    answer = httpx.post(f"{server.url}/flow-runs/{run_id}/resume", json={"run_input": {"approved": "perhaps"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    resume(server, run_id, {"approved": True})
    assert pause_of(server, run_id, "number")["input_schema"]["required"] == ["value"]
    resume(server, run_id, {"value": 5})
    pause_of(server, run_id, "1")
    resume(server, run_id)
    assert "RESULT (True, 14, 5)" in program.wait()
    assert server.states(run_id)[-4:] == ["Running", "Paused", "Running", "Completed"]


def test_an_asynchronous_flow_pauses_without_blocking_its_loop(server: ServerProcess, run: Run) -> None:
    program = run(PAUSES, "inputs-async", "async")
    run_id = find_run(server, "inputs-async")["id"]
    wait_for_state(server, run_id, "Paused")
    resume(server, run_id, {"approved": False, "count": 11})
    assert "RESULT 11" in program.wait()


def test_a_subflow_pauses_while_its_parent_runs(server: ServerProcess, run: Run) -> None:
    program = run(PAUSES, "nested", "above")
    subflow = find_run(server, "nested-below")["id"]
    wait_for_state(server, subflow, "Paused")
    parent = wait_for_state(server, find_run(server, "nested")["id"], "Running")
    (stand_in,) = wait_for(
        lambda: server.call("GET", "/task-runs", params={"flow_run_id": parent["id"]})["items"], program.said
    )
    wait_for(lambda: server.call("GET", f"/task-runs/{stand_in['id']}")["state"]["name"] == "Paused")
    resume(server, subflow, {"value": "deep"})
    assert "RESULT deep" in program.wait()
    assert server.states(subflow)[-3:] == ["Paused", "Running", "Completed"]


def test_without_an_api_a_pause_starts_the_local_one(run: Run, tmp_path: Path) -> None:
    program = run(PAUSES, "alone", "async", TOWPATH_API_URL="", TOWPATH_LOCAL_SERVER="true")
    local = wait_for(lambda: find_server(tmp_path / "home"), program.said)
    headers = {"Authorization": f"Bearer {local.token}"} if local.token else {}

    def look() -> Any:
        found = httpx.get(f"{local.url}/flow-runs", params={"state": "Paused"}, headers=headers, timeout=30).json()
        return found["items"]

    (paused,) = wait_for(look, program.said)
    body = {"run_input": {"approved": True, "count": 9}}
    assert httpx.post(f"{local.url}/flow-runs/{paused['id']}/resume", json=body, headers=headers, timeout=30).is_success
    assert "RESULT 9" in program.wait()


def test_a_pause_that_nobody_ends_fails_the_run(server: ServerProcess, run: Run) -> None:
    program = run(PAUSES, "in-vain", "vain")
    assert "RESULT The run was paused and not resumed in time." in program.wait()
    run_id = find_run(server, "in-vain")["id"]
    assert wait_for_state(server, run_id, "Failed")["state"]["message"] == "The run was paused and not resumed in time."


@pytest.mark.parametrize("how", ["main", "async", "thread", "works", "submits", "parent"])
def test_a_cancelled_run_ends_with_its_hooks_and_the_program_goes_on(server: ServerProcess, run: Run, how: str) -> None:
    program = run(CANCELLED, f"cancel-{how}", how)
    program.wait_until_says("BEGUN")
    run_id = find_run(server, f"cancel-{how}")["id"]
    server.call("POST", f"/flow-runs/{run_id}/cancel")
    said = program.wait()
    assert f"HOOK cancel-{how} Cancelled" in said
    assert "ENDED Cancelled" in said
    assert "GOES ON" in said
    assert "CRASHED" not in said
    wait_for_state(server, run_id, "Cancelled")
    tasks = server.call("GET", "/task-runs", params={"flow_run_id": run_id, "state": "RUNNING"})["items"]
    assert tasks == []


def test_calling_a_flow_that_is_cancelled_raises(server: ServerProcess, run: Run) -> None:
    program = run(CANCELLED, "cancel-raises", "raises")
    program.wait_until_says("BEGUN")
    server.call("POST", f"/flow-runs/{find_run(server, 'cancel-raises')['id']}/cancel")
    assert "ENDED CancelledRun" in program.wait()


def test_a_paused_flow_is_cancelled(server: ServerProcess, run: Run) -> None:
    program = run(PAUSES, "cancel-paused", "sync")
    run_id = find_run(server, "cancel-paused")["id"]
    wait_for_state(server, run_id, "Paused")
    server.call("POST", f"/flow-runs/{run_id}/cancel")
    assert program.process.wait(60) == 1
    assert "CancelledRun" in program.said()
    wait_for_state(server, run_id, "Cancelled")


def test_a_run_that_a_person_pauses_begins_no_task_until_it_is_resumed(
    server: ServerProcess, run: Run, tmp_path: Any
) -> None:

    program = run(HOLDS, "holds")
    wait_for(lambda: (tmp_path / "step-3").exists(), program.said)
    run_id = find_run(server, "holds")["id"]
    wait_for_state(server, run_id, "Running")
    server.call("POST", f"/flow-runs/{run_id}/pause")
    counts: list[int] = []

    def is_held() -> bool:
        counts.append(server.call("GET", f"/flow-runs/{run_id}")["tasks"]["completed"])
        return len(counts) > 20 and len(set(counts[-20:])) == 1

    wait_for(is_held)
    server.call("POST", f"/flow-runs/{run_id}/resume")
    wait_for(lambda: server.call("GET", f"/flow-runs/{run_id}")["tasks"]["completed"] > counts[-1])
    (tmp_path / "stop").touch()
    assert "ENDED" in program.wait()
    assert server.states(run_id)[-3:] == ["Paused", "Running", "Completed"]


def test_a_run_without_a_deployment_cannot_be_suspended(server: ServerProcess, run: Run) -> None:
    code = "from towpath import flow, suspend_flow_run\n@flow(name='own')\ndef f():\n    suspend_flow_run()\nf()\n"
    program = run(code)
    assert program.process.wait(60) == 1
    assert "no deployment that could launch it again" in program.said()
    assert server.states(find_run(server, "own")["id"])[-1] == "Failed"


def test_a_pause_that_reschedules_needs_a_deployment_and_is_refused_to_subflows(
    server: ServerProcess, run: Run
) -> None:
    code = (
        "from towpath import flow, pause_flow_run\n"
        "@flow(name='below')\ndef below():\n    pause_flow_run(reschedule=True)\n"
        "@flow(name='above')\ndef above():\n    below()\n"
        "for f in (below, above):\n    print('ENDED', f(return_state=True).message)\n"
    )
    program = run(code)
    assert program.process.wait(60) == 0
    assert "no deployment that could launch it again" in program.said()
    assert "A subflow cannot be suspended" in program.said()
    assert server.states(find_run(server, "above")["id"])[-1] == "Failed"
