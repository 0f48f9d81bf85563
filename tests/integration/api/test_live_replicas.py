"""Open pages hear of what any replica commits, whichever they follow."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id, make_log, serve
from tests.support.listening import Stream, listening, streaming
from tests.support.postgres import Postgres
from towpath_operator.store.engine import ANY_HINT, MAX_NOTICE, Database, pack_notice, unpack_notice

Opened = tuple[Api, str, httpx.AsyncClient]


@pytest.fixture
async def opened(postgres: Postgres, migrated: str) -> AsyncGenerator[Opened]:
    """An API, the address of another one's events on the same database, and a client."""
    name = await postgres.create(migrated)
    async with serve(Database(postgres.url(name))) as one, serve(Database(postgres.url(name))) as two:
        transport: Any = two.client._transport
        async with listening(transport.app) as address, httpx.AsyncClient() as client:
            yield one, f"{address}/api/events", client
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def begin(stream: Stream) -> int:
    name, data, _ = await stream.next()
    assert name == "hello"
    return int(data["revision"])


async def test_a_run_that_another_replica_changes_is_told(opened: Opened) -> None:
    one, url, client = opened
    await one.declare()
    async with streaming(client, url) as stream:
        before = await begin(stream)
        made = [(await one.create_run())["id"] for _ in range(5)]
        told = [await stream.next() for _ in made]
    assert [data["id"] for _, data, _ in told] == made
    assert all(revision is not None and revision > before for _, _, revision in told)


async def test_hints_travel_too(opened: Opened) -> None:
    one, url, client = opened
    run = make_id()
    await one.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    query = {"kind": ["logs", "work-queues"], "flow_run_id": run}
    async with streaming(client, url, params=query) as stream:
        await begin(stream)
        await one.tell(make_batch(run, make_log(run), first=3))
        names: set[str] = set()
        while "logs" not in names:
            names.add((await stream.next())[0])
        await one.put("/work-queues", {"name": "q", "spec": {}})
        while "work-queues" not in names:
            names.add((await stream.next())[0])


async def test_who_moves_to_another_replica_goes_on_where_it_was(opened: Opened) -> None:
    one, url, client = opened
    await one.declare()
    transport: Any = one.client._transport
    async with listening(transport.app) as other:
        async with streaming(client, f"{other}/api/events") as stream:
            seen = await begin(stream)
        run = await one.create_run()
        async with streaming(client, url, headers={"Last-Event-ID": str(seen)}) as stream:
            assert (await stream.next())[1]["resumed"] is True
            assert (await stream.next())[1]["id"] == run["id"]


def test_what_does_not_fit_into_a_notice_stands_for_all() -> None:
    hints = {f"logs:{number:032x}" for number in range(1_000)}
    notice = pack_notice({"changes", "claims"}, hints)
    assert len(notice) < MAX_NOTICE
    assert unpack_notice(notice) == (["changes", "claims"], [ANY_HINT])
    assert unpack_notice(pack_notice(set(), {"a@b"})) == ([], ["a@b"])
    assert unpack_notice("changes") == (["changes"], [])
