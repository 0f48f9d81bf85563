"""Hears of the other replicas' commits on PostgreSQL. Called by services.hub, which wakes its waiting requests.

LISTEN needs a connection of its own for as long as it listens. When that is lost, everything is woken once it is back: what was
told in between is not told again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import URL

from towpath_operator.store.engine import ALL_TOPICS, ANY_HINT, CHANNEL, unpack_notice
from towpath_operator.store.sessions import failures, open_session

logger = logging.getLogger(__name__)
RETRY_SECONDS = 2.0
CHECK_SECONDS = 10


class Listener:
    """Listens in a task of its own from `start` to `close`.

    Args:
        hear: is given the topics and hints of each commit of whatever replica.
    """

    def __init__(self, url: URL, hear: Callable[[Iterable[str], Iterable[str]], None]) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._hear = hear
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins in the running loop."""
        self._task = asyncio.create_task(self._run(), name="listener")

    async def close(self) -> None:
        """Ends the task and its connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except failures() as error:
                logger.warning("Not listening to PostgreSQL for now: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await open_session(self._dsn, CHECK_SECONDS)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self._hear(ALL_TOPICS, (ANY_HINT,))
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                await connection.execute("SELECT 1", timeout=CHECK_SECONDS)  # a dead connection says nothing by itself
        finally:
            await connection.close(timeout=1)

    def _heard(self, _: Any, __: int, ___: str, notice: str) -> None:
        self._hear(*unpack_notice(notice))
