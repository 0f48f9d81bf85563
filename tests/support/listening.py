"""An API that really listens, in this process: for what an in-memory transport cannot show, as streams and dropped connections."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from towpath_operator.wiring.api import bind

WAIT_SECONDS = 60.0


class _Server(uvicorn.Server):
    """Leaves the signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handles none."""
        yield


@contextlib.asynccontextmanager
async def listening(app: FastAPI) -> AsyncGenerator[str]:
    """The address at which the app answers."""
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, WAIT_SECONDS)
        listener.close()


class Stream:
    """A stream of server-sent events, read as a browser does."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, Any, int | None]:
        """The next event: its name, its data, and its id if it has one. Comments are passed over."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif not line and "event" in fields:
                    return fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None
                elif not line:
                    fields.clear()
        raise AssertionError("the stream has ended")

    async def comment(self) -> None:
        """Waits for a comment, which keeps a silent stream alive."""
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in self._lines:
                if line.startswith(":"):
                    return
        raise AssertionError("the stream has ended")

    async def ended(self) -> None:
        """Waits until the server ends the stream."""
        async with asyncio.timeout(WAIT_SECONDS):
            async for _ in self._lines:
                pass


@contextlib.asynccontextmanager
async def streaming(client: httpx.AsyncClient, url: str, **options: Any) -> AsyncGenerator[Stream]:
    """An open stream; it must be answered with 200."""
    async with client.stream("GET", url, timeout=WAIT_SECONDS, **options) as response:
        if response.status_code != 200:
            await response.aread()
        assert response.status_code == 200, response.text
        yield Stream(response)
