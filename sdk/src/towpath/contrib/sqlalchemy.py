"""Blocks for databases that SQLAlchemy speaks to. Needs towpath[sqlalchemy], and the database's driver.

    with SqlAlchemyConnector.load("warehouse") as database:
        database.execute("CREATE TABLE IF NOT EXISTS trips (id int)")
        rows = database.fetch_all("SELECT id FROM trips WHERE id > :low", {"low": 5})

With a driver for asyncio the same methods give awaitables, and the block is entered by `async with`.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from towpath.blocks.abstract import CredentialsBlock, DatabaseBlock
from towpath.contrib.statements import AsyncStatements, Statements
from towpath.errors import BlockError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["AsyncDriver", "ConnectionComponents", "DatabaseCredentials", "SqlAlchemyConnector", "SyncDriver"]

_NEEDS = "Blocks for databases need SQLAlchemy, which is not installed: pip install 'towpath[sqlalchemy]'"


class SyncDriver(StrEnum):
    """Drivers whose methods are called."""

    POSTGRESQL_PSYCOPG = "postgresql+psycopg"
    POSTGRESQL_PSYCOPG2 = "postgresql+psycopg2"
    POSTGRESQL_PG8000 = "postgresql+pg8000"
    MYSQL_MYSQLDB = "mysql+mysqldb"
    MYSQL_PYMYSQL = "mysql+pymysql"
    SQLITE_PYSQLITE = "sqlite+pysqlite"
    ORACLE_ORACLEDB = "oracle+oracledb"
    MSSQL_PYODBC = "mssql+pyodbc"
    MSSQL_PYMSSQL = "mssql+pymssql"


class AsyncDriver(StrEnum):
    """Drivers whose methods are awaited."""

    POSTGRESQL_ASYNCPG = "postgresql+asyncpg"
    SQLITE_AIOSQLITE = "sqlite+aiosqlite"
    MYSQL_ASYNCMY = "mysql+asyncmy"
    MYSQL_AIOMYSQL = "mysql+aiomysql"


class ConnectionComponents(BaseModel):
    """Where a database is, in parts.

    Attributes:
        driver: one of those above, or any other that SQLAlchemy has a dialect for, as `snowflake`.
        query: further options of the driver.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    driver: SyncDriver | AsyncDriver | str
    database: str
    username: str | None = None
    password: SecretStr | None = None
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    query: dict[str, str] = {}

    def create_url(self) -> "URL":
        """The address, as SQLAlchemy takes it."""
        return _load_url().create(
            drivername=str(self.driver),
            username=self.username,
            password=self.password.get_secret_value() if self.password is not None else None,
            host=self.host,
            port=self.port,
            database=self.database,
            query=self.query,
        )


def _load_url() -> type["URL"]:
    try:
        from sqlalchemy import URL  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise BlockError(_NEEDS) from None
    return URL


def _parse_url(text: str) -> "URL":
    _load_url()
    from sqlalchemy import make_url  # noqa: PLC0415 - an optional extra
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise BlockError(
            "The database's address cannot be read: write it as postgresql+psycopg://user:password@host:5432/database."
        ) from None


