"""Frees the slots of runs whose process is over. Called at the end of every transaction that ends runs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.store.tables import slots


async def free_slots(connection: AsyncConnection, root_ids: Sequence[UUID]) -> bool:
    """Takes away what these runs hold or wait for. Returns whether there was anything."""
    return (await connection.execute(delete(slots).where(slots.c.root_id.in_(root_ids)))).rowcount > 0
