"""A task run as a transaction: staged when it completes, so that it is committed or rolled back with the one above.

Called by `tasks` for task runs within a transaction, and for tasks with hooks of their own.
"""

from typing import Any

from towpath.context import CURRENT_TRANSACTION, TaskRunContext
from towpath.contract.states import StateType
from towpath.engine.effects import CallBack, Core
from towpath.states import State
from towpath.transactions import Transaction


def live_in_transaction(context: TaskRunContext, core: Core[State[Any]]) -> Core[State[Any]]:
    """Lives the task run's life within a transaction of its own."""
    task = context.task
    own = Transaction(
        context.task_run.name,
        parent=CURRENT_TRANSACTION.get(),
        on_rollback=task.hooks["on_rollback"],
        on_commit=task.hooks["on_commit"],
    )
    own.begin()
    token = CURRENT_TRANSACTION.set(own)
    try:
        state = yield from core
    except BaseException:
        CURRENT_TRANSACTION.reset(token)
        own.abandon()
        raise
    CURRENT_TRANSACTION.reset(token)
    if state.type is StateType.COMPLETED and state.name != "Cached":
        own.stage(state.data)
        yield CallBack(own.end)
    else:
        own.abandon()
    return state
