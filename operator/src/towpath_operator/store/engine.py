"""Opens the database and hands out readers and transactions.

On SQLite one connection writes (BEGIN IMMEDIATE, WAL, synchronous=FULL), one transaction after the other in the order they
asked, while others read. What must happen after a commit (waking waiting requests) hangs on `on_commit`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from towpath.contract.states import RunKind
from towpath_operator.domain.codes import FIRST_ENDED
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.rollups import Counts
from towpath_operator.store import sqlite_driver
from towpath_operator.store.counting import count_changed
from towpath_operator.store.errors import translated
from towpath_operator.store.freeing import free_slots
from towpath_operator.store.revisions import stamp_revisions
from towpath_operator.store.rollups import save_counts

Reader = AsyncConnection
"""A connection to read by. The functions of this package take it; callers only pass it on."""

TOPIC_CHANGES = "changes"
TOPIC_CLAIMS = "claims"
TOPIC_SCHEDULES = "schedules"
TOPIC_SLOTS = "slots"
TOPIC_DELIVERIES = "deliveries"
TOPIC_FIRINGS = "firings"
TOPIC_ORDERS = "orders"
"""Wakes the processes of runs: something was asked that one of them must hear."""
ALL_TOPICS = (TOPIC_CHANGES, TOPIC_CLAIMS, TOPIC_SCHEDULES, TOPIC_SLOTS, TOPIC_DELIVERIES, TOPIC_FIRINGS, TOPIC_ORDERS)

POSTGRES_CONNECTIONS = 8
POSTGRES_SETTINGS = {
    "application_name": "towpath",
    "idle_in_transaction_session_timeout": "15s",  # a replica that hangs must not keep the others from writing
    "lock_timeout": "30s",
    "jit": "off",
    # A plan for any values reads whole tables where one for these values, as the last week, would use an index.
    "plan_cache_mode": "force_custom_plan",
}
CHANNEL = "towpath"
"""Where PostgreSQL tells the replicas of commits: one message for a transaction, as `pack_notice` writes it."""
MAX_NOTICE = 7_500
"""Bytes of one message; PostgreSQL takes 8,000."""
ANY_HINT = "*"
"""Stands for more hints than a message holds."""
_LOCK = text("SELECT pg_advisory_xact_lock(7093771246)")
_NOTIFY = text("SELECT pg_notify(:channel, :topics)")

SQLITE_READERS = 4
SQLITE_BUSY_MS = 10_000
SQLITE_CACHE_KB = 16_000
SQLITE_CHECKPOINT_PAGES = 4_000


def pack_notice(topics: Collection[str], hints: Collection[str]) -> str:
    """What the other replicas are told of a commit: its topics, and behind a bar its hints, if they fit."""
    head = " ".join(sorted(topics))
    notice = f"{head}|{' '.join(sorted(hints))}"
    return notice if len(notice) <= MAX_NOTICE else f"{head}|{ANY_HINT}"


def unpack_notice(notice: str) -> tuple[list[str], list[str]]:
    """The topics and hints of a message."""
    topics, _, hints = notice.partition("|")
    return topics.split(), hints.split()


class Transaction:
    """One write transaction.

    Attributes:
        connection: what the functions of this package write by.
        entered: the changes of state that it makes, for those who follow them.
        counts: what it changes in the histograms' counts; of flow runs that it notes as changed, finish() adds it.
        topics: whom its commit wakes.
        hints: what open pages may want to look at again, beyond the runs that changed.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.entered: list[Entered] = []
        self.counts = Counts()
        self._changed: dict[UUID, None] = {}
        self.topics: set[str] = set()
        self.hints: set[str] = set()

    def changed(self, flow_run_id: UUID) -> None:
        """Notes that a flow run changed: its revision rises once, at the commit."""
        self._changed[flow_run_id] = None

    def wake(self, topic: str) -> None:
        """Asks for `topic`'s waiting requests to be woken after the commit."""
        self.topics.add(topic)

    def hint_of_run(self, kind: str, flow_run_id: UUID) -> None:
        """Tells pages that show this run that its `kind` (as `logs`) grew."""
        self.hints.add(f"{kind}:{flow_run_id.hex}")

    def hint_of_kind(self, kind: str, namespace: str) -> None:
        """Tells pages that show things of this `kind` (as `deployments`) in the namespace that some changed."""
        self.hints.add(f"{kind}@{namespace}")

    async def finish(self) -> None:
        """Writes what is due at the end."""
        ended = [
            UUID(bytes=one.run_id) for one in self.entered if one.kind is RunKind.FLOW_RUN and one.after >= FIRST_ENDED
        ]
        if ended and await free_slots(self.connection, ended):
            self.topics.add(TOPIC_SLOTS)
        if self._changed:
            await count_changed(self.connection, list(self._changed), self.counts)
        await save_counts(self.connection, self.counts)
        if self._changed:
            await stamp_revisions(self.connection, list(self._changed))
            self.topics.add(TOPIC_CHANGES)


