"""Sessions of PostgreSQL's own, beside the engine's pool: for listening and for leading. Called by `listener` and `leadership`.

asyncpg is loaded with the first: a local server on SQLite, which others wait for, starts without it.
"""

from typing import Any


async def open_session(dsn: str, seconds: int, settings: dict[str, str] | None = None) -> Any:
    """A connection of asyncpg's, to be made within so many seconds.

    Raises:
        One of `failures()`.
    """
    import asyncpg  # noqa: PLC0415 - 60 ms and 5 MB that servers on SQLite do not pay

    return await asyncpg.connect(dsn, timeout=seconds, server_settings=settings)


def failures() -> tuple[type[BaseException], ...]:
    """What says that PostgreSQL is away or has ended the session. To be asked for by an `except` clause."""
    import asyncpg  # noqa: PLC0415 - see open_session

    return (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
