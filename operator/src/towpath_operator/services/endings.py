"""Ends what an ended attempt has left unended: its process is gone, so nobody else will tell of its task runs and subflows.

Called by services.attempts within its transaction.
"""

from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.services.flow_runs import enter_state
from towpath_operator.store.engine import Transaction
from towpath_operator.store.flow_runs import list_open_subflows
from towpath_operator.store.open_task_runs import end_open_task_runs

LEFT_OPEN = "The attempt ended before this did."
CANCELLED_WITH = "The run was cancelled."


async def end_left_open(transaction: Transaction, run_id: UUID, *, cancelled: bool) -> None:
    """Puts the open task runs of a run, and its open subflows with theirs, into Crashed; Cancelled if the run was."""
    state = StateType.CANCELLED if cancelled else StateType.CRASHED
    message = CANCELLED_WITH if cancelled else LEFT_OPEN
    now = now_us()
    await end_open_task_runs(transaction, run_id, CODES[state], message, now)
    for row in await list_open_subflows(transaction.connection, run_id):
        await enter_state(transaction, row, state, message=message, time=now)
        await end_open_task_runs(transaction, row["id"], CODES[state], message, now)
