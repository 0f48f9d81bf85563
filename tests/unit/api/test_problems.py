"""Every error is a problem document with a code."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.support.api import Api
from towpath_operator.domain.refusals import StoreUnavailable

NOBODY = "01a20f54-8836-7449-822b-f16846bb1679"


async def problem(api: Api, method: str, path: str, **options: Any) -> Any:
    answer = await api.client.request(method, path, **options)
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    return document


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PATCH", "/flows", 405, "method_not_allowed"),
        ("GET", f"/flow-runs/{NOBODY}", 404, "not_found"),
        ("GET", f"/task-runs/{NOBODY}", 404, "not_found"),
        ("GET", f"/deployments/{NOBODY}", 404, "not_found"),
        ("DELETE", f"/flows/{NOBODY}", 404, "not_found"),
        ("GET", "/flow-runs/not-an-id", 422, "invalid_request"),
        ("GET", "/flow-runs?limit=0", 422, "invalid_request"),
        ("GET", "/flow-runs?cursor=nonsense", 422, "invalid_request"),
        ("GET", "/flow-runs?since=yesterday", 422, "invalid_request"),
        ("GET", "/logs", 422, "invalid_request"),
    ],
)
async def test_problems_carry_a_code(api: Api, method: str, path: str, status: int, code: str) -> None:
    document = await problem(api, method, path)
    assert (document["status"], document["code"]) == (status, code)
    assert document["detail"]


async def test_an_unknown_field_is_named(api: Api) -> None:
    document = await problem(api, "POST", "/flow-runs", json={"deployment": "etl/dev", "colour": "red"})
    assert document["errors"] == [{"field": "body.colour", "message": "Extra inputs are not permitted"}]


async def test_a_value_is_not_repeated_in_a_problem(api: Api) -> None:
    answer = await api.client.put("/blocks", json={"name": "x", "spec": {"type": "github", "config": "hunter2"}})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null", b"[1]"])
@pytest.mark.parametrize("path", ["/flow-runs", "/work-queues/claims", "/events"])
async def test_what_is_no_json_object_is_refused(api: Api, path: str, body: bytes) -> None:
    document = await problem(api, "POST", path, content=body, headers={"Content-Type": "application/json"})
    assert document["code"] == "invalid_request"


async def test_a_body_beyond_the_bound_is_refused(api: Api) -> None:
    document = await problem(api, "POST", "/events", content=b" " * (8 * 1024 * 1024 + 1))
    assert (document["status"], document["code"]) == (413, "too_large")


async def test_a_body_beyond_the_bound_is_refused_by_every_route(api: Api) -> None:
    document = await problem(api, "POST", "/flow-runs", content=b" " * (8 * 1024 * 1024 + 1))
    assert (document["status"], document["code"]) == (413, "too_large")


async def test_a_fault_of_ours_says_nothing_of_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(api.hub.flow_runs, "list", fail)
    document = await problem(api, "GET", "/flow-runs")
    assert (document["status"], document["code"]) == (500, "internal")
    assert "secret" not in document["detail"]


async def test_health_and_version_answer(api: Api) -> None:
    assert await api.get("/health") == {"status": "ok"}
    assert (await api.get("/version"))["event_schema"] == 1


async def test_a_body_without_a_length_is_refused_where_it_passes_the_bound(api: Api) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(9):
            yield b" " * (1024 * 1024)

    document = await problem(api, "POST", "/events", content=endless())
    assert (document["status"], document["code"]) == (413, "too_large")


async def test_health_repeats_nothing_that_the_driver_says(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise StoreUnavailable("The database cannot serve this now (password of towpath@db.internal): try again.")

    monkeypatch.setattr(api.hub, "check_health", fail)
    document = await problem(api, "GET", "/health")
    assert (document["status"], document["code"]) == (503, "store_unavailable")
    assert "db.internal" not in document["detail"]
