"""Reads and writes slots: who holds one of a tag, who waits for one, and since when."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, case, delete, func, insert, or_, select, update

from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.tables import concurrency_limits, flow_runs, slots, task_runs
from towpath_operator.store.types import Row


class Limit(NamedTuple):
    """How many slots there are, and how many of those that a rate took become free in each second."""

    slots: int
    decay: float | None = None


async def find_limits(reader: Reader, namespace: str, tags: Sequence[str]) -> dict[str, Limit]:
    """The limits of those of the tags that have one; a tag is a limit's name."""
    query = select(concurrency_limits.c.name, concurrency_limits.c.spec).where(
        concurrency_limits.c.namespace == namespace, concurrency_limits.c.name.in_(tags)
    )
    found = (await reader.execute(query)).all()
    return {tag: Limit(spec["limit"], spec.get("slotDecayPerSecond")) for tag, spec in found}


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
    """How many slots of the tag others hold, or asked for before."""
    before = or_(slots.c.asked < asked, and_(slots.c.asked == asked, slots.c.holder < holder))
    query = select(func.coalesce(func.sum(slots.c.occupied), 0)).where(
        slots.c.namespace == namespace, slots.c.tag == tag, slots.c.holder != holder, or_(slots.c.granted, before)
    )
    return (await reader.execute(query)).scalar_one()


async def extend(transaction: Transaction, namespace: str, holder: UUID, expires: int, *, grant: bool = False) -> None:
    """Moves the end of all that the holder has or waits for; with `grant`, its places become slots."""
    mine = and_(slots.c.namespace == namespace, slots.c.holder == holder)
    values = {"expires": expires, "granted": True} if grant else {"expires": expires}
    await transaction.connection.execute(update(slots).where(mine).values(values))


async def grant_rate(
    transaction: Transaction, namespace: str, tag: str, holder: UUID, now: int, microseconds: int
) -> None:
    """Makes the holder's place a slot that ends by itself, `microseconds` after those that the rate took before."""
    taken = select(func.max(slots.c.expires)).where(
        slots.c.namespace == namespace, slots.c.tag == tag, slots.c.granted, slots.c.is_rate, slots.c.holder != holder
    )
    last = (await transaction.connection.execute(taken)).scalar_one()
    mine = and_(slots.c.namespace == namespace, slots.c.tag == tag, slots.c.holder == holder)
    values = {"granted": True, "root_id": holder, "expires": max(now, last or now) + microseconds}
    await transaction.connection.execute(update(slots).where(mine).values(values))


async def list_slots(reader: Reader, namespace: str, tag: str, now: int, limit: int, *, granted: bool) -> Sequence[Row]:
    """Who holds a slot of the tag, or waits for one, the first asked first, with the names of runs that are known."""
    query = (
        select(
            slots,
            flow_runs.c.id.label("flow_run_id"),
            flow_runs.c.name.label("flow_run_name"),
            task_runs.c.id.label("task_run_id"),
            task_runs.c.name.label("task_run_name"),
        )
        .outerjoin(flow_runs, flow_runs.c.id == slots.c.root_id)
        .outerjoin(task_runs, task_runs.c.id == slots.c.holder)
        .where(slots.c.namespace == namespace, slots.c.tag == tag, slots.c.expires > now, slots.c.granted.is_(granted))
        .order_by(slots.c.asked, slots.c.holder)
        .limit(limit)
    )
    return (await reader.execute(query)).mappings().all()


async def free_holders(transaction: Transaction, namespace: str, tag: str, holders: Sequence[UUID] | None) -> int:
    """Takes slots of the tag from these holders, or from all that hold one. Returns how many."""
    held = and_(slots.c.namespace == namespace, slots.c.tag == tag, slots.c.granted)
    if holders is not None:
        held = and_(held, slots.c.holder.in_(holders))
    return (await transaction.connection.execute(delete(slots).where(held))).rowcount


async def renew(
    transaction: Transaction, root_id: UUID, attempt: int, holders: Sequence[UUID], expires: int
) -> list[UUID]:
    """Renews the slots of these holders of a run's process. Returns those that hold any."""
    mine = and_(
        slots.c.root_id == root_id,
        slots.c.attempt == attempt,
        slots.c.granted,
        slots.c.is_rate.is_(False),
        slots.c.holder.in_(holders),
    )
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
    """By namespace and tag how many slots are held, and how many wait for one."""
    query = (
        select(
            slots.c.namespace,
            slots.c.tag,
            func.sum(case((slots.c.granted, slots.c.occupied), else_=0)),
            func.sum(case((slots.c.granted, 0), else_=1)),
        )
        .where(slots.c.expires > now)
        .group_by(slots.c.namespace, slots.c.tag)
    )
    return {(namespace, tag): (held, waiting) for namespace, tag, held, waiting in (await reader.execute(query)).all()}
