"""Shows artifacts and deletes them. Called by their routes; ingest writes them."""

from uuid import UUID

from towpath.contract.artifacts import ArtifactRead
from towpath.contract.runs import Page
from towpath_operator.domain.artifacts import ArtifactFilter
from towpath_operator.domain.pages import PageRequest, encode_cursor
from towpath_operator.domain.refusals import NotFound
from towpath_operator.domain.times import from_micros
from towpath_operator.services.pages import paged
from towpath_operator.store import artifacts as rows
from towpath_operator.store.engine import Database
from towpath_operator.store.types import Row


def view_artifact(row: Row) -> ArtifactRead:
    """An artifact as callers see it."""
    return ArtifactRead(
        id=row["id"],
        namespace=row["namespace"],
        type=row["type"],
        key=row["key"],
        description=row["description"],
        data=row["data"],
        size=row["size"],
        is_latest=row["is_latest"],
        flow_run_id=row["flow_run_id"],
        flow_run_name=row["flow_run_name"],
        task_run_id=row["task_run_id"],
        task_run_name=row["task_run_name"] or None,
        created=from_micros(row["created"]),
        updated=from_micros(row["updated"]),
    )


class Artifacts:
    """The artifacts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, artifact_id: UUID) -> ArtifactRead:
        """The artifact with its data.

        Raises:
            NotFound: when there is none.
        """
        async with self._database.read() as reader:
            row = await rows.find_artifact(reader, artifact_id)
        if row is None:
            raise NotFound(f"There is no artifact {artifact_id}.")
        return view_artifact(row)

    async def list(self, wanted: ArtifactFilter, page: PageRequest) -> Page[ArtifactRead]:
        """One page of the matching artifacts, newest first."""
        async with self._database.read() as reader:
            found, total = await rows.list_artifacts(reader, wanted, page)
        shown = found[: page.limit]
        cursor = encode_cursor((shown[-1]["id"].hex,)) if len(found) > page.limit else None
        return paged([view_artifact(row) for row in shown], total, cursor)

    async def delete(self, artifact_id: UUID) -> None:
        """Deletes the artifact. The version before it is then the newest of its key."""
        async with self._database.write() as transaction:
            await rows.delete_artifacts(transaction, [artifact_id])
