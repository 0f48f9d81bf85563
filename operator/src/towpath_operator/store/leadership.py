"""Lets one of several replicas on PostgreSQL do what must be done once. Called by loops.running.

The leader holds a lock of its session. When it dies or is cut off, PostgreSQL ends the session and another takes over; a leader that
notices that its session is gone stops its work before it asks again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from towpath_operator.store.engine import POSTGRES_SETTINGS, Database
from towpath_operator.store.sessions import failures, open_session

logger = logging.getLogger(__name__)

KEY = 7_093_771_247
CHECK_SECONDS = 2
ANSWER_SECONDS = 3
"""A session that does not answer this long counts as lost: with CHECK_SECONDS, work moves within 10 s."""


async def lead(database: Database, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` for as long as this replica leads, again and again, until it is cancelled. On SQLite it always leads."""
    if database.is_sqlite:
        await work()
        return
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            await _lead_once(dsn, work)
        except failures() as error:
            logger.warning("No leader can be chosen for now: %s", error)
        await asyncio.sleep(CHECK_SECONDS)


async def _lead_once(dsn: str, work: Callable[[], Awaitable[None]]) -> None:
    connection = await open_session(dsn, ANSWER_SECONDS, _SESSION)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", KEY, timeout=ANSWER_SECONDS):
            return
        logger.info("This replica leads: it schedules, marks late runs and deletes old ones")
        lost = asyncio.ensure_future(_lose(connection))
        task = asyncio.ensure_future(work())
        try:
            while not task.done():
                # A session that PostgreSQL ends is heard of at once, one that is cut off at the next check.
                await asyncio.wait({task, lost}, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
            await task
        finally:
            for one in (task, lost):
                one.cancel()
            await asyncio.gather(task, lost, return_exceptions=True)
    finally:
        with contextlib.suppress(*failures()):
            await connection.close(timeout=1)


async def _lose(connection: Any) -> None:
    """Returns when PostgreSQL has ended the session."""
    lost = asyncio.Event()

    def note(_: Any) -> None:
        lost.set()

    connection.add_termination_listener(note)
    try:
        await lost.wait()
    finally:
        connection.remove_termination_listener(note)


_SESSION = POSTGRES_SETTINGS | {"application_name": "towpath-leader"}
