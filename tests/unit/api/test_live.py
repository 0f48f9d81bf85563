"""What open pages are told: each change once, in order, no more than they may hear, and no more than they can take."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.api import (
    Api,
    make_batch,
    make_flow_run,
    make_flow_state,
    make_id,
    make_log,
    make_task_run,
)
from tests.support.cluster_api import ALICE, OPERATOR, Cluster, open_cluster_api
from tests.support.listening import Stream, listening, streaming
from towpath.contract.live import LiveKind
from towpath_operator.api.routes import events
from towpath_operator.services import live
from towpath_operator.services.live import Follower, Message, Wanted, encode

Opened = tuple[Api, str, httpx.AsyncClient]


@pytest.fixture
async def opened(api: Api) -> AsyncGenerator[Opened]:
    """An API that listens, its address, and a client of it."""
    transport: Any = api.client._transport
    async with listening(transport.app) as address, httpx.AsyncClient() as client:
        yield api, f"{address}/api/events", client


async def follow(stream: Stream) -> int:
    """The revision from which on a new stream tells."""
    name, data, revision = await stream.next()
    assert (name, data["revision"]) == ("hello", revision)
    assert revision is not None
    return revision


async def test_a_run_that_changes_is_told_with_its_revision(opened: Opened) -> None:
    api, url, client = opened
    await api.declare()
    async with streaming(client, url) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        before = await follow(stream)
        run = await api.create_run()
        name, data, revision = await stream.next()
        assert (name, data["id"], data["state"]["type"]) == ("flow-runs", run["id"], "SCHEDULED")
        assert data["revision"] == revision and revision is not None and revision > before
        await api.post(f"/flow-runs/{run['id']}/cancel", None)
        name, data, _ = await stream.next()
        assert (data["id"], data["state"]["type"]) == (run["id"], "CANCELLED")


async def test_who_comes_back_hears_of_what_changed_meanwhile(opened: Opened) -> None:
    api, url, client = opened
    await api.declare()
    async with streaming(client, url) as stream:
        seen = await follow(stream)
    made = [(await api.create_run())["id"] for _ in range(3)]
    query = {"kind": ["flow-runs", "deployments"]}
    async with streaming(client, url, headers={"Last-Event-ID": str(seen)}, params=query) as stream:
        name, data, _ = await stream.next()
        assert (name, data["resumed"]) == ("hello", True)
        told = [await stream.next() for _ in range(3)]
        assert [data["id"] for _, data, _ in told] == made
        assert await stream.next() == ("deployments", {}, None)
        later = (await api.create_run())["id"]
        assert (await stream.next())[1]["id"] == later


@pytest.mark.parametrize("ahead", [True, False])
async def test_who_was_away_too_long_is_told_to_ask_anew(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    api, url, client = opened
    monkeypatch.setattr(live, "MOST_RESUMED", 1)
    await api.declare()
    for _ in range(2):
        await api.create_run()
    async with streaming(client, url, headers={"Last-Event-ID": "999999" if ahead else "0"}) as stream:
        name, data, _ = await stream.next()
        assert (name, data["resumed"]) == ("hello", False)


async def test_tasks_and_logs_are_told_of_the_runs_that_are_named(opened: Opened) -> None:
    api, url, client = opened
    run, other = make_id(), make_id()
    for one in (run, other):
        await api.tell(make_batch(one, make_flow_run(one), make_flow_state(one, "RUNNING")))
    query = {"kind": ["task-runs", "logs"], "flow_run_id": run}
    async with streaming(client, url, params=query) as stream:
        await follow(stream)
        await api.tell(make_batch(other, make_log(other), first=3))
        await api.tell(make_batch(run, make_log(run), make_task_run(make_id(), run), first=3))
        told = [await stream.next() for _ in range(2)]
        assert {(name, data["flow_run_id"]) for name, data, _ in told} == {("logs", run), ("task-runs", run)}


async def test_what_an_automation_waits_for_and_no_longer_waits_for_is_told(opened: Opened) -> None:
    api, url, client = opened
    api.hub.database.before_commit[:] = [api.hub.automating.enqueue]
    trigger = {"states": ["RUNNING"], "expect": ["COMPLETED"], "within": "10m"}
    put = {"name": "hung", "spec": {"trigger": trigger, "actions": [{"cancelRun": {}}]}}
    automation = await api.put("/automations", put)
    run = make_id()
    async with streaming(client, url, params={"kind": "automations"}) as stream:
        await follow(stream)
        await api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
        assert (await stream.next())[0] == "automations"
        assert (await api.get(f"/automations/{automation['id']}"))["waiting"] == 1
        await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
        assert (await stream.next())[0] == "automations"
        assert (await api.get(f"/automations/{automation['id']}"))["waiting"] == 0


async def test_tasks_of_no_run_in_particular_cannot_be_followed(api: Api) -> None:
    refused = await api.call("GET", "/events", 422, params={"kind": "logs"})
    assert "flow_run_id" in refused["detail"]


async def test_a_declaration_is_told_by_kind_and_namespace(opened: Opened) -> None:
    api, url, client = opened
    query = {"kind": ["flows", "work-queues"], "namespace": "default"}
    async with streaming(client, url, params=query) as stream:
        await follow(stream)
        await api.put("/work-queues", {"name": "q", "namespace": "team", "spec": {}})
        await api.put("/work-queues", {"name": "q", "spec": {}})
        assert await stream.next() == ("work-queues", {"namespace": "default"}, None)
        flow = await api.put("/flows", {"name": "etl", "spec": {"entrypoint": "a.py:f"}})
        assert (await stream.next())[0] == "flows"
        await api.call("DELETE", f"/flows/{flow['id']}", 204)
        assert (await stream.next())[0] == "flows"


async def test_a_silent_stream_is_kept_alive_and_ends_with_the_server(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, url, client = opened
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    async with streaming(client, url) as stream:
        await follow(stream)
        await stream.comment()
    async with streaming(client, url) as stream:
        await follow(stream)
        api.hub.signals.close()
        await stream.ended()


async def test_a_reader_who_has_gone_is_forgotten(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    api, url, client = opened
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    async with streaming(client, url) as stream:
        await follow(stream)
        assert api.hub.live.followers == 1
    for _ in range(3_000):
        if not api.hub.live.followers:
            break
        await asyncio.sleep(0.02)
    assert api.hub.live.followers == 0


async def test_too_many_readers_are_told_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_FOLLOWERS", 0)
    assert (await api.call("GET", "/events", 429))["code"] == "too_busy"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@contextlib.asynccontextmanager
async def open_clustered(template: Path, folder: Path, cluster: Cluster) -> AsyncGenerator[Opened]:
    async with open_cluster_api(template, folder, cluster, who="operator") as api:
        transport: Any = api.client._transport
        async with listening(transport.app) as address, httpx.AsyncClient() as client:
            yield api, f"{address}/api/events", client


async def test_only_what_one_may_list_is_told(template: Path, tmp_path: Path, cluster: Cluster) -> None:
    for resource in ("flows", "deployments", "flowruns"):
        for verb in ("update", "create"):
            cluster.grant(OPERATOR, verb, resource)
    cluster.grant(ALICE, "list", "flowruns", "team")
    alice = {"Authorization": "Bearer alice"}
    async with open_clustered(template, tmp_path, cluster) as (api, url, client):
        for query in (
            {},
            {"namespace": "default"},
            {"namespace": "team", "kind": "deployments"},
            {"namespace": ["", "team"]},
        ):
            assert (await client.get(url, params=query, headers=alice)).status_code == 403
        assert (await client.get(url)).status_code == 401
        async with streaming(client, url, params={"namespace": "team"}, headers=alice) as stream:
            await follow(stream)
            for namespace in ("default", "team"):
                where = {"namespace": namespace}
                await api.put("/flows", {"name": "etl", "spec": {"entrypoint": "a.py:f"}} | where)
                await api.put("/deployments", {"name": "dev", "spec": {"flow": "etl"}} | where)
                run = await api.create_run(namespace=namespace)
            name, data, _ = await stream.next()
            assert (name, data["namespace"], data["id"]) == ("flow-runs", "team", run["id"])


async def test_a_stream_ends_with_the_rights_of_its_reader(
    template: Path, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.0)
    cluster.grant(ALICE, "list", "flowruns", "team")
    async with open_clustered(template, tmp_path, cluster) as (_, url, client):
        alice = {"Authorization": "Bearer alice"}
        async with streaming(client, url, params={"namespace": "team"}, headers=alice) as stream:
            await follow(stream)
            cluster.rights.clear()
            cluster.now += 11
            await stream.ended()


def test_what_waits_for_a_slow_reader_is_the_latest_of_each_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(Wanted(frozenset(LiveKind)), since=1)
    for revision in range(2, 50):
        follower.put("run a", Message("flow-runs", "{}", revision))
    follower.put("logs", Message("logs", "{}"))
    assert asyncio.run(follower.take(1)) == [Message("flow-runs", "{}", 49), Message("logs", "{}")]
    monkeypatch.setattr(live, "MOST_WAITING_BYTES", 100)
    for revision in range(50, 200):
        follower.put(f"run {revision}", Message("flow-runs", "{}", revision))
    (reset,) = asyncio.run(follower.take(1)) or []
    assert (reset.event, reset.revision) == ("reset", 199)


def test_events_are_written_as_browsers_read_them() -> None:
    assert encode([Message("flow-runs", '{"a":1}', 7), Message("logs", "{}")]) == (
        b'event: flow-runs\nid: 7\ndata: {"a":1}\n\nevent: logs\ndata: {}\n\n'
    )
    assert encode([]).startswith(b":")


def test_a_subflow_is_told_to_who_follows_its_parent() -> None:
    parent = UUID(int=1)
    wanted = Wanted(frozenset({LiveKind.FLOW_RUNS}), None, frozenset({parent}))

    class Run:
        def __init__(self, number: int, parent_id: int | None) -> None:
            self.id, self.namespace = UUID(int=number), "default"
            self.parent_flow_run_id = None if parent_id is None else UUID(int=parent_id)

    def hears(run: Any) -> bool:
        return wanted.has_run(run)

    assert [hears(Run(1, None)), hears(Run(2, 1)), hears(Run(3, 2))] == [True, True, False]
