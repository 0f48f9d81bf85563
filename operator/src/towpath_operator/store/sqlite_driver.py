"""SQLite's driver: one trip into the connection's thread for each statement, where aiosqlite's own cursors take four.

Called by `engine` when SQLAlchemy asks for a connection. A trip costs two wake-ups, more than most of our statements take, and an
API call has a dozen statements. So a cursor here is made, executes, fetches all its rows and is closed in one go.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite

ITERATED = 64
"""Rows that an iterating cursor of aiosqlite would fetch at a time. Nothing here iterates one."""


class Connection(aiosqlite.Connection):
    """aiosqlite's connection to the database file at `path`, with cursors of one trip.

    Its transactions begin only where the caller says so.
    """

    def __init__(self, path: str) -> None:
        super().__init__(lambda: sqlite3.connect(path, isolation_level=None, check_same_thread=False), ITERATED)
        self._begin: str | None = None
        self._thread.daemon = True  # a process that is told to end does not wait for a statement

    def cursor(self) -> "Cursor":  # pyright: ignore[reportIncompatibleMethodOverride] - made without a trip
        """A cursor that holds nothing yet."""
        return Cursor(self)

    def begin_with_next(self, begin: str) -> None:
        """Begins a transaction by this statement, together with the next one that is executed."""
        self._begin = begin

    async def run(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        """Calls `function` with the connection, in its thread."""
        begin, self._begin = self._begin, None

        def run() -> Any:
            if begin is not None:
                self._conn.execute(begin)
            return function(self._conn)

        return await self._execute(run)

    async def commit(self) -> None:
        """Commits the transaction, if one has begun."""
        if self._is_within():
            await super().commit()

    async def rollback(self) -> None:
        """Rolls the transaction back, if one has begun."""
        if self._is_within():
            await super().rollback()

    def _is_within(self) -> bool:
        self._begin = None
        return self.in_transaction


class Cursor:
    """What SQLAlchemy asks of a driver's cursor. After a statement it holds all its rows.

    Attributes:
        description, rowcount, lastrowid: as of sqlite3's cursor.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Executes one statement."""
        await self._run(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Executes one statement for each of the parameters."""
        await self._run(lambda cursor: cursor.executemany(statement, parameters))

    async def _run(self, execute: Callable[[sqlite3.Cursor], Any]) -> None:
        def run(connection: sqlite3.Connection) -> None:
            cursor = connection.cursor()
            try:
                execute(cursor)
                self._rows = cursor.fetchall() if cursor.description else []
                self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        await self._connection.run(run)

    async def fetchall(self) -> list[Any]:
        """The rows of the last statement."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Lets the rows go."""
        self._rows = []


async def connect(path: str) -> Connection:
    """Opens the database file at `path`.

    Raises:
        sqlite3.OperationalError: it cannot be opened.
    """
    connection = Connection(path)
    await connection
    return connection
