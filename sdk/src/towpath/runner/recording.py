"""What an attempt tells: the engine's events, and the runner's own words. Called by `attempts` and `stopping`."""

import logging
import threading
from typing import Any

from towpath.client.telling import Teller
from towpath.contract.ids import now_us, uuid7_text
from towpath.contract.limits import MAX_LOG_MESSAGE, MAX_MESSAGE, cut

_ENDS = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})

logger = logging.getLogger("towpath.runner")


class AttemptTeller:
    """A Teller that knows the root run's last state, and keeps silent about an end that only the launcher can judge.

    Attributes:
        last_state: the state event of the root run that was told last.
        is_stopping: whether the process was told to stop. A Crashed that follows is the stopping's work, not the flow's.
        is_suspended: whether the run was suspended: the process ends, and the API knows the run's state.
    """

    def __init__(self, teller: Teller, run_id: str) -> None:
        self.last_state: dict[str, Any] | None = None
        self.is_stopping = False
        self.is_suspended = False
        self._teller = teller
        self._run_id = run_id
        self._terminated = threading.Lock()

    def tell(self, event: dict[str, Any]) -> None:
        """Tells one event. Never waits."""
        if event["kind"] == "state" and event["run_id"] == self._run_id:
            if self.is_stopping and event["type"] in ("CRASHED", "CANCELLED"):
                return
            self.last_state = event
        self._teller.tell(event)

    def flush(self, timeout: float | None = None, *, stored: bool = True) -> bool:
        """Waits until the API has stored all that was told, whatever `stored` says; whether it has."""
        return self._teller.flush(timeout, stored=True)

    def close(self) -> None:
        """The runner closes what the runner opened: nothing."""

    @property
    def stale(self) -> bool:
        """Whether another attempt holds the run."""
        return self._teller.stale

    @property
    def unavailable_reason(self) -> str:
        """Why events cannot be delivered at the moment; empty when they can."""
        return self._teller.unavailable_reason

    @property
    def final_state(self) -> dict[str, Any] | None:
        """The state event that ended the run; None when it has not ended."""
        state = self.last_state
        return state if state is not None and (state["type"] in _ENDS or state["type"] == "PAUSED") else None

    def say(self, level: int, message: str) -> None:
        """A line of the runner's own, to the console and to the run's logs."""
        logger.log(level, "%s", message)
        self._teller.tell(
            {
                "kind": "log",
                "flow_run_id": self._run_id,
                "level": level,
                "logger": logger.name,
                "message": cut(message, MAX_LOG_MESSAGE),
                "time": now_us(),
            }
        )

    def tell_failed(self, message: str) -> None:
        """The run ends as Failed before its flow could begin."""
        self.tell(
            {
                "kind": "state",
                "id": uuid7_text(),
                "run": "flow_run",
                "run_id": self._run_id,
                "type": "FAILED",
                "name": "Failed",
                "time": now_us(),
                "message": cut(message, MAX_MESSAGE),
            }
        )

    def tell_terminated(self) -> None:
        """The attempt was told to stop. Told once, whoever notices first."""
        if self._terminated.acquire(blocking=False):
            message = "The process was told to stop (SIGTERM)."
            self._teller.tell({"kind": "attempt", "outcome": "Terminated", "time": now_us(), "message": message})
