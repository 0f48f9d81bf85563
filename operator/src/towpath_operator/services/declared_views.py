"""Turns rows of declared things into the contract's models, with the counts that go with them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from towpath.contract.declared import (
    AutomationRead,
    BlockRead,
    ConcurrencyLimitRead,
    DeploymentRead,
    FlowRead,
    NotificationRead,
    WorkQueueRead,
)
from towpath.contract.ids import now_us
from towpath.contract.resources.automation import AutomationSpec
from towpath.contract.resources.block import BlockSpec
from towpath.contract.resources.concurrency_limit import ConcurrencyLimitSpec
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.notification import NotificationSpec
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath_operator.domain.times import SECOND, from_micros, maybe_time
from towpath_operator.services.views import view_resource
from towpath_operator.store import usage
from towpath_operator.store.automations import count_waiting
from towpath_operator.store.declared import FLOWS
from towpath_operator.store.deliveries import count_outcomes
from towpath_operator.store.engine import Reader
from towpath_operator.store.schedules import find_next_of
from towpath_operator.store.slots import count_slots
from towpath_operator.store.types import Row

LATE_AFTER = 15 * SECOND
"""A run that is due this long and not claimed is late."""


def _shared(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "namespace": row["namespace"],
        "name": row["name"],
        "resource": view_resource(row),
        "created": from_micros(row["created"]),
        "updated": from_micros(row["updated"]),
    }


async def view_flows(reader: Reader, rows: Sequence[Row]) -> list[FlowRead]:
    """Flows with how many deployments they have and when they ran last."""
    ids: list[UUID] = [row["id"] for row in rows]
    deployments = await usage.count_deployments(reader, ids)
    started = await usage.find_last_starts(reader, "flow_id", ids)
    return [
        FlowRead(
            **_shared(row),
            spec=None if row["spec"] is None else FlowSpec.model_validate(row["spec"]),
            deployments=deployments.get(row["id"], 0),
            last_run=maybe_time(started.get(row["id"])),
        )
        for row in rows
    ]


async def view_deployments(reader: Reader, rows: Sequence[Row]) -> list[DeploymentRead]:
    """Deployments with their next and last runs."""
    ids: list[UUID] = [row["id"] for row in rows]
    flows = await FLOWS.find_many(reader, [row["flow_id"] for row in rows])
    started = await usage.find_last_starts(reader, "deployment_id", ids)
    due = await usage.find_next_runs(reader, ids, now_us())
    for row_id, time in (await find_next_of(reader, ids)).items():
        due[row_id] = min(time, due.get(row_id, time))
    active = await usage.count_active(reader, "deployment_id", ids)
    return [
        DeploymentRead(
            **_shared(row),
            full_name=f"{flows[row['flow_id']]['name']}/{row['name']}",
            resource_name=row["slug"],
            flow_id=row["flow_id"],
            flow_name=flows[row["flow_id"]]["name"],
            spec=DeploymentSpec.model_validate(row["spec"]),
            next_run=maybe_time(due.get(row["id"])),
            last_run=maybe_time(started.get(row["id"])),
            active_runs=active.get(row["id"], 0),
        )
        for row in rows
    ]


async def view_work_queues(reader: Reader, rows: Sequence[Row]) -> list[WorkQueueRead]:
    """Queues with their depth."""
    now = now_us()
    waiting = await usage.find_waiting(reader, now, now - LATE_AFTER)
    active = await usage.count_active(reader, "work_queue_id")
    views: list[WorkQueueRead] = []
    for row in rows:
        queued, late, oldest = waiting.get(row["id"], (0, 0, None))
        views.append(
            WorkQueueRead(
                **_shared(row),
                declared=row["declared"],
                spec=WorkQueueSpec.model_validate(row["spec"]),
                queued=queued,
                running=active.get(row["id"], 0),
                late=late,
                oldest_waiting=maybe_time(oldest),
            )
        )
    return views


async def view_blocks(_: Reader, rows: Sequence[Row]) -> list[BlockRead]:
    """Blocks."""
    return [BlockRead(**_shared(row), spec=BlockSpec.model_validate(row["spec"])) for row in rows]


async def view_notifications(reader: Reader, rows: Sequence[Row]) -> list[NotificationRead]:
    """Notifications with how their sending goes."""
    counts = await count_outcomes(reader, [row["id"] for row in rows])
    views: list[NotificationRead] = []
    for row in rows:
        waiting, failed = counts.get(row["id"], (0, 0))
        views.append(
            NotificationRead(
                **_shared(row),
                spec=NotificationSpec.model_validate(row["spec"]),
                last_sent=maybe_time(row["last_sent"]),
                last_error=row["last_error"],
                waiting=waiting,
                failed=failed,
            )
        )
    return views


async def view_automations(reader: Reader, rows: Sequence[Row]) -> list[AutomationRead]:
    """Automations with what they wait for."""
    waiting = await count_waiting(reader, [row["id"] for row in rows])
    return [
        AutomationRead(
            **_shared(row),
            spec=AutomationSpec.model_validate(row["spec"]),
            last_fired=maybe_time(row["last_fired"]),
            last_error=row["last_error"],
            waiting=waiting.get(row["id"], 0),
        )
        for row in rows
    ]


async def view_concurrency_limits(reader: Reader, rows: Sequence[Row]) -> list[ConcurrencyLimitRead]:
    """Concurrency limits with their use."""
    counts = await count_slots(reader, now_us())
    views: list[ConcurrencyLimitRead] = []
    for row in rows:
        active, waiting = counts.get((row["namespace"], row["name"]), (0, 0))
        spec = ConcurrencyLimitSpec.model_validate(row["spec"])
        views.append(ConcurrencyLimitRead(**_shared(row), spec=spec, active=active, waiting=waiting))
    return views
