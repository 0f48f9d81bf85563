"""What a task run may have to wait for before it begins: that its paused flow run goes on, and slots of its tags' limits.

Called by `tasks` for task runs with tags, or in a flow run that is held; the others pass by.
"""

import logging
from typing import Any

from towpath.context import TaskRunContext
from towpath.contract.states import StateType
from towpath.engine.effects import AwaitFutures, Core, Effect
from towpath.engine.slots import NobodyWaitsError, Slot, Wish, is_limit_of_zero, slots_of
from towpath.engine.telling import enter_task_state
from towpath.errors import ApiRefused
from towpath.logging.loggers import RunLogger
from towpath.settings import Settings, get_settings
from towpath.states import State


class AwaitSlot(Effect):
    """Waits for slots; the answer is the Slot, or None where none of the tags has a limit."""

    __slots__ = ("settings", "wish")

    def __init__(self, settings: Settings, wish: Wish) -> None:
        self.settings = settings
        self.wish = wish

    def perform(self) -> Slot | None:
        return slots_of(self.settings).acquire(self.wish)

    async def perform_async(self) -> Slot | None:
        from towpath.engine.loops import acquire_slot  # noqa: PLC0415 - asyncio is loaded by now

        return await acquire_slot(slots_of(self.settings), self.wish)


def pass_gates(context: TaskRunContext, logger: RunLogger) -> Core[bool]:
    """Waits until the run may begin; False when it never may, which its state says.

    Raises:
        SuspendSignal: the flow run is suspended.
    """
    flow_context = context.flow_context
    control = flow_context.control if flow_context is not None else None
    while True:
        while control is not None and (hold := control.hold) is not None:
            yield AwaitFutures([hold])
            control.check_gate()
        if not (yield from _take_slot(context, logger)):
            return False
        if control is None or control.hold is None:
            return True
        if context.slot is not None:  # the flow run was paused in the meantime: others may have it
            context.slot.release()
            context.slot = None


def _take_slot(context: TaskRunContext, logger: RunLogger) -> Core[bool]:
    """Waits for a slot of each of the tags' limits; False when there will be none, which the run's state says."""
    flow_context = context.flow_context
    control = flow_context.control if flow_context is not None else None
    settings = get_settings()
    if not context.task_run.tags or settings.api_url is None:
        return True
    attempt = flow_context.flow_run.attempt if flow_context is not None else 0
    run = context.task_run
    wish = Wish(context.root_id, attempt, run.id, run.tags, say=logger.say, control=control)
    if not wish.tags or slots_of(settings).is_unlimited(wish.tags):
        return True
    try:
        context.slot = yield AwaitSlot(settings, wish)
    except NobodyWaitsError:
        if control is not None:
            control.check_gate()
        raise
    except ApiRefused as error:
        if not is_limit_of_zero(error):
            raise
        state: State[Any] = State(StateType.PENDING, message=str(error))
        enter_task_state(context, state, is_judged=False)
        logger.say(logging.ERROR, f"The task run does not go on: {error}")
        return False
    return True
