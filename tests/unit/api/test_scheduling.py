"""Schedules make their runs: each once, when it is due, as its deployment is declared now."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.api import Api
from towpath.contract.ids import now_us
from towpath_operator.domain.times import SECOND, from_micros
from towpath_operator.loops.running import running
from towpath_operator.loops.scheduler import run_scheduler
from towpath_operator.services import scheduling

HOURLY = {"name": "hourly", "cron": "0 * * * *"}
HOUR = 3_600 * SECOND


async def declare(api: Api, *schedules: dict[str, Any], **spec: Any) -> Any:
    return await api.declare(schedules=list(schedules), **spec)


async def next_due(api: Api) -> int:
    due = await api.hub.scheduling.find_first_due()
    assert due is not None
    return due


async def runs(api: Api) -> list[Any]:
    return (await api.get("/flow-runs"))["items"]


async def test_a_run_is_made_when_its_time_has_come(api: Api) -> None:
    deployment = await declare(api, HOURLY | {"parameters": {"n": 1}}, parameters={"n": 0, "day": "x"}, tags=["t"])
    due = await next_due(api)
    assert deployment["next_run"] == from_micros(due).isoformat().replace("+00:00", "Z")
    assert await api.hub.scheduling.fire(due - 1) == 0
    assert await api.hub.scheduling.fire(due) == 1
    (run,) = await runs(api)
    assert (run["parameters"], run["tags"]) == ({"n": 1, "day": "x"}, ["auto-scheduled", "t"])
    assert run["scheduled_time"] == deployment["next_run"]
    assert await next_due(api) == due + HOUR


async def test_fired_again_for_the_same_time_there_is_still_one_run(api: Api) -> None:
    await declare(api, HOURLY)
    due = await next_due(api)
    await asyncio.gather(*(api.hub.scheduling.fire(due + SECOND) for _ in range(5)))
    assert len(await runs(api)) == 1


async def test_applying_a_deployment_again_makes_no_run_twice(api: Api) -> None:
    await declare(api, HOURLY)
    due = await next_due(api)
    await api.hub.scheduling.fire(due)
    await declare(api, HOURLY, tags=["new"])
    assert await next_due(api) == due + HOUR
    await declare(api)
    await declare(api, HOURLY)
    await api.hub.scheduling.fire(due)
    assert len(await runs(api)) == 1


async def test_an_outage_is_made_up_for_with_one_run(api: Api) -> None:
    await declare(api, {"name": "m", "cron": "* * * * *"})
    await api.hub.scheduling.fire(await next_due(api) + HOUR)
    assert len(await runs(api)) == 1


@pytest.mark.parametrize("spec", [{"paused": True}, {}])
async def test_a_paused_schedule_makes_no_runs_and_misses_none(api: Api, spec: dict[str, Any]) -> None:
    await declare(api, HOURLY | {"paused": not spec}, **spec)
    assert await api.hub.scheduling.find_first_due() is None
    await declare(api, HOURLY)
    assert await next_due(api) > now_us()


async def test_a_changed_schedule_counts_from_now(api: Api) -> None:
    await declare(api, HOURLY)
    await declare(api, {"name": "hourly", "cron": "30 * * * *"})
    assert from_micros(await next_due(api)).minute == 30


async def test_a_deleted_deployment_schedules_nothing(api: Api) -> None:
    deployment = await declare(api, HOURLY)
    await api.call("DELETE", f"/deployments/{deployment['id']}", 204)
    assert await api.hub.scheduling.find_first_due() is None


async def test_parameters_that_the_flow_refuses_make_a_failed_run_that_says_so(api: Api) -> None:
    schema = {"properties": {"n": {"type": "integer"}}}
    await api.put("/flows", {"name": "etl", "spec": {"entrypoint": "a.py:f", "parameterSchema": schema}})
    spec = {"flow": "etl", "schedules": [HOURLY | {"parameters": {"n": "one"}}, {"name": "other", "cron": "0 * * * *"}]}
    await api.put("/deployments", {"name": "dev", "spec": spec})
    await api.hub.scheduling.fire(await next_due(api))
    states = {run["state"]["type"]: run["state"]["message"] for run in await runs(api)}
    assert set(states) == {"FAILED", "SCHEDULED"}
    assert "parameters.n" in states["FAILED"]


async def test_parameters_that_are_too_large_together_make_a_failed_run_without_them(api: Api) -> None:
    half = "x" * 150_000
    await api.declare(parameters={"a": half}, schedules=[HOURLY | {"parameters": {"b": half}}])
    await api.hub.scheduling.fire(await next_due(api))
    (run,) = await runs(api)
    assert (run["state"]["type"], run["parameters"]) == ("FAILED", {})
    assert "300015 bytes" in run["state"]["message"]


async def test_many_schedules_are_fired_in_several_passes(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "BATCH", 2)
    await declare(api, *({"name": f"s{number}", "cron": "0 * * * *"} for number in range(5)))
    due = await next_due(api)
    assert [await api.hub.scheduling.fire(due) for _ in range(4)] == [2, 2, 1, 0]
    assert len(await runs(api)) == 5


async def test_the_loop_fires_what_is_due_and_wakes_a_waiting_launcher(api: Api) -> None:
    async with running(api.hub, run_scheduler):
        waiting = asyncio.create_task(api.claim(wait_seconds=60))
        await declare(api, {"name": "often", "interval": "1s"})
        (claimed,) = await asyncio.wait_for(waiting, 20)
    assert "auto-scheduled" in claimed["run"]["tags"]


async def test_a_schedule_that_cannot_be_read_stops_no_other(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await declare(api, HOURLY, {"name": "broken", "cron": "0 * * * *"})
    due = await next_due(api)
    async with api.hub.database.write() as transaction:
        await transaction.connection.execute(text("UPDATE schedules SET spec = '[]' WHERE name = 'broken'"))
    assert await api.hub.scheduling.fire(due) == 2
    assert len(await runs(api)) == 1
    assert await api.hub.scheduling.fire(due) == 0
    assert "broken" in caplog.text
