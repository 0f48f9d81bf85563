"""Reads task runs and log lines. Ingest writes them."""

from collections.abc import Sequence
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


async def list_task_runs(reader: Reader, wanted: TaskRunFilter, page: PageRequest) -> tuple[Sequence[Row], int]:
    """One page of the matching task runs, newest first, with one more than the limit if there are more; and how many match."""
    columns = task_runs.c
    conditions = conditions_of(wanted)
    total = await count_capped(reader, select(columns.id).select_from(task_run_source(wanted)).where(*conditions))
    if page.after:
        conditions.append(columns.id < page.after[0])
    query = _READ.where(*conditions).order_by(columns.id.desc()).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


def task_run_source(wanted: TaskRunFilter) -> FromClause:
    """What the filter's conditions are about: the task runs, with their flow runs where it asks for those."""
    if wanted.namespaces is None and not wanted.flows and not wanted.deployments:
        return task_runs
    return task_runs.outerjoin(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)


def conditions_of(wanted: TaskRunFilter) -> list[ColumnElement[bool]]:
    """What the filter asks of rows of `task_run_source`."""
    columns = task_runs.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.flow_run_id is not None:
        conditions.append(columns.flow_run_id == wanted.flow_run_id)
    if wanted.namespaces is not None:
        conditions.append(_NAMESPACE.in_(wanted.namespaces))
    if wanted.flows:
        conditions.append(flow_runs.c.flow_id.in_(named(flows, wanted.flows)))
    if wanted.deployments:
        conditions.append(flow_runs.c.deployment_id.in_(named_deployments(wanted.deployments)))
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
