"""Reads and writes flow runs, their states and tags."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, Update, and_, bindparam, delete, func, insert, or_, select, update

from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES, FIRST_ENDED, shown_name
from towpath_operator.domain.filters import FlowRunFilter, Sort
from towpath_operator.domain.pages import PageRequest
from towpath_operator.domain.parameter_texts import ParameterFilter, parameter_texts
from towpath_operator.store.counting import recount_tags
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import LIKE_ESCAPE, beyond, count_capped, like_pattern
from towpath_operator.store.tables import (
    deployments,
    flow_run_parameters,
    flow_run_tags,
    flow_runs,
    flows,
    states,
    task_runs,
    work_queues,
)
from towpath_operator.store.types import Row

_BY_TIME = Sort()
_READ = (
    select(
        flow_runs,
        flows.c.name.label("flow_name"),
        deployments.c.name.label("deployment_name"),
        deployments.c.slug.label("deployment_slug"),
        work_queues.c.name.label("work_queue_name"),
        states.c.message.label("state_message"),
        states.c.details.label("state_details"),
    )
    .join(flows, flows.c.id == flow_runs.c.flow_id)
    .outerjoin(deployments, deployments.c.id == flow_runs.c.deployment_id)
    .outerjoin(work_queues, work_queues.c.id == flow_runs.c.work_queue_id)
    .outerjoin(states, and_(states.c.run_id == flow_runs.c.id, states.c.id == flow_runs.c.state_id))
)


async def find_flow_run(reader: Reader, run_id: UUID) -> Row | None:
    """The run with the names of what it belongs to; None for an unknown one."""
    return (await reader.execute(_READ.where(flow_runs.c.id == run_id))).mappings().one_or_none()


async def find_flow_runs(reader: Reader, run_ids: Sequence[UUID]) -> Sequence[Row]:
    """The runs with these ids."""
    return (await reader.execute(_READ.where(flow_runs.c.id.in_(run_ids)))).mappings().all()


async def find_by_resource(reader: Reader, uid: str) -> Row | None:
    """The run that the FlowRun with this uid asked for."""
    return (await reader.execute(_READ.where(flow_runs.c.resource_uid == uid))).mappings().one_or_none()


async def find_by_key(reader: Reader, deployment_id: UUID, key: str) -> Row | None:
    """The run that was made for this idempotency key."""
    wanted = and_(flow_runs.c.deployment_id == deployment_id, flow_runs.c.idempotency_key == key)
    return (await reader.execute(_READ.where(wanted))).mappings().one_or_none()


SORT_COLUMNS: Mapping[str, Column[Any]] = {
    "expected": flow_runs.c.expected_time,
    "start": flow_runs.c.begins,
    "end": flow_runs.c.ends,
    "duration": flow_runs.c.duration,
    "name": flow_runs.c.name,
}
"""By what a Sort names. None of them is ever NULL in a run that a transaction has written."""


async def list_flow_runs(
    reader: Reader, wanted: FlowRunFilter, page: PageRequest, sort: Sort = _BY_TIME
) -> tuple[Sequence[Row], tuple[Any, UUID] | None]:
    """One page of the matching runs in this order, and the sort keys of its last if there are more.

    First their ids are found, then what they show is read: one that was deleted in between is left out.
    """
    conditions = flow_run_conditions(wanted)
    keys = (SORT_COLUMNS[sort.by], flow_runs.c.id)
    if page.after:
        conditions.append(beyond(keys, page.after, descending=sort.descending))
    order = (key.desc() if sort.descending else key.asc() for key in keys)
    query = select(*keys).where(*conditions).order_by(*order).limit(page.limit + 1)
    found = [(key, run_id) for key, run_id in (await reader.execute(query)).all()]
    shown = found[: page.limit]
    rows = {row["id"]: row for row in await find_flow_runs(reader, [run_id for _, run_id in shown])} if shown else {}
    last = shown[-1] if len(found) > page.limit else None
    return [rows[run_id] for _, run_id in shown if run_id in rows], last


async def count_flow_runs(reader: Reader, wanted: FlowRunFilter) -> int:
    """How many runs match, up to the cap of lists."""
    return await count_capped(reader, select(flow_runs.c.id).where(*flow_run_conditions(wanted)))


async def list_changed(reader: Reader, after: int, limit: int, namespaces: Sequence[str] | None) -> Sequence[Row]:
    """Runs with a revision above `after`, the oldest change first."""
    query = _READ.where(flow_runs.c.revision > after).order_by(flow_runs.c.revision).limit(limit)
    if namespaces is not None:
        query = query.where(flow_runs.c.namespace.in_(namespaces))
    return (await reader.execute(query)).mappings().all()


async def has_runs(reader: Reader, column: str, owner: UUID) -> bool:
    """Whether any run belongs to this flow or deployment (by `column`)."""
    query = select(flow_runs.c.id).where(flow_runs.c[column] == owner).limit(1)
    return (await reader.execute(query)).first() is not None


async def list_waiting_of(reader: Reader, deployment_id: UUID) -> Sequence[Row]:
    """The runs of a deployment that have not been claimed."""
    query = _READ.where(
        flow_runs.c.state_type == CODES[StateType.SCHEDULED], flow_runs.c.deployment_id == deployment_id
    )
    return (await reader.execute(query)).mappings().all()


async def list_open_subflows(reader: Reader, root_id: UUID) -> Sequence[Row]:
    """The subflows that the root's process executes and that have not ended."""
    query = _READ.where(flow_runs.c.root_id == root_id, flow_runs.c.state_type < FIRST_ENDED)
    return (await reader.execute(query)).mappings().all()


