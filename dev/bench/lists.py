"""Benchmark of what pages ask: lists, counts and histograms over a PostgreSQL database with a million runs.

`python -m dev.bench lists` fills a database of its own (see dev.bench.many_runs) unless it is given one. Runs by option:
`python -m dev.bench.lists --runs 100000` is quick, `--dsn` asks one that was filled before.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from dev.bench.ingest import server
from dev.bench.many_runs import TASKS_EACH, fill, free_gigabytes
from tests.support.postgres import run_postgres
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database

RUNS = 1_000_000
TIMES = 20
LIMIT_MS = 200.0
GIGABYTES_EACH_MILLION = 8.0
TUNING = ("max_wal_size = '8GB'", "checkpoint_timeout = '30min'")
"""For the loading; all that decides how questions are answered stays at the defaults."""


@dataclass(frozen=True)
class Asked:
    """One question: a path and its query."""

    name: str
    path: str
    query: dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """How long its answers took, in milliseconds, and how large the last was."""

    name: str
    p50: float
    p95: float
    worst: float
    kilobytes: float


def questions(flow_run: str, now: datetime) -> Iterator[Asked]:
    """What the pages ask, the usual and the awkward."""
    day, week, quarter = (str(now - timedelta(days=days)) for days in (1, 7, 90))
    runs, tasks = "/flow-runs", "/task-runs"
    yield Asked("all runs", runs, {})
    yield Asked("all runs, 200 on a page", runs, {"limit": 200})
    for sort in ("expected", "-start", "start", "-end", "end", "-duration", "duration", "name", "-name"):
        yield Asked(f"all runs, sort {sort}", runs, {"sort": sort})
    yield Asked("failed runs", runs, {"state": "FAILED"})
    yield Asked("failed and crashed", runs, {"state": ["FAILED", "CRASHED"]})
    yield Asked("failed, longest first", runs, {"state": "FAILED", "sort": "-duration"})
    yield Asked("running (none)", runs, {"state": "RUNNING"})
    yield Asked("late (none)", runs, {"state": "Late"})
    yield Asked("of a flow", runs, {"flow": "flow-7"})
    yield Asked("of a flow, failed, last week", runs, {"flow": "flow-7", "state": "FAILED", "since": week})
    yield Asked("of a flow, longest first", runs, {"flow": "flow-7", "sort": "-duration"})
    yield Asked("of a deployment", runs, {"deployment": "flow-7/dev-1"})
    yield Asked("of two deployments, by name", runs, {"deployment": ["flow-7/dev-1", "flow-8/dev-0"], "sort": "name"})
    yield Asked("of a queue", runs, {"work_queue": "queue-3"})
    yield Asked("of a namespace", runs, {"namespace": "ml"})
    yield Asked("of a namespace, failed", runs, {"namespace": "ml", "state": "FAILED"})
    yield Asked("with a tag", runs, {"tag": "nightly"})
    yield Asked("with a tag, failed", runs, {"tag": "nightly", "state": "FAILED"})
    yield Asked("with a tag that none has", runs, {"tag": "no-such-tag"})
    yield Asked("with a tag, longest first", runs, {"tag": "nightly", "sort": "-duration"})
    yield Asked("last day", runs, {"since": day})
    yield Asked("last day, longest first", runs, {"since": day, "sort": "-duration"})
    yield Asked("name contains (many)", runs, {"search": "otter"})
    yield Asked("name contains (few)", runs, {"search": "brisk-otter-77"})
    yield Asked("name contains (none)", runs, {"search": "nowhere"})
    yield Asked("name contains 2 letters", runs, {"search": "zz"})
    yield Asked("parameter = (many)", runs, {"parameter": "env=prod"})
    yield Asked("parameter = (one)", runs, {"parameter": "rows=4711"})
    yield Asked("parameter = (none)", runs, {"parameter": "rows=-1"})
    yield Asked("parameter ~ (some)", runs, {"parameter": "env~ro"})
    yield Asked("two parameters, failed", runs, {"parameter": ["env=prod", "day=7"], "state": "FAILED"})
    yield Asked("one run", f"{runs}/{flow_run}", {})
    yield Asked("one run's states", f"{runs}/{flow_run}/states", {})
    yield Asked("one run's graph", f"{runs}/{flow_run}/graph", {})
    yield Asked("one run's log", "/logs", {"flow_run_id": flow_run})
    yield Asked("histogram, last day", f"{runs}/histogram", {})
    yield Asked("histogram, last week", f"{runs}/histogram", {"since": week})
    yield Asked("histogram, 90 days", f"{runs}/histogram", {"since": quarter})
    yield Asked(
        "histogram, 45 days by the hour",
        f"{runs}/histogram",
        {"since": str(now - timedelta(days=41)), "bucket_seconds": 3600},
    )
    yield Asked("histogram of a flow", f"{runs}/histogram", {"since": week, "flow": "flow-7"})
    yield Asked("histogram of a tag", f"{runs}/histogram", {"since": week, "tag": "nightly"})
    yield Asked("histogram of a search", f"{runs}/histogram", {"since": week, "search": "otter"})
    yield Asked("histogram, tag and flow", f"{runs}/histogram", {"since": quarter, "tag": "nightly", "flow": "flow-7"})
    yield Asked("task histogram, last week", f"{tasks}/histogram", {"since": week})
    yield Asked("task histogram of a deployment", f"{tasks}/histogram", {"since": week, "deployment": "flow-7/dev-1"})
    yield Asked("durations, last week", f"{runs}/durations", {"since": week})
    yield Asked("durations, 90 days", f"{runs}/durations", {"since": quarter})
    yield Asked("durations of a flow", f"{runs}/durations", {"since": quarter, "flow": "flow-7"})
    yield Asked("durations, failed", f"{runs}/durations", {"since": quarter, "state": "FAILED"})
    yield Asked("durations of a tag", f"{runs}/durations", {"since": quarter, "tag": "nightly"})
    yield Asked("all task runs", tasks, {})
    yield Asked("task runs of a run", tasks, {"flow_run_id": flow_run})
    yield Asked("failed task runs", tasks, {"state": "FAILED"})
    yield Asked("task runs, last day", tasks, {"since": day})
    yield Asked("task runs of a flow", tasks, {"flow": "flow-7"})
    yield Asked("task runs of a flow, failed", tasks, {"flow": "flow-7", "state": "FAILED"})
    yield Asked("task runs of a namespace", tasks, {"namespace": "ml"})
    yield Asked("flows", "/flows", {})
    yield Asked("deployments", "/deployments", {})
    yield Asked("work queues", "/work-queues", {})
    yield Asked("the server", "/server", {})


async def ask_all(address: str, times: int) -> list[Answered]:
    """Asks every question so many times, in rounds, one at a time."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        flow_run = (await client.get("/flow-runs", params={"limit": 1})).json()["items"][0]["id"]
        asked = list(questions(flow_run, datetime.now(UTC)))
        took: dict[str, list[float]] = {one.name: [] for one in asked}
        sizes: dict[str, int] = {}
        for _ in range(times):
            for one in asked:
                began = time.perf_counter()
                answer = await client.get(one.path, params=one.query)
                took[one.name].append((time.perf_counter() - began) * 1_000)
                if answer.status_code != 200:
                    raise RuntimeError(f"{one.name}: {answer.status_code} {answer.text[:300]}")
                sizes[one.name] = len(answer.content)
    return [_summarize(one.name, sorted(took[one.name]), sizes[one.name]) for one in asked]


