"""Reads, writes and deletes artifacts. Ingest writes them in bulk; lists and deletions come by their routes and by retention.

Each key's newest version is marked in its row, so that lists of the newest need no comparing.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Select, case, delete, literal_column, null, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.domain.artifacts import SHOWN_IN_LISTS, ArtifactFacts, ArtifactFilter
from towpath_operator.domain.pages import PageRequest
from towpath_operator.store.bulk import Insert, Lookup
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import count_capped, first_id_at
from towpath_operator.store.tables import artifacts, flow_runs, task_runs
from towpath_operator.store.types import Row

_FIND = Lookup(
    "artifacts",
    "id",
    (
        ("root_id", "id"),
        ("namespace", "text"),
        ("flow_run_id", "id"),
        ("task_run_id", "id"),
        ("type", "text"),
        ("key", "text"),
        ("description", "text"),
        ("data", "json"),
        ("created", "integer"),
        ("updated", "integer"),
    ),
)
_REPLACED = ("flow_run_id", "task_run_id", "type", "key", "description", "data", "size", "created", "updated")
_SAVE = Insert(
    "artifacts",
    (
        ("id", "id"),
        ("root_id", "id"),
        ("namespace", "text"),
        ("flow_run_id", "id"),
        ("task_run_id", "id"),
        ("type", "text"),
        ("key", "text"),
        ("description", "text"),
        ("data", "json"),
        ("size", "integer"),
        ("created", "integer"),
        ("updated", "integer"),
        ("is_latest", "boolean"),
    ),
    "ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in _REPLACED),
)
_UNMARK = text("UPDATE artifacts SET is_latest = false WHERE is_latest AND namespace = :namespace AND key = :key")
_MARK = text(
    "UPDATE artifacts SET is_latest = true WHERE id = "
    "(SELECT id FROM artifacts WHERE namespace = :namespace AND key = :key ORDER BY id DESC LIMIT 1)"
)
_IS_LATEST = literal_column("artifacts.is_latest", Boolean)
"""As the partial index says it, for SQLite's planner."""
_NAMES = (flow_runs.c.name.label("flow_run_name"), task_runs.c.name.label("task_run_name"))


def _joined(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(flow_runs, flow_runs.c.id == artifacts.c.flow_run_id).outerjoin(
        task_runs, task_runs.c.id == artifacts.c.task_run_id
    )


_READ = _joined(select(artifacts, *_NAMES).select_from(artifacts))
_LIST = _joined(
    select(
        *(column for column in artifacts.c if column.name != "data"),
        case((artifacts.c.size <= SHOWN_IN_LISTS, artifacts.c.data), else_=null()).label("data"),
        *_NAMES,
    ).select_from(artifacts)
)


async def find_artifact_facts(connection: AsyncConnection, ids: Sequence[bytes]) -> dict[bytes, ArtifactFacts]:
    """What the table knows of these artifacts; those without a row are left out."""
    facts: dict[bytes, ArtifactFacts] = {}
    for (
        index,
        root,
        namespace,
        flow_run_id,
        task_run_id,
        type_,
        key,
        description,
        data,
        created,
        updated,
    ) in await _FIND.execute(connection, ids):
        kept = data if isinstance(data, str) or data is None else json.dumps(data)  # SQLite makes a number of one
        facts[ids[index]] = ArtifactFacts(
            ids[index], root, namespace, flow_run_id, task_run_id, type_, key, description, kept, created, updated
        )
    return facts


async def save_artifacts(connection: AsyncConnection, changed: Iterable[ArtifactFacts]) -> None:
    """Writes artifacts as planned, and marks the newest of their keys."""
    facts = list(changed)
    rows = [
        (
            one.id,
            one.root,
            one.namespace,
            one.flow_run_id,
            one.task_run_id,
            one.type,
            one.key,
            one.description,
            one.data,
            len((one.data or "").encode()),
            one.created,
            one.updated,
            one.key is None,
        )
        for one in facts
    ]
    await _SAVE.execute(connection, rows)
    await _mark_latest(connection, ((one.namespace, one.key) for one in facts))


async def _mark_latest(connection: AsyncConnection, keys: Iterable[tuple[str, str | None]]) -> None:
    given = [{"namespace": namespace, "key": key} for namespace, key in dict.fromkeys(keys) if key is not None]
    if given:
        await connection.execute(_UNMARK, given)
        await connection.execute(_MARK, given)


async def find_artifact(reader: Reader, artifact_id: UUID) -> Row | None:
    """The artifact, with the names of its runs."""
    return (await reader.execute(_READ.where(artifacts.c.id == artifact_id))).mappings().one_or_none()


async def list_artifacts(reader: Reader, wanted: ArtifactFilter, page: PageRequest) -> tuple[Sequence[Row], int]:
    """One page of the matching artifacts, newest first, with one more than the limit if there are more; and how many match."""
    columns = artifacts.c
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (columns.key, wanted.key),
        (columns.type, wanted.type),
        (columns.flow_run_id, wanted.flow_run_id),
        (columns.task_run_id, wanted.task_run_id),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.namespaces is not None:
        conditions.append(columns.namespace.in_(wanted.namespaces))
    if wanted.latest:
        conditions.append(_IS_LATEST)
    total = await count_capped(reader, select(columns.id).where(*conditions))
    if page.after:
        conditions.append(columns.id < page.after[0])
    query = _LIST.where(*conditions).order_by(columns.id.desc()).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


async def delete_artifacts(transaction: Transaction, ids: Sequence[UUID]) -> None:
    """Deletes artifacts; what is then the newest of their keys is marked."""
    if not ids:
        return
    connection = transaction.connection
    found = await connection.execute(select(artifacts.c.namespace, artifacts.c.key).where(artifacts.c.id.in_(ids)))
    keys = [(namespace, key) for namespace, key in found]
    await connection.execute(delete(artifacts).where(artifacts.c.id.in_(ids)))
    await _mark_latest(connection, keys)
    for namespace in {namespace for namespace, _ in keys}:
        transaction.hint_of_kind("artifacts", namespace)


async def delete_artifacts_of(transaction: Transaction, flow_run_id: UUID, limit: int) -> int:
    """Deletes artifacts of a flow run. Returns how many."""
    query = select(artifacts.c.id).where(artifacts.c.flow_run_id == flow_run_id).limit(limit)
    ids = (await transaction.connection.execute(query)).scalars().all()
    await delete_artifacts(transaction, ids)
    return len(ids)


async def delete_lone_artifacts(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes artifacts of no flow run that have not changed since `before`, the oldest first. Returns how many."""
    columns = artifacts.c
    query = (
        select(columns.id)
        .where(columns.id < first_id_at(before), columns.flow_run_id.is_(None), columns.updated < before)
        .order_by(columns.id)
        .limit(limit)
    )
    ids = (await transaction.connection.execute(query)).scalars().all()
    await delete_artifacts(transaction, ids)
    return len(ids)
