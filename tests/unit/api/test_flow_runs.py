"""Creating, listing and cancelling flow runs, and the waiting request for changes."""

import asyncio
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id


async def test_a_created_run_is_scheduled(api: Api) -> None:
    await api.declare(parameters={"day": "today", "n": 1}, tags=["a"])
    run = await api.create_run(parameters={"n": 2}, tags=["b"])
    assert (run["state"]["type"], run["parameters"], run["tags"]) == ("SCHEDULED", {"day": "today", "n": 2}, ["a", "b"])
    assert (run["flow_name"], run["deployment_name"], run["work_queue"]) == ("etl", "dev", "test")
    states = (await api.get(f"/flow-runs/{run['id']}/states"))["items"]
    assert [state["name"] for state in states] == ["Scheduled"]


async def test_a_run_may_be_asked_of_by_resource_name_and_by_path(api: Api) -> None:
    deployment = await api.declare()
    await api.create_run("etl.dev")
    await api.post(f"/deployments/{deployment['id']}/flow-runs", {}, 201)
    assert (await api.get("/flow-runs", deployment="etl/dev"))["total"] == 2


@pytest.mark.parametrize("fields", [{"idempotency_key": "k"}, {"resource": {"name": "fr", "uid": "u"}}])
async def test_asked_for_again_the_answer_is_the_first_run(api: Api, fields: dict[str, Any]) -> None:
    await api.declare()
    first = await api.create_run(**fields)
    again = await api.create_run(**fields, status=200)
    assert again["id"] == first["id"]
    assert (await api.get("/flow-runs"))["total"] == 1


async def test_parameters_are_checked_against_the_flow(api: Api) -> None:
    schema = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await api.put("/flows", {"name": "etl", "spec": {"entrypoint": "a.py:f", "parameterSchema": schema}})
    await api.put("/deployments", {"name": "dev", "spec": {"flow": "etl"}})
    refused = await api.create_run(parameters={"n": "one"}, status=422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("invalid_parameters", "parameters.n")
    assert (await api.get("/flow-runs"))["total"] == 0


async def test_lists_are_filtered_and_counted(api: Api) -> None:
    await api.declare()
    await api.declare(flow="other")
    for index in range(3):
        await api.create_run(tags=[f"t{index % 2}"], scheduled_time=f"2030-01-0{index + 1}T00:00:00Z")
    await api.create_run("other/dev", name="special", scheduled_time="2030-02-01T00:00:00Z")
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 4),
        ({"flow": "etl"}, 3),
        ({"flow": ["etl", "other"]}, 4),
        ({"deployment": "etl/dev"}, 3),
        ({"deployment": "other.dev"}, 1),
        ({"tag": "t0"}, 2),
        ({"state": "SCHEDULED"}, 4),
        ({"state": ["Late", "FAILED"]}, 0),
        ({"name": "special"}, 1),
        ({"since": "2030-01-02T00:00:00Z", "until": "2030-01-03T00:00:00Z"}, 1),
        ({"namespace": "elsewhere"}, 0),
        ({"work_queue": "test"}, 4),
    ]
    for query, total in cases:
        page = await api.get("/flow-runs", **query)
        assert (page["total"], len(page["items"])) == (total, total), query


async def test_pages_of_runs_go_from_the_latest_and_miss_none(api: Api) -> None:
    await api.declare()
    made = [(await api.create_run(scheduled_time="2030-01-01T00:00:00Z"))["id"] for _ in range(5)]
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        page = await api.get("/flow-runs", limit=2, cursor=cursor)
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == sorted(made, reverse=True)


