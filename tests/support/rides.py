"""What the flows of examples/rides use: months of rides and a weather forecast, made up and served over HTTP; their bucket, their
git host.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.gcs_server import GcsServer, run_gcs_server
from tests.support.git_server import GitServer, git_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "rides"
TOKEN = "token-of-the-git-host"
ROWS = 400
KEPT = 300
"""Of each month's rows: every fourth ride has no passengers."""


class RidesServer:
    """Serves `/rides/<color>-<year>-<month>.csv` and `/forecast`.

    Attributes:
        requests: the paths asked for.
        failures: so many requests are answered with 503 first.
    """

    def __init__(self, host: str) -> None:
        self.requests: list[str] = []
        self.failures = 0
        self._server = ThreadingHTTPServer((host, 0), _make_handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


@contextmanager
def rides_server(host: str = "127.0.0.1") -> Generator[RidesServer]:
    """A server that runs until the block ends."""
    server = RidesServer(host)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def rides_bucket(host: str = "127.0.0.1") -> Generator[GcsServer]:
    """A server with the bucket that the flows write to."""
    with run_gcs_server(host) as server:
        server.make_bucket("rides-lake")
        yield server


@contextmanager
def rides_host(folder: Path, host: str = "127.0.0.1") -> Generator[GitServer]:
    """A git host with the example's flows, which asks for RIDES_TOKEN."""
    with git_server(folder, host) as server:
        server.make("team/rides").commit({file.name: file.read_text() for file in EXAMPLE.glob("*.py")})
        server.token = TOKEN
        yield server


def make_rides(year: int, month: int) -> str:
    """A month's rides as CSV."""
    lines = ["pickup,dropoff,passengers,miles"]
    for number in range(ROWS):
        pickup = datetime(year, month, 1) + timedelta(minutes=number)
        lines.append(f"{pickup},{pickup + timedelta(minutes=10)},{number % 4},{number / 10}")
    return "\n".join(lines) + "\n"


def make_forecast() -> str:
    """A forecast in which it is warmest at noon."""
    times = [f"2026-01-01T{hour:02}:00" for hour in range(24)]
    return json.dumps({"hourly": {"time": times, "temperature_2m": [12.5 - abs(12 - hour) for hour in range(24)]}})


def _make_handler(server: RidesServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append(path)
            if server.failures > 0:
                server.failures -= 1
                self._answer(503, "busy")
            elif path == "/forecast":
                self._answer(200, make_forecast())
            elif path.startswith("/rides/") and path.endswith(".csv"):
                _, year, month = path.removeprefix("/rides/").removesuffix(".csv").split("-")
                self._answer(200, make_rides(int(year), int(month)))
            else:
                self._answer(404, "nothing here")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def _answer(self, status: int, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
