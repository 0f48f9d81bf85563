"""Flows, deployments, queues, blocks, notifications and limits: declared, replaced, listed, deleted."""

from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_id

FLOW = {"entrypoint": "flows.py:etl"}
THINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("flows", "My Flow", FLOW),
    ("work-queues", "gpu", {"launcher": "Agent", "concurrencyLimit": 3}),
    ("blocks", "dev", {"type": "github", "config": {"repository": "a/b"}}),
    ("notifications", "failures", {"states": ["FAILED"], "channels": ["slack-webhook/team"]}),
    ("concurrency-limits", "db", {"tag": "db", "limit": 2}),
]


def resource(name: str = "res", uid: str = "u1", generation: int = 1) -> dict[str, Any]:
    return {"name": name, "uid": uid, "generation": generation}


@pytest.mark.parametrize(("path", "name", "spec"), THINGS)
async def test_what_is_put_is_read_listed_and_deleted(api: Api, path: str, name: str, spec: dict[str, Any]) -> None:
    made = await api.put(f"/{path}", {"name": name, "spec": spec})
    assert made["spec"] == made["spec"] | spec
    assert await api.get(f"/{path}/{made['id']}") == made
    assert [item["id"] for item in (await api.get(f"/{path}", name=name))["items"]] == [made["id"]]
    assert (await api.get(f"/{path}", namespace="elsewhere"))["total"] == 0
    await api.call("DELETE", f"/{path}/{made['id']}", 204)
    remaining = (await api.get(f"/{path}"))["items"]
    assert [item for item in remaining if item.get("declared", True)] == []


@pytest.mark.parametrize(("path", "name", "spec"), THINGS)
async def test_putting_again_replaces_and_keeps_the_id(api: Api, path: str, name: str, spec: dict[str, Any]) -> None:
    first = await api.put(f"/{path}", {"name": name, "spec": spec, "resource": resource()})
    again = await api.put(f"/{path}", {"name": name, "spec": spec, "resource": resource(generation=2)})
    assert (again["id"], again["resource"]["generation"]) == (first["id"], 2)


@pytest.mark.parametrize(("path", "name", "spec"), THINGS)
async def test_a_name_belongs_to_one_resource(api: Api, path: str, name: str, spec: dict[str, Any]) -> None:
    await api.put(f"/{path}", {"name": name, "spec": spec, "resource": resource("one", "u1")})
    other = {"name": name, "spec": spec, "resource": resource("two", "u2")}
    assert (await api.put(f"/{path}", other, 409))["code"] == "name_taken"
    made_again = {"name": name, "spec": spec, "resource": resource("one", "u3")}
    assert (await api.put(f"/{path}", made_again))["resource"]["uid"] == "u3"


async def test_an_older_generation_does_not_undo_a_newer_one(api: Api) -> None:
    body = {"name": "f", "spec": FLOW, "resource": resource(generation=5)}
    await api.put("/flows", body)
    late = body | {"spec": {"entrypoint": "old.py:f"}, "resource": resource(generation=4)}
    assert (await api.put("/flows", late))["spec"]["entrypoint"] == FLOW["entrypoint"]


async def test_two_flows_may_not_share_a_resource_name(api: Api) -> None:
    await api.put("/flows", {"name": "My Flow", "spec": FLOW})
    assert (await api.put("/flows", {"name": "my_flow", "spec": FLOW}, 409))["code"] == "name_taken"


async def test_blocks_of_two_types_may_share_a_name(api: Api) -> None:
    for block_type in ("barge", "lock"):
        await api.put("/blocks", {"name": "dev", "spec": {"type": block_type}})
    found = (await api.get("/blocks", name="lock/dev"))["items"]
    assert [item["spec"]["type"] for item in found] == ["lock"]


async def test_lists_go_page_by_page(api: Api) -> None:
    for index in range(5):
        await api.put("/flows", {"name": f"flow-{index}", "spec": FLOW})
    names: list[str] = []
    cursor = None
    while True:
        page = await api.get("/flows", limit=2, cursor=cursor)
        assert page["total"] == 5
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"flow-{index}" for index in range(5)]


async def test_a_deployment_names_its_flow_by_either_name(api: Api) -> None:
    await api.put("/flows", {"name": "My Flow", "spec": FLOW})
    for index, flow in enumerate(("My Flow", "my-flow")):
        made = await api.put("/deployments", {"name": f"d{index}", "spec": {"flow": flow}})
        assert (made["full_name"], made["resource_name"]) == (f"My Flow/d{index}", f"my-flow.d{index}")
    assert (await api.get("/flows"))["items"][0]["deployments"] == 2


async def test_a_deployment_of_an_unknown_flow_is_refused(api: Api) -> None:
    refused = await api.put("/deployments", {"name": "d", "spec": {"flow": "nobody"}}, 422)
    assert (refused["code"], refused["errors"][0]["field"]) == ("flow_not_found", "spec.flow")


async def test_a_deployment_brings_its_queue_into_being(api: Api) -> None:
    await api.declare(queue="gpu")
    (queue,) = (await api.get("/work-queues"))["items"]
    assert (queue["name"], queue["declared"]) == ("gpu", False)


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({"name": "s", "interval": "0s"}, "interval"),
        ({"name": "s", "interval": "1h", "timezone": "Mars/Olympus"}, "timezone"),
        ({"name": "s", "interval": "1h", "timezone": "../etc/passwd"}, "timezone"),
    ],
)
async def test_a_schedule_that_cannot_be_read_is_refused(api: Api, schedule: dict[str, Any], field: str) -> None:
    await api.put("/flows", {"name": "etl", "spec": FLOW})
    refused = await api.put("/deployments", {"name": "d", "spec": {"flow": "etl", "schedules": [schedule]}}, 422)
    assert refused["code"] == "invalid_schedule"
    assert [error["field"] for error in refused["errors"]] == [f"spec.schedules.0.{field}"]


async def test_a_parameter_schema_that_is_none_is_refused(api: Api) -> None:
    refused = await api.put("/flows", {"name": "f", "spec": {**FLOW, "parameterSchema": {"type": "thing"}}}, 422)
    assert refused["code"] == "invalid_schema"


async def test_a_deleted_deployment_is_hidden_and_its_history_stays(api: Api) -> None:
    deployment = await api.declare()
    started, waiting = await api.create_run(), None
    await api.claim()
    waiting = await api.create_run()
    await api.call("DELETE", f"/deployments/{deployment['id']}", 204)
    assert (await api.get("/deployments"))["total"] == 0
    await api.call("GET", f"/deployments/{deployment['id']}", 404)
    assert (await api.get(f"/flow-runs/{started['id']}"))["deployment_name"] == "dev"
    assert (await api.get(f"/flow-runs/{waiting['id']}"))["state"]["name"] == "Cancelled"
    assert (await api.create_run(status=422))["code"] == "deployment_not_found"
    assert (await api.declare())["id"] == deployment["id"]


async def test_a_flow_with_runs_stays_without_its_spec(api: Api) -> None:
    flow = await api.put("/flows", {"name": "etl", "spec": FLOW})
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run)))
    await api.call("DELETE", f"/flows/{flow['id']}", 204)
    assert (await api.get(f"/flows/{flow['id']}"))["spec"] is None


async def test_a_deleted_queue_goes_on_with_the_defaults(api: Api) -> None:
    queue = await api.put("/work-queues", {"name": "gpu", "spec": {"paused": True}})
    await api.call("DELETE", f"/work-queues/{queue['id']}", 204)
    left = await api.get(f"/work-queues/{queue['id']}")
    assert (left["declared"], left["spec"]["paused"]) == (False, False)
