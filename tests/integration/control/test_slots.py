"""Concurrency limits over several processes: tagged task runs, blocks of code, rates, and what the dead held."""

import signal
from pathlib import Path
from typing import Any

import httpx

from tests.integration.control.conftest import Run, find_run
from tests.support.agent_process import wait_for
from tests.support.server_process import ServerProcess

TAGGED = """
import asyncio, os, sys, time
from pathlib import Path
from towpath import flow, task
from towpath.concurrency import concurrency

class Inside:
    '''Notes how many are inside at once, over all processes.'''
    def __enter__(self):
        self.file = Path("inside") / os.urandom(8).hex()
        self.file.parent.mkdir(exist_ok=True)
        self.file.touch()
        count = len(list(Path("inside").iterdir()))
        with open("counts", "a") as counts:
            counts.write(f"{count}\\n")
    def __exit__(self, *_):
        self.file.unlink()

TAG = sys.argv[1]
FULL = int(sys.argv[3]) if len(sys.argv) > 3 else 0

def is_full():
    '''Whether as many as are let in were inside at once.'''
    return not FULL or str(FULL) in Path("counts").read_text().split("\\n")[:-1]

@task(tags=[TAG, "free"])
def work(number):
    with Inside():
        while not is_full():
            time.sleep(0.02)
        time.sleep(0.1)
    return number

@task(tags=[TAG])
async def work_async(number):
    with Inside():
        while not is_full():
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
    return number

@flow(name=TAG)
def tagged():
    return sum(future.result() for future in [work.submit(n) for n in range(10)])

@flow(name=TAG)
async def tagged_async():
    futures = [await work_async.submit(n) for n in range(10)]
    return sum([await future.result() for future in futures])

@flow(name=TAG)
def blocks():
    for _ in range(5):
        with concurrency(TAG, occupy=2):
            with Inside():
                time.sleep(0.1)

how = sys.argv[2]
if how == "async":
    print("RESULT", asyncio.run(tagged_async()))
elif how == "blocks":
    blocks()
else:
    print("RESULT", tagged())
"""

HOLDS = """
import sys, time
from pathlib import Path
from towpath import flow, task

@task(tags=[sys.argv[1]])
def hold():
    Path("held").touch()
    while not Path("let go").exists():
        time.sleep(0.02)

@flow(name=sys.argv[1])
def holding():
    hold()

holding()
"""

ZERO = """
import sys
from towpath import flow, task

@task(tags=["zero"])
def never():
    print("RAN")

@flow(name="zero")
def refused():
    state = never(return_state=True)
    print("STATE", state.type.value, state.message)
    return never()

print(refused(return_state=True))
"""

RATE = """
import asyncio, time
from towpath.concurrency import rate_limit
from towpath.concurrency.asyncio import rate_limit as rate_limit_async
from towpath.concurrency import concurrency
from towpath.errors import ConcurrencyLimitMissing

rate_limit("rate", occupy=2)
asyncio.run(rate_limit_async("rate"))
print("TAKEN")
try:
    rate_limit("rate", timeout_seconds=0.2)
except TimeoutError as error:
    print("LATE", error)
try:
    with concurrency("nowhere", strict=True):
        pass
except ConcurrencyLimitMissing as error:
    print("MISSING", error)
with concurrency("nowhere"):
    print("UNLIMITED")

@concurrency("held")
def decorated():
    return "DECORATED"

@concurrency("held")
async def decorated_async():
    return "AWAITED"

print(decorated(), asyncio.run(decorated_async()))
"""


def declare(server: ServerProcess, tag: str, limit: int, **spec: Any) -> str:
    body = {"name": tag, "spec": {"tag": tag, "limit": limit, **spec}}
    return server.call("PUT", "/concurrency-limits", json=body)["id"]


def use(server: ServerProcess, limit_id: str) -> tuple[int, int]:
    found = server.call("GET", f"/concurrency-limits/{limit_id}")
    return found["active"], found["waiting"]


def most_at_once(folder: Path) -> int:
    return max(int(line) for line in (folder / "counts").read_text().split())


