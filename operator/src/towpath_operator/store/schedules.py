"""Reads and writes schedules: what is due, and when next."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, update

from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.tables import deployments, flow_runs, schedules
from towpath_operator.store.types import Row


async def list_schedules(reader: Reader, deployment_id: UUID) -> Sequence[Row]:
    """The schedules of a deployment."""
    return (await reader.execute(select(schedules).where(schedules.c.deployment_id == deployment_id))).mappings().all()


async def list_due(reader: Reader, now: int, limit: int) -> Sequence[Row]:
    """Schedules that are due, the longest due first."""
    query = (
        select(schedules)
        .join(deployments, deployments.c.id == schedules.c.deployment_id)
        .where(schedules.c.next_due.is_not(None), schedules.c.next_due <= now, deployments.c.deleted.is_(None))
        .order_by(schedules.c.next_due)
        .limit(limit)
    )
    return (await reader.execute(query)).mappings().all()


async def find_first_due(reader: Reader) -> int | None:
    """When the next schedule is due."""
    query = select(func.min(schedules.c.next_due)).where(schedules.c.next_due.is_not(None))
    return (await reader.execute(query)).scalar_one()


async def find_next_of(reader: Reader, deployment_ids: Sequence[UUID]) -> dict[UUID, int]:
    """When each of these deployments starts a run by itself next."""
    query = (
        select(schedules.c.deployment_id, func.min(schedules.c.next_due))
        .where(schedules.c.deployment_id.in_(deployment_ids), schedules.c.next_due.is_not(None))
        .group_by(schedules.c.deployment_id)
    )
    return dict((await reader.execute(query)).all())


async def save_schedule(
    transaction: Transaction, deployment_id: UUID, name: str, spec: dict[str, Any], next_due: int | None
) -> None:
    """Adds or replaces a schedule."""
    await delete_schedules(transaction, deployment_id, [name])
    values = {"deployment_id": deployment_id, "name": name, "spec": spec, "next_due": next_due}
    await transaction.connection.execute(insert(schedules), values)


async def delete_schedules(transaction: Transaction, deployment_id: UUID, names: Sequence[str]) -> None:
    """Takes schedules away."""
    named = and_(schedules.c.deployment_id == deployment_id, schedules.c.name.in_(names))
    await transaction.connection.execute(delete(schedules).where(named))


async def advance(transaction: Transaction, row: Row, next_due: int | None) -> bool:
    """Sets when a schedule is due next, unless it has changed since `row` was read. Returns whether it had not."""
    same = and_(
        schedules.c.deployment_id == row["deployment_id"],
        schedules.c.name == row["name"],
        schedules.c.next_due == row["next_due"],
    )
    result = await transaction.connection.execute(update(schedules).where(same).values(next_due=next_due))
    return result.rowcount == 1


async def has_scheduled_run(reader: Reader, deployment_id: UUID, name: str, time: int) -> bool:
    """Whether the schedule has made its run for this time."""
    query = select(flow_runs.c.id).where(
        flow_runs.c.deployment_id == deployment_id,
        flow_runs.c.schedule_name == name,
        flow_runs.c.scheduled_time == time,
    )
    return (await reader.execute(query)).first() is not None


async def find_scheduled_runs(reader: Reader, deployment_id: UUID, times: Sequence[int]) -> dict[tuple[str, int], UUID]:
    """The runs that schedules of the deployment have made for any of these times, by schedule and time."""
    columns = flow_runs.c
    query = select(columns.schedule_name, columns.scheduled_time, columns.id).where(
        columns.deployment_id == deployment_id, columns.schedule_name.is_not(None), columns.scheduled_time.in_(times)
    )
    return {(name, time): run_id for name, time, run_id in (await reader.execute(query)).all()}
