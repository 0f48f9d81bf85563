"""Artifacts: told like all else, versions by key, filtered, shown, deleted, gone with their runs."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id, make_log, make_task_run
from towpath.contract.ids import now_us
from towpath_operator.services.retention import Keep, prune


def make_artifact(run: str | None = None, artifact: str | None = None, **fields: Any) -> dict[str, Any]:
    """A markdown artifact, if nothing else is said."""
    event = {"kind": "artifact", "id": artifact or make_id(), "flow_run_id": run, "type": "markdown", "data": "# hi"}
    return {**event, "time": now_us(), **fields}


async def shown(api: Api, **query: Any) -> list[Any]:
    return (await api.get("/artifacts", **query))["items"]


async def test_an_artifact_is_shown_with_its_runs(api: Api) -> None:
    run, task = make_id(), make_id()
    event = make_artifact(run, task_run_id=task, key="report", description="Of **today**")
    answer = await api.tell(make_batch(run, make_flow_run(run), make_task_run(task, run), event))
    assert answer == {"applied": 3, "refused": [], "stale": False}
    found = await api.get(f"/artifacts/{event['id']}")
    assert (found["type"], found["data"], found["key"]) == ("markdown", "# hi", "report")
    assert (found["description"], found["size"], found["is_latest"]) == ("Of **today**", 6, True)
    assert (found["flow_run_id"], found["task_run_id"], found["namespace"]) == (run, task, "default")
    run_name = (await api.get(f"/flow-runs/{run}"))["name"]
    task_name = (await api.get(f"/task-runs/{task}"))["name"]
    assert (found["flow_run_name"], found["task_run_name"]) == (run_name, task_name)
    assert found in await shown(api)


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("markdown", ""),
        ("markdown", "1.5"),
        ("table", {"columns": ["a", "b"], "rows": [[1, None], ["x", {"deep": [1.5]}]]}),
        ("table", {"columns": [], "rows": []}),
        ("link", {"url": "https://example.org", "text": None}),
        ("image", {"url": "https://example.org/a.png"}),
        ("progress", 0),
        ("progress", 42.5),
    ],
)
async def test_data_of_each_type_comes_back_as_it_was(api: Api, type_: str, data: Any) -> None:
    run = make_id()
    event = make_artifact(run, type=type_, data=data)
    assert (await api.tell(make_batch(run, make_flow_run(run), event)))["refused"] == []
    assert (await api.get(f"/artifacts/{event['id']}"))["data"] == data


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": "Report"}, "`key` may have lower-case letters"),
        ({"key": "a b"}, "`key` may have lower-case letters"),
        ({"key": "x" * 201}, "artifact.key"),
        ({"data": 5}, "`data` is not that of a markdown artifact: give a text."),
        ({"type": "table", "data": [[1]]}, "not that of a table"),
        ({"type": "table", "data": {"columns": ["a"], "rows": [[1, 2]]}}, "as long as the columns"),
        ({"type": "progress", "data": 101}, "from 0 to 100"),
        ({"type": "progress", "data": True}, "from 0 to 100"),
        ({"type": "link", "data": {"text": "x"}}, "not that of a link"),
        ({"type": "image", "data": "https://example.org"}, "not that of a image"),
        ({"type": "html"}, "artifact.type"),
        ({"data": "x" * 1_000_001}, "more than 1000000 bytes"),
        ({"flow_run_id": "nonsense-nonsense-nonsense-nonsense-1"}, "flow_run_id"),
    ],
)
async def test_what_is_no_artifact_is_refused_by_itself(api: Api, fields: dict[str, Any], said: str) -> None:
    run = make_id()
    answer = await api.tell(make_batch(run, make_flow_run(run), make_artifact(run, **fields), make_log(run)))
    assert answer["applied"] == 2
    [refused] = answer["refused"]
    assert refused["sequence"] == 2 and said in refused["detail"]


async def test_artifacts_of_one_key_are_versions_of_which_one_is_the_latest(api: Api) -> None:
    run = make_id()
    first, second, other, keyless = (
        make_artifact(run, key="report"),
        make_artifact(run, key="report"),
        make_artifact(run, key="other"),
        make_artifact(run),
    )
    await api.tell(make_batch(run, make_flow_run(run), second, other, keyless))
    await api.tell(make_batch(run, first, first=5))
    assert [item["id"] for item in await shown(api, key="report")] == [second["id"], first["id"]]
    assert [item["id"] for item in await shown(api, key="report", latest=True)] == [second["id"]]
    assert {item["id"] for item in await shown(api, latest=True)} == {second["id"], other["id"], keyless["id"]}
    await api.call("DELETE", f"/artifacts/{second['id']}", 204)
    assert [item["id"] for item in await shown(api, key="report", latest=True)] == [first["id"]]
    await api.call("GET", f"/artifacts/{second['id']}", 404)
    await api.call("DELETE", f"/artifacts/{second['id']}", 404)


async def test_lists_are_filtered_and_paged_and_leave_large_data_out(api: Api) -> None:
    run, other, task = make_id(), make_id(), make_id()
    large = make_artifact(run, key="large", data="x" * 4_000)
    events = [make_artifact(run, task_run_id=task, type="progress", data=number) for number in range(5)]
    await api.tell(make_batch(run, make_flow_run(run), make_task_run(task, run), large, *events))
    await api.tell(make_batch(other, make_flow_run(other), make_artifact(other)))
    assert len(await shown(api)) == 7
    assert len(await shown(api, flow_run_id=run)) == 6
    assert len(await shown(api, task_run_id=task)) == 5
    assert [item["data"] for item in await shown(api, type="progress", limit=2)] == [4, 3]
    assert await shown(api, namespace="elsewhere") == []
    [listed] = await shown(api, key="large")
    assert (listed["data"], listed["size"]) == (None, 4_002)
    assert (await api.get(f"/artifacts/{large['id']}"))["data"] == "x" * 4_000
    page = await api.get("/artifacts", limit=4)
    rest = await api.get("/artifacts", limit=4, cursor=page["next_cursor"])
    ids = [item["id"] for item in page["items"] + rest["items"]]
    assert (len(set(ids)), ids, page["total"], rest["next_cursor"]) == (7, sorted(ids, reverse=True), 7, None)


async def test_progress_is_told_again_and_the_later_word_counts_in_whatever_order(api: Api) -> None:
    run, artifact, now = make_id(), make_id(), now_us()
    created = make_artifact(run, artifact, type="progress", key="load", data=0, description="Loading", time=now)
    half = make_artifact(run, artifact, type="progress", data=50, time=now + 10)
    done = make_artifact(run, artifact, type="progress", data=100, description="Loaded", time=now + 20)
    await api.tell(make_batch(run, make_flow_run(run), done, writer="child"))
    await api.tell(make_batch(run, created, half, writer="parent"))
    found = await api.get(f"/artifacts/{artifact}")
    assert (found["data"], found["description"], found["key"]) == (100, "Loaded", "load")
    assert found["created"] < found["updated"]
    assert len(await shown(api, key="load", latest=True)) == 1


async def test_a_batch_that_is_repeated_makes_no_second_version(api: Api) -> None:
    run = make_id()
    batch = make_batch(run, make_flow_run(run), make_artifact(run, key="report"))
    await api.tell(batch)
    assert (await api.tell(batch))["applied"] == 0
    assert len(await shown(api, key="report")) == 1


async def test_nobody_changes_the_artifacts_of_another_run(api: Api) -> None:
    run, other = make_id(), make_id()
    mine = make_artifact(run, type="progress", data=10)
    await api.tell(make_batch(run, make_flow_run(run), mine))
    answer = await api.tell(make_batch(other, make_flow_run(other), {**mine, "data": 90, "flow_run_id": other}))
    assert "`id` names a run of another process" in answer["refused"][0]["detail"]
    answer = await api.tell(make_batch(other, make_artifact(run), first=3))
    assert "`flow_run_id` names" in answer["refused"][0]["detail"]
    assert (await api.get(f"/artifacts/{mine['id']}"))["data"] == 10


async def test_a_superseded_attempt_shows_but_makes_no_version_and_changes_none(api: Api) -> None:
    run = await api.start_run(infraRetries=1)
    counted = make_artifact(run["id"], key="ships", type="progress", data=1)
    await api.tell(make_batch(run["id"], counted, attempt=1))
    await api.end(run, outcome="Infrastructure", reason="Evicted")
    later = make_artifact(run["id"], key="ships")
    answer = await api.tell(make_batch(run["id"], later, {**counted, "data": 2}, attempt=1, first=2))
    assert answer["stale"]
    assert (await api.get(f"/artifacts/{later['id']}"))["key"] is None
    [latest] = await shown(api, key="ships", latest=True)
    assert (latest["id"], latest["data"]) == (counted["id"], 1)


async def test_an_artifact_outside_runs_is_its_process_own(api: Api) -> None:
    process = make_id()
    event = make_artifact(None, type="progress", data=1)
    await api.tell(make_batch(process, event))
    await api.tell(make_batch(process, {**event, "data": 2, "time": event["time"] + 1}, first=2))
    [found] = await shown(api)
    assert (found["data"], found["flow_run_id"], found["namespace"]) == (2, None, "default")


async def test_artifacts_go_with_their_runs(api: Api) -> None:
    run, young = make_id(), make_id()
    old = now_us() - 10**6 * 86_400 * 100
    lone = make_artifact(None, artifact="00000000" + make_id()[8:], time=old)
    states = [make_flow_state(run, name, time=old) for name in ("RUNNING", "COMPLETED")]
    await api.tell(make_batch(run, make_flow_run(run, time=old), *states, make_artifact(run, key="report")))
    await api.tell(make_batch(young, make_flow_run(young), make_artifact(young), lone))
    while await prune(api.hub.database, Keep(timedelta(days=30), None), now_us()):
        pass
    assert [item["flow_run_id"] for item in await shown(api)] == [young]
