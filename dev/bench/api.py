"""The API's benchmarks together: ingest on both databases, what pages ask over a million runs, and what runs beside requests.

`python -m dev.bench api`; the modules it calls can each be run alone. TOWPATH_BENCH_RUNS makes fewer runs than a million.
"""

import asyncio
import os
import tempfile
from pathlib import Path

from dev.bench import ingest, lists, loops
from tests.support.postgres import Postgres, run_postgres
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database

P99_MS = 100.0
ROUNDS = (("SQLite", 20_000, 5_000.0), ("PostgreSQL", 15_000, 3_000.0))
"""Database, task runs, and how many of them a second are to be reached."""
PACED_SECONDS = 40.0
"""How long a paced round goes on: a p99 of a few dozen batches would be the one that was slowest."""


def main() -> str:
    """Measures everything and returns the tables."""
    runs = int(os.environ.get("TOWPATH_BENCH_RUNS", str(lists.RUNS)))
    with run_postgres() as postgres:
        ingested = measure_ingest(postgres)
        beside = loops.main(postgres)
    return "\n\n".join(
        ("## Ingest", ingested, "## Beside requests", beside, "## What pages ask", lists.main(runs=runs))
    )


def measure_ingest(postgres: Postgres) -> str:
    """Complete task runs of three states each over HTTP, as fast as they go and at half of what is to be reached."""
    lines = [
        f"Complete task runs of three states each, acknowledged after a durable commit. Load average {os.getloadavg()[0]:.1f}.",
        "",
        "| database | task runs | a second | to reach | batch p50 | batch p99 | server CPU each | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, runs, reach in ROUNDS:
        for rate in (None, reach / 2):
            count = runs if rate is None else int(rate * PACED_SECONDS)
            with tempfile.TemporaryDirectory() as folder:
                database = f"{folder}/towpath.db" if name == "SQLite" else asyncio.run(_make_database(postgres))
                found = ingest.measure(count, database, Path(folder), rate=rate)
            reached = found.rate >= reach if rate is None else found.p99 * 1_000 < P99_MS
            paced = "" if rate is None else f", paced at {rate:.0f}"
            goal = f"{reach:.0f}" if rate is None else f"p99 {P99_MS:.0f} ms"
            lines.append(
                f"| {name} | {count}{paced} | {found.rate:.0f} | {goal} | {found.p50 * 1_000:.0f} ms | {found.p99 * 1_000:.0f} ms "
                f"| {found.server_cpu_each * 1e6:.0f} µs | {'reached' if reached else '**not reached**'} |"
            )
    return "\n".join(lines)


async def _make_database(postgres: Postgres) -> str:
    url = postgres.url(await postgres.create())
    database = Database(url)
    await migrate.upgrade(database)
    await database.close()
    return url


if __name__ == "__main__":
    print(main())
