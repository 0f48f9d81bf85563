"""The two libraries that the SDK's benchmark compares: how each is installed, served, and asked what it holds."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.bench.processes import Server

PREFECT_VERSION = "3.9.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "towpath-dev"

_RUNS = "SELECT r.id FROM flow_run r JOIN flow f ON f.id = r.flow_id WHERE f.name = ?"
_COUNT_LOGS = f"SELECT count(*) FROM log WHERE flow_run_id IN ({_RUNS})"  # noqa: S608 - constant text
_STATES = "SELECT count(*) FROM task_run_state s JOIN task_run t ON t.id = s.task_run_id"
_COUNT_STATES = f"{_STATES} WHERE t.flow_run_id IN ({_RUNS})"


@dataclass(frozen=True)
class Held:
    """What a server holds of one flow's runs."""

    task_runs: int
    states: int
    logs: int


class Side(ABC):
    """One library, installed, with a server of its own on an empty SQLite database below `home`."""

    name: str
    module: str
    port: int

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)

    @property
    @abstractmethod
    def python(self) -> str:
        """The interpreter that has it."""

    @property
    @abstractmethod
    def database(self) -> Path:
        """Its SQLite file."""

    @property
    @abstractmethod
    def env(self) -> dict[str, str]:
        """The environment of its processes."""

    @abstractmethod
    def start(self) -> Server:
        """Its server, to be entered with `with`."""

    @abstractmethod
    def held(self, flow: str) -> Held:
        """What its server holds of the runs of the flow named `flow`, as its API tells it."""

    @abstractmethod
    def completed(self, flow: str) -> int:
        """How many completed task runs of that flow its API shows."""

    def wait_for_completed(self, flow: str, count: int, timeout: float = 600) -> None:
        """Returns once the API shows that many completed task runs.

        Raises:
            TimeoutError: when it does not within `timeout` seconds.
        """
        _wait(lambda: self.completed(flow) >= count, timeout, f"{self.name} never showed {count} task runs")

    def database_bytes(self) -> int:
        """Bytes of the database's pages, whether in its file or still in its write-ahead log."""
        with closing(sqlite3.connect(self.database)) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            size = connection.execute("PRAGMA page_size").fetchone()[0]
        return pages * size


class Towpath(Side):
    """This checkout."""

    name = "Towpath"
    module = "towpath"
    port = 42_117

    @property
    def python(self) -> str:
        return sys.executable

    @property
    def database(self) -> Path:
        return self.home / "towpath.db"

    @property
    def url(self) -> str:
        """Its API's address."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def env(self) -> dict[str, str]:
        return _clean_env() | {"TOWPATH_HOME": str(self.home), "TOWPATH_API_URL": self.url}

    def start(self) -> Server:
        command = [str(Path(sys.executable).parent / "towpath"), "server", "start", "--port", str(self.port)]
        return Server(command, self.env, f"{self.url}/health", self.home / "server.log")

    def held(self, flow: str) -> Held:
        runs = self._get("flow-runs", flow=flow)["items"]
        task_runs = states = logs = 0
        for run in runs:
            task_runs += self._get("task-runs", flow_run_id=run["id"])["total"]
            logs += self._get("logs", flow_run_id=run["id"])["total"]
            states += sum(len(self._get(f"task-runs/{t}/states")["items"]) for t in self._sample(run["id"]))
        return Held(task_runs, states, logs)

    def _sample(self, run_id: str) -> list[str]:
        """Task runs whose states are counted one by one: the last 100."""
        return [item["id"] for item in self._get("task-runs", flow_run_id=run_id, limit="100")["items"]]

    def completed(self, flow: str) -> int:
        runs = self._get("flow-runs", flow=flow)["items"]
        return sum(self._get("task-runs", flow_run_id=run["id"], state="COMPLETED", limit="1")["total"] for run in runs)

    def _get(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}?{urllib.parse.urlencode(query)}", timeout=60) as answer:  # noqa: S310
            return json.load(answer)


class Prefect(Side):
    """Prefect, in a virtual environment of its own in the cache."""

    name = f"Prefect {PREFECT_VERSION}"
    module = "prefect"
    port = 42_118

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._venv = CACHE / f"prefect-{PREFECT_VERSION}"
        if not (self._venv / "bin" / "prefect").exists():
            subprocess.run(["uv", "venv", "-q", "--clear", "--python", "3.11", self._venv], check=True)
            packages = [f"prefect=={PREFECT_VERSION}"]
            subprocess.run(["uv", "pip", "install", "-q", "--python", self.python, *packages], check=True)

    @property
    def python(self) -> str:
        return str(self._venv / "bin" / "python")

    @property
    def database(self) -> Path:
        return self.home / "prefect.db"

    @property
    def url(self) -> str:
        """Its API's address."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def env(self) -> dict[str, str]:
        return _clean_env() | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }

    def start(self) -> Server:
        command = [str(self._venv / "bin" / "prefect"), "server", "start", "--port", str(self.port), "--no-ui"]
        return Server(command, self.env, f"{self.url}/health", self.home / "server.log")

    def held(self, flow: str) -> Held:
        task_runs = self._post("task_runs/count", {"flows": {"name": {"any_": [flow]}}})
        with closing(sqlite3.connect(self.database)) as connection:
            states = connection.execute(_COUNT_STATES, (flow,)).fetchone()[0]
            logs = connection.execute(_COUNT_LOGS, (flow,)).fetchone()[0]
        return Held(task_runs, states, logs)

    def completed(self, flow: str) -> int:
        state = {"state": {"type": {"any_": ["COMPLETED"]}}}
        return self._post("task_runs/count", {"flows": {"name": {"any_": [flow]}}, "task_runs": state})

    def _post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback, ours
            f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)


def _clean_env() -> dict[str, str]:
    """The environment without settings of either library, so that only what the benchmark sets counts."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("TOWPATH_", "PREFECT_"))}


def _wait(condition: Callable[[], bool], timeout: float, message: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(message)
        time.sleep(0.02)
