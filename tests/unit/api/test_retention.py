"""What is old is deleted with all that hangs on it; what is young or still runs stays."""

from datetime import timedelta

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
from towpath_operator.services import retention
from towpath_operator.services.retention import Keep, prune

DAY = 86_400 * 1_000_000
TABLES = ("flow_runs", "task_runs", "states", "logs", "attempts", "flow_run_tags", "writers")


async def tell_run(api: Api, *, ended: bool = True, age_days: int = 0, tasks: int = 3) -> str:
    """A run that happened so many days ago."""
    run, time = make_id(), now_us() - age_days * DAY
    items = [make_flow_run(run, tags=["t"], time=time), make_flow_state(run, "RUNNING", time=time)]
    for _ in range(tasks):
        task = make_id()
        items += [make_task_run(task, run, time=time), make_state(task, "COMPLETED", time=time)]
        items.append(make_log(run, "line", task_run_id=task, time=time))
    if ended:
        items.append(make_flow_state(run, "COMPLETED", time=time))
    await api.tell(make_batch(run, *items))
    return run


async def count(api: Api) -> dict[str, int]:
    async with api.hub.database.read() as reader:
        return {table: (await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() for table in TABLES}  # noqa: S608


async def prune_all(api: Api, keep: Keep, *, later_days: int = 0) -> None:
    while await prune(api.hub.database, keep, now_us() + later_days * DAY):
        pass


async def test_old_runs_go_with_all_that_hangs_on_them(api: Api) -> None:
    for _ in range(3):
        await tell_run(api, age_days=100)
    await prune_all(api, Keep(), later_days=100)
    assert await count(api) == dict.fromkeys(TABLES, 0)


async def test_young_runs_and_those_that_still_run_stay(api: Api) -> None:
    young, running = await tell_run(api, age_days=10), await tell_run(api, ended=False, age_days=100)
    old = await tell_run(api, age_days=100)
    await prune_all(api, Keep(logs=None))
    for run in (young, running):
        assert (await api.get(f"/flow-runs/{run}"))["tasks"]["total"] == 3
    await api.call("GET", f"/flow-runs/{old}", 404)
    assert (await count(api))["logs"] == 6


async def test_logs_may_be_kept_shorter_than_their_runs(api: Api) -> None:
    await tell_run(api, age_days=40)
    await prune_all(api, Keep())
    found = await count(api)
    assert (found["flow_runs"], found["task_runs"], found["logs"]) == (1, 3, 0)


async def test_kept_for_ever_nothing_goes(api: Api) -> None:
    await tell_run(api, age_days=1_000)
    before = await count(api)
    await prune_all(api, Keep(runs=None, logs=None))
    assert await count(api) == before


async def test_a_large_run_goes_in_small_steps(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 4)
    await tell_run(api, age_days=100, tasks=15)
    await prune_all(api, Keep(runs=timedelta(days=50), logs=None))
    assert (await count(api))["states"] == 0


async def test_task_runs_outside_flows_go_too(api: Api) -> None:
    task = make_id()
    await api.tell(make_batch(task, make_task_run(task, None), make_state(task, "COMPLETED")))
    await prune_all(api, Keep())
    assert (await count(api))["task_runs"] == 1
    await prune_all(api, Keep(), later_days=200)
    found = await count(api)
    assert (found["task_runs"], found["states"], found["writers"]) == (0, 0, 0)
