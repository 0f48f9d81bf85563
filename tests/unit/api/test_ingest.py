"""Told events: kept once, in whatever order they come, refused one by one, fenced by attempt."""

import asyncio
import itertools
import random
from typing import Any

import pytest

from tests.support.api import (
    Api,
    make_batch,
    make_flow_run,
    make_flow_state,
    make_id,
    make_log,
    make_state,
    make_task_run,
)
from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import TooBusy
from towpath_operator.services import ingest


def complete_task(run: str, task: str | None = None, **fields: Any) -> list[dict[str, Any]]:
    """A task run from its declaration to its end."""
    task = task or make_id()
    states = [
        make_state(task, type_, run_count=int(type_ != "PENDING")) for type_ in ("PENDING", "RUNNING", "COMPLETED")
    ]
    return [make_task_run(task, run, **fields), *states]


async def counts(api: Api, run: str) -> dict[str, int]:
    return (await api.get(f"/flow-runs/{run}"))["tasks"]


async def test_a_process_tells_a_whole_run(api: Api) -> None:
    run, task = make_id(), make_id()
    batch = make_batch(
        run,
        make_flow_run(run, parameters={"n": 1}, tags=["t"], version="v1"),
        make_flow_state(run, "RUNNING", run_count=1),
        *complete_task(run, task, tags=["db"], inputs={"x": [run]}),
        make_log(run, "line", task_run_id=task),
        make_flow_state(run, "COMPLETED", message="All states completed."),
    )
    assert await api.tell(batch) == {"applied": 8, "refused": [], "stale": False}
    shown = await api.get(f"/flow-runs/{run}")
    assert (shown["state"]["name"], shown["state"]["message"]) == ("Completed", "All states completed.")
    assert shown["tasks"] == {"total": 1, "running": 0, "completed": 1, "failed": 0}
    assert (shown["parameters"], shown["tags"], shown["flow_name"]) == ({"n": 1}, ["t"], "etl")
    assert shown["start_time"] <= shown["end_time"]
    task_run = await api.get(f"/task-runs/{task}")
    assert (task_run["state"]["type"], task_run["tags"], task_run["inputs"]) == ("COMPLETED", ["db"], {"x": [run]})
    states = (await api.get(f"/task-runs/{task}/states"))["items"]
    assert [state["type"] for state in states] == ["PENDING", "RUNNING", "COMPLETED"]
    for query in ({"flow_run_id": run}, {"task_run_id": task}, {"flow_run_id": run, "level": 20}):
        assert [line["message"] for line in (await api.get("/logs", **query))["items"]] == ["line"]
    assert (await api.get("/logs", flow_run_id=run, level=30))["total"] == 0
    assert (await api.get("/flow-runs", tag="t", flow="etl", state="Completed"))["total"] == 1


async def test_a_repeated_batch_changes_nothing(api: Api) -> None:
    run = make_id()
    batch = make_batch(run, make_flow_run(run), *complete_task(run), make_log(run))
    assert (await api.tell(batch))["applied"] == 6
    before = await api.get(f"/flow-runs/{run}")
    assert (await api.tell(batch))["applied"] == 0
    assert await api.get(f"/flow-runs/{run}") == before
    assert (await api.get("/logs", flow_run_id=run))["total"] == 1


async def test_of_overlapping_batches_only_the_new_part_counts(api: Api) -> None:
    run = make_id()
    items = [make_flow_run(run), *(make_log(run, str(number)) for number in range(10))]
    await api.tell(make_batch(run, *items[:6]))
    assert (await api.tell(make_batch(run, *items[3:], first=4)))["applied"] == 5
    assert sorted(line["message"] for line in (await api.get("/logs", flow_run_id=run, limit=50))["items"]) == list(
        "0123456789"
    )