def flow_run_conditions(wanted: FlowRunFilter) -> list[ColumnElement[bool]]:
    """What the filter asks of rows of flow_runs."""
    columns = flow_runs.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.namespaces is not None:
        conditions.append(columns.namespace.in_(wanted.namespaces))
    if wanted.states:
        conditions.append(or_(*(state_condition(flow_runs.c, code, name) for code, name in wanted.states)))
    if wanted.flows:
        conditions.append(columns.flow_id.in_(named(flows, wanted.flows)))
    if wanted.deployments:
        conditions.append(columns.deployment_id.in_(named_deployments(wanted.deployments)))
    if wanted.work_queues:
        conditions.append(columns.work_queue_id.in_(named(work_queues, wanted.work_queues)))
    if wanted.tags:
        tagged = select(flow_run_tags.c.flow_run_id).where(flow_run_tags.c.tag.in_(wanted.tags))
        conditions.append(columns.id.in_(tagged))
    if wanted.name is not None:
        conditions.append(columns.name == wanted.name)
    if wanted.search is not None:
        conditions.append(_found(wanted.search))
    for parameter in wanted.parameters:
        conditions.append(columns.id.in_(_with_parameter(parameter)))
    if wanted.parent_flow_run_id is not None:
        conditions.append(columns.parent_flow_run_id == wanted.parent_flow_run_id)
    if wanted.since is not None:
        conditions.append(columns.expected_time >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.expected_time < wanted.until)
    return conditions


def _found(search: str) -> ColumnElement[bool]:
    """Runs that match; a text too short for PostgreSQL's index of names is looked for among the newest runs only."""
    if len(search) >= SHORTEST_INDEXED:
        return matches(flow_runs.c, search)
    newest = select(flow_runs.c.id, flow_runs.c.name).order_by(flow_runs.c.expected_time.desc()).limit(MOST_SEARCHED)
    found = newest.subquery()
    return flow_runs.c.id.in_(select(found.c.id).where(matches(found.c, search)))


SHORTEST_INDEXED = 3
MOST_SEARCHED = 20_000


def matches(columns: Any, search: str) -> ColumnElement[bool]:
    """Rows whose name contains `search`, regardless of case, or whose id it is."""
    named = columns.name.ilike(like_pattern(search), escape=LIKE_ESCAPE)
    ids = _uuids([search])
    return or_(named, columns.id == ids[0]) if ids else named


def _with_parameter(wanted: ParameterFilter) -> Select[Any]:
    columns = flow_run_parameters.c
    text = wanted.text
    value = columns.value.ilike(like_pattern(text), escape=LIKE_ESCAPE) if wanted.contains else columns.value == text
    return select(columns.flow_run_id).where(columns.name == wanted.name, value)


def state_condition(columns: Any, code: int | None, name: str | None) -> ColumnElement[bool]:
    """Rows in a state of this type code, or of this name, or both."""
    parts: list[ColumnElement[bool]] = []
    if code is not None:
        parts.append(columns.state_type == code)
    if name is not None:
        is_default = code is not None and name == shown_name(code, None)
        parts.append(columns.state_name.is_(None) if is_default else columns.state_name == name)
    return and_(*parts)


def _uuids(names: Sequence[str]) -> list[UUID]:
    found: list[UUID] = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found


def named(table: Any, names: Sequence[str]) -> Select[Any]:
    """Ids of those with one of these names, or ids where they are UUIDs."""
    return select(table.c.id).where(or_(table.c.name.in_(names), table.c.id.in_(_uuids(names))))


def named_deployments(names: Sequence[str]) -> Select[Any]:
    """Ids of the deployments with one of these names: their own, their resource's, `flow/deployment`, or their id."""
    full = [
        and_(flows.c.name == flow, deployments.c.name == name)
        for flow, slash, name in (text.partition("/") for text in names)
        if slash
    ]
    plain = or_(
        deployments.c.name.in_(names), deployments.c.slug.in_(names), deployments.c.id.in_(_uuids(names)), *full
    )
    return select(deployments.c.id).join(flows, flows.c.id == deployments.c.flow_id).where(plain)


async def insert_flow_run(transaction: Transaction, values: Mapping[str, Any]) -> None:
    """Adds a run. What `values` leaves out is at its beginning: no attempt, no tasks, no revision yet."""
    await insert_flow_runs(transaction, [values])


