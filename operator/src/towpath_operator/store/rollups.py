"""Writes and reads the counts that histograms show. Written at the end of every transaction that changes runs."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from towpath_operator.domain.rollups import WIDTHS, Counts, Scope
from towpath_operator.store.bulk import Insert
from towpath_operator.store.tables import rollups

_ADD = Insert(
    "rollups",
    (
        ("kind", "integer"),
        ("seconds", "integer"),
        ("scope", "integer"),
        ("owner", "text"),
        ("bucket", "integer"),
        ("namespace", "text"),
        ("state", "integer"),
        ("number", "integer"),
    ),
    "ON CONFLICT (kind, seconds, scope, owner, bucket, namespace, state) "
    "DO UPDATE SET number = rollups.number + excluded.number",
)


async def save_counts(connection: AsyncConnection, counts: Counts) -> None:
    """Adds what has changed."""
    await _ADD.execute(connection, counts.rows())


class Wanted(NamedTuple):
    """Which counts are read. `owners` belong to one scope, of which any counts; times are microseconds, `until` exclusive."""

    kind: int
    seconds: int
    scope: Scope
    owners: Sequence[str]
    namespaces: Sequence[str] | None
    since: int
    until: int


async def read_counts(reader: AsyncConnection, wanted: Wanted) -> list[tuple[int, int, int]]:
    """(bucket, state, number) of the buckets that begin in the range, in order."""
    columns = rollups.c
    query = (
        select(columns.bucket, columns.state, func.sum(columns.number))
        .where(
            columns.kind == wanted.kind,
            columns.seconds == wanted.seconds,
            columns.scope == int(wanted.scope),
            columns.owner.in_(wanted.owners),
            columns.bucket >= wanted.since,
            columns.bucket < wanted.until,
        )
        .group_by(columns.bucket, columns.state)
        .order_by(columns.bucket, columns.state)
    )
    if wanted.namespaces is not None:
        query = query.where(columns.namespace.in_(wanted.namespaces))
    return [(bucket, state, int(number)) for bucket, state, number in (await reader.execute(query)).all()]


async def read_total(
    reader: AsyncConnection, kind: int, scope: Scope, owners: Sequence[str], namespaces: Sequence[str] | None
) -> dict[int, int]:
    """How many runs there are by state, at any time."""
    columns = rollups.c
    query = (
        select(columns.state, func.sum(columns.number))
        .where(
            columns.kind == kind,
            columns.seconds == WIDTHS[-1],
            columns.scope == int(scope),
            columns.owner.in_(owners),
        )
        .group_by(columns.state)
    )
    if namespaces is not None:
        query = query.where(columns.namespace.in_(namespaces))
    return {state: max(0, int(number)) for state, number in (await reader.execute(query)).all()}


async def delete_old_counts(connection: AsyncConnection, seconds: int, before: int) -> int:
    """Deletes the oldest bucket of a width, if it ended before `before`. Returns how many rows that were."""
    columns = rollups.c
    oldest = select(func.min(columns.bucket)).where(columns.seconds == seconds)
    bucket: int | None = (await connection.execute(oldest)).scalar_one()
    if bucket is None or bucket + seconds * 1_000_000 > before:
        return 0
    gone = delete(rollups).where(columns.seconds == seconds, columns.bucket == bucket)
    return (await connection.execute(gone)).rowcount
