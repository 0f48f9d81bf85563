"""Transactions: what is rolled back, what is committed, and in which order."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.recording import Recording
from towpath import flow, task
from towpath.errors import MissingContextError
from towpath.transactions import (
    CommitMode,
    Transaction,
    TransactionState,
    get_current_transaction,
    get_transaction,
    transaction,
)


class Steps:
    """Tasks that note what they and their hooks do."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def task(self, name: str, **options: Any) -> Any:
        def body(fails: bool = False) -> str:
            if fails:
                raise ValueError(name)
            self.notes.append(f"do {name}")
            return name

        made = task(body, name=name, **options)

        @made.on_rollback
        def undo(txn: Transaction) -> None:
            self.notes.append(f"undo {name}")
            assert isinstance(txn, Transaction)

        @made.on_commit
        def done(txn: Transaction) -> None:
            self.notes.append(f"commit {name}")

        return made


def run(body: Any) -> Any:
    return flow(body, name="f")(return_state=True)


def test_an_error_rolls_back_what_was_done_the_last_first() -> None:
    steps = Steps()
    one, two, three = (steps.task(name) for name in ("one", "two", "three"))

    def body() -> None:
        with transaction():
            one()
            two.submit().wait()
            three(fails=True)

    assert run(body).is_failed()
    assert steps.notes == ["do one", "do two", "undo two", "undo one"]


def test_without_an_error_all_is_committed_at_the_end() -> None:
    steps = Steps()
    one, two = steps.task("one"), steps.task("two")

    def body() -> str:
        with transaction() as txn:
            one()
            two()
            assert txn.is_active()
            steps.notes.append("end")
        assert txn.is_committed()
        return "ok"

    assert run(body).result() == "ok"
    assert steps.notes == ["do one", "do two", "end", "commit one", "commit two"]


def test_outside_a_transaction_a_task_commits_by_itself() -> None:
    steps = Steps()
    one = steps.task("one")
    assert run(lambda: one()).is_completed()
    assert steps.notes == ["do one", "commit one"]
    run(lambda: one(fails=True))
    assert steps.notes == ["do one", "commit one"]


def test_nested_transactions_commit_with_the_outer_one_unless_eager() -> None:
    steps = Steps()
    lazy, eager = steps.task("lazy"), steps.task("eager")

    def body() -> None:
        with transaction():
            with transaction():
                lazy()
            with transaction(commit_mode=CommitMode.EAGER):
                eager()
            raise ValueError

    run(body)
    assert steps.notes == ["do lazy", "do eager", "commit eager", "undo eager", "undo lazy"]


def test_values_are_found_here_and_above() -> None:
    with transaction() as outer:
        outer.set("a", 1)
        with transaction() as inner:
            inner.set("b", 2)
            assert (inner.get("a"), inner.get("b"), inner.get("c", 3)) == (1, 2, 3)
            with pytest.raises(ValueError, match="'c'"):
                inner.get("c")
            assert get_transaction() is inner
    assert get_transaction() is None
    with pytest.raises(MissingContextError):
        get_current_transaction()


def test_a_task_sets_values_for_its_hooks() -> None:
    found: list[Any] = []

    @task
    def write() -> None:
        get_current_transaction().set("file", "x.csv")

    @write.on_rollback
    def remove(txn: Transaction) -> None:
        found.append(txn.get("file"))

    def body() -> None:
        with transaction():
            write()
            raise ValueError

    run(body)
    assert found == ["x.csv"]


def test_a_hook_that_raises_is_logged_and_the_others_still_run(told: Recording) -> None:
    steps = Steps()
    one, two = steps.task("one"), steps.task("two")

    @two.on_rollback
    def broken(_txn: Transaction) -> None:
        raise RuntimeError("broken hook")

    def body() -> None:
        with transaction():
            one()
            two()
            raise ValueError

    run(body)
    assert steps.notes == ["do one", "do two", "undo two", "undo one"]
    assert any("broken hook" in message for message in told.messages(level=40))


def test_a_commit_hook_that_raises_rolls_back() -> None:
    steps = Steps()
    one = steps.task("one")

    @one.on_commit
    def broken(_txn: Transaction) -> None:
        raise RuntimeError("broken hook")

    def body() -> str:
        with transaction() as txn:
            one()
        return txn.state

    assert run(body).result() == TransactionState.ROLLED_BACK
    assert steps.notes == ["do one", "commit one", "undo one"]


def test_a_cached_result_counts_from_the_commit_on() -> None:
    steps = Steps()
    one = steps.task("one", cache_key_fn=lambda *_: "fixed")  # pyright: ignore[reportUnknownLambdaType]

    def body(fails: bool) -> None:
        with transaction():
            one()
            if fails:
                raise ValueError

    run(lambda: body(True))
    run(lambda: body(False))
    run(lambda: body(True))
    assert steps.notes == ["do one", "undo one", "do one", "commit one"]


def test_a_key_that_was_committed_is_known(tmp_path: Path) -> None:
    done: list[int] = []

    def once(**options: Any) -> None:
        with transaction(key="import-2024", store=tmp_path, **options) as txn:
            if txn.is_committed():
                assert txn.read() == 5
                return
            done.append(1)
            txn.stage(5)

    once()
    once()
    assert done == [1]
    once(overwrite=True)
    assert done == [1, 1]


def test_a_key_that_was_rolled_back_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boom"), transaction(key="k", store=tmp_path):
        raise ValueError("boom")
    with transaction(key="k", store=tmp_path) as txn:
        assert not txn.is_committed()


def test_a_transaction_that_is_off_never_commits() -> None:
    with transaction(commit_mode=CommitMode.OFF) as txn:
        pass
    assert txn.is_rolled_back()


async def test_transactions_hold_asynchronous_tasks_too() -> None:
    undone: list[str] = []

    @task
    async def write(name: str) -> None:
        get_current_transaction().set("name", name)

    @write.on_rollback
    async def remove(txn: Transaction) -> None:
        undone.append(txn.get("name"))

    @flow
    async def my_flow() -> None:
        with transaction():
            await write("a")
            await (await write.submit("b")).wait()
            raise ValueError

    await my_flow(return_state=True)
    assert undone == ["b", "a"]
