"""Runs statements of a connector, and remembers which queries are under way. Called by `sqlalchemy`.

Two small drivers of the same rules: a query with the same words, parameters and options goes on where it stopped. Its connection
is kept for it until its last row, so that the rows between need not be in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
Fetch = Callable[[Any], Any]


def _key(operation: str, parameters: Parameters, options: Mapping[str, Any]) -> str:
    return repr((operation, parameters, sorted(options.items())))


def _text(operation: Any) -> Any:
    from sqlalchemy import text  # noqa: PLC0415 - an optional extra

    return text(operation) if isinstance(operation, str) else operation


class Statements:
    """Statements by a synchronous driver."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._open: dict[str, tuple[Any, Any]] = {}

    def execute(self, operation: str, parameters: Parameters, options: Mapping[str, Any]) -> None:
        """Runs a statement in a transaction."""
        with self._engine.begin() as connection:
            connection.execute(_text(operation), parameters, execution_options=dict(options))

    def fetch(self, operation: str, parameters: Parameters, options: Mapping[str, Any], fetch: Fetch) -> Any:
        """Rows of a query that begins, or goes on."""
        key = _key(operation, parameters, options)
        if key not in self._open:
            connection = self._engine.connect()
            try:
                result = connection.execute(_text(operation), parameters, execution_options=dict(options))
            except BaseException:
                connection.close()
                raise
            self._open[key] = (connection, result)
        return fetch(self._open[key][1])

    def reset(self) -> None:
        """Ends the queries that are under way."""
        while self._open:
            _, (connection, result) = self._open.popitem()
            result.close()
            connection.commit()  # a query may have written, as INSERT ... RETURNING does
            connection.close()


class AsyncStatements:
    """Statements by a driver of asyncio."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._open: dict[str, tuple[Any, Any]] = {}

    async def execute(self, operation: str, parameters: Parameters, options: Mapping[str, Any]) -> None:
        """Runs a statement in a transaction."""
        async with self._engine.begin() as connection:
            await connection.execute(_text(operation), parameters, execution_options=dict(options))

    async def fetch(self, operation: str, parameters: Parameters, options: Mapping[str, Any], fetch: Fetch) -> Any:
        """Rows of a query that begins, or goes on."""
        key = _key(operation, parameters, options)
        if key not in self._open:
            connection = self._engine.connect()
            await connection.start()
            try:
                result = await connection.execute(_text(operation), parameters, execution_options=dict(options))
            except BaseException:
                await connection.close()
                raise
            self._open[key] = (connection, result)
        return fetch(self._open[key][1])

    async def reset(self) -> None:
        """Ends the queries that are under way."""
        while self._open:
            _, (connection, result) = self._open.popitem()
            result.close()
            await connection.commit()  # a query may have written, as INSERT ... RETURNING does
            await connection.close()
