"""The real API server as a process of its own, which tests may kill and start again on the same port and database."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 90.0
PORTS = range(12_000, 29_000)
"""Below those that the kernel gives to outgoing connections: none of these takes the port of a server that is down for a moment."""


def free_port() -> int:
    """A port on which nothing listens, for a server that is started soon, and perhaps again."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 no secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port


class ServerProcess:
    """`towpath server start` on loopback, with a home and a database of its own, and further `settings` in its environment."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._settings = dict(settings or {})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
        program = "from towpath.cli import main; main()"
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program, "server", "start", "--port", str(self.port)],
                env={**environment, **self._settings, "TOWPATH_HOME": str(self.home)},
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_it_answers(self._process)
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            said = (self.home / "server.log").read_text()
            assert process.poll() is None, said
            assert time.monotonic() < deadline, f"the server does not answer: {said}"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=20).is_success
        except httpx.HTTPError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx.request(method, self.url + path, timeout=60, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def declare(self, name: str, entrypoint: str, **deployment: Any) -> None:
        """A flow with one deployment, `<name>/<name>`."""
        self.call("PUT", "/flows", json={"name": name, "spec": {"entrypoint": entrypoint}})
        self.call("PUT", "/deployments", json={"name": name, "spec": {"flow": name, **deployment}})

    def claim(self, name: str, **create: Any) -> tuple[str, int]:
        """A new run of the deployment, claimed and launched: its id and attempt."""
        run = self.call("POST", "/flow-runs", json={"deployment": f"{name}/{name}", **create})["id"]
        asked = {"holder": "test", "launcher": "Agent", "wait_seconds": 10}
        [claimed] = [
            item for item in self.call("POST", "/work-queues/claims", json=asked)["items"] if item["run"]["id"] == run
        ]
        attempt = claimed["attempt"]
        launched = {"holder": "test", "job_name": "job"}
        self.call("POST", f"/flow-runs/{run}/attempts/{attempt}/launched", json=launched)
        return run, attempt

    def states(self, run: str) -> list[str]:
        """The names of the run's states that counts."""
        return [state["name"] for state in self.call("GET", f"/flow-runs/{run}/states")["items"] if state["applied"]]

    def log(self, run: str) -> str:
        items = self.call("GET", "/logs", params={"flow_run_id": run, "limit": 200})["items"]
        return "\n".join(item["message"] for item in items)
