"""SQLite's driver as SQLAlchemy uses it: rows, counts and errors come through cursors that take one trip."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.store.engine import Database
from towpath_operator.store.sqlite_driver import Connection, connect


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncGenerator[Connection]:
    opened = await connect(str(tmp_path / "t.db"))
    yield opened
    await opened.close()


async def test_a_cursor_tells_what_sqlite_told(connection: Connection) -> None:
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    assert (cursor.description, await cursor.fetchall()) == (None, [])
    await cursor.executemany("INSERT INTO things (name) VALUES (?)", [("a",), ("b",), ("c",)])
    assert cursor.rowcount == 3
    await cursor.execute("UPDATE things SET name = 'd' WHERE id > ?", (1,))
    assert cursor.rowcount == 2
    await cursor.execute("INSERT INTO things (name) VALUES ('e') RETURNING id, name")
    assert [column[0] for column in cursor.description] == ["id", "name"]
    assert cursor.lastrowid == 4
    assert await cursor.fetchall() == [(4, "e")]
    assert await cursor.fetchall() == []


async def test_a_transaction_begins_with_its_first_statement(connection: Connection) -> None:
    connection.begin_with_next("BEGIN IMMEDIATE")
    assert not connection.in_transaction
    await connection.cursor().execute("CREATE TABLE things (id INTEGER)")
    assert connection.in_transaction
    await connection.rollback()
    found = connection.cursor()
    await found.execute("SELECT count(*) FROM sqlite_master")
    assert await found.fetchall() == [(0,)]


@pytest.mark.parametrize("end", [Connection.commit, Connection.rollback])
async def test_a_transaction_without_statements_leaves_no_begin_behind(
    connection: Connection, end: Callable[[Connection], Any]
) -> None:
    connection.begin_with_next("BEGIN IMMEDIATE")
    await end(connection)
    await connection.cursor().execute("CREATE TABLE things (id INTEGER)")
    assert not connection.in_transaction


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 't.db'}")
    yield opened
    await opened.close()


async def test_a_statement_is_one_trip_into_the_connections_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = list[str]()
    execute = Connection._execute  # pyright: ignore[reportPrivateUsage] - the trips of the library itself

    async def counting(self: Connection, function: Any, *arguments: Any) -> Any:
        trips.append(repr(function))
        return await execute(self, function, *arguments)

    async with database.read() as reader:
        monkeypatch.setattr(Connection, "_execute", counting)
        found = await reader.execute(text("SELECT 1 UNION SELECT 2"))
        assert found.scalars().all() == [1, 2]
        assert len(trips) == 1, trips
    assert len(trips) == 2, "and one that ends the transaction"


async def test_a_faulty_statement_raises_and_the_connection_goes_on(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="no such table: absent"):
        async with database.read() as reader:
            await reader.execute(text("SELECT * FROM absent"))
    async with database.read() as reader:
        assert (await reader.execute(text("SELECT 1"))).scalar_one() == 1
