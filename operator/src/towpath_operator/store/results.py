"""Keeps results as bytes by namespace and key. Called by services.results and by retention."""

from sqlalchemy import delete, select, text, tuple_, update

from towpath_operator.store.engine import Reader, Transaction
from towpath_operator.store.tables import results

_SAVE = text(
    "INSERT INTO results (namespace, key, data, written, used) VALUES (:namespace, :key, :data, :now, :now) "
    "ON CONFLICT (namespace, key) DO UPDATE SET data = excluded.data, written = excluded.written, used = excluded.used"
)


async def find_result(reader: Reader, namespace: str, key: str) -> tuple[bytes, int] | None:
    """What is kept there, and when it was last used."""
    columns = results.c
    query = select(columns.data, columns.used).where(columns.namespace == namespace, columns.key == key)
    found = (await reader.execute(query)).one_or_none()
    return None if found is None else (bytes(found.data), found.used)


async def save_result(transaction: Transaction, namespace: str, key: str, data: bytes, now: int) -> None:
    """Keeps `data` in place of what was there."""
    await transaction.connection.execute(_SAVE, {"namespace": namespace, "key": key, "data": data, "now": now})


async def touch_result(transaction: Transaction, namespace: str, key: str, now: int) -> None:
    """Notes that a result is in use."""
    change = update(results).where(results.c.namespace == namespace, results.c.key == key).values(used=now)
    await transaction.connection.execute(change)


async def delete_result(transaction: Transaction, namespace: str, key: str) -> None:
    """Deletes what is kept there, if anything is."""
    await transaction.connection.execute(delete(results).where(results.c.namespace == namespace, results.c.key == key))


async def delete_unused_results(transaction: Transaction, before: int, limit: int) -> int:
    """Deletes results that nobody has used since `before`, the longest unused first. Returns how many."""
    columns = results.c
    query = select(columns.namespace, columns.key).where(columns.used < before).order_by(columns.used).limit(limit)
    found = [tuple(row) for row in await transaction.connection.execute(query)]
    if found:
        await transaction.connection.execute(delete(results).where(tuple_(columns.namespace, columns.key).in_(found)))
    return len(found)
