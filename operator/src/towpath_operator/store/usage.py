"""How much declared things are used: counts and last times, for their read models and for metrics."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select, text

from towpath_operator.store.engine import Reader
from towpath_operator.store.tables import deployments, flow_runs, flows
from towpath_operator.store.tables.flow_runs import ACTIVE, HOLDS, WAITING


async def find_size(reader: Reader) -> int:
    """The database's size in bytes."""
    if reader.dialect.name == "sqlite":
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    else:
        query = "SELECT pg_database_size(current_database())"
    return (await reader.execute(text(query))).scalar_one()


async def count_deployments(reader: Reader, flow_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Declared deployments by flow."""
    query = (
        select(deployments.c.flow_id, func.count())
        .where(deployments.c.flow_id.in_(flow_ids), deployments.c.deleted.is_(None))
        .group_by(deployments.c.flow_id)
    )
    return dict((await reader.execute(query)).all())


async def find_last_starts(reader: Reader, column: str, ids: Sequence[UUID]) -> dict[UUID, int]:
    """When the newest started run of each flow or deployment (by `column`) began."""
    owners = flows if column == "flow_id" else deployments
    started = (
        select(flow_runs.c.start_time)
        .where(flow_runs.c[column] == owners.c.id, flow_runs.c.start_time.is_not(None))
        .order_by(flow_runs.c.expected_time.desc(), flow_runs.c.id.desc())
        .limit(1)
        .correlate(owners)
        .scalar_subquery()
    )
    found = (await reader.execute(select(owners.c.id, started).where(owners.c.id.in_(ids)))).all()
    return {owner: time for owner, time in found if time is not None}


async def find_next_runs(reader: Reader, deployment_ids: Sequence[UUID], now: int) -> dict[UUID, int]:
    """When the next waiting run of each deployment is due."""
    query = (
        select(flow_runs.c.deployment_id, func.min(flow_runs.c.run_after))
        .where(WAITING, flow_runs.c.deployment_id.in_(deployment_ids), flow_runs.c.run_after >= now)
        .group_by(flow_runs.c.deployment_id)
    )
    return dict((await reader.execute(query)).all())


async def count_active(reader: Reader, column: str, ids: Sequence[UUID] | None = None) -> dict[UUID, int]:
    """Runs that hold infrastructure, by `deployment_id` or `work_queue_id`."""
    owner: ColumnElement[Any] = flow_runs.c[column]
    query = select(owner, func.count()).where(ACTIVE, HOLDS, owner.is_not(None)).group_by(owner)
    if ids is not None:
        query = query.where(owner.in_(ids))
    return dict((await reader.execute(query)).all())


async def find_waiting(reader: Reader, now: int, late_before: int) -> dict[UUID, tuple[int, int, int]]:
    """Due runs by work queue: how many wait, how many of them since before `late_before`, and since when the oldest."""
    due = flow_runs.c.run_after
    late = func.sum(case((due < late_before, 1), else_=0))
    query = (
        select(flow_runs.c.work_queue_id, func.count(), late, func.min(due))
        .where(and_(WAITING, flow_runs.c.work_queue_id.is_not(None), due <= now))
        .group_by(flow_runs.c.work_queue_id)
    )
    return {queue: (number, late or 0, oldest) for queue, number, late, oldest in (await reader.execute(query)).all()}
