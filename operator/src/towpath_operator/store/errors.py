"""Turns what the drivers raise when the database is away, locked or full into the refusal that callers can wait for."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from towpath_operator.domain.refusals import InvalidRequest, StoreUnavailable


@contextmanager
def translated() -> Generator[None]:
    """Raises StoreUnavailable for faults of the database itself; what the statement did wrong passes unchanged."""
    try:
        yield
    except DataError as error:
        raise _unstorable(error) from error
    except (OperationalError, InterfaceError) as error:
        if _is_of_values(error):
            raise _unstorable(error) from error
        raise StoreUnavailable(f"The database cannot serve this now ({_reason(error)}): try again.") from error
    except PoolTimeout as error:
        raise StoreUnavailable("Every connection to the database is in use: try again.") from error
    except DBAPIError as error:
        if _is_of_values(error):
            raise _unstorable(error) from error
        if error.connection_invalidated or _is_away(error):
            raise StoreUnavailable(f"The database cannot serve this now ({_reason(error)}): try again.") from error
        raise
    except OSError as error:
        raise StoreUnavailable(f"The database cannot be reached ({error.strerror or error}): try again.") from error


_AWAY = ("08", "53", "55P03", "57", "58")
"""Beginnings of PostgreSQL's codes for: connections, resources (a full disk), a lock's timeout, shutdowns, its own system."""


def _is_away(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_AWAY)


def _is_of_values(error: DBAPIError) -> bool:
    """Whether a value is at fault: asyncpg says so by PostgreSQL's codes of class 22, or before it asks by a ValueError."""
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str) and state.startswith("22"):
        return True
    return isinstance(error.orig.__cause__ if error.orig is not None else None, ValueError)


def _unstorable(error: DBAPIError) -> InvalidRequest:
    return InvalidRequest(f"The database cannot hold one of the values: {_reason(error)}.")


def _reason(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig is not None else "no reason given"