@pytest.mark.parametrize("seed", range(12))
async def test_batches_in_any_order_and_number_give_the_same_run(api: Api, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 a repeatable order, no secret
    run = make_id()
    items = [make_flow_run(run), make_flow_state(run, "RUNNING")]
    for index in range(6):
        items += complete_task(run, task=make_id(), name=f"t-{index}")
    items += [make_log(run, str(index)) for index in range(5)] + [make_flow_state(run, "COMPLETED")]
    batches: list[dict[str, Any]] = []
    for _ in range(3):
        edges = sorted({0, len(items), *(chance.randrange(len(items)) for _ in range(6))})
        batches += [make_batch(run, *items[a:b], first=a + 1) for a, b in itertools.pairwise(edges)]
    chance.shuffle(batches)
    together = chance.random() < 0.5
    if together:
        answers = await asyncio.gather(*(api.tell(batch) for batch in batches))
    else:
        answers = [await api.tell(batch) for batch in batches]
    assert sum(answer["applied"] for answer in answers) == len(items)
    shown = await api.get(f"/flow-runs/{run}")
    assert shown["tasks"] == {"total": 6, "running": 0, "completed": 6, "failed": 0}
    assert shown["state"]["type"] == "COMPLETED"
    assert (await api.get("/logs", flow_run_id=run))["total"] == 5
    tasks = (await api.get("/task-runs", flow_run_id=run))["items"]
    assert sorted(task["name"] for task in tasks) == [f"t-{index}" for index in range(6)]
    assert {task["state"]["type"] for task in tasks} == {"COMPLETED"}
    for task in tasks:
        assert (await api.get(f"/task-runs/{task['id']}/states"))["total"] == 3


async def test_malformed_and_foreign_items_are_refused_by_themselves(api: Api) -> None:
    mine, theirs, their_task = make_id(), make_id(), make_id()
    await api.tell(make_batch(theirs, make_flow_run(theirs), make_task_run(their_task, theirs)))
    answer = await api.tell(
        make_batch(
            mine,
            make_flow_run(mine),
            {"kind": "log"},
            make_flow_state(theirs, "FAILED"),
            make_state(their_task, "FAILED"),
            make_task_run(make_id(), theirs),
            make_log(theirs),
            make_flow_run(theirs),
            make_log(mine),
        )
    )
    assert answer["applied"] == 2
    assert [item["sequence"] for item in answer["refused"]] == [2, 3, 4, 5, 6, 7]
    assert (await api.get(f"/flow-runs/{theirs}"))["state"]["type"] == "PENDING"
    assert (await api.get("/logs", flow_run_id=theirs))["total"] == 0


async def test_subflows_belong_to_the_process_that_runs_them(api: Api) -> None:
    root, child, task = make_id(), make_id(), make_id()
    await api.tell(make_batch(root, make_flow_run(root), make_flow_state(root, "RUNNING")))
    answer = await api.tell(
        make_batch(
            root,
            make_flow_run(child, "sub", parent_flow_run_id=root),
            make_flow_state(child, "RUNNING"),
            *complete_task(child, task),
            make_flow_state(child, "COMPLETED"),
            first=3,
        )
    )
    assert (answer["applied"], answer["refused"]) == (7, [])
    shown = await api.get(f"/flow-runs/{child}")
    assert (shown["parent_flow_run_id"], shown["state"]["type"], shown["tasks"]["completed"]) == (root, "COMPLETED", 1)
    assert (await api.get("/flow-runs", parent_flow_run_id=root))["total"] == 1


async def test_a_task_outside_any_flow_is_kept(api: Api) -> None:
    task, inner = make_id(), make_id()
    items = [make_task_run(task, None), make_state(task, "RUNNING"), *complete_task(None, inner)]  # type: ignore[arg-type]
    assert (await api.tell(make_batch(task, *items, make_log(None, task_run_id=task))))["refused"] == []
    assert (await api.get(f"/task-runs/{task}"))["state"]["type"] == "RUNNING"
    assert (await api.get("/logs", task_run_id=task))["total"] == 1


async def test_a_flow_run_obeys_the_transition_table(api: Api) -> None:
    run = make_id()
    told = ["RUNNING", "FAILED", "COMPLETED", "RUNNING"]
    await api.tell(make_batch(run, make_flow_run(run), *(make_flow_state(run, type_) for type_ in told)))
    states = (await api.get(f"/flow-runs/{run}/states"))["items"]
    assert [(state["type"], state["applied"]) for state in states] == [
        ("RUNNING", True),
        ("FAILED", True),
        ("COMPLETED", False),
        ("RUNNING", False),
    ]
    assert (await api.get(f"/flow-runs/{run}"))["state"]["type"] == "FAILED"


async def test_a_superseded_attempt_is_history(api: Api) -> None:
    run = await api.start_run(infraRetries=1)
    task = make_id()
    told = make_batch(run["id"], make_flow_state(run["id"], "RUNNING"), make_task_run(task, run["id"]), attempt=1)
    await api.tell(told)
    await api.end(run, outcome="Infrastructure", reason="Evicted")
    late = make_batch(
        run["id"],
        make_flow_state(run["id"], "COMPLETED"),
        make_state(task, "COMPLETED"),
        make_log(run["id"]),
        first=3,
        attempt=1,
    )
    assert (await api.tell(late))["stale"] is True
    shown = await api.get(f"/flow-runs/{run['id']}")
    assert (shown["state"]["name"], shown["tasks"]["completed"]) == ("AwaitingRetry", 0)
    states = (await api.get(f"/flow-runs/{run['id']}/states"))["items"]
    assert [state["applied"] for state in states if state["type"] == "COMPLETED"] == [False]
    assert (await api.get(f"/task-runs/{task}"))["state"]["type"] == "CRASHED"
    assert (await api.get("/logs", flow_run_id=run["id"]))["total"] == 1
    await api.claim()
    assert (await api.tell(late | {"first_sequence": 6}))["stale"] is True


async def test_an_attempt_of_an_unknown_run_is_refused(api: Api) -> None:
    run = make_id()
    answer = await api.tell(make_batch(run, make_log(run), attempt=1), 404)
    assert answer["code"] == "run_not_found"


async def test_one_bad_batch_does_not_fail_those_beside_it(api: Api) -> None:
    good, bad = make_id(), make_id()
    answers = await asyncio.gather(
        *(api.client.post("/events", json=make_batch(good, make_log(good), first=n + 1)) for n in range(5)),
        api.client.post("/events", json=make_batch(bad, make_log(bad), attempt=3)),
    )
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]


