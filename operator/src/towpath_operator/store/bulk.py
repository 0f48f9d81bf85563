"""Reads and writes many rows in one statement, and one step of it.

Called where thousands of rows come at once: ingest. On SQLite the rows travel as one JSON text and their ids as one blob, so
that the whole statement is a single call into the library, without Python's lock: `executemany` takes that lock back for every
row, and beside a busy event loop each such turn may cost milliseconds. On PostgreSQL they travel as arrays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

Kind = Literal["id", "integer", "text", "boolean", "json"]
ID_BYTES = 16
_NO_ID = bytes(ID_BYTES)
_POSTGRES: dict[Kind, str] = {
    "id": "uuid",
    "integer": "bigint",
    "text": "text",
    "boolean": "boolean",
    "json": "text",
}


@dataclass(frozen=True)
class Insert:
    """`INSERT INTO table (columns) ... <conflict>` for many rows, given as tuples in the order of `columns`.

    Ids are given as 16 bytes or None, JSON as text.

    Attributes:
        conflict: the statement's end, as `ON CONFLICT DO NOTHING`.
    """

    table: str
    columns: tuple[tuple[str, Kind], ...]
    conflict: str = ""

    async def execute(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Writes the rows. Does nothing for none."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql(self._sqlite(), _sqlite_parameters(self.columns, rows))
        else:
            await connection.exec_driver_sql(self._postgres(), _postgres_parameters(self.columns, rows))

    def _names(self) -> str:
        return ", ".join(name for name, _ in self.columns)

    def _sqlite(self) -> str:
        values = ", ".join(_sqlite_values(self.columns))
        return (
            f"INSERT INTO {self.table} ({self._names()}) SELECT {values} FROM json_each(?1) WHERE true {self.conflict}"  # noqa: S608 names of our own tables
        )

    def _postgres(self) -> str:
        arrays = ", ".join(f"${index}::{_POSTGRES[kind]}[]" for index, (_, kind) in enumerate(self.columns, 1))
        values = ", ".join(f"{name}::jsonb" if kind == "json" else name for name, kind in self.columns)
        return (
            f"INSERT INTO {self.table} ({self._names()}) SELECT {values} "  # noqa: S608 names of our own tables
            f"FROM unnest({arrays}) AS given ({self._names()}) {self.conflict}"
        )


@dataclass(frozen=True)
class Lookup:
    """The rows of a table whose `key` is one of many ids.

    Attributes:
        columns: what is read, besides the position of the id that matched.
    """

    table: str
    key: str
    columns: tuple[tuple[str, Kind], ...]

    async def execute(self, connection: AsyncConnection, ids: Sequence[bytes]) -> list[list[Any]]:
        """For each match [the position in `ids`, the columns ...]; ids as 16 bytes."""
        if not ids:
            return []
        if connection.dialect.name == "sqlite":
            found = await connection.exec_driver_sql(self._sqlite(), (b"".join(ids), len(ids)))
            rows: list[list[Any]] = orjson.loads(found.scalar_one())
            for index, (_, kind) in enumerate(self.columns, 1):
                if kind == "id":
                    for row in rows:
                        row[index] = bytes.fromhex(row[index]) if row[index] else None
            return rows
        found = await connection.exec_driver_sql(self._postgres(), ([UUID(bytes=value) for value in ids],))
        is_id = [False, *(kind == "id" for _, kind in self.columns)]
        return [
            [value.bytes if here and value is not None else value for here, value in zip(is_id, row, strict=True)]
            for row in found.all()
        ]

    def _sqlite(self) -> str:
        shown = ", ".join(f"hex(t.{name})" if kind == "id" else f"t.{name}" for name, kind in self.columns)
        return (
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) "  # noqa: S608
            f"SELECT json_group_array(json_array(n.i, {shown})) "
            f"FROM n CROSS JOIN {self.table} AS t ON t.{self.key} = substr(?1, n.i * {ID_BYTES} + 1, {ID_BYTES})"
        )

    def _postgres(self) -> str:
        shown = ", ".join(f"t.{name}::text" if kind == "json" else f"t.{name}" for name, kind in self.columns)
        return (
            f"SELECT (n.i - 1)::int, {shown} FROM unnest($1::uuid[]) WITH ORDINALITY AS n (id, i) "  # noqa: S608
            f"JOIN {self.table} AS t ON t.{self.key} = n.id"
        )


def _sqlite_values(columns: Iterable[tuple[str, Kind]]) -> list[str]:
    columns = tuple(columns)
    ids = sum(kind == "id" for _, kind in columns)
    values: list[str] = []
    at_id = at_plain = 0
    for _, kind in columns:
        if kind == "id":
            values.append(
                f"nullif(substr(?2, (key * {ids} + {at_id}) * {ID_BYTES} + 1, {ID_BYTES}), zeroblob({ID_BYTES}))"
            )
            at_id += 1
        else:
            values.append(f"json_extract(value, '$[{at_plain}]')")
            at_plain += 1
    return values


def _sqlite_parameters(
    columns: tuple[tuple[str, Kind], ...], rows: Sequence[Sequence[Any]]
) -> tuple[str, bytes] | tuple[str]:
    ids = [index for index, (_, kind) in enumerate(columns) if kind == "id"]
    plain = [index for index, (_, kind) in enumerate(columns) if kind != "id"]
    text = orjson.dumps([[row[index] for index in plain] for row in rows]).decode()
    if not ids:
        return (text,)
    return text, b"".join([row[index] or _NO_ID for row in rows for index in ids])


def _postgres_parameters(columns: tuple[tuple[str, Kind], ...], rows: Sequence[Sequence[Any]]) -> tuple[list[Any], ...]:
    parameters: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    for index, (_, kind) in enumerate(columns):
        if kind == "id":
            parameters[index] = [None if value is None else UUID(bytes=value) for value in parameters[index]]
    return tuple(parameters)
