"""Reads and writes the block types that clients registered. Called by services.block_types."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from towpath_operator.domain.pages import PageRequest
from towpath_operator.store import tables
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import beyond, count_capped
from towpath_operator.store.types import Row

_TABLE = tables.block_types
_KEYS = (_TABLE.c.slug, _TABLE.c.namespace)


async def find_block_type(reader: Reader, namespace: str, slug: str) -> Row | None:
    """The type that was registered in the namespace under this slug."""
    query = select(_TABLE).where(_TABLE.c.namespace == namespace, _TABLE.c.slug == slug)
    return (await reader.execute(query)).mappings().one_or_none()


async def list_block_types(
    reader: Reader, namespaces: Sequence[str] | None, slug: str | None, page: PageRequest
) -> tuple[Sequence[Row], int]:
    """One page by slug and namespace, with one more than the limit if there are more; and how many match."""
    conditions: list[ColumnElement[bool]] = []
    if namespaces is not None:
        conditions.append(_TABLE.c.namespace.in_(namespaces))
    if slug is not None:
        conditions.append(_TABLE.c.slug == slug)
    total = await count_capped(reader, select(_TABLE.c.slug).where(*conditions))
    if page.after:
        conditions.append(beyond(_KEYS, page.after, descending=False))
    query = select(_TABLE).where(*conditions).order_by(*_KEYS).limit(page.limit + 1)
    return (await reader.execute(query)).mappings().all(), total


async def save_block_type(transaction: Transaction, namespace: str, slug: str, facts: str, now: int) -> None:
    """Registers a type, or replaces it."""
    same = and_(_TABLE.c.namespace == namespace, _TABLE.c.slug == slug)
    changed = await transaction.connection.execute(update(_TABLE).where(same).values(facts=facts, updated=now))
    if changed.rowcount == 0:
        values = {"namespace": namespace, "slug": slug, "facts": facts, "updated": now}
        await transaction.connection.execute(insert(_TABLE), values)


async def delete_block_type(transaction: Transaction, namespace: str, slug: str) -> bool:
    """Forgets a type. Whether there was one."""
    same = and_(_TABLE.c.namespace == namespace, _TABLE.c.slug == slug)
    return (await transaction.connection.execute(delete(_TABLE).where(same))).rowcount > 0
