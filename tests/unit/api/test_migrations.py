"""The migrations make exactly the tables that the code uses, and can be taken back."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from tests.support.api import serve, sqlite_url
from towpath.contract.ids import uuid7
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database
from towpath_operator.store.tables import metadata
from towpath_operator.wiring import cluster_api
from towpath_operator.wiring.settings import ServerSettings


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


async def test_an_old_schema_ends_the_apis_pod_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_old(_: Database) -> str:
        return "0001"

    monkeypatch.setattr(migrate, "find_revision", find_old)
    settings = ServerSettings(database_url="postgresql://u:p@127.0.0.1:1/towpath")
    with pytest.raises(SystemExit, match=r"^The API cannot start: .*revision 0001.*server database upgrade` first.$"):
        await cluster_api.run(settings)


async def test_a_database_that_is_away_ends_the_apis_pod_with_one_sentence() -> None:
    settings = ServerSettings(database_url="postgresql://u:p@127.0.0.1:1/towpath")
    with pytest.raises(SystemExit, match=r"^The API cannot start: The database cannot .*try again.$"):
        await cluster_api.run(settings)
