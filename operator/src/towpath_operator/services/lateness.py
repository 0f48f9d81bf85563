"""Marks due runs that nobody has claimed for a while as Late. Called by loops.lateness."""

from towpath.contract.states import RunKind
from towpath_operator.domain.codes import SCHEDULED
from towpath_operator.domain.entered import Entered
from towpath_operator.services.declared_views import LATE_AFTER
from towpath_operator.store import lateness as rows
from towpath_operator.store.engine import Database

BATCH = 500


async def mark_late(database: Database, now: int) -> int:
    """Puts overdue runs into Scheduled (Late), at most BATCH of them. Returns how many."""
    async with database.read() as reader:
        if not await rows.list_overdue(reader, now - LATE_AFTER, 1):
            return 0
    async with database.write() as transaction:
        found = await rows.list_overdue(transaction.connection, now - LATE_AFTER, BATCH)
        states = await rows.save_late(transaction, found, now)
        for row in found:
            run_id, state_id = row["id"], states[row["id"]].bytes
            transaction.entered.append(
                Entered(RunKind.FLOW_RUN, run_id.bytes, row["flow_name"], SCHEDULED, SCHEDULED, state_id=state_id)
            )
    return len(found)
