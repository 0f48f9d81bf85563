"""Times of schedules that lie in the past are made up for, each once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.api import Api
from towpath.contract.backfills import MOST_BACKFILLED
from towpath_operator.domain.times import to_micros

DAILY = {"name": "daily", "cron": "0 6 * * *", "timezone": "Europe/Berlin", "parameters": {"source": "daily"}}
WEEKLY = {"name": "weekly", "cron": "0 7 * * 1", "paused": True}
MARCH = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}


async def backfill(api: Api, deployment: Any, status: int = 200, **asked: Any) -> Any:
    return await api.post(f"/deployments/{deployment['id']}/backfill", MARCH | asked, status)


async def test_every_time_of_the_range_gets_one_run_however_often_it_is_asked(api: Api) -> None:
    deployment = await api.declare(schedules=[DAILY, WEEKLY])
    plan = await backfill(api, deployment, dry_run=True)
    assert (plan["made"], plan["existing"]) == (36, 0)
    assert (await api.get("/flow-runs"))["total"] == 0
    done = await backfill(api, deployment)
    assert (done["made"], done["existing"]) == (36, 0)
    assert [item["time"] for item in done["items"]] == [item["time"] for item in plan["items"]]
    again = await backfill(api, deployment)
    assert (again["made"], again["existing"]) == (0, 36)
    assert [item["run_id"] for item in again["items"]] == [item["run_id"] for item in done["items"]]
    assert (await api.get("/flow-runs"))["total"] == 36


async def test_both_edges_of_daylight_saving_keep_the_hour_of_the_wall_clock(api: Api) -> None:
    deployment = await api.declare(schedules=[DAILY])
    items = (await backfill(api, deployment))["items"]
    assert {datetime.fromisoformat(item["time"]).hour for item in items[:28]} == {5}
    assert {datetime.fromisoformat(item["time"]).hour for item in items[28:]} == {4}


async def test_a_run_is_for_its_time_and_due_now(api: Api) -> None:
    deployment = await api.declare(schedules=[DAILY])
    await backfill(api, deployment, until="2026-03-02T00:00:00Z")
    run = (await api.claim())[0]["run"]
    assert run["scheduled_time"] == "2026-03-01T05:00:00Z"
    assert run["parameters"] == {"source": "daily"}
    assert run["tags"] == ["backfill"]
    assert (await api.get("/flow-runs", since=deployment["created"]))["total"] == 1


async def test_the_end_of_the_range_is_left_out_and_its_begin_is_not(api: Api) -> None:
    deployment = await api.declare(schedules=[{"name": "hourly", "interval": "1h"}])
    times = await backfill(api, deployment, since="2026-03-01T00:00:00Z", until="2026-03-01T02:00:00Z")
    assert [item["time"] for item in times["items"]] == ["2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"]


async def test_one_schedule_can_be_chosen(api: Api) -> None:
    deployment = await api.declare(schedules=[DAILY, WEEKLY])
    assert (await backfill(api, deployment, schedules=["weekly"]))["made"] == 5


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"schedules": ["nightly"]}, "it has daily"),
        ({"until": MARCH["since"]}, "later than"),
        ({"since": "1990-01-01T00:00:00Z"}, f"more than {MOST_BACKFILLED}"),
        ({"since": "2026-03-01T00:00:00"}, "timezone"),
    ],
)
async def test_what_cannot_be_made_up_for_is_said(api: Api, asked: dict[str, Any], told: str) -> None:
    deployment = await api.declare(schedules=[DAILY])
    assert told in (await backfill(api, deployment, 422, **asked))["detail"]


async def test_a_deployment_without_schedules_has_nothing_to_make_up_for(api: Api) -> None:
    assert "no schedule" in (await backfill(api, await api.declare(), 422))["detail"]


async def test_the_scheduler_and_a_backfill_never_make_a_run_for_the_same_time(api: Api) -> None:
    deployment = await api.declare(schedules=[DAILY | {"missedRuns": "All"}])
    due = to_micros(datetime(2026, 3, 10, 5, tzinfo=UTC))
    await backfill(api, deployment, until="2026-03-15T00:00:00Z")
    async with api.hub.database.write() as transaction:
        await transaction.connection.execute(text(f"UPDATE schedules SET next_due = {due}"))  # noqa: S608
    await api.hub.scheduling.fire(to_micros(datetime(2026, 3, 20, 5, tzinfo=UTC)))
    await backfill(api, deployment)
    times = [run["scheduled_time"] for run in (await api.get("/flow-runs", limit=100))["items"]]
    assert len(times) == len(set(times)) == 31
