"""Slots of concurrency limits: as many as the limit says, first come first served, and none held by the dead."""

import asyncio
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id
from towpath.contract.ids import now_us
from towpath_operator.services import slots


async def declare_limit(api: Api, tag: str = "db", limit: int = 1) -> Any:
    return await api.put("/concurrency-limits", {"name": tag, "spec": {"tag": tag, "limit": limit}})


async def start(api: Api) -> str:
    """A run of a process of its own."""
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    return run


async def ask(api: Api, run: str, holder: str, *tags: str, wait: float = 0, status: int = 200) -> Any:
    body = {"run_id": run, "attempt": 0, "holder": holder, "tags": list(tags or ("db",)), "wait_seconds": wait}
    return await api.post("/slots", body, status)


async def release(api: Api, run: str, *holders: str) -> None:
    await api.post("/slots/release", {"run_id": run, "attempt": 0, "holders": list(holders)}, 204)


async def use(api: Api) -> tuple[int, int]:
    (limit,) = (await api.get("/concurrency-limits"))["items"]
    return limit["active"], limit["waiting"]


async def test_a_tag_without_a_limit_needs_no_slot(api: Api) -> None:
    assert await ask(api, await start(api), make_id()) == {"granted": True, "limited": [], "lease_seconds": 60}


async def test_no_more_hold_a_slot_than_the_limit_says(api: Api) -> None:
    await declare_limit(api, limit=2)
    run = await start(api)
    answers = await asyncio.gather(*(ask(api, run, make_id()) for _ in range(5)))
    assert sorted(answer["granted"] for answer in answers) == [False, False, False, True, True]
    assert await use(api) == (2, 3)


async def test_a_release_wakes_the_one_that_asked_first(api: Api) -> None:
    await declare_limit(api)
    run = await start(api)
    holder, first, second = make_id(), make_id(), make_id()
    await ask(api, run, holder)
    await ask(api, run, first)
    later = asyncio.create_task(ask(api, run, second, wait=0.3))
    sooner = asyncio.create_task(ask(api, run, first, wait=30))
    await release(api, run, holder)
    assert (await asyncio.wait_for(sooner, 10))["granted"] is True
    assert (await later)["granted"] is False


async def test_asked_again_the_answer_is_the_same(api: Api) -> None:
    await declare_limit(api)
    run, holder = await start(api), make_id()
    assert (await ask(api, run, holder))["granted"] is True
    assert (await ask(api, run, holder))["granted"] is True
    assert await use(api) == (1, 0)


async def test_all_limited_tags_are_granted_together_or_none(api: Api) -> None:
    await declare_limit(api, "db")
    await declare_limit(api, "web")
    run, one, both = await start(api), make_id(), make_id()
    await ask(api, run, one, "db")
    answer = await ask(api, run, both, "db", "web", "free")
    assert (answer["granted"], answer["limited"]) == (False, ["db", "web"])
    await release(api, run, one)
    assert (await ask(api, run, both, "db", "web", "free"))["granted"] is True


async def test_a_limit_of_zero_refuses(api: Api) -> None:
    await declare_limit(api, limit=0)
    assert (await ask(api, await start(api), make_id(), status=409))["code"] == "limit_is_zero"


async def test_a_raised_limit_wakes_whoever_waits(api: Api) -> None:
    await declare_limit(api)
    run = await start(api)
    await ask(api, run, make_id())
    waiting = asyncio.create_task(ask(api, run, make_id(), wait=30))
    await declare_limit(api, limit=2)
    assert (await asyncio.wait_for(waiting, 10))["granted"] is True


async def test_a_run_that_ends_holds_and_waits_for_nothing_more(api: Api) -> None:
    await declare_limit(api)
    run, other = await start(api), await start(api)
    await ask(api, run, make_id())
    waiting = asyncio.create_task(ask(api, other, make_id(), wait=30))
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
    assert (await asyncio.wait_for(waiting, 10))["granted"] is True
    assert await use(api) == (1, 0)


async def test_a_run_that_is_being_cancelled_holds_its_slots_until_it_has_ended(api: Api) -> None:
    await declare_limit(api)
    run, other = await start(api), await start(api)
    await ask(api, run, make_id())
    assert (await api.post(f"/flow-runs/{run}/cancel", None))["state"]["type"] == "CANCELLING"
    waits = make_id()
    assert (await ask(api, other, waits))["granted"] is False
    waiting = asyncio.create_task(ask(api, other, waits, wait=30))
    await api.tell(make_batch(run, make_flow_state(run, "CANCELLED"), first=3))
    assert (await asyncio.wait_for(waiting, 10))["granted"] is True


async def test_a_lost_attempt_frees_its_slots(api: Api) -> None:
    await declare_limit(api)
    run = await api.start_run(infraRetries=1)
    body = {"run_id": run["id"], "attempt": 1, "holder": make_id(), "tags": ["db"], "wait_seconds": 0}
    assert (await api.post("/slots", body))["granted"] is True
    await api.end(run, outcome="Infrastructure")
    assert await use(api) == (0, 0)


