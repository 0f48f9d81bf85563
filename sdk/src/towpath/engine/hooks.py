"""Which hooks follow a state, and what calling them does: their errors are logged, never fatal."""

from collections.abc import Generator
from typing import Any

from towpath.contract.states import StateType
from towpath.engine.definitions import Definition, Hook
from towpath.engine.effects import CallBack, Effect
from towpath.states import State
from towpath.tracebacks import without_engine_frames

_OPTIONS = {
    StateType.COMPLETED: "on_completion",
    StateType.FAILED: "on_failure",
    StateType.CRASHED: "on_crashed",
    StateType.CANCELLED: "on_cancellation",
    StateType.CANCELLING: "on_cancellation",
    StateType.RUNNING: "on_running",
}


def hooks_for(definition: Definition, state: State[Any]) -> list[Hook]:
    """The hooks that follow a run's entering `state`."""
    return definition.hooks.get(_OPTIONS.get(state.type, ""), [])


def call_hooks(definition: Definition, run: Any, state: State[Any], logger: Any) -> Generator[Effect, Any, None]:
    """Calls the hooks of `state`, each with (definition, run, state)."""
    for hook in hooks_for(definition, state):
        name = getattr(hook, "__name__", type(hook).__name__)
        logger.info("Running hook %r in response to entering state %r", name, state.name)
        try:
            yield CallBack(hook, definition, run, state)
        except Exception as error:
            shown = without_engine_frames(error)
            logger.error("An error was encountered while running hook %r", name, exc_info=shown)
        else:
            logger.info("Hook %r finished running successfully", name)
