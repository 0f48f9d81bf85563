"""The migrations make exactly the tables that the code uses, and can be taken back."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from tests.support.api import serve, sqlite_url
from towpath.contract.ids import uuid7
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


async def test_an_upgrade_keeps_what_the_older_schema_held(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "x.db"))
    await migrate.upgrade(database, "0001")
    run, flow = uuid7(), uuid7()
    async with database.write() as transaction:
        for statement, values in (
            (
                "INSERT INTO flows (id, namespace, name, slug, created, updated) VALUES (:flow, 'default', 'etl', 'etl', 1, 1)",
                {"flow": flow.bytes},
            ),
            (
                "INSERT INTO flow_runs (id, namespace, name, flow_id, state_type, state_time, attempt, infra_attempts, "
                "run_count, tasks_total, tasks_running, tasks_completed, tasks_failed, created, expected_time, revision) "
                "VALUES (:run, 'default', 'old', :flow, 5, 1, 0, 0, 1, 3, 0, 3, 0, 1, 1, 1)",
                {"run": run.bytes, "flow": flow.bytes},
            ),
        ):
            await transaction.connection.execute(text(statement), values)
    await migrate.upgrade(database)
    async with serve(database) as api:
        shown = await api.get(f"/flow-runs/{run}")
    assert (shown["name"], shown["flow_name"], shown["tasks"]["completed"]) == ("old", "etl", 3)
