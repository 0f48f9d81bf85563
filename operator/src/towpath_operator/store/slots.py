"""Reads and writes slots: who holds one of a tag, who waits for one, and since when."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import and_, case, delete, func, insert, or_, select, update

from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.tables import concurrency_limits, slots
from towpath_operator.store.types import Row


async def find_limits(reader: Reader, namespace: str, tags: Sequence[str]) -> dict[str, int]:
    """The limits of those of the tags that have one."""
    query = select(concurrency_limits.c.name, concurrency_limits.c.spec).where(
        concurrency_limits.c.namespace == namespace, concurrency_limits.c.name.in_(tags)
    )
    return {tag: spec["limit"] for tag, spec in (await reader.execute(query)).all()}


async def delete_expired(transaction: Transaction, now: int) -> int:
    """Takes away slots and places that nobody has renewed. Returns how many."""
    return (await transaction.connection.execute(delete(slots).where(slots.c.expires <= now))).rowcount


async def find_rows(reader: Reader, namespace: str, holder: UUID) -> dict[str, Row]:
    """What the holder has or waits for, by tag."""
    query = select(slots).where(slots.c.namespace == namespace, slots.c.holder == holder)
    return {row["tag"]: row for row in (await reader.execute(query)).mappings()}


async def insert_waiting(
    transaction: Transaction, namespace: str, tags: Sequence[str], values: Mapping[str, object]
) -> None:
    """Puts a holder into the queues of these tags."""
    if tags:
        rows = [{"namespace": namespace, "tag": tag, "granted": False, **values} for tag in tags]
        await transaction.connection.execute(insert(slots), rows)


async def count_ahead(reader: Reader, namespace: str, tag: str, asked: int, holder: UUID) -> int:
    """How many others hold a slot of the tag or asked for one before."""
    before = or_(slots.c.asked < asked, and_(slots.c.asked == asked, slots.c.holder < holder))
    query = select(func.count()).where(
        slots.c.namespace == namespace, slots.c.tag == tag, slots.c.holder != holder, or_(slots.c.granted, before)
    )
    return (await reader.execute(query)).scalar_one()


async def extend(transaction: Transaction, namespace: str, holder: UUID, expires: int, *, grant: bool = False) -> None:
    """Moves the end of all that the holder has or waits for; with `grant`, its places become slots."""
    mine = and_(slots.c.namespace == namespace, slots.c.holder == holder)
    values = {"expires": expires, "granted": True} if grant else {"expires": expires}
    await transaction.connection.execute(update(slots).where(mine).values(values))


async def renew(
    transaction: Transaction, root_id: UUID, attempt: int, holders: Sequence[UUID], expires: int
) -> list[UUID]:
    """Renews the slots of these holders of a run's process. Returns those that hold any."""
    mine = and_(slots.c.root_id == root_id, slots.c.attempt == attempt, slots.c.granted, slots.c.holder.in_(holders))
    held = (await transaction.connection.execute(select(slots.c.holder).where(mine).distinct())).scalars().all()
    await transaction.connection.execute(update(slots).where(mine).values(expires=expires))
    return list(held)


async def release(transaction: Transaction, root_id: UUID, attempt: int, holders: Sequence[UUID]) -> None:
    """Gives back what these holders have or wait for."""
    mine = and_(slots.c.root_id == root_id, slots.c.attempt == attempt, slots.c.holder.in_(holders))
    await transaction.connection.execute(delete(slots).where(mine))


async def find_first_end(reader: Reader, namespace: str, tags: Sequence[str]) -> int | None:
    """When the first slot or place of these tags ends unless it is renewed."""
    query = select(func.min(slots.c.expires)).where(slots.c.namespace == namespace, slots.c.tag.in_(tags))
    return (await reader.execute(query)).scalar_one()


async def count_slots(reader: Reader, now: int) -> dict[tuple[str, str], tuple[int, int]]:
    """By namespace and tag how many hold a slot, and how many wait for one."""
    query = (
        select(
            slots.c.namespace,
            slots.c.tag,
            func.sum(case((slots.c.granted, 1), else_=0)),
            func.sum(case((slots.c.granted, 0), else_=1)),
        )
        .where(slots.c.expires > now)
        .group_by(slots.c.namespace, slots.c.tag)
    )
    return {(namespace, tag): (held, waiting) for namespace, tag, held, waiting in (await reader.execute(query)).all()}
