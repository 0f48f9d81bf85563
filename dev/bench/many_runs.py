"""Fills a PostgreSQL database with many runs, as if flows had run for 90 days: what dev.bench.lists asks its questions of.

Rows are written by COPY, in the order of time, and the counts that histograms read are made as the migrations make them. The
same seed makes the same runs.
"""

import asyncio
import json
import random
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from towpath.contract.ids import now_us

DAYS = 90
TASKS_EACH = 5
FLOWS = 40
DEPLOYMENTS_EACH = 3
QUEUES = 20
NAMESPACES = ("default", "data", "ml")
TAGS = ("nightly", "etl", "ml", "backfill", "auto-scheduled")
SECOND = 1_000_000
DAY = 86_400 * SECOND
CHUNK = 20_000
_STATES = ((5, 0.90), (6, 0.06), (7, 0.02), (8, 0.02))
"""Completed, Failed, Crashed, Cancelled, and how often."""
_WORDS = [
    "amber",
    "brisk",
    "calm",
    "dusky",
    "eager",
    "fleet",
    "gentle",
    "hazel",
    "idle",
    "jolly",
    "keen",
    "lucid",
    "merry",
    "noble",
    "olive",
    "proud",
    "quiet",
    "rapid",
    "sage",
    "tidy",
]
_BEASTS = [
    "otter",
    "heron",
    "newt",
    "swan",
    "carp",
    "eel",
    "toad",
    "vole",
    "teal",
    "snipe",
    "rail",
    "coot",
    "grebe",
    "smew",
    "loach",
    "tench",
    "rudd",
    "bream",
    "perch",
    "pike",
]


@dataclass(frozen=True)
class Owner:
    """A deployment that runs belong to."""

    namespace: str
    flow: UUID
    deployment: UUID
    queue: UUID
    parameters: Sequence[str]


