"""Transactions: what was done within one counts as a whole, or is undone by the tasks' rollback hooks.

    with transaction():
        write(...)      # write.on_rollback runs if check raises
        check(...)

Each task run within a transaction is a transaction of its own below it. It is staged when it completes and committed with the
one above; a cached result counts from the commit on. Called by users and, for task runs, by the engine.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from towpath.context import CURRENT, CURRENT_TRANSACTION
from towpath.engine.effects import CallBack
from towpath.errors import MissingContextError, TowpathError
from towpath.logging.loggers import get_logger, get_run_logger
from towpath.states import NO_DATA

TransactionHook = Callable[["Transaction"], Any]


class TransactionState(StrEnum):
    """Where a transaction is."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    STAGED = "STAGED"
    COMMITTED = "COMMITTED"
    ROLLED_BACK = "ROLLED_BACK"


class CommitMode(StrEnum):
    """When a transaction below another commits: with that one (LAZY, the default), or at its own end (EAGER)."""

    LAZY = "LAZY"
    EAGER = "EAGER"
    OFF = "OFF"


class Transaction:
    """One transaction. Made by `transaction()`, or by the engine for a task run.

    Attributes:
        name: for log lines.
        key: identifies what it does: committed once, it is known to be. None: not kept.
        parent: the transaction it is part of.
        state: where it is.
    """

    def __init__(
        self,
        name: str = "transaction",
        *,
        key: str | None = None,
        store: Any = None,
        parent: "Transaction | None" = None,
        commit_mode: CommitMode | None = None,
        overwrite: bool = False,
        on_rollback: Iterable[TransactionHook] = (),
        on_commit: Iterable[TransactionHook] = (),
    ) -> None:
        self.name = name
        self.key = key
        self.parent = parent
        self.state = TransactionState.PENDING
        self.commit_mode = commit_mode or (CommitMode.LAZY if parent is not None else CommitMode.EAGER)
        self.overwrite = overwrite
        self._store = store
        self._children: list[Transaction] = []
        self._values: dict[str, Any] = {}
        self._value: Any = NO_DATA
        self._on_rollback = list(on_rollback)
        self._on_commit = list(on_commit)
        self._at_commit: list[Callable[[], Any]] = []

    def get(self, name: str, default: Any = NO_DATA) -> Any:
        """What was set under `name` here or in a transaction above.

        Raises:
            ValueError: nothing was, and there is no default.
        """
        here: Transaction | None = self
        while here is not None:
            if name in here._values:
                return here._values[name]
            here = here.parent
        if default is NO_DATA:
            raise ValueError(f"Nothing is set under {name!r} in transaction {self.name!r}.")
        return default

    def set(self, name: str, value: Any) -> None:
        """Keeps a value for the hooks."""
        self._values[name] = value

    def is_active(self) -> bool:
        return self.state is TransactionState.ACTIVE

    def is_staged(self) -> bool:
        return self.state is TransactionState.STAGED

    def is_committed(self) -> bool:
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        return self.state is TransactionState.ROLLED_BACK

    def begin(self) -> None:
        """Becomes ACTIVE, or COMMITTED when its key was committed before."""
        self.state = TransactionState.ACTIVE
        if self.parent is not None:
            self.parent._children.append(self)
        if self.key is not None and not self.overwrite and self._open_store().index.read(self._path()) is not None:
            self.state = TransactionState.COMMITTED

    def read(self) -> Any:
        """The value that was staged, now or by the run that committed the key; None when there is none."""
        if self._value is not NO_DATA:
            return self._value
        if self.key is None:
            return None
        hit = self._open_store().storage.read(self._path())
        from towpath.results.keeping import decode  # noqa: PLC0415 - with the results, which few transactions need

        return None if hit is None else decode(hit)

    def stage(
        self,
        value: Any,
        on_rollback_hooks: Iterable[TransactionHook] = (),
        on_commit_hooks: Iterable[TransactionHook] = (),
    ) -> None:
        """Is ready to be committed with `value`."""
        if self.is_committed() or self.is_rolled_back():
            return
        self._value = value
        self._on_rollback += on_rollback_hooks
        self._on_commit += on_commit_hooks
        self.state = TransactionState.STAGED

    def at_commit(self, action: Callable[[], Any]) -> None:
        """Does something when the transaction commits, and nothing if it is rolled back."""
        self._at_commit.append(action)

    def end(self) -> None:
        """Without an error: commits, or waits for the transaction above."""
        if self.is_committed() or self.is_rolled_back():
            return
        if self.commit_mode is CommitMode.OFF:
            self.rollback()
        elif self.commit_mode is CommitMode.EAGER or self.parent is None:
            self.commit()
        else:
            self.state = TransactionState.STAGED

    def commit(self) -> bool:
        """Commits what is below, then this; rolls all of it back when a commit hook or the store fails."""
        if self.is_committed() or self.is_rolled_back():
            return self.is_committed()
        try:
            for child in self._children:
                if not child.commit():
                    raise TowpathError(f"Transaction {child.name!r} could not be committed.")
            for action in self._at_commit:
                action()
            for hook in self._on_commit:
                self._call(hook)
            if self.key is not None:
                value = None if self._value is NO_DATA else self._value
                self._open_store().write(self._path(), value)
        except Exception:  # noqa: BLE001 - whatever a hook or a store raises, nothing is committed
            _logger().error("Transaction %r could not be committed", self.name, exc_info=True)
            self.rollback()
            return False
        self.state = TransactionState.COMMITTED
        return True

    def rollback(self) -> None:
        """Calls the rollback hooks, the last task's first. A hook that raises is logged, the others still run."""
        if self.is_rolled_back():
            return
        was_done = self.is_staged() or self.is_committed() or self.is_active()
        self.state = TransactionState.ROLLED_BACK
        for hook in reversed(self._on_rollback) if was_done else ():
            try:
                self._call(hook)
            except Exception:  # noqa: BLE001 - the others must still run
                _logger().error("A rollback hook of %r raised", self.name, exc_info=True)
        for child in reversed(self._children):
            child.rollback()

    def abandon(self) -> None:
        """The task did not do what its hooks would undo: only what is below is rolled back."""
        self._on_rollback = []
        self.rollback()

    def _call(self, hook: TransactionHook) -> None:
        _logger().info("Running hook %r of %r", getattr(hook, "__name__", type(hook).__name__), self.name)
        CallBack(hook, self).perform()

    def _path(self) -> str:
        return f"transactions/{hashlib.sha256((self.key or '').encode()).hexdigest()}"

    def _open_store(self) -> Any:
        from towpath.results import ResultStore, open_storage  # noqa: PLC0415 - 20 ms that transactions without a key do not pay

        if not isinstance(self._store, ResultStore):
            self._store = ResultStore(open_storage(self._store))
        return self._store