def _note_nothing(_: str, __: float) -> None:
    return


class Database:
    """The database of one API process.

    Raises StoreUnavailable from `read` and `write` when the database cannot serve.

    Attributes:
        before_commit: what else a transaction is to write for what it did, within it.
        on_commit: who is told of it once it is committed.
        on_timed: who is told the seconds that something took: a `read`, a `write`, the wait for a `turn` to write.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.before_commit: list[Callable[[Transaction], Awaitable[None]]] = []
        self.on_commit: list[Callable[[Transaction], None]] = []
        self.on_timed: Callable[[str, float], None] = _note_nothing
        self._turn = asyncio.Lock()
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, pool_size=1, writes=True)
            self._readers = _sqlite_engine(self.url, pool_size=SQLITE_READERS, writes=False)
        else:
            self._writer = self._readers = create_async_engine(
                self.url,
                pool_size=POSTGRES_CONNECTIONS,
                max_overflow=POSTGRES_CONNECTIONS,
                pool_pre_ping=True,
                connect_args={"server_settings": POSTGRES_SETTINGS, "timeout": 10},
            )

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Reader]:
        """A consistent view of the database, ended without a commit."""
        began = time.perf_counter()
        with translated():
            async with self._readers.connect() as connection:
                yield connection
        self.on_timed("read", time.perf_counter() - began)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[Transaction]:
        """A transaction that commits at the end of the block, or leaves nothing when the block raises.

        One after the other, whoever asks: on SQLite that is all it can do, on PostgreSQL a lock that the replicas share does the
        same. What decides (limits, fences, the order of revisions) may so rely on what it read.
        """
        asked = time.perf_counter()
        with translated():
            async with self._turn, self._writer.connect() as connection:
                if not self.is_sqlite:
                    await connection.execute(_LOCK)
                began = time.perf_counter()
                self.on_timed("turn", began - asked)
                transaction = Transaction(connection)
                yield transaction
                for follow in self.before_commit:
                    await follow(transaction)
                await transaction.finish()
                if (transaction.topics or transaction.hints) and not self.is_sqlite:
                    notice = pack_notice(transaction.topics, transaction.hints)
                    await connection.execute(_NOTIFY, {"channel": CHANNEL, "topics": notice})
                await connection.commit()
        self.on_timed("write", time.perf_counter() - began)
        for listener in self.on_commit:
            listener(transaction)

    async def run_sync(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Runs `function(sync_connection, *arguments)` in a write transaction: for migrations."""
        async with self._writer.begin() as connection:
            return await connection.run_sync(function, *arguments)

    async def close(self) -> None:
        """Closes every connection."""
        await self._writer.dispose()
        if self._readers is not self._writer:
            await self._readers.dispose()


def _sqlite_engine(url: URL, *, pool_size: int, writes: bool) -> AsyncEngine:
    path = url.database or ""
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, async_creator=lambda: sqlite_driver.connect(path)
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def connected(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "temp_store=MEMORY",
            f"cache_size=-{SQLITE_CACHE_KB}",
            f"wal_autocheckpoint={SQLITE_CHECKPOINT_PAGES}",
            *(() if writes else ("query_only=ON",)),
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Any) -> None:
        connection.connection.driver_connection.begin_with_next(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
    return engine
