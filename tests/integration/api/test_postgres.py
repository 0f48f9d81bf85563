"""What only PostgreSQL brings: replicas, restarts, and a schema that is upgraded explicitly."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from tests.integration.api.test_server_process import KILLS, Writer, check_all_there_once, read_all
from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id, make_log, serve
from tests.support.api_process import run_server
from tests.support.postgres import Postgres, run_postgres
from towpath_operator.loops.running import Loop, running
from towpath_operator.services.hub import Hub
from towpath_operator.store import leadership, migrate
from towpath_operator.store.engine import Database
from towpath_operator.store.tables import metadata
from towpath_operator.wiring.api import open_database
from towpath_operator.wiring.settings import ServerSettings

END_LEADERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'towpath-leader'"


@pytest.fixture
async def replicas(postgres: Postgres, migrated: str) -> AsyncGenerator[tuple[Api, Api]]:
    """Two APIs on one database."""
    name = await postgres.create(migrated)
    async with serve(Database(postgres.url(name))) as one, serve(Database(postgres.url(name))) as two:
        yield one, two
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def differences(connection: Connection) -> list[Any]:
    """What the tables differ in, but for an index that is made only where the extension for it may be created."""

    def is_ours(_: Any, name: str | None, *__: Any) -> bool:
        return name != "ix_flow_runs_name_trigrams"

    return compare_metadata(MigrationContext.configure(connection, opts={"include_object": is_ours}), metadata)


async def test_migrated_tables_are_those_of_the_code(postgres: Postgres, migrated: str) -> None:
    database = Database(postgres.url(await postgres.create(migrated)))
    assert await database.run_sync(differences) == []
    await migrate.downgrade(database, "base")
    await migrate.upgrade(database)
    assert await database.run_sync(differences) == []
    await database.close()


async def test_a_server_does_not_upgrade_a_shared_database_by_itself(postgres: Postgres) -> None:
    url = postgres.url(await postgres.create())
    with pytest.raises(RuntimeError, match="towpath server database upgrade"):
        await open_database(ServerSettings(database_url=url))


async def test_questions_are_planned_for_their_own_values(postgres: Postgres) -> None:
    database = Database(postgres.url(await postgres.create()))
    async with database.read() as reader:
        assert (await reader.execute(text("SHOW plan_cache_mode"))).scalar_one() == "force_custom_plan"
    await database.close()


async def test_one_replicas_commit_wakes_the_others_waiting_requests(replicas: tuple[Api, Api]) -> None:
    one, two = replicas
    await one.declare()
    cursor = (await two.get("/flow-runs/changes"))["cursor"]
    claiming = asyncio.create_task(two.claim(wait_seconds=60))
    changing = asyncio.create_task(two.get("/flow-runs/changes", cursor=cursor, wait_seconds=60))
    run = await one.create_run()
    (claimed,) = await asyncio.wait_for(claiming, 10)
    changes = await asyncio.wait_for(changing, 10)
    assert claimed["run"]["id"] == changes["items"][0]["id"] == run["id"]


async def test_replicas_never_hand_out_a_run_twice_or_beyond_a_limit(replicas: tuple[Api, Api]) -> None:
    one, two = replicas
    await one.put("/work-queues", {"name": "test", "spec": {"concurrencyLimit": 17}})
    await one.declare()
    for _ in range(30):
        await one.create_run()
    answers = await asyncio.gather(*(api.claim(limit=3) for _ in range(10) for api in (one, two)))
    claimed = [item["run"]["id"] for answer in answers for item in answer]
    assert len(claimed) == len(set(claimed)) == 17


async def test_a_batch_sent_to_both_replicas_counts_once(replicas: tuple[Api, Api]) -> None:
    run = make_id()
    batch = make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING"), *(make_log(run) for _ in range(50)))
    answers = await asyncio.gather(*(api.tell(batch) for _ in range(5) for api in replicas))
    assert sum(answer["applied"] for answer in answers) == 52
    assert (await replicas[0].get("/logs", flow_run_id=run))["total"] == 50


async def test_no_reader_of_changes_misses_one_whatever_commits_beside_it(replicas: tuple[Api, Api]) -> None:
    one, two = replicas
    await one.declare()
    seen: set[str] = set()
    made: set[str] = set()

    async def follow() -> None:
        cursor = 0
        while len(seen) < 40:
            changes = await two.get("/flow-runs/changes", cursor=cursor, wait_seconds=5)
            seen.update(item["id"] for item in changes["items"])
            cursor = changes["cursor"]

    async def create(api: Api) -> None:
        for _ in range(20):
            made.add((await api.create_run())["id"])

    await asyncio.wait_for(asyncio.gather(follow(), create(one), create(two)), 60)
    assert seen == made


class Turn:
    """A loop that notes when it runs, and for whom."""

    def __init__(self) -> None:
        self.active: list[str] = []
        self.changed = asyncio.Event()

    def of(self, name: str) -> Loop:
        async def turn(_: Hub) -> None:
            self.active.append(name)
            self.changed.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.active.remove(name)

        return turn

    async def started(self) -> str:
        """Waits until a loop has begun, and says whose."""
        await asyncio.wait_for(self.changed.wait(), 60)
        self.changed.clear()
        return self.active[0]

    async def alone(self) -> None:
        """Waits until one loop runs and no other."""
        async with asyncio.timeout(60):
            while len(self.active) != 1:  # noqa: ASYNC110 it is a loop of this process that ends
                await asyncio.sleep(0.02)


async def test_loops_run_on_one_replica_and_move_when_it_is_gone(replicas: tuple[Api, Api]) -> None:
    turn = Turn()
    runs = {name: running(api.hub, turn.of(name)) for name, api in zip(("one", "two"), replicas, strict=True)}
    for run in runs.values():
        await run.__aenter__()
    first = await turn.started()
    assert turn.active == [first]
    await runs.pop(first).__aexit__(None, None, None)
    second = await turn.started()
    assert (second != first, turn.active) == (True, [second])
    await runs.pop(second).__aexit__(None, None, None)
    assert turn.active == []


async def test_a_leader_whose_session_is_ended_stops_and_another_goes_on(
    postgres: Postgres, replicas: tuple[Api, Api]
) -> None:
    turn = Turn()
    async with running(replicas[0].hub, turn.of("one")), running(replicas[1].hub, turn.of("two")):
        await turn.started()
        await postgres.execute(END_LEADERS)
        await turn.started()
        await turn.alone()  # who has lost its session notices that in its own time


async def test_a_leader_whose_session_is_ended_stops_before_its_next_check(
    postgres: Postgres, replicas: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "CHECK_SECONDS", 600)
    turn = Turn()
    async with running(replicas[0].hub, turn.of("one")):
        await turn.started()
        await postgres.execute(END_LEADERS)
        async with asyncio.timeout(60):
            while turn.active:  # noqa: ASYNC110 it is a loop of this process that ends
                await asyncio.sleep(0.02)


@pytest.mark.timeout(120 + 60 * KILLS)
async def test_two_replicas_under_load_of_which_one_is_killed_lose_no_run_and_claim_none_twice(
    postgres: Postgres, migrated: str, tmp_path: Path
) -> None:
    name = await postgres.create(migrated)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with run_server(folders[0], postgres.url(name)) as one, run_server(folders[1], postgres.url(name)) as two:
        load = ReplicaLoad([one.address, two.address])
        async with httpx.AsyncClient(timeout=60) as client:
            await load.declare(client)
            acting = [
                asyncio.create_task(load.create(client)),
                *(asyncio.create_task(load.claim(client)) for _ in "ab"),
            ]
            for _ in range(max(2, KILLS // 5)):
                await asyncio.sleep(0.5)
                await asyncio.to_thread(one.kill, signal.SIGKILL)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(one.start)
            load.stop.set()
            await asyncio.gather(*acting)
        found = read_all(two.address, "/flow-runs")
        assert load.created <= {run["id"] for run in found}
        assert len(load.created) == len(load.keys)
        for run in found:
            # An answer that was lost with its server leaves a lease that ends; nobody else is given the attempt before.
            assert run["attempt"] <= 1
            assert load.claimed[run["id"]] <= run["attempt"]
        times = [run["scheduled_time"] for run in found if "auto-scheduled" in run["tags"]]
        assert times
        assert len(times) == len(set(times))


class ReplicaLoad:
    """Clients that create and claim runs at whichever of the replicas answers, each request again until it is."""

    def __init__(self, addresses: list[str]) -> None:
        self.stop = asyncio.Event()
        self.created: set[str] = set()
        self.claimed: Counter[str] = Counter()
        self.keys: list[str] = []
        self._addresses = addresses
        self._turn = 0

    async def declare(self, client: httpx.AsyncClient) -> None:
        """A deployment with a schedule that fires every second."""
        for path, body in (
            ("/work-queues", {"name": "default", "spec": {"launcher": "Agent"}}),
            ("/flows", {"name": "etl", "spec": {"entrypoint": "flows.py:etl"}}),
            ("/deployments", {"name": "dev", "spec": {"flow": "etl", "schedules": [{"name": "s", "interval": "1s"}]}}),
        ):
            (await client.put(f"{self._addresses[0]}{path}", json=body)).raise_for_status()

    async def create(self, client: httpx.AsyncClient) -> None:
        """Creates runs until it is stopped."""
        while not self.stop.is_set():
            self.keys.append(make_id())
            body = {"deployment": "etl/dev", "idempotency_key": self.keys[-1]}
            answer = await self._send(client, "/flow-runs", body)
            self.created.add(answer["id"])

    async def claim(self, client: httpx.AsyncClient) -> None:
        """Claims runs until it is stopped."""
        while not self.stop.is_set():
            body = {"launcher": "Agent", "holder": "a", "wait_seconds": 0.2, "limit": 3}
            for item in (await self._send(client, "/work-queues/claims", body))["items"]:
                run_id = item["run"]["id"]
                self.claimed[run_id] += 1
                launched = {"holder": "a", "job_name": "process"}
                await self._send(client, f"/flow-runs/{run_id}/attempts/{item['attempt']}/launched", launched)

    async def _send(self, client: httpx.AsyncClient, path: str, body: Any) -> Any:
        while True:
            self._turn += 1
            address = self._addresses[self._turn % len(self._addresses)]
            try:
                answer = await client.post(f"{address}{path}", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.02)
                continue
            if answer.status_code < 400:
                return answer.json()
            assert answer.status_code in (429, 503), answer.text
            await asyncio.sleep(0.02)


async def test_clients_wait_through_a_restart_of_the_database_and_go_on(tmp_path: Path) -> None:
    with run_postgres() as server:
        url = server.url("postgres")
        database = Database(url)
        await migrate.upgrade(database)
        await database.close()
        with run_server(tmp_path, url) as api:
            writers = [Writer(api.address) for _ in range(3)]
            stop = asyncio.Event()
            async with httpx.AsyncClient(timeout=60) as client:
                telling = [asyncio.create_task(writer.tell(client, stop)) for writer in writers]
                for mode in ("fast", "immediate"):
                    await asyncio.sleep(0.5)
                    await asyncio.to_thread(server.control, "restart", "-m", mode)
                await asyncio.sleep(0.5)
                stop.set()
                await asyncio.gather(*telling)
            check_all_there_once(api.address, writers)
            log = api.log
        assert "Traceback" not in log
