"""The server as a process: killed under load it loses nothing it acknowledged, stopped it answers whoever waits."""

import asyncio
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import make_batch, make_flow_run, make_id, make_log, make_state, make_task_run
from tests.support.api_process import ServerProcess, run_server

KILLS = int(os.environ.get("TOWPATH_TEST_KILLS", "5"))
"""How often a server is killed; `make chaos` kills it more often."""
WRITERS = 4


class Writer:
    """One process' telling: sends batches until each is acknowledged, as the SDK does."""

    def __init__(self, address: str) -> None:
        self.run = make_id()
        self.acknowledged = 0
        self.tasks: list[str] = []
        self._address = address
        self._first = 1

    async def tell(self, client: httpx.AsyncClient, stop: asyncio.Event) -> None:
        """Sends one batch after the other until `stop`, then until the last is acknowledged."""
        pending = self._next(declare=True)
        while not stop.is_set() or pending is not None:
            pending = pending or self._next()
            try:
                answer = await client.post(f"{self._address}/events", json=pending)
            except httpx.TransportError:
                await asyncio.sleep(0.02)
                continue
            if answer.status_code == 200:
                self.acknowledged += len(pending["items"])
                pending = None
                if stop.is_set():
                    return

    def _next(self, *, declare: bool = False) -> dict[str, Any]:
        items: list[dict[str, Any]] = [make_flow_run(self.run)] if declare else []
        for _ in range(10):
            task = make_id()
            self.tasks.append(task)
            items += [make_task_run(task, self.run), make_state(task, "RUNNING"), make_state(task, "COMPLETED")]
            items.append(make_log(self.run, task, task_run_id=task))
        batch = make_batch(self.run, *items, first=self._first)
        self._first += len(items)
        return batch


async def kill_under_load(server: ServerProcess, kills: int, seed: int = 7) -> list[Writer]:
    """Kills and restarts the server at random moments while writers tell; returns them when all is acknowledged."""
    chance = random.Random(seed)  # noqa: S311 a repeatable order, no secret
    writers = [Writer(server.address) for _ in range(WRITERS)]
    stop = asyncio.Event()
    async with httpx.AsyncClient(timeout=30) as client:
        telling = [asyncio.create_task(writer.tell(client, stop)) for writer in writers]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await asyncio.to_thread(server.kill, signal.SIGKILL)
            await asyncio.to_thread(server.start)
        stop.set()
        await asyncio.gather(*telling)
    return writers


