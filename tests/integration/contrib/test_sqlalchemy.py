"""SqlAlchemyConnector against PostgreSQL, by a synchronous and an asynchronous driver."""

import asyncio
import pickle
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tests.support.postgres import USER, Postgres, run_postgres
from towpath.contrib.sqlalchemy import (
    AsyncDriver,
    ConnectionComponents,
    DatabaseCredentials,
    SqlAlchemyConnector,
    SyncDriver,
)
from towpath.errors import BlockError


@pytest.fixture(scope="module")
def postgres() -> Generator[Postgres]:
    with run_postgres() as server:
        yield server


@pytest.fixture
def parts(postgres: Postgres) -> dict[str, Any]:
    """Where a new database is."""
    name = asyncio.run(postgres.create())
    port = int(postgres.url(name).rpartition(":")[2].partition("/")[0])
    return {"database": name, "username": USER, "host": "127.0.0.1", "port": port}


@pytest.fixture
def connector(parts: dict[str, Any]) -> Generator[SqlAlchemyConnector]:
    info = ConnectionComponents(driver=SyncDriver.POSTGRESQL_PSYCOPG, **parts)
    with SqlAlchemyConnector(connection_info=info) as connector:
        connector.execute("CREATE TABLE trips (id int, name text)")
        connector.execute_many(
            "INSERT INTO trips VALUES (:id, :name)", [{"id": n, "name": f"trip {n}"} for n in range(5)]
        )
        yield connector


def test_rows_are_fetched_one_many_and_all(connector: SqlAlchemyConnector) -> None:
    query = "SELECT id FROM trips ORDER BY id"
    assert connector.fetch_one(query) == (0,)
    assert connector.fetch_many(query, size=2) == [(1,), (2,)]
    assert connector.fetch_many(query) == [(3,)]
    assert connector.fetch_all(query) == [(4,)]
    assert connector.fetch_one(query) is None
    connector.reset_connections()
    assert len(connector.fetch_all(query)) == 5


def test_queries_with_other_parameters_are_others(connector: SqlAlchemyConnector) -> None:
    query = "SELECT name FROM trips WHERE id >= :low ORDER BY id"
    assert connector.fetch_one(query, {"low": 3}) == ("trip 3",)
    assert connector.fetch_one(query, {"low": 4}) == ("trip 4",)
    assert connector.fetch_one(query, {"low": 3}) == ("trip 4",)


def test_a_connection_is_in_a_transaction_unless_told_otherwise(connector: SqlAlchemyConnector) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 the extra that this tests

    with connector.get_connection(begin=False) as connection:
        connection.execute(sa.text("DELETE FROM trips"))
    assert len(connector.fetch_all("SELECT 1 FROM trips")) == 5
    with connector.get_connection() as connection:
        connection.execute(sa.text("DELETE FROM trips WHERE id > 1"))
    connector.reset_connections()
    assert len(connector.fetch_all("SELECT 1 FROM trips")) == 2


def test_what_a_query_writes_is_kept(connector: SqlAlchemyConnector) -> None:
    assert connector.fetch_one("INSERT INTO trips VALUES (9, 'x') RETURNING id") == (9,)
    connector.reset_connections()
    assert connector.fetch_one("SELECT count(*) FROM trips") == (6,)


def test_a_statement_that_fails_leaves_nothing_behind(connector: SqlAlchemyConnector) -> None:
    for _ in range(20):  # more than the pool has connections
        with pytest.raises(Exception, match="nowhere"):
            connector.fetch_all("SELECT * FROM nowhere")
    with pytest.raises(Exception, match="nowhere"):
        connector.execute_many("INSERT INTO nowhere VALUES (:id)", [{"id": 1}])
    assert connector.fetch_one("SELECT 1") == (1,)


def test_it_can_be_used_again_after_it_was_closed(connector: SqlAlchemyConnector) -> None:
    connector.fetch_one("SELECT 1")
    connector.close()
    assert connector.fetch_one("SELECT 1") == (1,)


def test_a_copy_for_another_process_connects_anew(connector: SqlAlchemyConnector) -> None:
    connector.fetch_one("SELECT 1")
    with pickle.loads(pickle.dumps(connector)) as copy:  # noqa: S301 our own
        assert copy.fetch_one("SELECT count(*) FROM trips") == (5,)


async def test_an_asynchronous_driver_is_awaited(parts: dict[str, Any]) -> None:
    info = ConnectionComponents(driver=AsyncDriver.POSTGRESQL_ASYNCPG, **parts)
    async with SqlAlchemyConnector(connection_info=info) as connector:
        await connector.execute("CREATE TABLE trips (id int)")
        await connector.execute_many("INSERT INTO trips VALUES (:id)", [{"id": 1}, {"id": 2}])
        assert await connector.fetch_one("SELECT id FROM trips ORDER BY id") == (1,)
        assert await connector.fetch_all("SELECT id FROM trips ORDER BY id") == [(2,)]
        async with connector.get_connection() as connection:
            assert connection.in_transaction()
        with pytest.raises(BlockError, match="aclose"):
            connector.close()
        with pytest.raises(BlockError, match="async with"):
            connector.__enter__()


def test_a_whole_address_is_a_secret_and_does_the_same(parts: dict[str, Any]) -> None:
    info = ConnectionComponents(driver="postgresql+psycopg", password=SecretStr("hush"), **parts)
    address = info.create_url().render_as_string(hide_password=False)
    connector = SqlAlchemyConnector(connection_info=SecretStr(address))
    assert "hush" not in repr(connector)
    assert "hush" not in str(connector.get_url())
    with connector:
        assert connector.fetch_one("SELECT 1") == (1,)


def test_older_credentials_make_engines(parts: dict[str, Any]) -> None:
    credentials = DatabaseCredentials(driver=SyncDriver.POSTGRESQL_PSYCOPG, **parts)
    engine: Any = credentials.get_engine()
    with engine.connect() as connection:
        assert not connection.closed
    engine.dispose()
    assert credentials.rendered_url.host == "127.0.0.1"


@pytest.mark.parametrize("fields", [{}, {"driver": "x"}, {"url": "x", "driver": "y"}, {"url": "x", "host": "y"}])
def test_older_credentials_need_an_address_or_its_parts(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DatabaseCredentials(**fields)


@pytest.mark.parametrize("address", ["nonsense", "nothing+driver://host/db", "postgresql+psycopg2cffi://h/d"])
def test_an_address_that_leads_nowhere_is_said_without_it(address: str) -> None:
    connector = SqlAlchemyConnector(connection_info=SecretStr(address))
    with pytest.raises(BlockError) as caught:
        connector.get_engine()
    assert address not in str(caught.value)
