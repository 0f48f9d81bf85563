"""Reads and writes schedules: what is due, and when next."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

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


_ADVANCE = (
    update(schedules)
    .where(schedules.c.deployment_id == bindparam("owner"), schedules.c.name == bindparam("called"))
    .values(next_due=bindparam("next"))
)


async def advance(transaction: Transaction, moves: Sequence[tuple[Row, int | None]]) -> list[bool]:
    """Sets when each schedule is due next, but for those that have changed since their row was read. Returns which had not."""
    owners = {row["deployment_id"] for row, _ in moves}
    query = select(schedules.c.deployment_id, schedules.c.name, schedules.c.next_due)
    found = await transaction.connection.execute(query.where(schedules.c.deployment_id.in_(owners)))
    now = {(owner, name): due for owner, name, due in found.all()}
    same = [now.get((row["deployment_id"], row["name"]), -1) == row["next_due"] for row, _ in moves]
    changed = [
        {"owner": row["deployment_id"], "called": row["name"], "next": due}
        for (row, due), is_same in zip(moves, same, strict=True)
        if is_same
    ]
    if changed:
        await transaction.connection.execute(_ADVANCE, changed)
    return same


async def find_scheduled_runs(
    reader: Reader, deployment_ids: Sequence[UUID], times: Sequence[int]
) -> dict[tuple[UUID, str, int], UUID]:
    """The runs that schedules of these deployments have made for any of these times, by deployment, schedule and time."""
    columns = flow_runs.c
    query = select(columns.deployment_id, columns.schedule_name, columns.scheduled_time, columns.id).where(
        columns.deployment_id.in_(deployment_ids),
        columns.schedule_name.is_not(None),
        columns.scheduled_time.in_(times),
    )
    return {(owner, name, time): run_id for owner, name, time, run_id in (await reader.execute(query)).all()}