async def test_a_runner_that_was_told_to_stop_says_so_on_its_attempt(api: Api) -> None:
    run = await api.start_run()
    await api.tell(make_batch(run["id"], {"kind": "attempt", "outcome": "Terminated", "time": now_us()}, attempt=1))
    assert (await api.get(f"/flow-runs/{run['id']}"))["attempts"][0]["reason"] == "Terminated"
    assert "SIGTERM" in (await api.get("/logs", flow_run_id=run["id"]))["items"][0]["message"]


async def test_two_processes_of_one_run_may_overtake_one_another(api: Api) -> None:
    run, task = make_id(), make_id()
    parent = [make_flow_run(run), make_task_run(task, run), make_state(task, "PENDING")]
    child = [make_state(task, "RUNNING"), make_state(task, "COMPLETED")]
    await api.tell(make_batch(run, *child, writer="child"))
    await api.tell(make_batch(run, *parent, writer="parent"))
    assert (await api.get(f"/task-runs/{task}"))["state"]["type"] == "COMPLETED"
    assert await counts(api, run) == {"total": 1, "running": 0, "completed": 1, "failed": 0}


async def test_a_full_queue_refuses_and_says_when_to_come_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MAX_QUEUED_BYTES", 10)
    answer = await api.client.post("/events", json=make_batch(make_id(), make_log(None)))
    assert (answer.status_code, answer.json()["code"]) == (429, TooBusy.code.value)
    assert int(answer.headers["retry-after"]) >= 1


async def test_what_was_taken_in_is_written_before_the_server_stops(api: Api) -> None:
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run)))
    telling = [api.client.post("/events", json=make_batch(run, make_log(run, str(n)), first=n + 2)) for n in range(20)]
    closing = asyncio.create_task(api.hub.ingest.close())
    answers = await asyncio.gather(*telling)
    await closing
    kept = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert (await api.get("/logs", flow_run_id=run))["total"] == len(kept)


async def test_a_writer_with_senseless_numbers_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("towpath_operator.domain.sequences.MAX_RANGES", 3)
    run = make_id()
    for number in (2, 4, 6):
        await api.tell(make_batch(run, make_log(run), first=number))
    assert (await api.tell(make_batch(run, make_log(run), first=8), 422))["code"] == "invalid_request"


async def test_a_pod_cannot_write_into_the_log_of_another_runs_task(api: Api) -> None:
    mine, other = await api.start_run(), make_id()
    task, own = make_id(), make_id()
    await api.tell(make_batch(other, make_flow_run(other), make_task_run(task, other)))
    batch = make_batch(
        mine["id"],
        make_task_run(own, mine["id"]),
        make_log(None, "forged", task_run_id=task),
        make_log(mine["id"], "forged", task_run_id=task),
        make_log(mine["id"], "told", task_run_id=own),
        attempt=1,
    )
    answer = await api.tell(batch)
    assert [item["sequence"] for item in answer["refused"]] == [2, 3]
    assert "task_run_id" in answer["refused"][0]["detail"]
    assert (await api.get("/logs", task_run_id=task))["items"] == []
    assert [line["message"] for line in (await api.get("/logs", task_run_id=own))["items"]] == ["told"]


async def test_who_launched_nothing_does_not_speak_for_a_deployments_run(api: Api) -> None:
    await api.declare()
    run = await api.create_run(scheduled_time="2030-01-01T00:00:00Z")
    answer = await api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING")))
    assert answer["stale"]
    assert (await api.get(f"/flow-runs/{run['id']}"))["state"]["type"] == "SCHEDULED"
