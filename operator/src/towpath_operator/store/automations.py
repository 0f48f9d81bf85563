"""Reads and writes what automations have to do. Rows are added in the transaction of the state that they follow from."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from towpath_operator.domain.pages import PageRequest
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import beyond, count_capped
from towpath_operator.store.tables import automations, firings
from towpath_operator.store.tables.automations import WAITING
from towpath_operator.store.types import Row


async def list_rules(reader: Reader) -> Sequence[Row]:
    """All automations, as far as it matters what concerns them."""
    columns = automations.c
    query = select(columns.id, columns.namespace, columns.name, columns.spec, columns.updated).order_by(columns.id)
    return (await reader.execute(query)).mappings().all()


async def insert_firings(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds what is to be done, or was decided not to be."""
    if rows:
        await transaction.connection.execute(insert(firings), [dict(row) for row in rows])


async def count_since(reader: Reader, automation_id: UUID, since: int) -> int:
    """How often an automation had something to do since a time."""
    query = select(func.count()).where(firings.c.automation_id == automation_id, firings.c.created >= since)
    return (await reader.execute(query)).scalar_one()


async def list_waiting_of(reader: Reader, run_ids: Sequence[UUID]) -> Sequence[Row]:
    """What waits because of these runs."""
    query = select(firings).where(WAITING, firings.c.flow_run_id.in_(run_ids))
    return (await reader.execute(query)).mappings().all()


async def list_due(reader: Reader, now: int, limit: int) -> Sequence[Row]:
    """What is to be done by `now`, the longest due first."""
    query = select(firings).where(WAITING, firings.c.due <= now).order_by(firings.c.due).limit(limit)
    return (await reader.execute(query)).mappings().all()


async def find_first_due(reader: Reader) -> int | None:
    """When the next thing is to be done."""
    return (await reader.execute(select(func.min(firings.c.due)).where(WAITING))).scalar_one()


async def save_outcome(transaction: Transaction, firing_ids: Sequence[UUID], values: Mapping[str, Any]) -> None:
    """Changes firings."""
    await transaction.connection.execute(update(firings).where(firings.c.id.in_(firing_ids)).values(dict(values)))


async def note_fired(transaction: Transaction, automation_id: UUID, values: Mapping[str, Any]) -> None:
    """Keeps with an automation when it last did something, or why it failed last."""
    await transaction.connection.execute(
        update(automations).where(automations.c.id == automation_id).values(dict(values))
    )


async def list_firings(reader: Reader, automation_id: UUID, page: PageRequest) -> tuple[Sequence[Row], int]:
    """One page of an automation's firings, newest first, with one more than the limit if there are more; how many there are."""
    conditions = [firings.c.automation_id == automation_id]
    total = await count_capped(reader, select(firings.c.id).where(*conditions))
    if page.after:
        conditions.append(beyond((firings.c.id,), page.after, descending=True))
    query = select(firings).where(*conditions).order_by(firings.c.id.desc()).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


async def count_waiting(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How much waits of each of these automations that has any."""
    if not ids:
        return {}
    query = (
        select(firings.c.automation_id, func.count())
        .where(WAITING, firings.c.automation_id.in_(ids))
        .group_by(firings.c.automation_id)
    )
    return {row[0]: row[1] for row in (await reader.execute(query)).all()}


async def delete_of(transaction: Transaction, automation_id: UUID) -> None:
    """Deletes all firings of an automation."""
    await transaction.connection.execute(delete(firings).where(firings.c.automation_id == automation_id))


async def delete_ended(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes firings from before `before` that ended. Returns how many."""
    query = select(firings.c.id).where(firings.c.created < before, firings.c.due.is_(None)).limit(limit)
    ids = (await transaction.connection.execute(query)).scalars().all()
    if ids:
        await transaction.connection.execute(delete(firings).where(firings.c.id.in_(ids)))
    return len(ids)
