"""Two real API processes on one PostgreSQL under load, and one of them killed: nothing is lost, nothing happens twice."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api_process import ServerProcess
from tests.support.postgres import Postgres
from tests.support.webhook import Webhook, receiving
from towpath_operator.store import leadership

pytestmark = pytest.mark.timeout(600)

WAIT_SECONDS = 150.0
RUNS_OF_EACH = 30
CLIENTS = 3


@pytest.fixture
async def database(postgres: Postgres, migrated: str) -> AsyncGenerator[str]:
    """The URL of a database of its own."""
    name = await postgres.create(migrated)
    yield postgres.url(name)
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def replicas(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[tuple[ServerProcess, ServerProcess]]:
    """Two servers; the first leads, since it was there alone."""
    monkeypatch.setenv("TOWPATH_SERVER_NOTIFY_ALLOWED_NETWORKS", "127.0.0.1")
    with ExitStack() as stack:
        servers: list[ServerProcess] = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            server = ServerProcess(tmp_path / name, database)
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        yield servers[0], servers[1]


class Clients:
    """Sends each request to one of the servers in turn, and to the next one when nobody answers."""

    def __init__(self, client: httpx.AsyncClient, servers: tuple[ServerProcess, ServerProcess]) -> None:
        self._client = client
        self._addresses = itertools.cycle([server.address for server in servers])

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer's JSON, from whichever server lives."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                try:
                    answer = await self._client.request(method, next(self._addresses) + path, json=body, params=query)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code in (429, 503):
                    await asyncio.sleep(0.1)
                    continue
                assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
                return answer.json()

    async def all_of(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = await self.call("GET", path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


async def declare(
    client: httpx.AsyncClient, clients: Clients, servers: tuple[ServerProcess, ServerProcess], webhook: Webhook
) -> None:
    """A flow whose deployments are started by hand and by a schedule, and a notification of what is cancelled."""
    await clients.call("PUT", "/flows", {"name": "etl", "spec": {"entrypoint": "a.py:f"}})
    await clients.call("PUT", "/deployments", {"name": "dev", "spec": {"flow": "etl", "workQueue": "test"}})
    schedule = {"name": "often", "interval": "1s", "missedRuns": "All"}
    spec = {"flow": "etl", "workQueue": "never", "schedules": [schedule]}
    await clients.call("PUT", "/deployments", {"name": "often", "spec": spec})
    for server in servers:  # each keeps secrets in a home of its own
        block = {"name": "team", "spec": {"type": "webhook"}, "secrets": {"url": webhook.url}}
        (await client.put(f"{server.address}/blocks", json=block)).raise_for_status()
    spec = {"states": ["CANCELLED"], "channels": ["webhook/team"], "deployments": ["etl/dev"]}
    await clients.call("PUT", "/notifications", {"name": "cancelled", "spec": spec})


async def create(clients: Clients, number: int, made: set[str]) -> None:
    """Makes runs; an answer that was lost is asked for again by the same key."""
    for index in range(RUNS_OF_EACH):
        body = {"deployment": "etl/dev", "idempotency_key": f"{number}-{index}"}
        made.add((await clients.call("POST", "/flow-runs", body))["id"])


async def claim(clients: Clients, number: int, claimed: list[str], cancelled: set[str], stop: asyncio.Event) -> None:
    """Claims runs and ends them, every third one by cancelling it."""
    holder = f"claimer-{number}"
    while not stop.is_set():
        body = {"launcher": "Agent", "holder": holder, "queues": ["test"], "limit": 5, "wait_seconds": 1}
        for item in (await clients.call("POST", "/work-queues/claims", body))["items"]:
            run, attempt = item["run"]["id"], item["attempt"]
            claimed.append(run)
            path = f"/flow-runs/{run}/attempts/{attempt}"
            await clients.call("POST", f"{path}/launched", {"holder": holder, "job_name": "job"})
            if len(claimed) % 3 == 0:
                cancelled.add(run)
                await clients.call("POST", f"/flow-runs/{run}/cancel")
            outcome = {"outcome": "Cancelled"} if run in cancelled else {"outcome": "Exited", "exit_code": 70}
            await clients.call("POST", f"{path}/ended", outcome)


async def until(what: str, look: Any) -> None:
    """Waits until `look` says so."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await look():  # noqa: ASYNC110 another process is looked at
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"waited {WAIT_SECONDS:.0f} s in vain: {what}") from None


def scheduled_times(runs: list[Any]) -> list[datetime]:
    return sorted(datetime.fromisoformat(run["scheduled_time"]) for run in runs)


async def test_one_of_two_replicas_is_killed_under_load(replicas: tuple[ServerProcess, ServerProcess]) -> None:
    first, _ = replicas
    made: set[str] = set()
    claimed: list[str] = []
    cancelled: set[str] = set()
    stop = asyncio.Event()
    async with receiving() as webhook, httpx.AsyncClient(timeout=30) as client:
        clients = Clients(client, replicas)
        await declare(client, clients, replicas, webhook)

        async def scheduled() -> list[Any]:
            return await clients.all_of("/flow-runs", deployment="etl/often")

        async def has_scheduled(more_than: int) -> bool:
            return len(await scheduled()) > more_than

        await until("the first replica schedules", lambda: has_scheduled(2))
        creating = [asyncio.create_task(create(clients, number, made)) for number in range(CLIENTS)]
        claiming = [asyncio.create_task(claim(clients, number, claimed, cancelled, stop)) for number in range(CLIENTS)]

        async def is_busy() -> bool:
            return len(claimed) > RUNS_OF_EACH // 2

        await until("runs are claimed", is_busy)
        first.kill()
        before = len(await scheduled())
        await until("the other replica schedules", lambda: has_scheduled(before + 2))
        await asyncio.gather(*creating)

        async def all_claimed() -> bool:
            return made <= set(claimed)

        await until("every run is claimed", all_claimed)

        def told() -> set[str]:
            return {json.loads(one.body)["flow_run"]["id"] for one in webhook.received}

        async def all_told() -> bool:
            return cancelled <= told()

        stop.set()
        await asyncio.gather(*claiming)
        await until("every cancelled run is told of", all_told)
        runs = await clients.all_of("/flow-runs", deployment="etl/dev")
        often = scheduled_times(await scheduled())
    assert {run["id"] for run in runs} == made
    assert len(made) == CLIENTS * RUNS_OF_EACH
    assert [run for run, count in Counter(claimed).items() if count > 1] == []
    assert {run["state"]["type"] for run in runs} == {"CANCELLED", "FAILED"}
    assert {run["id"] for run in runs if run["state"]["type"] == "CANCELLED"} == cancelled == told()
    assert len(set(often)) == len(often)
    gaps = {later - earlier for earlier, later in itertools.pairwise(often)}
    assert gaps == {timedelta(seconds=1)}, "a time was left out"


def test_a_leader_that_is_gone_is_noticed_within_ten_seconds() -> None:
    asked = leadership.CHECK_SECONDS + leadership.ANSWER_SECONDS
    assert asked + leadership.CHECK_SECONDS < 10