def _summarize(name: str, took: list[float], size: int) -> Answered:
    at = max(0, -(-len(took) * 95 // 100) - 1)
    return Answered(name, statistics.median(took), took[at], took[-1], size / 1_024)


def measure(url: str, times: int = TIMES) -> list[Answered]:
    """Asks an API of its own over the database."""
    with tempfile.TemporaryDirectory() as folder, server(url, Path(folder)) as (address, _):
        return asyncio.run(ask_all(address, times))


def build_table(answers: list[Answered]) -> str:
    """The answers as a Markdown table."""
    lines = ["| asked | p50 | p95 | worst | answer | under 200 ms |", "|---|---:|---:|---:|---:|---|"]
    for one in answers:
        verdict = "yes" if one.p95 < LIMIT_MS else "**no**"
        size = f"{one.kilobytes:.0f} KB"
        lines.append(f"| {one.name} | {one.p50:.0f} ms | {one.p95:.0f} ms | {one.worst:.0f} ms | {size} | {verdict} |")
    return "\n".join(lines)


def main(runs: int = RUNS, times: int = TIMES) -> str:
    """Fills a new database, asks, and returns the table."""
    needed = GIGABYTES_EACH_MILLION * runs / 1_000_000
    if free_gigabytes(tempfile.gettempdir()) < 2 * needed:
        raise RuntimeError(f"{runs} runs need {needed:.0f} GB, and as much again free: choose fewer with --runs.")
    with run_postgres() as postgres:
        seconds = asyncio.run(_prepare(postgres, runs))
        answers = measure(postgres.url("bench"), times)
    load = os.getloadavg()[0]
    head = f"{runs:,} flow runs and {runs * TASKS_EACH:,} task runs in PostgreSQL, made in {seconds:.0f} s. Load average {load:.1f}."
    return f"{head}\n\n{build_table(answers)}"


async def _prepare(postgres: Any, runs: int) -> float:
    for setting in TUNING:
        await postgres.execute(f"ALTER SYSTEM SET {setting}")
    await postgres.execute("SELECT pg_reload_conf()")
    await postgres.execute("CREATE DATABASE bench")
    database = Database(postgres.url("bench"))
    await migrate.upgrade(database)
    await database.close()
    return await fill(postgres.url("bench").replace("+asyncpg", ""), runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--dsn", default=None, help="the URL of a database that was filled before")
    given = parser.parse_args()
    if given.dsn:
        print(build_table(measure(given.dsn, given.times)))
    else:
        print(main(given.runs, given.times))
