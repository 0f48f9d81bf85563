"""A receiver of webhooks on loopback: keeps what it is sent, and answers as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

WAIT_SECONDS = 60.0


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Webhook:
    """The receiver.

    Attributes:
        answers: statuses of the next answers; 200 once they are used up.
        location: where a redirect leads.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list[int])
    location: str = ""
    received: list[Received] = field(default_factory=list[Received])
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """Keeps a request."""
        self.received.append(Received(request.path, dict(request.headers), await request.read()))
        self._came.set()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": self.location} if 300 <= status < 400 else {})

    async def wait(self, count: int = 1) -> list[Received]:
        """What came, once there are `count` requests."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.received) < count:
                self._came.clear()
                await self._came.wait()
        return self.received


@contextlib.asynccontextmanager
async def receiving() -> AsyncGenerator[Webhook]:
    """A receiver that listens."""
    webhook = Webhook()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", webhook.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server: Any = site._server  # pyright: ignore[reportPrivateUsage]
        webhook.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield webhook
    finally:
        await runner.cleanup()
