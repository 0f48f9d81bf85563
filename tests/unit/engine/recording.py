"""A teller that keeps what it is told, and questions to it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Recording:
    """What the runs of a test told, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.opened: list[tuple[str, int]] = []
        self.closed = 0
        self.stale = False
        self._lock = threading.Lock()

    def open(self, root_run_id: str, attempt: int) -> "Recording":
        self.opened.append((root_run_id, attempt))
        return self

    def tell(self, event: dict[str, Any]) -> None:
        with self._lock:
            self.events.append(event)

    def flush(self, timeout: float | None, *, stored: bool = False) -> bool:
        return True

    def close(self) -> None:
        self.closed += 1

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == kind]

    def run_id(self, name: str) -> str:
        """The id of the last run declared under `name`."""
        return [e["id"] for e in self.events if e["kind"] in ("flow_run", "task_run") and e["name"] == name][-1]

    def states(self, name: str) -> list[str]:
        """The names of the states of the run called `name`, in order."""
        run_id = self.run_id(name)
        return [event["name"] for event in self.of_kind("state") if event["run_id"] == run_id]

    def state_events(self, name: str) -> list[dict[str, Any]]:
        run_id = self.run_id(name)
        return [event for event in self.of_kind("state") if event["run_id"] == run_id]

    def flow_states(self) -> list[str]:
        """The names of the states of the first flow run."""
        run_id = self.of_kind("flow_run")[0]["id"]
        return [event["name"] for event in self.of_kind("state") if event["run_id"] == run_id]

    def messages(self, level: int = 0) -> list[str]:
        """The log lines at `level` or above."""
        return [event["message"] for event in self.of_kind("log") if event["level"] >= level]

    def task_names(self) -> list[str]:
        return [event["name"] for event in self.of_kind("task_run")]

    @contextmanager
    def installed(self) -> Generator["Recording"]:
        """Within the block, runs tell this recording."""
        with patch("towpath.client.telling.open_teller", self.open):
            yield self
