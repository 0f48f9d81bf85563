"""Reads many runs as little as possible: counts over time, samples of durations, the parts of a graph. See services.overviews."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from towpath_operator.domain.filters import FlowRunFilter, TaskRunFilter
from towpath_operator.domain.graphs import Part
from towpath_operator.domain.times import SECOND
from towpath_operator.store.engine import Reader
from towpath_operator.store.flow_runs import flow_run_conditions, named, named_deployments
from towpath_operator.store.lists import count_capped
from towpath_operator.store.tables import deployments, flow_runs, flows, schedules, task_runs
from towpath_operator.store.task_runs import conditions_of, task_run_source
from towpath_operator.store.types import Row


async def find_ids(reader: Reader, kind: str, names: Sequence[str]) -> list[UUID]:
    """The ids of the flows or deployments (by `kind`) that these names stand for."""
    query = named(flows, names) if kind == "flow" else named_deployments(names)
    return list((await reader.execute(query)).scalars())


async def count_flow_runs(reader: Reader, wanted: FlowRunFilter, seconds: int, most: int) -> list[tuple[int, int, int]]:
    """(time, state, number) of the newest `most` runs that match, by slices of `seconds`; see `is_capped`."""
    columns = flow_runs.c
    newest = select(columns.expected_time.label("time"), columns.state_type.label("state"))
    newest = newest.where(*flow_run_conditions(wanted)).order_by(columns.expected_time.desc(), columns.id.desc())
    return await _count(reader, newest.limit(most), seconds)


async def count_task_runs(reader: Reader, wanted: TaskRunFilter, seconds: int, most: int) -> list[tuple[int, int, int]]:
    """As `count_flow_runs`, of task runs by when they were declared."""
    columns = task_runs.c
    newest = select(columns.created.label("time"), columns.state_type.label("state"))
    newest = newest.select_from(task_run_source(wanted)).where(*conditions_of(wanted), columns.state_type.is_not(None))
    return await _count(reader, newest.order_by(columns.id.desc()).limit(most), seconds)


async def _count(reader: Reader, newest: Select[Any, Any], seconds: int) -> list[tuple[int, int, int]]:
    found = newest.subquery()
    width = seconds * SECOND
    slot = (found.c.time // width).label("slot")
    query = select(slot, found.c.state, func.count()).group_by(slot, found.c.state).order_by(slot)
    return [(int(at) * width, state, number) for at, state, number in (await reader.execute(query)).all()]


_DOT = select(
    flow_runs.c.id,
    flow_runs.c.name,
    flow_runs.c.flow_id,
    flow_runs.c.state_type,
    flow_runs.c.state_name,
    flow_runs.c.start_time,
    flow_runs.c.end_time,
)


async def count_started(reader: Reader, wanted: FlowRunFilter) -> int:
    """How many runs that match have started, up to the cap of lists."""
    conditions = [*flow_run_conditions(wanted), flow_runs.c.start_time.is_not(None)]
    return await count_capped(reader, select(flow_runs.c.id).where(*conditions))


async def list_dots(reader: Reader, wanted: FlowRunFilter, limit: int) -> Sequence[Row]:
    """The newest started runs that match."""
    newest = _DOT.where(*flow_run_conditions(wanted), flow_runs.c.start_time.is_not(None))
    newest = newest.order_by(flow_runs.c.expected_time.desc(), flow_runs.c.id.desc()).limit(limit)
    return (await reader.execute(newest)).mappings().all()


async def list_dots_after(reader: Reader, wanted: FlowRunFilter, times: Sequence[int]) -> Sequence[Row]:
    """For each of these times the first started run that matches and was expected then or later, each run once."""
    if reader.dialect.name == "sqlite":
        at: Any = func.json_each(json.dumps(times)).table_valued("value").c.value
    else:
        at = func.unnest(cast(list(times), ARRAY(BigInteger))).table_valued("value").render_derived().c.value
    first = (
        select(flow_runs.c.id)
        .where(*flow_run_conditions(wanted), flow_runs.c.start_time.is_not(None), flow_runs.c.expected_time >= at)
        .order_by(flow_runs.c.expected_time, flow_runs.c.id)
        .limit(1)
        .correlate(at.table)
        .scalar_subquery()
    )
    ids = {run_id for run_id in (await reader.execute(select(first).select_from(at.table))).scalars() if run_id}
    return (await reader.execute(_DOT.where(flow_runs.c.id.in_(ids)))).mappings().all()


async def find_flow_names(reader: Reader, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Names of flows by id."""
    return dict((await reader.execute(select(flows.c.id, flows.c.name).where(flows.c.id.in_(ids)))).all())


async def find_bounds(reader: Reader, wanted: FlowRunFilter) -> tuple[int, int] | None:
    """The first and the last expected time among all runs of the filter's range, whatever else it asks; None without any."""
    time = flow_runs.c.expected_time
    conditions = flow_run_conditions(FlowRunFilter(since=wanted.since, until=wanted.until))
    first = (await reader.execute(select(time).where(*conditions).order_by(time).limit(1))).scalar_one_or_none()
    last = (await reader.execute(select(time).where(*conditions).order_by(time.desc()).limit(1))).scalar_one_or_none()
    return None if first is None or last is None else (first, last)


async def list_parts(reader: Reader, flow_run_id: UUID, limit: int) -> list[Part]:
    """The task runs of a run, in the order of creation."""
    c = task_runs.c
    query = (
        select(
            c.id,
            c.name,
            c.task,
            c.state_type,
            c.state_name,
            c.state_time,
            c.start_time,
            c.end_time,
            c.run_count,
            c.parent_task_run_id,
            c.inputs,
        )
        .where(c.flow_run_id == flow_run_id)
        .order_by(c.id)
        .limit(limit)
    )
    return [Part(*row) for row in (await reader.execute(query)).all()]


async def list_subflows(reader: Reader, flow_run_id: UUID, limit: int) -> list[Part]:
    """The subflows of a run, in the order of creation."""
    c = flow_runs.c
    query = (
        select(
            c.id,
            c.name,
            flows.c.name,
            c.state_type,
            c.state_name,
            c.state_time,
            c.start_time,
            c.end_time,
            c.run_count,
            c.parent_task_run_id,
        )
        .join(flows, flows.c.id == c.flow_id)
        .where(c.parent_flow_run_id == flow_run_id)
        .order_by(c.id)
        .limit(limit)
    )
    return [Part(*row) for row in (await reader.execute(query)).all()]


async def list_active_schedules(
    reader: Reader, namespaces: Sequence[str] | None, names: Sequence[str], until: int
) -> Sequence[Row]:
    """Schedules that are due before `until`, with the names of their deployments; of these deployments only, if any are named."""
    query = (
        select(
            schedules.c.name.label("schedule"),
            schedules.c.spec,
            schedules.c.next_due,
            deployments.c.id.label("deployment_id"),
            deployments.c.name.label("deployment_name"),
            deployments.c.namespace,
            flows.c.name.label("flow_name"),
        )
        .join(deployments, deployments.c.id == schedules.c.deployment_id)
        .join(flows, flows.c.id == deployments.c.flow_id)
        .where(schedules.c.next_due.is_not(None), schedules.c.next_due < until, deployments.c.deleted.is_(None))
        .order_by(schedules.c.next_due)
    )
    if namespaces is not None:
        query = query.where(deployments.c.namespace.in_(namespaces))
    if names:
        query = query.where(deployments.c.id.in_(named_deployments(names)))
    return (await reader.execute(query)).mappings().all()