def _logger() -> Any:
    return get_run_logger() if CURRENT.get() is not None else get_logger("transactions")


def get_transaction() -> Transaction | None:
    """The innermost transaction that the caller is in: in a task, the task run's own."""
    return CURRENT_TRANSACTION.get()


def get_current_transaction() -> Transaction:
    """As get_transaction.

    Raises:
        MissingContextError: the caller is in none.
    """
    current = CURRENT_TRANSACTION.get()
    if current is None:
        raise MissingContextError("No transaction is under way: use `with transaction():`.")
    return current


@contextmanager
def transaction(
    key: str | None = None,
    store: Any = None,
    commit_mode: CommitMode | None = None,
    overwrite: bool = False,
) -> Generator[Transaction]:
    """Within the block, tasks belong together: an error rolls all of them back.

    Args:
        key: identifies what is done; once committed, `is_committed()` is true from the start and the block can be left.
        store: where the keys are kept: a folder, an fsspec address or a ResultStore; default the result storage.
        commit_mode: for one within another; default LAZY.
        overwrite: do it again although the key was committed.
    """
    current = Transaction(
        key or "transaction",
        key=key,
        store=store,
        parent=CURRENT_TRANSACTION.get(),
        commit_mode=commit_mode,
        overwrite=overwrite,
    )
    current.begin()
    token = CURRENT_TRANSACTION.set(current)
    try:
        yield current
    except BaseException:
        CURRENT_TRANSACTION.reset(token)
        current.rollback()
        raise
    CURRENT_TRANSACTION.reset(token)
    current.end()