async def insert_flow_runs(transaction: Transaction, runs: Sequence[Mapping[str, Any]]) -> None:
    """Adds runs, as `insert_flow_run` does one."""
    connection = transaction.connection
    await connection.execute(insert(flow_runs), [_BEGINNING | dict(values) for values in runs])
    tags = [{"tag": tag, "flow_run_id": run["id"]} for run in runs for tag in set(run.get("tags") or ())]
    if tags:
        await connection.execute(insert(flow_run_tags), tags)
    parameters = [row for run in runs for row in _parameter_rows(run["id"], run.get("parameters") or {})]
    if parameters:
        await connection.execute(insert(flow_run_parameters), parameters)
    for run in runs:
        transaction.changed(run["id"])


_BEGINNING: dict[str, Any] = {
    column.name: None if column.nullable else 0 for column in flow_runs.columns if not column.primary_key
}


async def update_flow_run(transaction: Transaction, run_id: UUID, values: Mapping[str, Any]) -> None:
    """Changes fields of a run; its revision rises."""
    await _update(transaction, run_id, {}, values)


async def add_task_counts(
    transaction: Transaction, run_id: UUID, counts: Mapping[str, int], values: Mapping[str, Any]
) -> None:
    """Adds to the run's task counts and changes further fields; its revision rises."""
    added = {name: by for name, by in counts.items() if by}
    if added or values:
        await _update(transaction, run_id, added, values)


async def _update(transaction: Transaction, run_id: UUID, added: Mapping[str, int], values: Mapping[str, Any]) -> None:
    statement = _build_update(tuple(added), tuple(values))
    await transaction.connection.execute(statement, {**added, **values, "run": run_id})
    transaction.changed(run_id)


@cache
def _build_update(added: tuple[str, ...], replaced: tuple[str, ...]) -> Update:
    """The statement that adds to some columns and replaces others. Building one takes longer than executing it."""
    columns = flow_runs.c
    values: dict[str, Any] = {name: columns[name] + bindparam(name) for name in added}
    values |= {name: bindparam(name, type_=columns[name].type) for name in replaced}
    return update(flow_runs).where(columns.id == bindparam("run")).values(values)


async def replace_tags(transaction: Transaction, run_id: UUID, tags: Sequence[str]) -> None:
    """Makes these the run's tags for the lists."""
    connection = transaction.connection
    known = (await connection.execute(_TAGS_OF, {"run": run_id})).scalars().all()
    removed, added = sorted({*known} - {*tags}), sorted({*tags} - {*known})
    if removed:
        gone = and_(flow_run_tags.c.flow_run_id == run_id, flow_run_tags.c.tag.in_(removed))
        await connection.execute(delete(flow_run_tags).where(gone))
    if added:
        await connection.execute(insert(flow_run_tags), [{"tag": tag, "flow_run_id": run_id} for tag in added])
    if removed or added:
        await recount_tags(connection, run_id, removed, added, transaction.counts)


_TAGS_OF = select(flow_run_tags.c.tag).where(flow_run_tags.c.flow_run_id == bindparam("run"))


async def replace_parameters(transaction: Transaction, run_id: UUID, parameters: Mapping[str, Any]) -> None:
    """Makes these the run's parameters for the lists."""
    gone = delete(flow_run_parameters).where(flow_run_parameters.c.flow_run_id == run_id)
    await transaction.connection.execute(gone)
    if rows := _parameter_rows(run_id, parameters):
        await transaction.connection.execute(insert(flow_run_parameters), rows)


def _parameter_rows(run_id: UUID, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": n, "value": v, "flow_run_id": run_id} for n, v in parameter_texts(parameters).items()]


@dataclass(frozen=True)
class StateValues:
    """A state as a run's history holds it. `name` is None for the type's default."""

    id: UUID
    type: int
    name: str | None
    time: int
    message: str | None = None
    run_count: int = 0
    attempt: int = 0
    applied: bool = True
    details: dict[str, Any] | None = None


async def insert_state(transaction: Transaction, run_id: UUID, state: StateValues) -> None:
    """Adds one state to a run's history."""
    await insert_state_values(transaction, [(run_id, state)])


async def insert_state_values(transaction: Transaction, entered: Sequence[tuple[UUID, StateValues]]) -> None:
    """Adds states to the histories of runs."""
    await transaction.connection.execute(
        insert(states), [{"run_id": run_id, **asdict(state)} for run_id, state in entered]
    )


async def list_states(reader: Reader, run_id: UUID) -> Sequence[Row]:
    """The history of a flow run or task run, oldest first."""
    query = select(states).where(states.c.run_id == run_id).order_by(states.c.time, states.c.id)
    return (await reader.execute(query)).mappings().all()


async def count_tasks(transaction: Transaction, flow_run_id: UUID) -> dict[str, int]:
    """The task counts of a run, counted from its task runs."""
    query = (
        select(task_runs.c.state_type, func.count())
        .where(task_runs.c.flow_run_id == flow_run_id)
        .group_by(task_runs.c.state_type)
    )
    found = dict((await transaction.connection.execute(query)).all())
    failed = found.get(CODES[StateType.FAILED], 0) + found.get(CODES[StateType.CRASHED], 0)
    return {
        "tasks_total": sum(found.values()),
        "tasks_running": found.get(CODES[StateType.RUNNING], 0),
        "tasks_completed": found.get(CODES[StateType.COMPLETED], 0),
        "tasks_failed": failed,
    }