class Maker:
    """Makes the rows of `runs` flow runs with TASKS_EACH task runs each, the last of them now."""

    def __init__(self, runs: int, seed: int = 7) -> None:
        self._random = random.Random(seed)  # noqa: S311 it makes up data
        self._now = now_us()
        self._runs = runs
        self._serial = 0
        self.owners: list[Owner] = []

    def id_at(self, micros: int) -> UUID:
        """A UUIDv7 of a time."""
        bits = (micros // 1_000) << 80 | 0x7 << 76 | self._random.getrandbits(12) << 64 | 0x2 << 62
        return UUID(int=bits | self._random.getrandbits(62))

    def declared(self) -> dict[str, list[tuple[Any, ...]]]:
        """Flows, deployments and queues, by table."""
        start = self._now - DAYS * DAY
        tables: dict[str, list[tuple[Any, ...]]] = {"flows": [], "work_queues": [], "deployments": []}
        queues: dict[str, list[UUID]] = {}
        for namespace in NAMESPACES:
            for index in range(QUEUES):
                queue = self.id_at(start)
                queues.setdefault(namespace, []).append(queue)
                spec = json.dumps({"launcher": "Agent"})
                tables["work_queues"].append((queue, namespace, f"queue-{index}", spec, start, start, True))
        for number in range(FLOWS):
            namespace = NAMESPACES[number % len(NAMESPACES)]
            flow, name = self.id_at(start), f"flow-{number}"
            spec = json.dumps({"entrypoint": "flows.py:main"})
            tables["flows"].append((flow, namespace, name, name, spec, start, start))
            for part in range(DEPLOYMENTS_EACH):
                deployment = self.id_at(start)
                queue = queues[namespace][(number + part) % QUEUES]
                slug = f"{name}.dev-{part}"
                spec = json.dumps({"flow": name, "workQueue": "queue-0"})
                row = (deployment, namespace, f"dev-{part}", spec, start, start, flow, slug, queue)
                tables["deployments"].append(row)
                self.owners.append(Owner(namespace, flow, deployment, queue, ("dev", "staging", "prod")))
        return tables

    def chunks(self) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
        """The rows of runs by table, CHUNK runs at a time."""
        span = DAYS * DAY
        for begin in range(0, self._runs, CHUNK):
            tables: dict[str, list[tuple[Any, ...]]] = {
                name: [] for name in ("flow_runs", "flow_run_tags", "flow_run_parameters", "states", "task_runs")
            }
            for index in range(begin, min(begin + CHUNK, self._runs)):
                self._add_run(tables, self._now - span + span * (index + 1) // self._runs)
            yield tables

    def _add_run(self, tables: dict[str, list[tuple[Any, ...]]], at: int) -> None:
        choose = self._random
        self._serial += 1
        owner = choose.choice(self.owners)
        run, state = self.id_at(at), self.id_at(at)
        code = choose.choices([code for code, _ in _STATES], [weight for _, weight in _STATES])[0]
        seconds = int(choose.lognormvariate(3, 1.2) * SECOND)
        end = at + seconds
        parameters = {"env": choose.choice(owner.parameters), "day": self._serial % 365, "rows": self._serial}
        tags = sorted({choose.choice(TAGS), choose.choice(TAGS)})
        name = f"{choose.choice(_WORDS)}-{choose.choice(_BEASTS)}-{self._serial % 1000}"
        failed = TASKS_EACH if code != _STATES[0][0] else 0
        tables["flow_runs"].append(
            (
                *(run, owner.namespace, name, owner.flow, owner.deployment, owner.queue, state, code, end),
                *(json.dumps(parameters), json.dumps(tags), 0, 0, 1, TASKS_EACH, 0, TASKS_EACH - failed, failed),
                *(at, at, at, at, end, self._serial, code, at, end, seconds),
            )
        )
        tables["flow_run_tags"].extend((tag, run) for tag in tags)
        tables["flow_run_parameters"].extend((key, str(value), run) for key, value in parameters.items())
        tables["states"].append((run, state, code, end, 1, 0, True))
        for task in range(TASKS_EACH):
            task_run, task_state = self.id_at(at), self.id_at(at)
            ended = at + seconds * (task + 1) // TASKS_EACH
            row = (task_run, run, f"task-{task}", f"task-{task}-0", task_state, code, ended, 1, at, at, ended)
            tables["task_runs"].append(row)
            tables["states"].append((task_run, task_state, code, ended, 1, 0, True))


_COLUMNS = {
    "flows": ("id", "namespace", "name", "slug", "spec", "created", "updated"),
    "work_queues": ("id", "namespace", "name", "spec", "created", "updated", "declared"),
    "deployments": (*("id", "namespace", "name", "spec", "created", "updated", "flow_id", "slug", "work_queue_id"),),
    "flow_runs": (
        *(
            "id",
            "namespace",
            "name",
            "flow_id",
            "deployment_id",
            "work_queue_id",
            "state_id",
            "state_type",
            "state_time",
        ),
        *("parameters", "tags", "attempt", "infra_attempts", "run_count", "tasks_total", "tasks_running"),
        *("tasks_completed", "tasks_failed", "created", "scheduled_time", "expected_time", "start_time", "end_time"),
        *("revision", "counted", "begins", "ends", "duration"),
    ),
    "flow_run_tags": ("tag", "flow_run_id"),
    "flow_run_parameters": ("name", "value", "flow_run_id"),
    "states": ("run_id", "id", "type", "time", "run_count", "attempt", "applied"),
    "task_runs": (
        *("id", "flow_run_id", "task", "name", "state_id", "state_type", "state_time", "run_count", "created"),
        *("start_time", "end_time"),
    ),
}
_COUNT = """
INSERT INTO rollups (kind, seconds, scope, owner, bucket, namespace, state, number)
SELECT {kind}, {seconds}, {scope}, {owner}, time / {width} * {width}, namespace, state, count(*) FROM (
  SELECT r.namespace, r.flow_id, r.deployment_id, r.expected_time AS time, {state} AS state {tag} FROM {source}
  WHERE r.expected_time >= {since}
) AS found GROUP BY 4, 5, 6, 7
"""


async def fill(dsn: str, runs: int) -> float:
    """Fills an empty database that has the schema. Returns how many seconds that took."""
    began = time.perf_counter()
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'"
        )
        indices = await _drop_indices(connection)
        maker = Maker(runs)
        for table, rows in maker.declared().items():
            await _copy(connection, table, rows)
        for tables in maker.chunks():
            for table, rows in tables.items():
                await _copy(connection, table, rows)
        for definition in indices:
            await connection.execute(definition)
        await _count_all(connection)
        await connection.execute("UPDATE counters SET value = (SELECT max(revision) FROM flow_runs)")
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    return time.perf_counter() - began


async def _copy(connection: Any, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=list(_COLUMNS[table]))


async def _drop_indices(connection: Any) -> list[str]:
    """Drops the plain indices of the large tables, which are faster made at the end. Returns what makes them again."""
    found = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef NOT LIKE 'CREATE UNIQUE%' "
        "AND tablename IN ('flow_runs', 'flow_run_tags', 'flow_run_parameters', 'task_runs')"
    )
    for row in found:
        await connection.execute(f"DROP INDEX {row['indexname']}")
    return [row["indexdef"] for row in found]


async def _count_all(connection: Any) -> None:
    tasks = "flow_runs r JOIN task_runs k ON k.flow_run_id = r.id"
    tagged = "flow_runs r JOIN flow_run_tags t ON t.flow_run_id = r.id"
    now = now_us()
    for seconds, since in ((300, now - 3 * DAY), (3_600, now - 45 * DAY), (86_400, 0)):
        for kind, scope, owner, source, state, tag in (
            (0, 0, "''", "flow_runs r", "r.state_type", ""),
            (0, 1, "replace(flow_id::text, '-', '')", "flow_runs r", "r.state_type", ""),
            (0, 2, "replace(deployment_id::text, '-', '')", "flow_runs r", "r.state_type", ""),
            (0, 3, "tag", tagged, "r.state_type", ", t.tag"),
            (1, 0, "''", tasks, "k.state_type", ""),
            (1, 1, "replace(flow_id::text, '-', '')", tasks, "k.state_type", ""),
            (1, 2, "replace(deployment_id::text, '-', '')", tasks, "k.state_type", ""),
        ):
            values = {"kind": kind, "scope": scope, "owner": owner, "source": source, "state": state, "tag": tag}
            await connection.execute(_COUNT.format(seconds=seconds, width=seconds * SECOND, since=since, **values))


def free_gigabytes(folder: str = "/tmp") -> float:  # noqa: S108 where PostgreSQL's data is put
    """How much the disk can still take."""
    told = subprocess.run(["df", "--output=avail", "-B1", folder], capture_output=True, text=True, check=True).stdout
    return int(told.split()[1]) / 2**30


if __name__ == "__main__":
    import sys

    print(asyncio.run(fill(sys.argv[1], int(sys.argv[2]))))
