"""The migrations make exactly the tables that the code uses, and can be taken back."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from tests.support.api import sqlite_url
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database
from towpath_operator.store.tables import metadata


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection), metadata)


def table_names(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


async def test_migrated_tables_are_those_of_the_code(template: Path) -> None:
    database = Database(sqlite_url(template))
    assert await database.run_sync(differences) == []
    assert await migrate.find_revision(database) == migrate.newest_revision()
    await database.close()


async def test_migrations_can_be_repeated_and_taken_back(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "x.db"))
    await migrate.upgrade(database)
    await migrate.upgrade(database)
    await migrate.downgrade(database, "base")
    assert await database.run_sync(table_names) == ["alembic_version"]
    await migrate.upgrade(database)
    await database.close()
