"""Measures how late the event loop is: everything that a request needs waits at least so long. Started by the hub."""

import asyncio
import time
from collections.abc import Callable

EVERY_SECONDS = 0.5


async def watch_lag(note: Callable[[float], None]) -> None:
    """Tells `note` again and again by how many seconds a short sleep was too long, until it is cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(EVERY_SECONDS)
        note(max(0.0, time.perf_counter() - began - EVERY_SECONDS))
