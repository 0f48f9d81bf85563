"""Keeps loops running on the replica that leads: one that fails is logged and started again. Called by wiring."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

from towpath_operator.services.hub import Hub
from towpath_operator.store.leadership import lead

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
Loop = Callable[[Hub], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(hub: Hub, *loops: Loop) -> AsyncGenerator[None]:
    """Runs the loops for as long as the block lasts, on one replica at a time."""

    async def run_all() -> None:
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(_keep(loop, hub), name=loop.__name__)

    task = asyncio.create_task(lead(hub.database, run_all), name="loops")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep(loop: Loop, hub: Hub) -> None:
    while not hub.signals.closed:
        try:
            await loop(hub)
        except Exception:
            logger.exception("The loop %s failed and is started again", loop.__name__)
            await asyncio.sleep(AGAIN_SECONDS)
