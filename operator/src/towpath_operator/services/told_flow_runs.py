"""Writes the flow runs that told events made or changed. Called by services.ingest within its transaction.

Flow runs are few beside task runs, so they are written one by one through the ordinary store.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from towpath.contract.ids import now_us, uuid7
from towpath.contract.names import slug
from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES, FIRST_ENDED
from towpath_operator.domain.told import Told
from towpath_operator.domain.told_facts import FlowRunFacts
from towpath_operator.store.declared import FLOWS
from towpath_operator.store.engine import Transaction
from towpath_operator.store.flow_runs import (
    add_task_counts,
    count_tasks,
    insert_flow_run,
    replace_parameters,
    replace_tags,
)

_PENDING = CODES[StateType.PENDING]
_RUNNING = CODES[StateType.RUNNING]


async def write_flow_runs(transaction: Transaction, told: Told) -> None:
    """Writes every flow run of the plan that changed. One that only its states are known of waits for its declaration."""
    for run in told.flow_runs.values():
        if not run.changed:
            continue
        if run.exists:
            await _update(transaction, run)
        elif run.declared is not None:
            await _insert(transaction, run, run.declared)


def _state_values(run: FlowRunFacts) -> dict[str, Any]:
    if run.state_id is None or run.state_type is None:
        return {}
    values: dict[str, Any] = {
        "state_id": UUID(bytes=run.state_id),
        "state_type": run.state_type,
        "state_name": run.state_name,
        "state_time": run.state_time,
        "run_count": run.run_count,
        "start_time": run.start_time,
        "end_time": run.end_time,
    }
    if run.state_type == _RUNNING or run.state_type >= FIRST_ENDED:
        values["waiting_for"] = None
    return values


def _declared_values(event: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": event["name"]}
    for field in ("parameters", "tags", "version"):
        if field in event:
            values[field] = event[field]
    return values


def _uuid(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)


async def _update(transaction: Transaction, run: FlowRunFacts) -> None:
    run_id = UUID(bytes=run.id)
    values = _state_values(run)
    if run.declared is not None:
        values |= _declared_values(run.declared)
        if "tags" in run.declared:
            await replace_tags(transaction, run_id, run.declared["tags"])
        if "parameters" in run.declared:
            await replace_parameters(transaction, run_id, run.declared["parameters"])
    counts = {
        "tasks_total": run.total,
        "tasks_running": run.running,
        "tasks_completed": run.completed,
        "tasks_failed": run.failed,
    }
    await add_task_counts(transaction, run_id, counts, values)


async def _insert(transaction: Transaction, run: FlowRunFacts, event: Mapping[str, Any]) -> None:
    run_id = UUID(bytes=run.id)
    parent = _uuid(event.get("parent_flow_run_id"))
    if run.root != run.id and parent is None:
        parent = UUID(bytes=run.root)
    flow_id = await _find_or_make_flow(transaction, run.namespace, event["flow"])
    values: dict[str, Any] = {
        "id": run_id,
        "namespace": run.namespace,
        "flow_id": flow_id,
        "root_id": None if run.root == run.id else UUID(bytes=run.root),
        "parent_flow_run_id": parent,
        "parent_task_run_id": _uuid(event.get("parent_task_run_id")),
        "attempt": run.attempt if run.root == run.id else 0,
        "created": event["time"],
        "expected_time": event["time"],
        "state_type": _PENDING,
        "state_time": event["time"],
    }
    counts = await count_tasks(transaction, run_id)
    await insert_flow_run(transaction, values | _state_values(run) | _declared_values(event) | counts)
    run.exists, run.flow_id = True, flow_id.bytes


async def _find_or_make_flow(transaction: Transaction, namespace: str, name: str) -> UUID:
    found = await FLOWS.find_named(transaction.connection, namespace, name)
    if found is not None:
        return found["id"]
    flow_id, now = uuid7(), now_us()
    await FLOWS.insert(
        transaction,
        {"id": flow_id, "namespace": namespace, "name": name, "slug": slug(name), "created": now, "updated": now},
    )
    return flow_id
