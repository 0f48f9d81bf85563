"""Says what this server is: its version, database and settings. Called by the server's route."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from towpath.contract.events import SCHEMA
from towpath.contract.overviews import DatabaseRead, RetentionRead, ServerRead
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.services.retention import Keep
from towpath_operator.store.engine import Database
from towpath_operator.store.revisions import find_schema_revision
from towpath_operator.store.usage import find_size


class About:
    """What one API process says of itself. `mode` and `keep` are set by wiring, before it serves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._started = datetime.now(UTC)
        self.mode: Literal["local", "cluster"] = "local"
        self.keep = Keep()

    async def read(self) -> ServerRead:
        """The server as it is now, with what of its database can be told."""
        runs, logs = self.keep.runs, self.keep.logs
        return ServerRead(
            version=version("towpath-operator"),
            mode=self.mode,
            event_schema=SCHEMA,
            started=self._started,
            database=await self._read_database(),
            retention=RetentionRead(runs_days=runs.days if runs else None, logs_days=logs.days if logs else None),
        )

    async def _read_database(self) -> DatabaseRead:
        kind: Literal["sqlite", "postgresql"] = "sqlite" if self._database.is_sqlite else "postgresql"
        try:
            async with self._database.read() as reader:
                size, revision = await find_size(reader), await find_schema_revision(reader)
        except StoreUnavailable:
            return DatabaseRead(kind=kind, healthy=False)
        return DatabaseRead(kind=kind, healthy=True, size_bytes=size, revision=revision)
