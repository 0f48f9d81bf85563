"""What the database's faults become, and what SQLite is told."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tests.support.api import Api, make_batch, make_id, make_log, make_state, make_task_run, sqlite_url
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.store.engine import Database
from towpath_operator.store.errors import translated


async def pragma(database: Database, name: str, *, writer: bool = False) -> object:
    if writer:
        async with database.write() as transaction:
            return (await transaction.connection.execute(text(f"PRAGMA {name}"))).scalar_one()
    async with database.read() as reader:
        return (await reader.execute(text(f"PRAGMA {name}"))).scalar_one()


async def test_sqlite_commits_durably_into_a_write_ahead_log(api: Api) -> None:
    assert await pragma(api.hub.database, "journal_mode", writer=True) == "wal"
    assert await pragma(api.hub.database, "synchronous", writer=True) == 2  # FULL


async def test_readers_cannot_write(api: Api) -> None:
    assert await pragma(api.hub.database, "query_only") == 1


async def test_a_block_that_raises_leaves_nothing(api: Api) -> None:
    with pytest.raises(RuntimeError):
        async with api.hub.database.write() as transaction:
            await transaction.connection.execute(text("INSERT INTO counters VALUES ('x', 1)"))
            raise RuntimeError
    async with api.hub.database.read() as reader:
        assert (await reader.execute(text("SELECT count(*) FROM counters WHERE name = 'x'"))).scalar_one() == 0


@pytest.mark.parametrize("message", ["database or disk is full", "database is locked", "disk I/O error"])
async def test_a_database_that_cannot_write_is_a_503_and_nothing_is_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    async def fail(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception(message))

    run = make_id()
    batch = make_batch(run, make_task_run(make_id(), None), make_log(None))
    with monkeypatch.context() as patched:
        patched.setattr("towpath_operator.store.ingest.insert_logs", fail)
        answer = await api.client.post("/events", json=batch)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert message in answer.json()["detail"]
    assert (await api.tell(batch))["applied"] == 2


async def test_a_database_that_cannot_be_opened_is_a_503(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = Database(sqlite_url(tmp_path / "no" / "such" / "folder.db"))
    with pytest.raises(Exception, match="unable to open") as caught:
        async with database.read():
            pass
    assert type(caught.value).__name__ == "StoreUnavailable"
    await database.close()
    # The driver answers from a thread even when it could not open: it must have, before the test's loop is closed.
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join)


async def pages(api: Api) -> int:
    async with api.hub.database.read() as reader:
        return (await reader.execute(text("PRAGMA page_count"))).scalar_one()


async def test_a_task_run_takes_little_room(api: Api) -> None:
    run = make_id()
    items = [{"kind": "flow_run", "id": run, "flow": "etl", "name": "n", "time": 1}]
    for index in range(400):
        task = make_id()
        items += [make_task_run(task, run, name=f"clean-{index}")]
        items += [make_state(task, type_) for type_ in ("PENDING", "RUNNING", "COMPLETED")]
        items += [
            make_log(run, message, task_run_id=task)
            for message in (f"Created task run 'clean-{index}' for task 'clean'", "Finished in state Completed()")
        ]
    before = await pages(api)
    await api.tell(make_batch(run, *items))
    assert (await pages(api) - before) * 4_096 / 400 < 2_048


class _DriverError(Exception):
    """As the drivers raise it: PostgreSQL's code on it."""

    sqlstate = "22P05"


def test_a_value_that_postgresql_refuses_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequest, match="cannot hold one of the values: unsupported Unicode"), translated():
        raise DBAPIError("INSERT", {}, _DriverError("unsupported Unicode escape sequence\nCONTEXT: json"))


def test_a_value_that_the_driver_cannot_encode_is_the_callers_fault() -> None:
    refused = Exception("invalid input for query argument $1")
    refused.__cause__ = ValueError("value out of int32 range")
    with pytest.raises(InvalidRequest, match="invalid input"), translated():
        raise InterfaceError("INSERT", {}, refused)
