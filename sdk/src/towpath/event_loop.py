"""Whether code runs in an event loop, asked without loading asyncio. Called wherever a function serves synchronous and asynchronous code."""

import sys


def is_in_loop() -> bool:
    """Whether this thread is at work for an event loop, so that its code may await and must not block."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:  # 25 ms that synchronous programs do not pay: without it there is no loop
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
