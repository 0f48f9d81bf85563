"""Benchmarks of what the API does beside requests: schedules, claims, retention, and what it holds of memory while idle."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, func, select, update

from dev.bench.ingest import server
from dev.bench.many_runs import fill
from dev.bench.processes import resident_bytes
from tests.support.postgres import Postgres
from towpath.contract.declared import DeploymentPut, FlowPut
from towpath.contract.ids import now_us
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.schedule import Schedule
from towpath_operator.domain.schedules import latest_between
from towpath_operator.services.hub import Hub
from towpath_operator.services.retention import Keep, prune
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database
from towpath_operator.store.tables import flow_runs, schedules

DEPLOYMENTS = 1_000
QUEUES = 20
WAITING = 1_000
CLAIMS = 500
SCHEDULES: tuple[dict[str, Any], ...] = (
    {"cron": "*/5 * * * *"},
    {"cron": "0 6 * * 1-5", "timezone": "Europe/Berlin"},
    {"interval": "15m"},
    {"interval": "1d", "timezone": "America/New_York"},
    {"rrule": "FREQ=HOURLY;BYDAY=MO,TU,WE;BYHOUR=8,12,16"},
    {"rrule": "FREQ=DAILY;INTERVAL=3"},
)
OLD_RUNS = 5_000
RETENTION_SECONDS = 20.0


async def measure_scheduler(url: str) -> tuple[float, float]:
    """Seconds that one pass over DEPLOYMENTS takes: with one schedule in ten due, and with every schedule due."""
    database = Database(url)
    await migrate.upgrade(database)
    hub = Hub(database)
    hub.start()
    try:
        await hub.flows.put(FlowPut(name="bench", spec=FlowSpec(entrypoint="flows.py:main")))
        for number in range(DEPLOYMENTS):
            schedule = {"name": "s", "missedRuns": "Latest", **SCHEDULES[number % len(SCHEDULES)]}
            spec = DeploymentSpec.model_validate({"flow": "bench", "schedules": [schedule]})
            await hub.deployments.put(DeploymentPut(name=f"d{number}", spec=spec))
        return await _pass(hub, DEPLOYMENTS // 10), await _pass(hub, DEPLOYMENTS)
    finally:
        await hub.close()


async def _pass(hub: Hub, due: int) -> float:
    """Makes `due` schedules due since their last time, and fires them: a run for each."""
    now = now_us()
    async with hub.database.write() as transaction:
        connection = transaction.connection
        await connection.execute(update(schedules).values(next_due=now + 86_400_000_000))
        rows = (await connection.execute(select(schedules).order_by(schedules.c.deployment_id).limit(due))).mappings()
        for row in rows.all():
            last = latest_between(Schedule.model_validate(row["spec"]), now - 30 * 86_400_000_000, now, 1)[0]
            mine = schedules.c.deployment_id == row["deployment_id"]
            await connection.execute(update(schedules).where(mine).values(next_due=last))
    before = await _count_runs(hub)
    began = time.perf_counter()
    while await hub.scheduling.fire(now):
        pass
    seconds = time.perf_counter() - began
    made = await _count_runs(hub) - before
    if made != due:
        raise RuntimeError(f"{made} runs were made where {due} schedules were due.")
    async with hub.database.write() as transaction:
        await transaction.connection.execute(delete(flow_runs))
    return seconds


async def _count_runs(hub: Hub) -> int:
    async with hub.database.read() as reader:
        return (await reader.execute(select(func.count()).select_from(flow_runs))).scalar_one()


async def measure_claims(address: str) -> list[float]:
    """Seconds from when each of CLAIMS runs falls due until a waiting launcher has it, beside WAITING runs in QUEUES queues."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        await client.put("/flows", json={"name": "bench", "spec": {"entrypoint": "flows.py:main"}})
        for number in range(QUEUES):
            queue = {"name": f"q{number}", "spec": {"launcher": "Agent", "priority": number % 3}}
            (await client.put("/work-queues", json=queue)).raise_for_status()
            spec = {"flow": "bench", "workQueue": f"q{number}"}
            (await client.put("/deployments", json={"name": f"d{number}", "spec": spec})).raise_for_status()
        later = str(datetime.now(UTC) + timedelta(hours=1))
        for number in range(WAITING):
            run = {"deployment": f"bench/d{number % QUEUES}", "scheduled_time": later}
            (await client.post("/flow-runs", json=run)).raise_for_status()
        return [await _claim(client, number) for number in range(CLAIMS)]


