"""Launchers claim due runs: each once, woken at once, within every limit."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_state
from towpath_operator.services import claims


async def declare_queue(api: Api, name: str = "test", **spec: Any) -> None:
    await api.put("/work-queues", {"name": name, "spec": spec})


async def test_concurrent_launchers_never_get_the_same_run(api: Api) -> None:
    await api.declare()
    made = {(await api.create_run())["id"] for _ in range(40)}
    answers = await asyncio.gather(*(api.claim(limit=5) for _ in range(16)))
    claimed = [item["run"]["id"] for answer in answers for item in answer]
    assert sorted(claimed) == sorted(made)


async def test_a_waiting_claim_wakes_with_the_commit_of_a_run(api: Api) -> None:
    await api.declare()
    waiting = asyncio.create_task(api.claim(wait_seconds=60))
    run = await api.create_run()
    assert [item["run"]["id"] for item in await asyncio.wait_for(waiting, 10)] == [run["id"]]


async def test_a_waiting_claim_wakes_when_a_run_falls_due(api: Api) -> None:
    await api.declare()
    due = datetime.now(UTC) + timedelta(seconds=0.4)
    run = await api.create_run(scheduled_time=due.isoformat())
    (claimed,) = await asyncio.wait_for(api.claim(wait_seconds=60), 10)
    assert claimed["run"]["id"] == run["id"]
    assert datetime.fromisoformat(claimed["run"]["attempts"][0]["claimed_at"]) >= due


async def test_a_waiting_claim_wakes_when_what_blocked_it_ends(api: Api) -> None:
    await declare_queue(api, concurrencyLimit=1)
    first = await api.start_run()
    second = await api.create_run()
    waiting = asyncio.create_task(api.claim(wait_seconds=60))
    await api.tell(make_batch(first["id"], make_flow_state(first["id"], "COMPLETED"), attempt=1))
    assert [item["run"]["id"] for item in await asyncio.wait_for(waiting, 10)] == [second["id"]]


async def test_a_claim_without_runs_is_empty_in_time(api: Api) -> None:
    assert await asyncio.wait_for(api.claim(wait_seconds=0.05), 10) == []


async def test_an_expired_lease_hands_out_the_same_attempt_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE", -1)
    await api.declare()
    run = await api.create_run()
    (first,) = await api.claim(holder="a")
    (again,) = await api.claim(holder="b")
    assert (first["attempt"], again["attempt"], again["run"]["id"]) == (1, 1, run["id"])
    assert again["run"]["attempts"][0]["claimed_by"] == "b"
    await api.launch(run)
    assert await api.claim(holder="c") == []


async def test_a_lease_in_force_keeps_others_away(api: Api) -> None:
    await api.declare()
    await api.create_run()
    assert len(await api.claim()) == 1
    assert await api.claim() == []


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({}, 1),
        ({"launcher": "Agent"}, 0),
        ({"queues": ["test"]}, 1),
        ({"queues": ["other"]}, 0),
        ({"namespaces": ["default"]}, 1),
        ({"namespaces": ["elsewhere"]}, 0),
    ],
)
async def test_a_launcher_gets_only_runs_of_its_queues(api: Api, fields: dict[str, Any], number: int) -> None:
    await api.declare()
    await api.create_run()
    assert len(await api.claim(**fields)) == number


async def test_a_paused_queue_hands_out_nothing_and_says_so(api: Api) -> None:
    await declare_queue(api, paused=True)
    await api.declare()
    run = await api.create_run()
    waiting = asyncio.create_task(api.claim(wait_seconds=60))
    changes = await api.get("/flow-runs/changes", cursor=run["revision"], wait_seconds=10)
    assert changes["items"][0]["waiting_for"] == "The work queue is paused."
    await declare_queue(api, paused=False)
    (claimed,) = await asyncio.wait_for(waiting, 10)
    assert claimed["run"]["waiting_for"] is None


async def test_a_queue_hands_out_no_more_than_its_limit(api: Api) -> None:
    await declare_queue(api, concurrencyLimit=2)
    await api.declare()
    runs = [await api.create_run() for _ in range(5)]
    assert len(await api.claim()) == 2
    assert await api.claim() == []
    left = (await api.get("/flow-runs", state="SCHEDULED"))["items"]
    assert {run["waiting_for"] for run in left} == {"The work queue has reached its concurrency limit."}
    await api.end(runs[0], outcome="Cancelled")
    assert len(await api.claim()) == 1


async def test_a_queue_with_no_slots_at_all_hands_out_nothing(api: Api) -> None:
    await declare_queue(api, concurrencyLimit=0)
    await api.declare()
    await api.create_run()
    assert await api.claim() == []


async def test_queues_of_higher_priority_are_served_first(api: Api) -> None:
    await declare_queue(api, "low", priority=-1)
    await declare_queue(api, "high", priority=1)
    await api.declare(deployment="low", queue="low")
    await api.declare(deployment="high", queue="high")
    await api.create_run("etl/low")
    await api.create_run("etl/high")
    assert [(await api.claim(limit=1))[0]["work_queue"]["name"] for _ in range(2)] == ["high", "low"]


async def test_a_deployments_limit_holds_across_claims(api: Api) -> None:
    await api.declare(concurrency={"limit": 1})
    await api.declare(deployment="free")
    for _ in range(3):
        await api.create_run()
    await api.create_run("etl/free")
    claimed = await api.claim()
    assert sorted(item["deployment"]["name"] for item in claimed) == ["dev", "free"]
    assert await api.claim() == []


async def test_skip_cancels_a_run_that_is_one_too_many(api: Api) -> None:
    await api.declare(concurrency={"limit": 1, "overlap": "Skip"})
    for _ in range(2):
        await api.create_run()
    assert len(await api.claim()) == 1
    (skipped,) = (await api.get("/flow-runs", state="CANCELLED"))["items"]
    assert "concurrency limit" in skipped["state"]["message"]


async def test_replace_cancels_the_oldest_and_starts_the_new_one_after_it(api: Api) -> None:
    old = await api.start_run(concurrency={"limit": 1, "overlap": "Replace"})
    new = await api.create_run()
    assert await api.claim() == []
    assert (await api.get(f"/flow-runs/{old['id']}"))["state"]["type"] == "CANCELLING"
    assert await api.claim() == []
    await api.end(old, outcome="Cancelled")
    assert [item["run"]["id"] for item in await api.claim()] == [new["id"]]


async def test_replace_cancels_no_more_than_the_new_run_needs(api: Api) -> None:
    await api.declare(concurrency={"limit": 3, "overlap": "Replace"})
    old = [await api.create_run() for _ in range(3)]
    await api.claim()
    for run in old:
        await api.launch(run)
    new = await api.create_run()
    for _ in range(3):
        assert await api.claim() == []
    leaving = (await api.get("/flow-runs", state="CANCELLING"))["items"]
    assert [run["id"] for run in leaving] == [old[0]["id"]]
    await api.end(old[0], outcome="Cancelled")
    assert [item["run"]["id"] for item in await api.claim()] == [new["id"]]


async def test_skip_lets_a_runs_next_attempt_wait(api: Api) -> None:
    lost = await api.start_run(concurrency={"limit": 1, "overlap": "Skip"}, infraRetries=3)
    other = await api.create_run()
    await api.end(lost, outcome="Infrastructure", reason="Evicted")
    assert [item["run"]["id"] for item in await api.claim(limit=1)] == [other["id"]]
    assert await api.claim() == []
    waiting = await api.get(f"/flow-runs/{lost['id']}")
    assert (waiting["state"]["name"], waiting["waiting_for"]) == ("AwaitingRetry", claims.DEPLOYMENT_FULL)
    await api.launch(other)
    await api.end(other, outcome="Exited", exit_code=70)
    assert [item["run"]["id"] for item in await api.claim()] == [lost["id"]]


async def test_a_next_attempt_that_waits_keeps_no_other_run_of_its_queue_waiting(api: Api) -> None:
    lost = await api.start_run(concurrency={"limit": 1, "overlap": "Skip"}, infraRetries=3)
    await api.create_run()
    await api.end(lost, outcome="Infrastructure", reason="Evicted")
    await api.claim(limit=1)
    await api.declare(deployment="free")
    run = await api.create_run("etl/free")
    assert [item["run"]["id"] for item in await api.claim(limit=1)] == [run["id"]]


@pytest.mark.parametrize("paused", [False, True])
async def test_a_cancelled_run_whose_launcher_was_lost_ends_when_the_lease_does(
    api: Api, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    await declare_queue(api)
    await api.declare()
    run = await api.create_run()
    monkeypatch.setattr(claims, "LEASE", -1)
    await api.claim()
    await declare_queue(api, paused=paused)
    assert (await api.post(f"/flow-runs/{run['id']}/cancel", {}))["state"]["type"] == "CANCELLING"
    assert await api.claim() == []
    ended = await api.get(f"/flow-runs/{run['id']}")
    assert (ended["state"]["type"], ended["attempts"][0]["outcome"]) == ("CANCELLED", "Cancelled")
    await api.take(run, status=409)


async def test_a_run_is_claimed_with_all_that_launching_it_needs(api: Api) -> None:
    await api.declare()
    template = {"spec": {"serviceAccountName": "etl"}}
    await api.create_run(pod_template=template)
    (claimed,) = await api.claim()
    assert claimed["pod_template"]["spec"]["serviceAccountName"] == "etl"
    assert (claimed["flow"]["name"], claimed["deployment"]["resource_name"], claimed["work_queue"]["name"]) == (
        "etl",
        "etl.dev",
        "test",
    )
