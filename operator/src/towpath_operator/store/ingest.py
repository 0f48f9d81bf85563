"""What ingest reads before it plans, and writes after: facts of runs, states, logs, task runs, writers' marks.

Called by services.ingest within one transaction. Speaks in 16-byte ids and tuples, since it handles thousands of rows.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.domain.sequences import Applied
from towpath_operator.domain.told_facts import FlowRunFacts, LogRow, StateRow, TaskRunFacts
from towpath_operator.store.bulk import Insert, Kind, Lookup
from towpath_operator.store.tables import attempts

INSERT_STATES = Insert(
    "states",
    (
        ("run_id", "id"),
        ("id", "id"),
        ("type", "integer"),
        ("name", "text"),
        ("time", "integer"),
        ("message", "text"),
        ("run_count", "integer"),
        ("attempt", "integer"),
        ("applied", "boolean"),
        ("details", "json"),
    ),
    "ON CONFLICT DO NOTHING",
)
INSERT_LOGS = Insert(
    "logs",
    (
        ("flow_run_id", "id"),
        ("task_run_id", "id"),
        ("level", "integer"),
        ("time", "integer"),
        ("logger", "text"),
        ("message", "text"),
    ),
)
_STATE_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("state_id", "id"),
    ("state_type", "integer"),
    ("state_name", "text"),
    ("state_time", "integer"),
    ("run_count", "integer"),
    ("start_time", "integer"),
    ("end_time", "integer"),
)
_UPSERT_TASK_RUNS = Insert(
    "task_runs",
    (
        ("id", "id"),
        ("flow_run_id", "id"),
        ("root_id", "id"),
        ("teller_namespace", "text"),
        ("parent_task_run_id", "id"),
        ("task", "text"),
        ("name", "text"),
        ("tags", "json"),
        ("inputs", "json"),
        ("created", "integer"),
        *_STATE_COLUMNS,
    ),
    "ON CONFLICT (id) DO UPDATE SET flow_run_id = excluded.flow_run_id, root_id = excluded.root_id, "
    "teller_namespace = excluded.teller_namespace, "
    "parent_task_run_id = coalesce(excluded.parent_task_run_id, task_runs.parent_task_run_id), "
    "task = coalesce(nullif(excluded.task, ''), task_runs.task), "
    "name = coalesce(nullif(excluded.name, ''), task_runs.name), "
    "tags = coalesce(excluded.tags, task_runs.tags), inputs = coalesce(excluded.inputs, task_runs.inputs), "
    + ", ".join(f"{name} = excluded.{name}" for name, _ in _STATE_COLUMNS),
)
_FIND_TASK_RUNS = Lookup(
    "task_runs",
    "id",
    (
        ("flow_run_id", "id"),
        ("root_id", "id"),
        ("teller_namespace", "text"),
        ("created", "integer"),
        *_STATE_COLUMNS,
    ),
)
_FIND_FLOW_RUNS = Lookup(
    "flow_runs",
    "id",
    (
        ("root_id", "id"),
        ("namespace", "text"),
        ("flow_id", "id"),
        ("deployment_id", "id"),
        ("attempt", "integer"),
        *_STATE_COLUMNS,
    ),
)
_FIND_FLOW_NAMES = Lookup("flows", "id", (("name", "text"),))
_FIND_ATTEMPTS = Lookup("attempts", "flow_run_id", (("number", "integer"), ("ended_at", "integer")))
_FIND_STATES = Lookup(
    "states",
    "run_id",
    (
        ("id", "id"),
        ("type", "integer"),
        ("name", "text"),
        ("time", "integer"),
        ("run_count", "integer"),
        ("applied", "boolean"),
    ),
)
_FIND_WRITERS = Lookup(
    "writers", "run_id", (("attempt", "integer"), ("writer", "text"), ("applied", "integer"), ("beyond", "json"))
)
_UPSERT_WRITERS = Insert(
    "writers",
    (
        ("run_id", "id"),
        ("attempt", "integer"),
        ("writer", "text"),
        ("applied", "integer"),
        ("beyond", "json"),
        ("updated", "integer"),
    ),
    "ON CONFLICT (run_id, attempt, writer) DO UPDATE SET "
    "applied = excluded.applied, beyond = excluded.beyond, updated = excluded.updated",
)

WriterKey = tuple[bytes, int, str]


async def find_writers(connection: AsyncConnection, run_ids: Sequence[bytes]) -> dict[WriterKey, Applied]:
    """The marks of every writer of these root runs."""
    return {
        (run_ids[index], attempt, writer): Applied(applied, json.loads(beyond) if beyond else [])
        for index, attempt, writer, applied, beyond in await _FIND_WRITERS.execute(connection, run_ids)
    }


async def save_writers(connection: AsyncConnection, marks: Iterable[tuple[WriterKey, Applied]], now: int) -> None:
    """Writes how far each writer has come."""
    rows = [
        (*key, mark.upto, json.dumps(mark.beyond, separators=(",", ":")) if mark.beyond else None, now)
        for key, mark in marks
    ]
    await _UPSERT_WRITERS.execute(connection, rows)


async def find_flow_run_facts(connection: AsyncConnection, ids: Sequence[bytes]) -> dict[bytes, FlowRunFacts]:
    """What the table knows of these flow runs; those without a row are left out."""
    rows = await _FIND_FLOW_RUNS.execute(connection, ids)
    if not rows:
        return {}
    flow_ids = list({row[3] for row in rows})
    names = {flow_ids[index]: name for index, name in await _FIND_FLOW_NAMES.execute(connection, flow_ids)}
    facts: dict[bytes, FlowRunFacts] = {}
    for index, root, namespace, flow_id, deployment_id, attempt, *state in rows:
        run = facts[ids[index]] = FlowRunFacts(ids[index], root or ids[index], exists=True, namespace=namespace)
        run.flow_name = names.get(flow_id, "")
        run.attempt = attempt
        run.flow_id, run.deployment_id = flow_id, deployment_id
        run.has_deployment = deployment_id is not None
        _set_state(run, state)
    launched = [run_id for run_id, run in facts.items() if run.attempt]
    for index, number, ended_at in await _FIND_ATTEMPTS.execute(connection, launched):
        run = facts[launched[index]]
        if number == run.attempt:
            run.attempt_over = ended_at is not None
    return facts


async def find_told_states(connection: AsyncConnection, ids: Sequence[bytes], facts: dict[bytes, FlowRunFacts]) -> None:
    """Adds to `facts` which transitions the history of these flow runs holds.

    A run that is not declared yet gets from its history also the state that it has been told to be in.
    """
    for index, state_id, type_, name, time, run_count, applied in await _FIND_STATES.execute(connection, ids):
        run = facts[ids[index]]
        run.known_states.add(state_id)
        if not run.exists and applied and (time, state_id) >= (run.state_time, run.state_id or b""):
            run.state_id, run.state_type, run.state_name = state_id, type_, name
            run.state_time, run.run_count = time, run_count


async def find_task_run_facts(connection: AsyncConnection, ids: Sequence[bytes]) -> dict[bytes, TaskRunFacts]:
    """What the table knows of these task runs; those without a row are left out."""
    facts: dict[bytes, TaskRunFacts] = {}
    for index, flow_run_id, root, namespace, created, *state in await _FIND_TASK_RUNS.execute(connection, ids):
        run = facts[ids[index]] = TaskRunFacts(ids[index], exists=True, flow_run_id=flow_run_id, root=root)
        run.created, run.namespace = created, namespace
        _set_state(run, state)
        run.stored_type, run.stored_flow_run_id = run.state_type, flow_run_id
    return facts


def _set_state(run: FlowRunFacts | TaskRunFacts, state: list[Any]) -> None:
    state_id, state_type, state_name, state_time, run_count, start_time, end_time = state
    run.run_count, run.start_time, run.end_time = run_count, start_time, end_time
    if state_id is not None:
        run.state_id, run.state_type, run.state_name, run.state_time = state_id, state_type, state_name, state_time


async def insert_states(connection: AsyncConnection, rows: Sequence[StateRow]) -> None:
    """Adds states to the history; one that it holds already is left as it is."""
    await INSERT_STATES.execute(connection, rows)


async def insert_logs(connection: AsyncConnection, rows: Sequence[LogRow]) -> None:
    """Adds log lines."""
    await INSERT_LOGS.execute(connection, rows)


async def save_task_runs(connection: AsyncConnection, runs: Iterable[TaskRunFacts]) -> None:
    """Writes task runs as planned."""
    rows = [
        (
            run.id,
            run.flow_run_id,
            run.root,
            run.namespace,
            run.parent,
            run.task,
            run.name,
            json.dumps(run.tags, ensure_ascii=False) if run.tags else None,
            json.dumps(run.inputs, ensure_ascii=False) if run.inputs else None,
            run.created,
            run.state_id,
            run.state_type,
            run.state_name,
            run.state_time or None,
            run.run_count,
            run.start_time,
            run.end_time,
        )
        for run in runs
    ]
    await _UPSERT_TASK_RUNS.execute(connection, rows)


_TERMINATED = (
    update(attempts)
    .where(
        attempts.c.flow_run_id == bindparam("run"),
        attempts.c.number == bindparam("attempt"),
        attempts.c.ended_at.is_(None),
    )
    .values(reason="Terminated")
)


async def save_terminated(connection: AsyncConnection, terminated: Sequence[tuple[bytes, int, str]]) -> None:
    """Notes on attempts that their runner was told to stop."""
    if terminated:
        rows = [{"run": UUID(bytes=run_id), "attempt": attempt} for run_id, attempt, _ in terminated]
        await connection.execute(_TERMINATED, rows)
