"""Cancels and deletes flow runs, one or many. Called by their routes."""

from collections.abc import Sequence
from uuid import UUID

from towpath.contract.overviews import BulkDone, RefusedRun
from towpath_operator.domain.codes import FIRST_ENDED
from towpath_operator.domain.refusals import Conflict, NotFound, Refusal
from towpath_operator.services.flow_runs import cancel_row
from towpath_operator.services.retention import delete_run
from towpath_operator.store.engine import Database
from towpath_operator.store.flow_runs import find_flow_run, find_flow_runs

STEP = 100
CANCELLED = "The run was cancelled."


class Bulk:
    """Acting on many runs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def namespaces(self, ids: Sequence[UUID]) -> list[str]:
        """The namespaces of those of the runs that there are."""
        async with self._database.read() as reader:
            return sorted({row["namespace"] for row in await find_flow_runs(reader, ids)})

    async def cancel(self, ids: Sequence[UUID]) -> BulkDone:
        """Cancels these runs, some in each transaction, so that others can write in between."""
        ids = list(dict.fromkeys(ids))
        refused: list[RefusedRun] = []
        for begin in range(0, len(ids), STEP):
            part = ids[begin : begin + STEP]
            async with self._database.write() as transaction:
                found = {row["id"]: row for row in await find_flow_runs(transaction.connection, part)}
                for run_id in part:
                    if (row := found.get(run_id)) is None:
                        refused.append(_refused(run_id, _missing(run_id)))
                    else:
                        await cancel_row(transaction, row, CANCELLED)
        return BulkDone(done=len(ids) - len(refused), refused=refused)

    async def delete(self, ids: Sequence[UUID]) -> BulkDone:
        """Deletes those of these runs that have ended."""
        ids = list(dict.fromkeys(ids))
        refused: list[RefusedRun] = []
        for run_id in ids:
            try:
                await self.delete_one(run_id)
            except (NotFound, Conflict) as refusal:
                refused.append(_refused(run_id, refusal))
        return BulkDone(done=len(ids) - len(refused), refused=refused)

    async def delete_one(self, run_id: UUID) -> None:
        """Deletes a run with all that hangs on it.

        Raises:
            NotFound: when there is none.
            Conflict: when it has not ended.
        """
        async with self._database.read() as reader:
            row = await find_flow_run(reader, run_id)
        if row is None:
            raise _missing(run_id)
        if row["state_type"] < FIRST_ENDED:
            raise Conflict(f"The run {row['name']!r} has not ended: cancel it, and delete it when it is Cancelled.")
        await delete_run(self._database, run_id, counted=True)


def _missing(run_id: UUID) -> NotFound:
    return NotFound(f"There is no flow run {run_id}.")


def _refused(run_id: UUID, refusal: Refusal) -> RefusedRun:
    return RefusedRun(id=run_id, code=refusal.code.value, detail=refusal.detail)