class SqlAlchemyConnector(CredentialsBlock, DatabaseBlock):
    """A database, by SQLAlchemy.

    Example:
        ```python
        from towpath.contrib.sqlalchemy import ConnectionComponents, SqlAlchemyConnector

        SqlAlchemyConnector(
            connection_info=ConnectionComponents(
                driver="postgresql+psycopg", username="me", password="...", host="db", port=5432, database="taxi"
            )
        ).save("warehouse")

        with SqlAlchemyConnector.load("warehouse").get_connection() as connection:
            frame.to_sql("trips", connection, if_exists="append")
        ```
    """

    _block_type_name = "SQLAlchemy Connector"

    connection_info: ConnectionComponents | SecretStr = Field(
        description="Where the database is: its parts, or a whole address as postgresql+psycopg://user:password@host/name."
    )
    connect_args: dict[str, Any] | None = Field(default=None, description="Further options of the driver's connect().")
    fetch_size: int = Field(default=1, ge=1, description="Rows that fetch_many gives where it is not told how many.")

    _engine: Any = PrivateAttr(default=None)
    _statements: Any = PrivateAttr(default=None)

    # Engines and connections

    def get_url(self) -> "URL":
        """The database's address. Shown as a text it has no password.

        Raises:
            BlockError: it cannot be read.
        """
        if isinstance(self.connection_info, ConnectionComponents):
            return self.connection_info.create_url()
        return _parse_url(self.connection_info.get_secret_value())

    @property
    def is_async(self) -> bool:
        """Whether the driver is one for asyncio."""
        url = self.get_url()
        try:
            return bool(url.get_dialect().is_async)
        except Exception as error:  # what is missing is a driver, whose import may raise anything
            raise BlockError(
                f"The driver {url.drivername!r} cannot be used: {error}. Is its package installed?"
            ) from error

    def get_engine(self, **options: Any) -> "Engine | AsyncEngine":
        """The engine; made once, and again after `close`.

        Args:
            options: of SQLAlchemy's create_engine.

        Raises:
            BlockError: the address cannot be read, or its driver is not installed.
        """
        if self._engine is None:
            given = {"connect_args": self.connect_args} if self.connect_args else {}
            self._engine = _create_engine(self.get_url(), is_async=self.is_async, options=given | options)
        return self._engine

    def get_connection(self, begin: bool = True, **options: Any) -> Any:
        """A connection, to be entered by `with`, or by `async with` if the driver is asynchronous.

        Args:
            begin: whether it is in a transaction, which is committed at the end unless an error leaves it.
            options: of the engine's begin() or connect().
        """
        engine = self.get_engine()
        return engine.begin(**options) if begin else engine.connect(**options)

    def get_client(self, client_type: str = "engine", **options: Any) -> Any:
        """The `engine` or a `connection`.

        Raises:
            BlockError: there is no such client.
        """
        wanted = str(getattr(client_type, "value", client_type))
        if wanted == "engine":
            return self.get_engine(**options)
        if wanted == "connection":
            return self.get_connection(**options)
        raise BlockError(f"There is no client {wanted!r}: ask for engine or connection.")

    # Statements: called where the driver is synchronous, awaited where it is not

    def _open(self) -> Any:
        if self._statements is None:
            kind = AsyncStatements if self.is_async else Statements
            self._statements = kind(self.get_engine())
        return self._statements

    def execute(self, operation: str, parameters: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Runs a statement that returns nothing, and commits.

        Args:
            operation: SQL, with parameters as `:name`.
            options: SQLAlchemy's execution options.
        """
        return self._open().execute(operation, parameters, options)

    def execute_many(self, operation: str, seq_of_parameters: Sequence[Mapping[str, Any]], **options: Any) -> Any:
        """Runs a statement once for each set of parameters, all in one transaction."""
        return self._open().execute(operation, list(seq_of_parameters), options)

    def fetch_one(self, operation: str, parameters: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """The next row of a query, None after the last. Asked the same again, it goes on."""
        return self._open().fetch(operation, parameters, options, _fetch_one)

    def fetch_many(
        self, operation: str, parameters: Mapping[str, Any] | None = None, size: int | None = None, **options: Any
    ) -> Any:
        """The next rows of a query, none after the last. Asked the same again, it goes on.

        Args:
            size: how many at most; None for `fetch_size`.
        """
        count = size or self.fetch_size
        return self._open().fetch(operation, parameters, options, partial(_fetch_many, count))

    def fetch_all(self, operation: str, parameters: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """All rows of a query that have not been fetched."""
        return self._open().fetch(operation, parameters, options, _fetch_all)

    def reset_connections(self) -> Any:
        """Forgets which queries are under way: each begins anew. To be awaited where the driver is asynchronous."""
        return self._open().reset()

    # Ends

    def close(self) -> None:
        """Closes what a synchronous driver has open. The block can be used again.

        Raises:
            BlockError: the driver is asynchronous.
        """
        if self._engine is None:
            return
        if self.is_async:
            raise BlockError("The driver is asynchronous: await aclose() instead.")
        statements, self._statements = self._statements, None
        engine, self._engine = self._engine, None
        if statements is not None:
            statements.reset()
        engine.dispose()

    async def aclose(self) -> None:
        """Closes what an asynchronous driver has open. The block can be used again."""
        if self._engine is None:
            return
        if not self.is_async:
            self.close()
            return
        statements, self._statements = self._statements, None
        engine, self._engine = self._engine, None
        if statements is not None:
            await statements.reset()
        await engine.dispose()

    def __enter__(self) -> Self:
        if self.is_async:
            raise BlockError("The driver is asynchronous: enter the block with `async with`.")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __getstate__(self) -> dict[Any, Any]:
        """Copies for other processes come without what is open here."""
        state = super().__getstate__()
        private = dict(state.get("__pydantic_private__") or {})
        return state | {"__pydantic_private__": private | {"_engine": None, "_statements": None}}


def _fetch_one(result: Any) -> Any:
    return result.fetchone()


def _fetch_many(count: int, result: Any) -> Any:
    return result.fetchmany(count)


def _fetch_all(result: Any) -> Any:
    return result.fetchall()


def _create_engine(url: "URL", *, is_async: bool, options: Mapping[str, Any]) -> Any:
    from sqlalchemy import create_engine  # noqa: PLC0415 - an optional extra
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    make: Callable[..., Any] = create_async_engine if is_async else create_engine
    try:
        return make(url, **options)
    except ImportError as error:
        raise BlockError(f"The driver {url.drivername!r} is not installed: {error}.") from error


class DatabaseCredentials(CredentialsBlock):
    """A database's address in parts, as older flows have it. SqlAlchemyConnector does more.

    Example:
        ```python
        from towpath.contrib.sqlalchemy import DatabaseCredentials

        engine = DatabaseCredentials.load("warehouse").get_engine()
        ```
    """

    _block_type_name = "Database Credentials"

    driver: SyncDriver | AsyncDriver | str | None = None
    username: str | None = None
    password: SecretStr | None = None
    database: str | None = None
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    query: dict[str, str] | None = None
    url: SecretStr | None = Field(default=None, description="The whole address, instead of its parts.")
    connect_args: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        parts = (self.username, self.password, self.host, self.port, self.query, self.driver, self.database)
        if self.url is not None and any(part is not None for part in parts):
            raise ValueError("give either url or the parts of the address, not both")
        if self.url is None and (self.driver is None or self.database is None):
            raise ValueError("give driver and database, or url")
        return self

    def to_connector(self) -> SqlAlchemyConnector:
        """The connector of the same database."""
        if self.url is not None:
            return SqlAlchemyConnector(connection_info=self.url, connect_args=self.connect_args)
        parts = ConnectionComponents(
            driver=self.driver or "",
            database=self.database or "",
            username=self.username,
            password=self.password,
            host=self.host,
            port=self.port,
            query=self.query or {},
        )
        return SqlAlchemyConnector(connection_info=parts, connect_args=self.connect_args)

    @property
    def rendered_url(self) -> "URL":
        """The address, as SQLAlchemy has it."""
        return self.to_connector().get_url()

    def get_engine(self, **options: Any) -> "Engine | AsyncEngine":
        """A new engine; an asynchronous one for a driver of asyncio."""
        return self.to_connector().get_engine(**options)

    def get_client(self, *args: Any, **options: Any) -> Any:
        """A new engine."""
        return self.get_engine(**options)