def read_all(address: str, path: str, **query: Any) -> list[Any]:
    """Every item of a list."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = httpx.get(
            f"{address}{path}", params=query | {"limit": 1000} | ({"cursor": cursor} if cursor else {})
        ).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def check_all_there_once(address: str, writers: list[Writer]) -> None:
    """Every acknowledged event is there, and none twice."""
    for writer in writers:
        assert writer.acknowledged == 1 + 4 * len(writer.tasks)
        run = httpx.get(f"{address}/flow-runs/{writer.run}").json()
        number = len(writer.tasks)
        assert run["tasks"] == {"total": number, "running": 0, "completed": number, "failed": 0}
        assert sorted(task["id"] for task in read_all(address, "/task-runs", flow_run_id=writer.run)) == sorted(
            writer.tasks
        )
        assert sorted(line["message"] for line in read_all(address, "/logs", flow_run_id=writer.run)) == sorted(
            writer.tasks
        )
        histogram = httpx.get(f"{address}/task-runs/histogram", params={"flow_run_id": writer.run}).json()
        assert sum(sum(bucket["counts"].values()) for bucket in histogram["items"]) == number
        states = httpx.get(f"{address}/task-runs/{writer.tasks[-1]}/states").json()["items"]
        assert [state["type"] for state in states] == ["RUNNING", "COMPLETED"]


def check_counts(address: str, writers: list[Writer]) -> None:
    """What histograms show is what there is, though it is counted as transactions commit."""
    histogram = httpx.get(f"{address}/task-runs/histogram").json()
    assert not histogram["capped"]
    counted = sum(bucket["counts"].get("COMPLETED", 0) for bucket in histogram["items"])
    assert counted == sum(len(writer.tasks) for writer in writers)


@pytest.mark.timeout(120 + 60 * KILLS)
async def test_a_server_killed_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        writers = await kill_under_load(server, KILLS)
        check_all_there_once(server.address, writers)
        check_counts(server.address, writers)


def noting(sent: asyncio.Event) -> dict[str, Any]:
    """Has httpx say when a request is out."""

    async def trace(name: str, _: Any) -> None:
        if name == "http11.send_request_body.complete":
            sent.set()

    return {"trace": trace}


async def test_a_stopped_server_answers_whoever_waits_and_exits_cleanly(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        async with httpx.AsyncClient(timeout=60) as client, httpx.AsyncClient(timeout=60) as later:
            address = server.address
            claim = {"launcher": "Agent", "holder": "a", "wait_seconds": 60}
            changes = {"cursor": 0, "wait_seconds": 60}
            sent = [asyncio.Event() for _ in range(2)]
            waiting = [
                asyncio.create_task(
                    client.post(f"{address}/work-queues/claims", json=claim, extensions=noting(sent[0]))
                ),
                asyncio.create_task(
                    client.get(f"{address}/flow-runs/changes", params=changes, extensions=noting(sent[1]))
                ),
            ]
            await asyncio.wait_for(asyncio.gather(*(event.wait() for event in sent)), 60)
            await later.get(f"{address}/version")  # a connection that came after theirs is answered: theirs were read
            code = await asyncio.to_thread(server.kill, signal.SIGTERM)
            answers = await asyncio.gather(*waiting)
        assert code == 0
        assert [answer.json()["items"] for answer in answers] == [[], []]


async def test_a_launcher_that_has_gone_is_given_nothing(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
            flow = {"name": "tea", "spec": {"entrypoint": "tea.py:tea"}}
            await client.put("/flows", json=flow)
            await client.put("/deployments", json={"name": "tea", "spec": {"flow": "tea"}})
            claim = {"launcher": "Agent", "holder": "gone", "wait_seconds": 60}
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/work-queues/claims", json=claim, timeout=0.5)
            made = (await client.post("/flow-runs", json={"deployment": "tea/tea"})).json()
            items = (await client.post("/work-queues/claims", json=claim | {"holder": "here"})).json()["items"]
        assert [(item["run"]["id"], item["run"]["attempts"][0]["claimed_by"]) for item in items] == [
            (made["id"], "here")
        ]


async def test_a_server_that_listens_wider_makes_a_token_and_asks_for_it(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "python",
        "-c",
        "from towpath_operator.wiring.commands import server; server()",
        "start",
        *("--host", "0.0.0.0", "--port", "0"),  # noqa: S104 what is tested
        env={"PATH": str(Path(sys.executable).parent), "TOWPATH_HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    text = ""
    while "dashboard" not in text:
        text += (await process.stdout.readline()).decode()
    port = text.partition("TOWPATH_API_URL=http://0.0.0.0:")[2].partition("/")[0]
    token = text.partition("TOWPATH_API_TOKEN=")[2].split()[0]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api") as client:
        assert (await client.get("/flows")).status_code == 401
        assert (await client.get("/flows", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    process.terminate()
    assert await process.wait() == 0


async def test_a_database_that_cannot_grow_is_a_503_and_the_server_is_whole_again_once_it_can(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
            run, sent = make_id(), 1
            await client.post("/events", json=make_batch(run, make_flow_run(run)))
            unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
            batch = make_batch(run)
            answer = await client.post("/events", json=batch)
            while answer.status_code == 200:
                sent += len(batch["items"])
                batch = make_batch(run, *(make_log(run, "x" * 2_000) for _ in range(50)), first=sent + 1)
                answer = await client.post("/events", json=batch)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            assert (await client.get(f"/flow-runs/{run}")).status_code == 200
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
            assert (await client.post("/events", json=batch)).status_code == 200
            page = (await client.get("/logs", params={"flow_run_id": run})).json()
            assert page["total"] == sent - 1 + len(batch["items"])


async def test_a_commit_whose_answer_was_lost_changes_nothing_in_the_end(tmp_path: Path) -> None:
    with run_server(tmp_path) as server:
        run, task = make_id(), make_id()
        batch = make_batch(
            run, make_flow_run(run), make_task_run(task, run), make_state(task, "COMPLETED"), make_log(run)
        )
        body = json.dumps(batch).encode()
        port = int(server.address.rpartition(":")[2].partition("/")[0])
        head = f"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + body)
        await writer.drain()
        writer.transport.abort()
        async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
            answer = await client.post("/events", json=batch)
            assert answer.status_code == 200
            assert (await client.get(f"/flow-runs/{run}")).json()["tasks"]["completed"] == 1
            assert (await client.get("/logs", params={"flow_run_id": run})).json()["total"] == 1
