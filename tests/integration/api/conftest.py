"""The same API as in the unit tests, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest

from tests.support.api import Api, serve
from tests.support.postgres import Postgres, run_postgres
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A server for all tests."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of an empty database with the newest schema, to be copied."""

    async def make() -> str:
        name = await postgres.create()
        database = Database(postgres.url(name))
        await migrate.upgrade(database)
        await database.close()
        return name

    return asyncio.run(make())


@pytest.fixture
async def api(postgres: Postgres, migrated: str) -> AsyncGenerator[Api]:
    """An API on a database of its own."""
    name = await postgres.create(migrated)
    async with serve(Database(postgres.url(name))) as opened:
        yield opened
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
