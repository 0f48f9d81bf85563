"""Reads and writes what notifications have to send: the outbox. Rows are added in the transaction of the state that they tell."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, insert, select, update

from towpath_operator.domain.pages import PageRequest
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import beyond, count_capped
from towpath_operator.store.tables import deliveries, notifications, states
from towpath_operator.store.tables.deliveries import WAITING
from towpath_operator.store.types import Row


async def list_policies(reader: Reader) -> Sequence[Row]:
    """All notifications, as far as it matters to whom a state is told."""
    query = select(
        notifications.c.id,
        notifications.c.namespace,
        notifications.c.name,
        notifications.c.spec,
        notifications.c.updated,
    ).order_by(notifications.c.id)
    return (await reader.execute(query)).mappings().all()


async def find_states(reader: Reader, run_ids: Sequence[UUID], state_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """These states of these runs, by the states' ids."""
    query = select(states).where(states.c.run_id.in_(run_ids), states.c.id.in_(state_ids))
    return {row["id"]: row for row in (await reader.execute(query)).mappings()}


async def insert_deliveries(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds what is to be sent."""
    if rows:
        await transaction.connection.execute(insert(deliveries), [dict(row) for row in rows])


async def list_channels(reader: Reader, notification_id: UUID, state_id: UUID) -> Sequence[str]:
    """The channels that have a delivery about a state already."""
    query = select(deliveries.c.channel).where(
        deliveries.c.notification_id == notification_id, deliveries.c.state_id == state_id
    )
    return (await reader.execute(query)).scalars().all()


async def list_due(reader: Reader, now: int, limit: int) -> Sequence[Row]:
    """What is to be sent by `now`, the longest due first."""
    query = select(deliveries).where(WAITING, deliveries.c.due <= now).order_by(deliveries.c.due).limit(limit)
    return (await reader.execute(query)).mappings().all()


async def find_first_due(reader: Reader) -> int | None:
    """When the next message is to be sent."""
    return (await reader.execute(select(func.min(deliveries.c.due)).where(WAITING))).scalar_one()


async def save_outcome(transaction: Transaction, delivery_id: UUID, values: Mapping[str, Any]) -> None:
    """Changes a delivery."""
    await transaction.connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(dict(values)))


async def note_attempt(transaction: Transaction, notification_id: UUID, values: Mapping[str, Any]) -> None:
    """Keeps with a notification when it sent last, or why it failed last."""
    await transaction.connection.execute(
        update(notifications).where(notifications.c.id == notification_id).values(dict(values))
    )


async def list_deliveries(
    reader: Reader, notification_id: UUID, outcome: str | None, page: PageRequest
) -> tuple[Sequence[Row], int]:
    """One page of a notification's deliveries, newest first, with one more than the limit if there are more; how many match."""
    conditions: list[ColumnElement[bool]] = [deliveries.c.notification_id == notification_id]
    if outcome is not None:
        conditions.append(_OUTCOMES[outcome])
    total = await count_capped(reader, select(deliveries.c.id).where(*conditions))
    if page.after:
        conditions.append(beyond((deliveries.c.id,), page.after, descending=True))
    query = select(deliveries).where(*conditions).order_by(deliveries.c.id.desc()).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


_OUTCOMES: dict[str, ColumnElement[bool]] = {
    "waiting": deliveries.c.due.is_not(None),
    "sent": deliveries.c.sent.is_not(None),
    "failed": deliveries.c.failed.is_not(None),
}


async def count_outcomes(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """For each of these notifications that has any: how many messages wait, and how many were given up."""
    if not ids:
        return {}
    query = (
        select(
            deliveries.c.notification_id,
            func.sum(case((deliveries.c.due.is_not(None), 1), else_=0)),
            func.sum(case((deliveries.c.failed.is_not(None), 1), else_=0)),
        )
        .where(deliveries.c.notification_id.in_(ids))
        .group_by(deliveries.c.notification_id)
    )
    return {found: (waiting, failed) for found, waiting, failed in (await reader.execute(query)).all()}


async def delete_of(transaction: Transaction, notification_id: UUID) -> None:
    """Deletes all deliveries of a notification."""
    await transaction.connection.execute(delete(deliveries).where(deliveries.c.notification_id == notification_id))


async def delete_ended(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes deliveries from before `before` that were sent or given up. Returns how many."""
    query = select(deliveries.c.id).where(deliveries.c.created < before, deliveries.c.due.is_(None)).limit(limit)
    ids = (await transaction.connection.execute(query)).scalars().all()
    if ids:
        await transaction.connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
    return len(ids)
