"""Brings the schema to the newest revision. Called when the server starts and by `towpath server database upgrade`.

The migrations lie in this package, so that the wheel and the image carry them.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from towpath_operator.store.engine import Database

_LOCK = "SELECT pg_advisory_xact_lock(7093771247)"


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision that this code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("The package holds no migrations: install it again.")
    return revision


async def find_revision(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""

    def current(connection: Any) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    return await database.run_sync(current)


async def upgrade(database: Database, revision: str = "head") -> None:
    """Brings the schema up to `revision`. Changes nothing when it is there. Of several at once one does it, the others wait."""

    def run(connection: Any) -> None:
        if not database.is_sqlite:
            connection.exec_driver_sql(_LOCK)
        command.upgrade(_config(connection), revision)

    await database.run_sync(run)


async def downgrade(database: Database, revision: str) -> None:
    """Takes the schema back to `revision`. What later revisions added is lost."""

    def run(connection: Any) -> None:
        command.downgrade(_config(connection), revision)

    await database.run_sync(run)