async def test_cancelling_a_run_that_has_not_started_is_immediate(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    assert (await api.post(f"/flow-runs/{run['id']}/cancel", None))["state"]["type"] == "CANCELLED"
    assert await api.claim() == []


async def test_cancelling_a_started_run_is_for_its_launcher(api: Api) -> None:
    run = await api.start_run()
    assert (await api.post(f"/flow-runs/{run['id']}/cancel", None))["state"]["type"] == "CANCELLING"
    assert (await api.post(f"/flow-runs/{run['id']}/cancel", None))["state"]["type"] == "CANCELLING"
    assert (await api.end(run, outcome="Cancelled"))["state"]["type"] == "CANCELLED"


async def test_cancelling_an_ended_run_changes_nothing(api: Api) -> None:
    run = make_id()
    await api.tell(
        make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING"), make_flow_state(run, "COMPLETED"))
    )
    assert (await api.post(f"/flow-runs/{run}/cancel", None))["state"]["type"] == "COMPLETED"


async def test_a_run_that_nobody_launched_ends_as_cancelled_when_its_process_ends(api: Api) -> None:
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    await api.post(f"/flow-runs/{run}/cancel", None)
    await api.tell(make_batch(run, make_flow_state(run, "COMPLETED"), first=3))
    states = (await api.get(f"/flow-runs/{run}/states"))["items"]
    assert [(state["type"], state["applied"]) for state in states[-2:]] in (
        [("COMPLETED", False), ("CANCELLED", True)],
        [("CANCELLED", True), ("COMPLETED", False)],
    )
    assert (await api.get(f"/flow-runs/{run}"))["state"]["type"] == "CANCELLED"


async def test_changes_are_told_at_once_and_once(api: Api) -> None:
    await api.declare()
    cursor = (await api.get("/flow-runs/changes"))["cursor"]
    run = await api.create_run()
    changes = await api.get("/flow-runs/changes", cursor=cursor, wait_seconds=5)
    assert [item["id"] for item in changes["items"]] == [run["id"]]
    assert (await api.get("/flow-runs/changes", cursor=changes["cursor"]))["items"] == []


async def test_a_waiting_request_for_changes_wakes_with_the_commit(api: Api) -> None:
    await api.declare()
    cursor = (await api.get("/flow-runs/changes"))["cursor"]
    waiting = asyncio.create_task(api.get("/flow-runs/changes", cursor=cursor, wait_seconds=60))
    run = await api.create_run()
    changes = await asyncio.wait_for(waiting, 10)
    assert [item["id"] for item in changes["items"]] == [run["id"]]


async def test_a_run_shows_once_however_often_it_changed(api: Api) -> None:
    run = await api.start_run()
    changes = await api.get("/flow-runs/changes", cursor=0)
    assert [item["id"] for item in changes["items"]] == [run["id"]]
    assert changes["items"][0]["revision"] == changes["cursor"]


async def test_changes_show_only_the_namespaces_asked_for(api: Api) -> None:
    await api.declare()
    await api.create_run()
    assert (await api.get("/flow-runs/changes", cursor=0, namespace="elsewhere"))["items"] == []


async def test_a_waiting_request_is_answered_when_the_server_stops(api: Api) -> None:
    waiting = asyncio.create_task(api.get("/flow-runs/changes", cursor=0, wait_seconds=60))
    claiming = asyncio.create_task(api.claim(wait_seconds=60))
    await asyncio.sleep(0)
    api.hub.signals.close()
    assert (await asyncio.wait_for(waiting, 10))["items"] == []
    assert await asyncio.wait_for(claiming, 10) == []


async def test_what_no_database_can_hold_is_replaced(api: Api) -> None:
    await api.declare()
    body = r'{"deployment": "etl/dev", "name": "a\u0000b", "parameters": {"x\u0000": ["\ud800", NaN, "\ud83d\ude00"]}}'
    run = await api.call("POST", "/flow-runs", 201, content=body, headers={"Content-Type": "application/json"})
    assert run["name"] == "a\ufffdb"
    assert run["parameters"] == {"x\ufffd": ["\ufffd", None, "\U0001f600"]}


async def test_an_escaped_backslash_before_digits_is_no_nul(api: Api) -> None:
    await api.declare()
    assert (await api.create_run(parameters={"x": "\\u0000"}))["parameters"] == {"x": "\\u0000"}


async def test_parameters_that_are_too_large_are_refused(api: Api) -> None:
    await api.declare()
    refused = await api.create_run(parameters={"rows": "x" * 300_000}, status=422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("invalid_parameters", "parameters.rows")