async def _claim(client: httpx.AsyncClient, number: int) -> float:
    request = {"launcher": "Agent", "holder": "bench", "wait_seconds": 30}
    waiting = asyncio.create_task(client.post("/work-queues/claims", json=request))
    due = datetime.now(UTC) + timedelta(milliseconds=200)
    run = {"deployment": f"bench/d{number % QUEUES}", "scheduled_time": str(due)}
    (await client.post("/flow-runs", json=run)).raise_for_status()
    items = (await waiting).json()["items"]
    seconds = (datetime.now(UTC) - due).total_seconds()
    if len(items) != 1:
        raise RuntimeError(f"{len(items)} runs were claimed where one was due.")
    launched = {"holder": "bench", "job_name": f"process-{number}"}  # else its lease ends, and it is handed out again
    attempt = f"/flow-runs/{items[0]['run']['id']}/attempts/{items[0]['attempt']}"
    (await client.post(f"{attempt}/launched", json=launched)).raise_for_status()
    return seconds


async def measure_retention(postgres: Postgres) -> float:
    """Runs with 5 task runs each that retention deletes in a second on PostgreSQL, taking its time between steps or not."""
    url = postgres.url(await postgres.create())
    database = Database(url)
    await migrate.upgrade(database)
    await fill(url.replace("+asyncpg", ""), OLD_RUNS)
    began, deleted = time.perf_counter(), 0
    try:
        while time.perf_counter() - began < RETENTION_SECONDS:
            step = await prune(database, Keep(runs=timedelta(days=1)), now_us())
            if not step:
                break
            deleted += step
    finally:
        await database.close()
    return deleted / (time.perf_counter() - began)


def measure_memory() -> float:
    """Megabytes that an API holds which has answered a few requests and then nothing for a while."""
    with tempfile.TemporaryDirectory() as folder, server(f"{folder}/towpath.db", Path(folder)) as (address, pid):
        for path in ("/flows", "/flow-runs", "/work-queues", "/health", "/flow-runs/histogram"):
            httpx.get(f"{address}{path}").raise_for_status()
        time.sleep(5)
        return resident_bytes(pid) / 2**20


def main(postgres: Postgres) -> str:
    """Measures all of them and returns the table."""
    with tempfile.TemporaryDirectory() as folder:
        some, every = asyncio.run(measure_scheduler(f"sqlite+aiosqlite:///{folder}/towpath.db"))
    with tempfile.TemporaryDirectory() as folder, server(f"{folder}/towpath.db", Path(folder)) as (address, _):
        claims = sorted(asyncio.run(measure_claims(address)))
    p99 = claims[-max(1, len(claims) // 100)]
    rate = asyncio.run(measure_retention(postgres))
    return build_table(
        [
            (f"scheduler, {DEPLOYMENTS // 10} of {DEPLOYMENTS} schedules due", f"{some:.2f} s", "1 s", some < 1),
            (f"scheduler, all of {DEPLOYMENTS} schedules due at once", f"{every:.2f} s", "1 s", every < 1),
            ("due until claimed, p50", f"{statistics.median(claims) * 1_000:.0f} ms", "", True),
            ("due until claimed, p99", f"{p99 * 1_000:.0f} ms", "100 ms", p99 < 0.1),
            ("retention, runs deleted a day", f"{rate * 86_400:,.0f}", "100,000", rate * 86_400 > 100_000),
            ("memory of an idle API", f"{(idle := measure_memory()):.0f} MB", "120 MB", idle < 120),
        ]
    )


def build_table(rows: Sequence[tuple[str, str, str, bool]]) -> str:
    """A Markdown table of (measure, value, what is to be reached, whether it is)."""
    lines = [f"Load average {os.getloadavg()[0]:.1f}.", "", "| measure | value | to reach | |", "|---|---:|---:|---|"]
    for name, value, reach, reached in rows:
        verdict = "" if not reach else "reached" if reached else "**not reached**"
        lines.append(f"| {name} | {value} | {reach} | {verdict} |")
    return "\n".join(lines)
