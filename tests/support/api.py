"""A real API over a real SQLite file for tests, without a process of its own; and builders of what is sent to it."""

import contextlib
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from towpath.contract.ids import now_us, uuid7
from towpath_operator.api.access import Gate
from towpath_operator.api.app import create_app
from towpath_operator.api.local_gate import LocalGate
from towpath_operator.services.hub import Hub
from towpath_operator.store import migrate
from towpath_operator.store.engine import Database

LOOPBACK = "http://127.0.0.1:4200"
_APPS: list[FastAPI] = []
"""Apps that no test uses now: making their routes takes longer than most tests."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


async def make_template(path: Path) -> Path:
    """An empty database with the newest schema, to be copied."""
    database = Database(sqlite_url(path))
    await migrate.upgrade(database)
    await database.close()
    return path


class Api:
    """A client of one API.

    Attributes:
        client: sends to it, with `/api` in front of every path.
        hub: its services.
    """

    def __init__(self, client: httpx.AsyncClient, hub: Hub) -> None:
        self.client = client
        self.hub = hub

    async def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The answer's JSON, after its status was checked."""
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def get(self, path: str, **query: Any) -> Any:
        """What GET answers."""
        return await self.call("GET", path, params={name: value for name, value in query.items() if value is not None})

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        """What POST answers."""
        return await self.call("POST", path, status, json=body)

    async def put(self, path: str, body: Any, status: int = 200) -> Any:
        """What PUT answers."""
        return await self.call("PUT", path, status, json=body)

    async def declare(self, flow: str = "etl", deployment: str = "dev", queue: str = "test", **spec: Any) -> Any:
        """A deployment, with its flow."""
        await self.put("/flows", {"name": flow, "spec": {"entrypoint": "flows.py:etl"}})
        return await self.put("/deployments", {"name": deployment, "spec": {"flow": flow, "workQueue": queue, **spec}})

    async def create_run(self, deployment: str = "etl/dev", status: int = 201, **fields: Any) -> Any:
        """A Scheduled run."""
        return await self.post("/flow-runs", {"deployment": deployment, **fields}, status)

    async def claim(self, limit: int = 50, wait_seconds: float = 0, **fields: Any) -> list[Any]:
        """The runs that a launcher of Jobs gets."""
        body = {"launcher": "Job", "holder": "operator", "limit": limit, "wait_seconds": wait_seconds, **fields}
        return (await self.post("/work-queues/claims", body))["items"]

    async def start_run(self, **spec: Any) -> Any:
        """A run whose first attempt was claimed, launched and taken by pod `pod-1`."""
        await self.declare(**spec)
        run = await self.create_run()
        await self.claim()
        await self.launch(run)
        await self.take(run)
        return run

    async def launch(self, run: Any, attempt: int = 1, job: str = "job", status: int = 200) -> Any:
        """Reports the attempt's Job."""
        path = f"/flow-runs/{run['id']}/attempts/{attempt}/launched"
        return await self.post(path, {"holder": "operator", "job_name": job}, status)

    async def take(self, run: Any, attempt: int = 1, pod: str = "pod-1", status: int = 200) -> Any:
        """Takes the attempt for a pod."""
        path = f"/flow-runs/{run['id']}/attempts/{attempt}/take"
        return await self.post(path, {"pod_uid": pod, "pod_name": pod}, status)

    async def end(self, run: Any, attempt: int = 1, **report: Any) -> Any:
        """Reports the attempt's end."""
        return await self.post(f"/flow-runs/{run['id']}/attempts/{attempt}/ended", report)

    async def tell(self, batch: dict[str, Any], status: int = 200) -> Any:
        """Sends a batch of events."""
        return await self.post("/events", batch, status)


@contextlib.asynccontextmanager
async def open_api(
    template: Path,
    folder: Path,
    gate: Gate | None = None,
    *,
    make_hub: Callable[[Database], Hub] = Hub,
    **headers: str,
) -> AsyncGenerator[Api]:
    """An API on a copy of `template`, closed at the end."""
    path = folder / "towpath.db"
    shutil.copy(template, path)
    async with serve(Database(sqlite_url(path)), gate, make_hub=make_hub, **headers) as api:
        yield api


@contextlib.asynccontextmanager
async def serve(
    database: Database, gate: Gate | None = None, *, make_hub: Callable[[Database], Hub] = Hub, **headers: str
) -> AsyncGenerator[Api]:
    """An API on a database with the newest schema, closed at the end."""
    hub = make_hub(database)
    hub.start()
    app = _APPS.pop() if _APPS else create_app(None, None)
    app.state.hub, app.state.gate = hub, gate or LocalGate(None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=f"{LOOPBACK}/api", headers=headers) as client:
            yield Api(client, hub)
    finally:
        await hub.close()
        _APPS.append(app)


def make_id() -> str:
    """A new id as the wire writes it."""
    return str(uuid7())


def make_batch(
    run_id: str, *items: dict[str, Any], first: int = 1, attempt: int = 0, writer: str = "w"
) -> dict[str, Any]:
    """A batch of events."""
    return {
        "schema": 1,
        "run_id": run_id,
        "attempt": attempt,
        "writer": writer,
        "first_sequence": first,
        "items": list(items),
    }


def make_flow_run(run_id: str, flow: str = "etl", **fields: Any) -> dict[str, Any]:
    """The event that declares a flow run."""
    return {"kind": "flow_run", "id": run_id, "flow": flow, "name": "brave-otter", "time": now_us(), **fields}


def make_task_run(run_id: str, flow_run_id: str | None, task: str = "clean", **fields: Any) -> dict[str, Any]:
    """The event that declares a task run."""
    return {
        "kind": "task_run",
        "id": run_id,
        "flow_run_id": flow_run_id,
        "task": task,
        "name": f"{task}-0",
        "time": now_us(),
        **fields,
    }


def make_state(run_id: str, type_: str, run: str = "task_run", **fields: Any) -> dict[str, Any]:
    """The event of a state; its name is the type's default."""
    return {
        "kind": "state",
        "id": make_id(),
        "run": run,
        "run_id": run_id,
        "type": type_,
        "name": type_.capitalize(),
        "time": now_us(),
        **fields,
    }


def make_flow_state(run_id: str, type_: str, **fields: Any) -> dict[str, Any]:
    """The event of a flow run's state."""
    return make_state(run_id, type_, "flow_run", **fields)


def make_log(flow_run_id: str | None, message: str = "hello", **fields: Any) -> dict[str, Any]:
    """The event of a log line."""
    return {
        "kind": "log",
        "flow_run_id": flow_run_id,
        "level": 20,
        "logger": "towpath.flow_runs",
        "message": message,
        "time": now_us(),
        **fields,
    }
