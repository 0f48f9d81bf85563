"""The two drivers of the engine's one core: they perform the effects that it yields, and nothing else."""

from typing import TypeVar

from towpath.context import CURRENT, RunContext
from towpath.engine.effects import Core

T = TypeVar("T")


def drive(core: "Core[T]", context: RunContext) -> T:
    """Performs a run in synchronous code; within it, `context` is the current run."""
    token = CURRENT.set(context)
    try:
        effect = core.send(None)
        while True:
            try:
                answer = effect.perform()
            except BaseException as error:  # noqa: BLE001 - the core decides what becomes of it
                effect = core.throw(error)
            else:
                effect = core.send(answer)
    except StopIteration as stop:
        return stop.value
    finally:
        CURRENT.reset(token)


async def drive_async(core: "Core[T]", context: RunContext) -> T:
    """Performs a run in asynchronous code; within it, `context` is the current run."""
    token = CURRENT.set(context)
    try:
        effect = core.send(None)
        while True:
            try:
                answer = await effect.perform_async()
            except BaseException as error:  # noqa: BLE001 - the core decides what becomes of it
                effect = core.throw(error)
            else:
                effect = core.send(answer)
    except StopIteration as stop:
        return stop.value
    finally:
        CURRENT.reset(token)
