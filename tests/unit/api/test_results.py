"""Results in the API: bytes by namespace and key, small ones, kept as long as they are used; never looked into."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.api import Api
from towpath.contract.ids import now_us
from towpath.contract.limits import MAX_RESULT
from towpath_operator.services.retention import Keep, prune

PICKLE = b"cos\nsystem\n(S'touch /tmp/never'\ntR.\x00\xff"
"""What would run a command in whoever unpickles it."""


async def write(api: Api, key: str, data: bytes, status: int = 204, **query: Any) -> Any:
    answer = await api.client.put(f"/results/{key}", content=data, params=query)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def read(api: Api, key: str, **query: Any) -> bytes | None:
    answer = await api.client.get(f"/results/{key}", params=query)
    assert answer.status_code in (200, 404), answer.text
    return answer.content if answer.status_code == 200 else None


async def test_the_same_bytes_come_back(api: Api) -> None:
    assert await read(api, "some/key") is None
    await write(api, "some/key", PICKLE)
    answer = await api.client.get("/results/some/key")
    assert answer.content == PICKLE
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "attachment"
    await write(api, "some/key", b"")
    assert await read(api, "some/key") == b""
    await api.call("DELETE", "/results/some/key", 204)
    assert await read(api, "some/key") is None


async def test_each_namespace_has_its_own(api: Api) -> None:
    await write(api, "key", b"here")
    await write(api, "key", b"there", namespace="there")
    assert (await read(api, "key"), await read(api, "key", namespace="default")) == (b"here", b"here")
    assert await read(api, "key", namespace="there") == b"there"
    await api.call("DELETE", "/results/key", 204)
    assert await read(api, "key", namespace="there") == b"there"


async def test_what_is_too_large_is_told_where_it_belongs(api: Api) -> None:
    await write(api, "key", b"x" * MAX_RESULT)
    problem = await write(api, "key", b"y" * (MAX_RESULT + 1), 413)
    assert problem["code"] == "too_large" and "TOWPATH_RESULTS_STORAGE" in problem["detail"]
    assert await read(api, "key") == b"x" * MAX_RESULT


@pytest.mark.parametrize("key", ["x" * 501, "a%00b", "a%09b"])
async def test_a_key_that_no_database_keeps_is_refused(api: Api, key: str) -> None:
    assert (await write(api, key, b"", 422))["errors"][0]["field"] == "path.key"


async def test_unused_results_are_deleted_and_reading_counts_as_use(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = now_us() - 10**6 * 86_400 * 40
    monkeypatch.setattr("towpath_operator.services.results.now_us", lambda: long_ago)
    await write(api, "used", b"1")
    await write(api, "unused", b"2")
    monkeypatch.undo()
    await write(api, "new", b"3")
    assert await read(api, "used") == b"1"
    while await prune(api.hub.database, Keep(None, None, timedelta(days=30)), now_us()):
        pass
    assert [await read(api, key) for key in ("used", "unused", "new")] == [b"1", None, b"3"]
