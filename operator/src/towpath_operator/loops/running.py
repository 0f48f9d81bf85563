"""Keeps loops running: one that fails is logged and started again. Called by wiring."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

from towpath_operator.services.hub import Hub

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
Loop = Callable[[Hub], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(hub: Hub, *loops: Loop) -> AsyncGenerator[None]:
    """Runs the loops for as long as the block lasts."""
    tasks = [asyncio.create_task(_keep(loop, hub), name=loop.__name__) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(loop: Loop, hub: Hub) -> None:
    while not hub.signals.closed:
        try:
            await loop(hub)
        except Exception:
            logger.exception("The loop %s failed and is started again", loop.__name__)
            await asyncio.sleep(AGAIN_SECONDS)
