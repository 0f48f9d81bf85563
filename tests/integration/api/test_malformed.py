"""A thousand malformed requests of all kinds: each is refused with a problem, and the server answers as before."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.support.api import make_batch, make_flow_run, make_id, make_log, make_state, make_task_run
from tests.support.api_process import run_server

NUMBER = 1_000
PATHS = (
    *("/flows", "/deployments", "/work-queues", "/blocks", "/notifications", "/concurrency-limits"),
    *("/flow-runs", "/flow-runs/cancel", "/flow-runs/delete", "/work-queues/claims", "/events", "/session"),
)
ID_PATHS = (
    "/flow-runs/{}",
    "/flow-runs/{}/cancel",
    "/flow-runs/{}/attempts/1/take",
    "/task-runs/{}",
    "/deployments/{}",
)
GARBAGE = (
    b"", b"{", b"null", b"[]", b"0", b'"x"', b"\xff\xfe\x00", b"{}" * 10, b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b"[" * 100_000, b'{"name": "\\ud800"}', b'{"name": "\\u0000"}', b'{"name": NaN}', b'{"spec": 1e999}', b"\x1f\x8b\x08",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 2**63, 2**64, -(2**70), 1.5, "", "x" * 100_000, "\x00", "🐟", "'; DROP TABLE flow_runs; --"),
    *(
        [],
        {},
        [[]],
        {"": {}},
        [None] * 1_000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "../../etc/passwd",
    ),
)
QUERIES = (
    *("limit=0", "limit=x", "limit=99999999999999999999", "cursor=x", "cursor=%00", "cursor=W10", "state=%F0%9F%90%9F"),
    *("since=yesterday", "since=0000-00-00", "flow_run_id=1", "sort=age", "parameter=x", "search=", "namespace="),
    *(
        "bucket_seconds=1",
        "since=9999-12-31T23:59:59Z&until=0001-01-01T00:00:00Z",
        "level=-1",
        "x=%",
        "limit=1&limit=2",
    ),
)


class Malformed(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = {}


def make_requests(chance: random.Random, run: str) -> Iterator[Malformed]:
    """Malformed requests without an end."""
    kinds = (_garbage, _spoiled_body, _spoiled_batch, _query, _path, _headers)
    while True:
        yield chance.choice(kinds)(chance, run)


def _garbage(chance: random.Random, _: str) -> Malformed:
    return Malformed(chance.choice(("PUT", "POST", "PATCH")), chance.choice(PATHS), chance.choice(GARBAGE), JSON)


def _spoiled_body(chance: random.Random, _: str) -> Malformed:
    body: Any = {
        "namespace": "default",
        "name": "n",
        "spec": {"flow": "f", "schedules": [{"name": "s", "cron": "* * * * *"}]},
    }
    return Malformed(chance.choice(("PUT", "POST")), chance.choice(PATHS), _dump(_spoil(chance, body)), JSON)


def _spoiled_batch(chance: random.Random, run: str) -> Malformed:
    task = make_id()
    batch: Any = make_batch(run, make_task_run(task, run), make_state(task, "RUNNING"), make_log(run), writer=task)
    return Malformed("POST", "/events", _dump(_spoil(chance, batch)), JSON)


def _query(chance: random.Random, run: str) -> Malformed:
    paths = (
        "/flow-runs",
        "/task-runs",
        "/logs",
        "/flow-runs/histogram",
        "/flow-runs/durations",
        "/schedules",
        "/flows",
    )
    return Malformed("GET", f"{chance.choice(paths)}?{chance.choice(QUERIES)}&{chance.choice(QUERIES)}")


def _path(chance: random.Random, run: str) -> Malformed:
    ids = ("x", "%00", "%2e%2e", run[:-1], run + "0", make_id(), "-1", "%F0%9F%90%9F", "a" * 3_000)
    return Malformed(
        chance.choice(("GET", "POST", "DELETE", "PUT")), chance.choice(ID_PATHS).format(chance.choice(ids)), b"{}", JSON
    )


def _headers(chance: random.Random, _: str) -> Malformed:
    headers = chance.choice(
        (
            {"Content-Type": "text/xml"},
            {"Content-Type": "application/json; charset=utf-7"},
            {"Content-Encoding": "gzip", **JSON},
            {"Accept": "image/png", **JSON},
            {"Authorization": "Bearer " + "x" * 4_000, **JSON},
            {"Cookie": "towpath=" + "y" * 4_000, **JSON},
            {"Origin": "http://evil.example", **JSON},
        )
    )
    return Malformed("POST", chance.choice(PATHS), b'{"name": 1}', headers)


JSON = {"Content-Type": "application/json"}


def _spoil(chance: random.Random, value: Any) -> Any:
    """A copy of `value` with one part of it replaced, removed or added."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        copy: dict[str, Any] = dict(value)
        key = chance.choice(list(copy))
        choice = chance.random()
        if choice < 0.15:
            del copy[key]
        elif choice < 0.25:
            copy[chance.choice(("extra", "", "\x00", "x" * 1_000))] = chance.choice(VALUES)
        else:
            copy[key] = _spoil(chance, copy[key])
        return copy
    if isinstance(value, list) and value and chance.random() < 0.85:
        items: list[Any] = list(value)
        place = chance.randrange(len(items))
        items[place] = _spoil(chance, items[place])
        return items
    return chance.choice(VALUES)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_thousand_malformed_requests_leave_the_server_answering(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 a repeatable order, no secret
    run = make_id()
    with run_server(tmp_path) as server, httpx.Client(base_url=server.address, timeout=30) as client:
        first = make_batch(run, make_flow_run(run), make_state(make_id(), "RUNNING"))
        assert client.post("/events", json=first).status_code == 200
        statuses: dict[int, int] = {}
        for wrong, _ in zip(make_requests(chance, run), range(NUMBER), strict=False):
            answer = client.request(wrong.method, wrong.path, content=wrong.body, headers=wrong.headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (wrong, answer.text)
            if answer.status_code >= 400:
                problem = answer.json()
                assert problem["status"] == answer.status_code
                assert problem["code"]
                assert problem["detail"]
        assert sum(number for status, number in statuses.items() if status >= 400) > NUMBER // 2
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get(f"/flow-runs/{run}").json()["flow_name"] == "etl"
        assert "Traceback" not in server.log