async def test_a_holder_that_dies_loses_its_slot_with_its_lease(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await declare_limit(api)
    run, dead, alive = await start(api), make_id(), make_id()
    with monkeypatch.context() as patched:
        patched.setattr(slots, "LEASE_SECONDS", 0.2)
        await ask(api, run, dead)
    assert (await asyncio.wait_for(ask(api, run, alive, wait=30), 10))["granted"] is True
    renewed = await api.post("/slots/renew", {"run_id": run, "attempt": 0, "holders": [dead, alive]})
    assert renewed == {"holders": [alive]}


async def test_a_renewed_slot_is_kept(api: Api) -> None:
    await declare_limit(api)
    run, holder = await start(api), make_id()
    await ask(api, run, holder)
    named = {"run_id": run, "attempt": 0, "holders": [holder]}
    assert await api.post("/slots/renew", named) == {"holders": [holder]}
    assert await api.post("/slots/renew", named | {"attempt": 1}) == {"holders": []}
    assert (await ask(api, run, make_id()))["granted"] is False


async def list_slots(api: Api) -> tuple[list[Any], list[Any]]:
    (limit,) = (await api.get("/concurrency-limits"))["items"]
    found = await api.get(f"/concurrency-limits/{limit['id']}/slots")
    return found["holders"], found["waiters"]


async def occupy(
    api: Api, run: str, holder: str, slots: int, *, rate: bool = False, wait: float = 0, status: int = 200
) -> Any:
    body = {"run_id": run, "attempt": 0, "holder": holder, "tags": ["db"], "wait_seconds": wait}
    return await api.post("/slots", body | {"occupy": slots, "rate": rate}, status)


async def test_one_holder_may_occupy_several_slots(api: Api) -> None:
    await declare_limit(api, limit=3)
    run, big, small, late = await start(api), make_id(), make_id(), make_id()
    assert (await occupy(api, run, big, 2))["granted"] is True
    assert (await occupy(api, run, late, 2))["granted"] is False
    assert (await occupy(api, run, small, 1))["granted"] is False  # it asked later than the one that waits
    assert await use(api) == (2, 2)
    await release(api, run, big)
    assert (await occupy(api, run, late, 2))["granted"] is True
    assert (await occupy(api, run, small, 1))["granted"] is True


async def test_more_slots_than_there_are_can_never_be_had(api: Api) -> None:
    await declare_limit(api, limit=3)
    refused = await occupy(api, await start(api), make_id(), 4, status=422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("invalid_request", "occupy")


async def test_slots_of_a_rate_become_free_one_after_the_other(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"tag": "db", "limit": 2, "slotDecayPerSecond": 0.5}
    await api.put("/concurrency-limits", {"name": "db", "spec": spec})
    run = await start(api)
    now = now_us()
    monkeypatch.setattr(slots, "now_us", lambda: now)
    assert (await occupy(api, run, make_id(), 1, rate=True))["granted"] is True
    assert (await occupy(api, run, make_id(), 1, rate=True))["granted"] is True
    waiter = make_id()
    assert (await occupy(api, run, waiter, 1, rate=True))["granted"] is False
    monkeypatch.setattr(slots, "now_us", lambda: now + 2_100_000)  # one of them has ended
    assert (await occupy(api, run, waiter, 1, rate=True))["granted"] is True
    assert (await occupy(api, run, make_id(), 1, rate=True))["granted"] is False


async def test_slots_of_a_rate_outlive_the_run_that_took_them(api: Api) -> None:
    spec = {"tag": "db", "limit": 1, "slotDecayPerSecond": 0.01}
    await api.put("/concurrency-limits", {"name": "db", "spec": spec})
    run = await start(api)
    await occupy(api, run, make_id(), 1, rate=True)
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
    assert (await occupy(api, await start(api), make_id(), 1, rate=True))["granted"] is False


async def test_a_limit_that_is_no_rate_says_so(api: Api) -> None:
    await declare_limit(api)
    assert (await occupy(api, await start(api), make_id(), 1, rate=True, status=422))["errors"][0]["field"] == "rate"


async def test_who_holds_and_who_waits_can_be_read(api: Api) -> None:
    await declare_limit(api)
    run, holder, waiter = await start(api), make_id(), make_id()
    task = {"kind": "task_run", "id": holder, "flow_run_id": run, "task": "load", "name": "load-0", "time": 1}
    await api.tell(make_batch(run, task, first=3))
    await ask(api, run, holder)
    await ask(api, run, waiter)
    (held,), (waiting,) = await list_slots(api)
    assert (held["holder"], held["flow_run_id"], held["task_run_name"]) == (holder, run, "load-0")
    assert (waiting["holder"], waiting["task_run_id"]) == (waiter, None)


async def test_a_stuck_holder_is_freed_which_lets_the_next_one_in(api: Api) -> None:
    limit = await declare_limit(api)
    run, stuck, waiter = await start(api), make_id(), make_id()
    await ask(api, run, stuck)
    waiting = asyncio.create_task(ask(api, run, waiter, wait=30))
    path = f"/concurrency-limits/{limit['id']}/release"
    assert await api.post(path, {"holders": [make_id()]}) == {"released": 0}
    assert await api.post(path, {"holders": [stuck]}) == {"released": 1}
    assert (await asyncio.wait_for(waiting, 10))["granted"] is True
    assert await api.post(path, {}) == {"released": 1}
    body = {"run_id": run, "attempt": 0, "holders": [stuck, waiter]}
    assert await api.post("/slots/renew", body) == {"holders": []}


async def test_a_run_that_has_ended_gets_no_slot(api: Api) -> None:
    await declare_limit(api)
    run = await start(api)
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
    assert (await ask(api, run, make_id(), status=409))["code"] == "run_ended"
