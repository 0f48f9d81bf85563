"""Reads task runs and log lines. Ingest writes them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, FromClause, and_, func, insert, literal_column, or_, select

from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.domain.filters import LogFilter, TaskRunFilter
from towpath_operator.domain.pages import PageRequest
from towpath_operator.domain.times import SECOND
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.flow_runs import matches, named, named_deployments, state_condition
from towpath_operator.store.lists import beyond, count_capped, first_id_at
from towpath_operator.store.tables import flow_runs, flows, logs, states, task_runs
from towpath_operator.store.tables.task_runs import NOT_COMPLETED
from towpath_operator.store.types import Row

_NOT_COMPLETED = literal_column(f"task_runs.{NOT_COMPLETED.text}", Boolean)
_NAMESPACE = func.coalesce(flow_runs.c.namespace, task_runs.c.teller_namespace)
_READ = (
    select(
        task_runs,
        states.c.message.label("state_message"),
        states.c.details.label("state_details"),
        _NAMESPACE.label("namespace"),
    )
    .outerjoin(states, and_(states.c.run_id == task_runs.c.id, states.c.id == task_runs.c.state_id))
    .outerjoin(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)
)


async def find_task_run(reader: Reader, run_id: UUID) -> Row | None:
    """The task run, with its flow run's namespace; outside a flow, with that of who told of it."""
    return (await reader.execute(_READ.where(task_runs.c.id == run_id))).mappings().one_or_none()


async def list_task_runs(reader: Reader, wanted: TaskRunFilter, page: PageRequest) -> Sequence[Row]:
    """One page of the matching task runs, newest first, with one more than the limit if there are more."""
    conditions = conditions_of(wanted)
    if page.after:
        conditions.append(task_runs.c.id < page.after[0])
    query = _READ.where(*conditions).order_by(task_runs.c.id.desc()).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all()


async def count_task_runs(reader: Reader, wanted: TaskRunFilter) -> int:
    """How many match, up to the cap of lists."""
    matching = select(task_runs.c.id).select_from(task_run_source(wanted)).where(*conditions_of(wanted))
    return await count_capped(reader, matching)


async def count_newest(reader: Reader, wanted: TaskRunFilter, most: int) -> tuple[int, bool]:
    """How many match among the newest `most` that match in all but their flow run, and whether there are older ones."""
    columns = task_runs.c
    newest = select(columns.id, columns.flow_run_id, columns.teller_namespace).where(*_own_conditions(wanted))
    seen = newest.order_by(columns.id.desc()).limit(most + 1).subquery()
    count = func.count().filter(*_joined_conditions(wanted, seen.c))
    query = select(func.count(), count).select_from(seen.outerjoin(flow_runs, flow_runs.c.id == seen.c.flow_run_id))
    looked_at, matching = (await reader.execute(query)).one()
    return matching, looked_at > most


def is_joined(wanted: TaskRunFilter) -> bool:
    """Whether the filter asks for something of the flow run that task runs belong to."""
    return wanted.namespaces is not None or bool(wanted.flows or wanted.deployments)


def task_run_source(wanted: TaskRunFilter) -> FromClause:
    """What the filter's conditions are about: the task runs, with their flow runs where it asks for those."""
    if not is_joined(wanted):
        return task_runs
    return task_runs.outerjoin(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)


def conditions_of(wanted: TaskRunFilter) -> list[ColumnElement[bool]]:
    """What the filter asks of rows of `task_run_source`."""
    return _own_conditions(wanted) + _joined_conditions(wanted, task_runs.c)


def _joined_conditions(wanted: TaskRunFilter, columns: Any) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.namespaces is not None:
        namespace = func.coalesce(flow_runs.c.namespace, columns.teller_namespace)
        conditions.append(namespace.in_(wanted.namespaces))
    if wanted.flows:
        conditions.append(flow_runs.c.flow_id.in_(named(flows, wanted.flows)))
    if wanted.deployments:
        conditions.append(flow_runs.c.deployment_id.in_(named_deployments(wanted.deployments)))
    return conditions


def _own_conditions(wanted: TaskRunFilter) -> list[ColumnElement[bool]]:
    columns = task_runs.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.flow_run_id is not None:
        conditions.append(columns.flow_run_id == wanted.flow_run_id)
    if wanted.states:
        conditions.append(or_(*(state_condition(columns, code, name) for code, name in wanted.states)))
        if not {code for code, _ in wanted.states} & {None, CODES[StateType.COMPLETED]}:
            conditions.append(_NOT_COMPLETED)
    if wanted.task is not None:
        conditions.append(columns.task == wanted.task)
    if wanted.name is not None:
        conditions.append(columns.name == wanted.name)
    if wanted.search is not None:
        conditions.append(matches(columns, wanted.search))
    # Ids are in order of time, and indexed; the clocks of those who make them may be a little off.
    if wanted.since is not None:
        conditions += [columns.created >= wanted.since, columns.id >= first_id_at(wanted.since - ID_SLACK)]
    if wanted.until is not None:
        conditions += [columns.created < wanted.until, columns.id < first_id_at(wanted.until + ID_SLACK)]
    return conditions


ID_SLACK = 3_600 * SECOND


async def list_logs(reader: Reader, wanted: LogFilter, page: PageRequest) -> tuple[Sequence[Row], int]:
    """One page of the matching lines, oldest first, with one more than the limit if there are more; and how many match."""
    columns = logs.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.flow_run_id is not None:
        conditions.append(columns.flow_run_id == wanted.flow_run_id)
    if wanted.task_run_id is not None:
        conditions.append(columns.task_run_id == wanted.task_run_id)
    if wanted.level is not None:
        conditions.append(columns.level >= wanted.level)
    if wanted.since is not None:
        conditions.append(columns.time >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.time < wanted.until)
    total = await count_capped(reader, select(columns.id).where(*conditions))
    keys = (columns.time, columns.id)
    if page.after:
        conditions.append(beyond(keys, page.after, descending=False))
    query = select(logs).where(*conditions).order_by(*keys).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


async def find_messages(reader: Reader, flow_run_id: UUID, messages: Sequence[str]) -> set[str]:
    """Which of these messages the run's log holds already."""
    query = select(logs.c.message).where(logs.c.flow_run_id == flow_run_id, logs.c.message.in_(messages))
    return set((await reader.execute(query)).scalars())


async def insert_lines(
    transaction: Transaction, flow_run_id: UUID, logger: str, level: int, lines: Sequence[tuple[int, str]]
) -> None:
    """Adds lines, given as (time, message), to a run's log."""
    if lines:
        rows = [
            {
                "flow_run_id": flow_run_id,
                "task_run_id": None,
                "level": level,
                "time": time,
                "logger": logger,
                "message": message,
            }
            for time, message in lines
        ]
        await transaction.connection.execute(insert(logs), rows)
