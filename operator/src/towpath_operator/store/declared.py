"""Reads and writes what is declared: one Declared object for each kind's table, all with the same calls.

Called by services.declared and by whoever needs a flow, deployment or queue. Extra columns of a kind come in and go out by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, insert, or_, select, update

from towpath_operator.domain.pages import PageRequest
from towpath_operator.store import tables
from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.lists import beyond, count_capped
from towpath_operator.store.types import Row


@dataclass(frozen=True)
class Declared:
    """The rows of one kind."""

    table: Table

    async def find(self, reader: Reader, row_id: UUID) -> Row | None:
        """The one with this id."""
        return await self._one(reader, self.table.c.id == row_id)

    async def find_named(self, reader: Reader, namespace: str, name: str, **same: Any) -> Row | None:
        """The one with this name; `same` gives further columns that must be equal."""
        columns = self.table.c
        further = [columns[key] == value for key, value in same.items()]
        return await self._one(reader, and_(columns.namespace == namespace, columns.name == name, *further))

    async def find_slug(self, reader: Reader, namespace: str, slug: str) -> Row | None:
        """The one whose resource has, or would have, this name."""
        return await self._one(reader, and_(self.table.c.namespace == namespace, self.table.c.slug == slug))

    async def find_many(self, reader: Reader, ids: Sequence[UUID]) -> dict[UUID, Row]:
        """Those with these ids, by id."""
        if not ids:
            return {}
        query = select(self.table).where(self.table.c.id.in_(ids))
        return {row["id"]: row for row in (await reader.execute(query)).mappings()}

    async def list(
        self, reader: Reader, namespaces: Sequence[str] | None, name: str | None, page: PageRequest
    ) -> tuple[Sequence[Row], int]:
        """One page by namespace and name, with one more than the limit if there are more; and how many match."""
        columns = self.table.c
        conditions: list[ColumnElement[bool]] = []
        if namespaces is not None:
            conditions.append(columns.namespace.in_(namespaces))
        if name is not None:
            named = [columns.name == name]
            if "slug" in columns:
                named.append(columns.slug == name)
            if "type" in columns and "/" in name:
                block_type, _, rest = name.partition("/")
                named.append(and_(columns.type == block_type, columns.name == rest))
            conditions.append(or_(*named))
        if "deleted" in columns:
            conditions.append(columns.deleted.is_(None))
        total = await count_capped(reader, select(columns.id).where(*conditions))
        keys = (columns.namespace, columns.name, columns.id)
        if page.after:
            conditions.append(beyond(keys, page.after, descending=False))
        query = select(self.table).where(*conditions).order_by(*keys).limit(page.limit + 1)
        return (await reader.execute(query)).mappings().all(), total

    async def list_all(self, reader: Reader, namespaces: Sequence[str] | None) -> Sequence[Row]:
        """All of them, of some namespaces or of every one."""
        query = select(self.table).order_by(self.table.c.id)
        if namespaces is not None:
            query = query.where(self.table.c.namespace.in_(namespaces))
        return (await reader.execute(query)).mappings().all()

    async def insert(self, transaction: Transaction, values: Mapping[str, Any]) -> None:
        """Adds a row."""
        await transaction.connection.execute(insert(self.table), dict(values))

    async def update(self, transaction: Transaction, row_id: UUID, values: Mapping[str, Any]) -> None:
        """Changes columns of a row."""
        await transaction.connection.execute(update(self.table).where(self.table.c.id == row_id).values(dict(values)))

    async def delete(self, transaction: Transaction, row_id: UUID) -> None:
        """Takes a row away."""
        await transaction.connection.execute(delete(self.table).where(self.table.c.id == row_id))

    async def _one(self, reader: Reader, condition: ColumnElement[bool]) -> Row | None:
        return (await reader.execute(select(self.table).where(condition))).mappings().one_or_none()


FLOWS = Declared(tables.flows)
DEPLOYMENTS = Declared(tables.deployments)
WORK_QUEUES = Declared(tables.work_queues)
BLOCKS = Declared(tables.blocks)
NOTIFICATIONS = Declared(tables.notifications)
AUTOMATIONS = Declared(tables.automations)
CONCURRENCY_LIMITS = Declared(tables.concurrency_limits)