def test_no_more_tagged_task_runs_than_the_limit_are_at_work_over_all_processes(
    server: ServerProcess, run: Run, tmp_path: Path
) -> None:
    limit = declare(server, "tagged", 3)
    programs = [run(TAGGED, "tagged", how, "3") for how in ("sync", "async", "sync")]
    for program in programs:
        assert "RESULT 45" in program.wait()
    assert most_at_once(tmp_path) == 3
    wait_for(lambda: use(server, limit) == (0, 0))


def test_blocks_of_code_occupy_as_many_slots_as_they_say(server: ServerProcess, run: Run, tmp_path: Path) -> None:
    declare(server, "blocks", 4)
    for program in [run(TAGGED, "blocks", "blocks") for _ in range(3)]:
        program.wait()
    assert most_at_once(tmp_path) <= 2


def test_the_slot_of_a_killed_process_can_be_freed_and_its_waiters_go_on(
    server: ServerProcess, run: Run, tmp_path: Path
) -> None:
    limit = declare(server, "killed", 1)
    first = run(HOLDS, "killed")
    wait_for((tmp_path / "held").exists, first.said)
    wait_for(lambda: find_run(server, "killed")["tasks"]["running"] == 1)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(30)
    (tmp_path / "let go").touch()
    second = run(HOLDS, "killed")
    second.wait_until_says("Waiting for a concurrency slot: limits of 'killed' are reached.")
    wait_for(lambda: use(server, limit) == (1, 1))
    slots = server.call("GET", f"/concurrency-limits/{limit}/slots")
    assert slots["holders"][0]["task_run_name"] == "hold-0"
    assert len(slots["waiters"]) == 1
    assert server.call("POST", f"/concurrency-limits/{limit}/release", json={}) == {"released": 1}
    second.wait()
    wait_for(lambda: use(server, limit) == (0, 0))


def test_a_limit_of_zero_refuses_the_task_run_and_says_so(server: ServerProcess, run: Run) -> None:
    declare(server, "zero", 0)
    said = run(ZERO).wait()
    assert "STATE PENDING The concurrency limit of tag 'zero' is 0: raise it to let such tasks run." in said
    assert "Failed(" in said
    assert "RAN" not in said


def test_rates_strict_limits_and_decorators(server: ServerProcess, run: Run) -> None:
    declare(server, "rate", 3, slotDecayPerSecond=0.01)
    declare(server, "held", 1)
    said = run(RATE).wait()
    assert "TAKEN" in said
    assert "LATE No slot of the concurrency limit 'rate' became free within 0.2 seconds." in said
    assert "MISSING There is no concurrency limit 'nowhere'" in said
    assert "UNLIMITED" in said
    assert "DECORATED AWAITED" in said


def test_a_limited_task_run_waits_for_an_api_that_is_away(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "server"
    home.mkdir()
    server = ServerProcess(home)
    server.start()
    try:
        declare(server, "away", 1)
        server.stop(signal.SIGKILL)
        (tmp_path / "let go").touch()
        program = run(HOLDS, "away", TOWPATH_API_URL=server.url)
        program.wait_until_says("Waiting for a concurrency slot: The API at")
        assert not (tmp_path / "held").exists()
        server.start()
        program.wait()
        assert (tmp_path / "held").exists()
    finally:
        server.stop()


def test_tags_without_a_limit_are_not_asked_for_again_and_again(server: ServerProcess, run: Run) -> None:
    code = TAGGED.replace("range(10)", "range(300)").replace("time.sleep(0.1)", "pass")
    before = count_requests(server)
    assert "RESULT 44850" in run(code, "unlimited", "sync").wait()
    assert 1 <= count_requests(server) - before <= 8


def count_requests(server: ServerProcess) -> int:
    """How often slots were asked for."""
    text = httpx.get(server.url.removesuffix("/api") + "/metrics", timeout=20).text
    lines = [line for line in text.splitlines() if 'operation="acquire"' in line and "_count" in line]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines)
