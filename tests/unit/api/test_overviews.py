"""Lists in every order, histograms that agree with them, durations, graphs, planned runs, and deleting."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

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
from towpath_operator.domain.times import from_micros
from towpath_operator.store import flow_runs

SECOND = 1_000_000
HOUR = 3_600 * SECOND


async def tell_run(
    api: Api, name: str, *states: tuple[str, int], flow: str = "etl", age: int = 0, **fields: Any
) -> str:
    """A run that was declared `age` seconds ago and entered each state so many seconds later."""
    run, time = make_id(), now_us() - age * SECOND
    items = [make_flow_run(run, flow, name=name, time=time, **fields)]
    items += [make_flow_state(run, state, time=time + after * SECOND) for state, after in states]
    await api.tell(make_batch(run, *items))
    return run


def sums(histogram: Any) -> dict[str, int]:
    """How many runs of each state there are in all buckets."""
    found: dict[str, int] = {}
    for bucket in histogram["items"]:
        for state, number in bucket["counts"].items():
            found[state] = found.get(state, 0) + number
    return found


async def names(api: Api, **query: Any) -> list[str]:
    """Names of the runs that match, in pages of two."""
    found: list[str] = []
    cursor = None
    while True:
        page = await api.get("/flow-runs", limit=2, cursor=cursor, **query)
        found += [run["name"] for run in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.fixture
async def three(api: Api) -> Api:
    """Three runs: `a` took 5 s and began last, `b` took 50 s, `c` has not started."""
    await tell_run(api, "a", ("RUNNING", 0), ("COMPLETED", 5), age=100)
    await tell_run(api, "b", ("RUNNING", 0), ("FAILED", 50), age=200)
    await tell_run(api, "c", ("PENDING", 0), age=300)
    return api


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("expected", "cba"),
        ("start", "cba"),
        ("end", "bac"),
        ("duration", "cab"),
        ("name", "abc"),
    ],
)
async def test_runs_are_listed_in_every_order_and_its_reverse(three: Api, sort: str, expected: str) -> None:
    assert "".join(await names(three, sort=sort)) == expected
    assert "".join(await names(three, sort=f"-{sort}")) == expected[::-1]


async def test_a_cursor_of_another_order_is_refused(three: Api) -> None:
    cursor = (await three.get("/flow-runs", limit=1, sort="start"))["next_cursor"]
    for sort in ("-start", "end", "name"):
        problem = await three.call("GET", "/flow-runs", 422, params={"sort": sort, "cursor": cursor})
        assert problem["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "OTT"}, ["brisk-otter"]),
        ({"search": "%"}, ["100%_done"]),
        ({"search": "_d"}, ["100%_done"]),
        ({"search": "nothing"}, []),
        ({"parameter": "env=prod"}, ["brisk-otter"]),
        ({"parameter": "env~RO"}, ["brisk-otter"]),
        ({"parameter": "n=3"}, ["100%_done", "brisk-otter"]),
        ({"parameter": ["n=3", "env=prod"]}, ["brisk-otter"]),
        ({"parameter": "flag=true"}, ["100%_done"]),
        ({"parameter": 'where={"a":1}'}, ["100%_done"]),
        ({"parameter": "env="}, ["100%_done"]),
        ({"parameter": "env~"}, ["100%_done", "brisk-otter"]),
        ({"parameter": "missing=1"}, []),
        ({"state": ["COMPLETED", "FAILED"], "search": "o"}, ["brisk-otter"]),
    ],
)
async def test_runs_are_found_by_name_and_parameters(api: Api, query: dict[str, Any], expected: list[str]) -> None:
    await tell_run(api, "brisk-otter", ("COMPLETED", 1), parameters={"env": "prod", "n": 3})
    await tell_run(api, "100%_done", ("RUNNING", 1), parameters={"env": "", "n": 3, "flag": True, "where": {"a": 1}})
    assert sorted(await names(api, **query)) == expected


async def test_a_run_is_found_by_its_id(three: Api) -> None:
    run = (await three.get("/flow-runs"))["items"][0]
    assert await names(three, search=run["id"]) == [run["name"]]


async def test_a_parameter_filter_without_a_sign_is_refused(api: Api) -> None:
    problem = await api.call("GET", "/flow-runs", 422, params={"parameter": "env"})
    assert "name=value" in problem["detail"]


async def test_parameters_told_again_replace_those_that_lists_find_a_run_by(api: Api) -> None:
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run, parameters={"env": "dev"})))
    await api.tell(make_batch(run, make_flow_run(run, parameters={"env": "prod"}), first=2))
    assert (await api.get("/flow-runs", parameter="env=dev"))["total"] == 0
    assert (await api.get("/flow-runs", parameter="env=prod"))["total"] == 1


async def test_a_histogram_counts_each_run_in_the_state_that_it_is_in(api: Api) -> None:
    await api.declare(tags=["nightly"])
    run = await api.create_run()
    assert sums(await api.get("/flow-runs/histogram")) == {"SCHEDULED": 1}
    await api.claim()
    assert sums(await api.get("/flow-runs/histogram")) == {"PENDING": 1}
    await api.launch(run)
    await api.take(run)
    await api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING"), attempt=1))
    for query in ({}, {"flow": "etl"}, {"deployment": "etl/dev"}, {"tag": "nightly"}, {"namespace": "default"}):
        assert sums(await api.get("/flow-runs/histogram", **query)) == {"RUNNING": 1}
    for query in ({"flow": "other"}, {"tag": "other"}, {"namespace": "other"}, {"state": "FAILED"}):
        assert sums(await api.get("/flow-runs/histogram", **query)) == {}


async def test_a_histogram_of_task_runs_follows_their_states(api: Api) -> None:
    run, tasks = make_id(), [make_id() for _ in range(3)]
    items = [make_task_run(task, run) for task in tasks] + [make_state(task, "RUNNING") for task in tasks]
    await api.tell(make_batch(run, make_flow_run(run), *items))
    assert sums(await api.get("/task-runs/histogram")) == {"RUNNING": 3}
    await api.tell(make_batch(run, make_state(tasks[0], "COMPLETED"), make_state(tasks[1], "FAILED"), first=8))
    for query in ({}, {"flow": "etl"}):
        assert sums(await api.get("/task-runs/histogram", **query)) == {"RUNNING": 1, "COMPLETED": 1, "FAILED": 1}
    assert sums(await api.get("/task-runs/histogram", flow="other")) == {}
    assert sums(await api.get("/task-runs/histogram", flow_run_id=run, task="clean", state="RUNNING")) == {"RUNNING": 1}


async def test_task_runs_that_are_left_open_are_counted_as_what_they_become(api: Api) -> None:
    run = await api.start_run()
    task = make_id()
    items = [make_flow_state(run["id"], "RUNNING"), make_task_run(task, run["id"]), make_state(task, "RUNNING")]
    await api.tell(make_batch(run["id"], *items, attempt=1))
    await api.end(run, outcome="Exited", exit_code=1)
    assert sums(await api.get("/task-runs/histogram")) == {"CRASHED": 1}
    assert sums(await api.get("/flow-runs/histogram")) == {"CRASHED": 1}


@pytest.mark.parametrize("width", [300, 900, 3_600, 86_400])
async def test_every_run_lies_in_its_bucket(three: Api, width: int) -> None:
    histogram = await three.get("/flow-runs/histogram", bucket_seconds=width)
    assert histogram["bucket_seconds"] == width
    assert not histogram["capped"]
    runs = (await three.get("/flow-runs"))["items"]
    for bucket in histogram["items"]:
        found = [run for run in runs if bucket_of(run["created"], width) == bucket_of(bucket["start"], width)]
        assert sum(bucket["counts"].values()) == len(found)


def bucket_of(time: str, width: int) -> int:
    return int(datetime.fromisoformat(time).timestamp()) // width


async def test_a_filter_without_counts_of_its_own_is_counted_from_the_runs(three: Api) -> None:
    await tell_run(three, "d", ("RUNNING", 0), tags=["x", "y"], flow="other")
    assert sums(await three.get("/flow-runs/histogram", search="b")) == {"FAILED": 1}
    assert sums(await three.get("/flow-runs/histogram", tag=["x", "y"])) == {"RUNNING": 1}
    assert sums(await three.get("/flow-runs/histogram", tag="x", flow="other")) == {"RUNNING": 1}
    assert sums(await three.get("/flow-runs/histogram", tag="x", flow="etl")) == {}


async def test_tags_told_later_move_a_run_between_counts(api: Api) -> None:
    run = make_id()
    await api.tell(make_batch(run, make_flow_run(run, tags=["old", "kept"]), make_flow_state(run, "RUNNING")))
    await api.tell(
        make_batch(run, make_flow_run(run, tags=["new", "kept"]), make_flow_state(run, "COMPLETED"), first=3)
    )
    for tag, expected in (("old", {}), ("kept", {"COMPLETED": 1}), ("new", {"COMPLETED": 1})):
        assert sums(await api.get("/flow-runs/histogram", tag=tag)) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"bucket_seconds": 301}, "bucket_seconds"),
        ({"since": "2026-01-01T00:00:00Z", "until": "2026-01-03T00:00:00Z", "bucket_seconds": 100}, None),
        ({"since": "0001-01-01T00:00:00Z"}, "bucket_seconds"),
    ],
)
async def test_a_range_that_fits_no_histogram_is_refused(api: Api, query: dict[str, Any], field: str | None) -> None:
    problem = await api.call("GET", "/flow-runs/histogram", 422, params=query)
    if field is not None:
        assert problem["errors"][0]["field"] == field


async def test_durations_of_many_runs_are_a_sample_over_the_time(api: Api) -> None:
    for age in range(100):
        await tell_run(api, f"r{age}", ("RUNNING", 0), ("COMPLETED", 7), age=1_000 - age)
    everything = await api.get("/flow-runs/durations")
    assert (len(everything["items"]), everything["sampled"]) == (100, False)
    assert {item["seconds"] for item in everything["items"]} == {7.0}
    sample = await api.get("/flow-runs/durations", limit=50)
    assert sample["sampled"]
    assert sample["total"] == 100
    shown = [item["name"] for item in sample["items"]]
    assert len(shown) <= 50
    assert {"r0", "r99"} & {*shown[:3], *shown[-3:]}
    assert sample["items"] == sorted(sample["items"], key=lambda item: item["start_time"])


async def test_a_graph_shows_task_runs_subflows_and_what_depends_on_what(api: Api) -> None:
    run, first, second, calls, subflow = (make_id() for _ in range(5))
    items = [
        make_flow_run(run),
        make_task_run(first, run, "extract"),
        make_state(first, "COMPLETED"),
        make_task_run(second, run, "load", inputs={"rows": [first], "wait_for": [first]}),
        make_task_run(calls, run, "child", inputs={"x": [second, make_id()]}),
        make_flow_run(subflow, "child", parent_flow_run_id=run, parent_task_run_id=calls),
        make_flow_state(subflow, "RUNNING"),
    ]
    await api.tell(make_batch(run, *items))
    graph = await api.get(f"/flow-runs/{run}/graph")
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert [nodes[task]["label"] for task in (first, second, calls, subflow)] == ["extract", "load", "child", "child"]
    assert nodes[first]["state"]["name"] == "Completed"
    assert nodes[second]["state"] is None
    assert nodes[calls]["subflow_id"] == subflow
    assert (nodes[subflow]["kind"], nodes[subflow]["parent"]) == ("flow_run", calls)
    assert graph["edges"] == [
        {"source": first, "target": second, "inputs": ["rows", "wait_for"]},
        {"source": second, "target": calls, "inputs": ["x"]},
    ]
    assert not graph["truncated"]


async def test_planned_runs_are_those_of_all_schedules_in_order(api: Api) -> None:
    hourly = {"name": "hourly", "interval": "1h"}
    await api.declare(schedules=[hourly, {"name": "paused", "interval": "1m", "paused": True}])
    await api.declare(flow="other", schedules=[{"name": "halves", "cron": "30 * * * *"}])
    now = now_us() // HOUR * HOUR
    span = {"since": str(from_micros(now)), "until": str(from_micros(now + 10 * HOUR))}
    planned = await api.get("/schedules", **span)
    times = [item["time"] for item in planned["items"]]
    assert times == sorted(times)
    assert {item["schedule"] for item in planned["items"]} == {"hourly", "halves"}
    assert 18 <= len(times) <= 20
    few = await api.get("/schedules", limit=3, **span)
    assert few["truncated"]
    assert [item["time"] for item in few["items"]] == times[:3]
    own = await api.get("/schedules", deployment="other/dev", **span)
    assert {item["deployment_name"] for item in own["items"]} == {"other/dev"}


async def test_a_run_is_deleted_with_all_that_hangs_on_it_and_is_counted_no_more(api: Api) -> None:
    run, task = make_id(), make_id()
    items = [
        make_flow_run(run, tags=["t"], parameters={"n": 1}),
        make_task_run(task, run),
        make_state(task, "COMPLETED"),
        make_log(run),
        make_flow_state(run, "COMPLETED"),
    ]
    await api.tell(make_batch(run, *items))
    await api.call("DELETE", f"/flow-runs/{run}", 204)
    await api.call("GET", f"/flow-runs/{run}", 404)
    async with api.hub.database.read() as reader:
        for table in ("flow_runs", "task_runs", "states", "logs", "flow_run_tags", "flow_run_parameters"):
            assert (await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0  # noqa: S608
        assert (await reader.execute(text("SELECT sum(number), min(number) FROM rollups"))).one() == (0, 0)


async def test_a_run_that_has_not_ended_is_not_deleted(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    problem = await api.call("DELETE", f"/flow-runs/{run['id']}", 409)
    assert "cancel it" in problem["detail"]


async def test_many_runs_are_cancelled_and_deleted_at_once(api: Api) -> None:
    await api.declare()
    ids = [(await api.create_run())["id"] for _ in range(3)]
    running = await api.create_run()
    missing = make_id()
    done = await api.post("/flow-runs/cancel", {"ids": [*ids, missing, ids[0]]})
    assert done["done"] == 3
    assert [(refused["id"], refused["code"]) for refused in done["refused"]] == [(missing, "not_found")]
    done = await api.post("/flow-runs/delete", {"ids": [*ids, running["id"]]})
    assert done["done"] == 3
    assert [(refused["id"], refused["code"]) for refused in done["refused"]] == [(running["id"], "conflict")]
    assert (await api.get("/flow-runs"))["total"] == 1


async def test_the_server_says_what_it_is(api: Api) -> None:
    server = await api.get("/server")
    assert server["database"]["healthy"]
    assert server["database"]["size_bytes"] > 0
    assert server["database"]["kind"] in ("sqlite", "postgresql")
    assert server["retention"] == {"runs_days": 90, "logs_days": 30}


async def test_task_runs_of_flows_and_namespaces_are_listed_and_counted(api: Api) -> None:
    for flow in ("etl", "other"):
        run, tasks = make_id(), [make_id() for _ in range(3)]
        items = [make_task_run(task, run) for task in tasks] + [make_state(task, "FAILED") for task in tasks[1:]]
        await api.tell(make_batch(run, make_flow_run(run, flow), *items))
    since = str(from_micros(now_us() - HOUR))
    for query, expected in (
        ({}, 6),
        ({"namespace": "default", "state": "FAILED"}, 4),
        ({"flow": "etl", "state": "FAILED"}, 2),
        ({"flow": "etl", "since": since}, 3),
        ({"flow": ["etl", "other"], "state": "Failed", "since": since}, 4),
        ({"flow": "etl", "name": "clean-0"}, 3),
        ({"namespace": "other"}, 0),
        ({"flow": "none"}, 0),
    ):
        page = await api.get("/task-runs", **query)
        assert (len(page["items"]), page["total"], page["total_capped"]) == (expected, expected, False), query


async def test_a_short_text_is_searched_too(three: Api) -> None:
    assert await names(three, search="a") == ["a"]


async def test_a_run_that_is_deleted_while_a_page_is_read_is_left_out(
    three: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = flow_runs.find_flow_runs

    async def delete_first(reader: Any, run_ids: list[Any]) -> Any:
        return await found(reader, run_ids[1:])

    monkeypatch.setattr(flow_runs, "find_flow_runs", delete_first)
    page = await three.get("/flow-runs", limit=2, sort="name")
    assert [run["name"] for run in page["items"]] == ["b"]
    assert page["next_cursor"] is not None
