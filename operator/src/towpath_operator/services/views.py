"""Turns rows into the contract's models. Called by the services; reads nothing itself."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from towpath.contract.declared import ResourceRef
from towpath.contract.resources.flow_run import TaskCounts
from towpath.contract.runs import AttemptRead, FlowRunRead, LogRead, RunState, StateRead, TaskRunRead
from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES, TYPES, shown_name
from towpath_operator.domain.pausing import view_pause
from towpath_operator.domain.times import from_micros, maybe_time
from towpath_operator.store.types import Row


def view_resource(row: Row) -> ResourceRef | None:
    """The resource that a row came from, if it came from one."""
    if row["resource_uid"] is None:
        return None
    return ResourceRef(name=row["resource_name"], uid=row["resource_uid"], generation=row["resource_generation"] or 0)


def view_state(row: Row) -> StateRead:
    """One state of a history."""
    return StateRead(
        id=row["id"],
        type=TYPES[row["type"]],
        name=shown_name(row["type"], row["name"]),
        time=from_micros(row["time"]),
        message=row["message"],
        run_count=row["run_count"],
        attempt=row["attempt"],
        applied=row["applied"],
        details=row["details"] or {},
    )


def view_run_state(row: Row) -> RunState:
    """The state that a run is in; Pending before it was told of any."""
    code = row["state_type"] if row["state_id"] is not None else CODES[StateType.PENDING]
    return RunState(
        type=TYPES[code],
        name=shown_name(code, row["state_name"]),
        time=from_micros(row["state_time"]),
        message=row["state_message"],
    )


def view_attempt(row: Row) -> AttemptRead:
    """One attempt."""
    return AttemptRead(
        number=row["number"],
        claimed_by=row["claimed_by"],
        job_name=row["job_name"],
        pod_name=row["pod_name"],
        pod_uid=row["pod_uid"],
        claimed_at=maybe_time(row["claimed_at"]),
        launched_at=maybe_time(row["launched_at"]),
        taken_at=maybe_time(row["taken_at"]),
        ended_at=maybe_time(row["ended_at"]),
        outcome=row["outcome"],
        reason=row["reason"],
        exit_code=row["exit_code"],
    )


def view_flow_run(row: Row, attempts: Sequence[Row]) -> FlowRunRead:
    """A flow run with its attempts."""
    state = view_run_state(row)
    return FlowRunRead(
        id=row["id"],
        namespace=row["namespace"],
        name=row["name"],
        flow_id=row["flow_id"],
        flow_name=row["flow_name"],
        deployment_id=row["deployment_id"],
        deployment_name=row["deployment_name"],
        deployment_resource=row["deployment_slug"],
        work_queue=row["work_queue_name"],
        state=state,
        pause=view_pause(state.name, row["state_details"]) if state.type is StateType.PAUSED else None,
        waiting_for=row["waiting_for"],
        parameters=row["parameters"] or {},
        tags=row["tags"] or [],
        attempt=row["attempt"],
        attempts=[view_attempt(attempt) for attempt in attempts],
        run_count=row["run_count"],
        tasks=TaskCounts(
            total=max(0, row["tasks_total"]),
            running=max(0, row["tasks_running"]),
            completed=max(0, row["tasks_completed"]),
            failed=max(0, row["tasks_failed"]),
        ),
        parent_flow_run_id=row["parent_flow_run_id"],
        parent_task_run_id=row["parent_task_run_id"],
        resource=view_resource(row),
        created=from_micros(row["created"]),
        scheduled_time=maybe_time(row["scheduled_time"]),
        start_time=maybe_time(row["start_time"]),
        end_time=maybe_time(row["end_time"]),
        revision=row["revision"],
    )


def view_task_run(row: Row) -> TaskRunRead:
    """A task run; one that was told of before its declaration shows as `unknown`."""
    inputs: dict[str, list[Any]] = row["inputs"] or {}
    return TaskRunRead(
        id=row["id"],
        flow_run_id=row["flow_run_id"],
        parent_task_run_id=row["parent_task_run_id"],
        task=row["task"] or "unknown",
        name=row["name"] or "unknown",
        state=None if row["state_id"] is None else view_run_state(row),
        tags=row["tags"] or [],
        inputs={name: [UUID(value) for value in ids] for name, ids in inputs.items()},
        run_count=row["run_count"],
        created=from_micros(row["created"]),
        start_time=maybe_time(row["start_time"]),
        end_time=maybe_time(row["end_time"]),
        details=row["state_details"] or {},
    )


def view_log(row: Row) -> LogRead:
    """One log line."""
    return LogRead(
        id=row["id"],
        flow_run_id=row["flow_run_id"],
        task_run_id=row["task_run_id"],
        level=row["level"],
        logger=row["logger"],
        message=row["message"],
        time=from_micros(row["time"]),
    )
