"""Follows a run: its states and its log, as they come, to its end. Called by `deployment run --watch`."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from towpath.contract.states import TERMINAL, StateType
from towpath.errors import ApiUnavailable

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.runs import FlowRunRead, LogRead, StateRead

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 1.0
PATIENCE: Final = 300.0
"""Seconds that the API may be away."""


def watch_run(client: "ApiClient", run: "FlowRunRead", *, quiet: bool = False) -> "FlowRunRead":
    """Prints what happens to a run until it has ended. Returns it as it ended. Outlives an API that is away for a while.

    Args:
        quiet: print nothing.

    Raises:
        ApiError: the API stays away, or refuses.
    """
    follower = _Follower(client, str(run.id))
    pause, failing_since = FIRST_PAUSE, None
    try:
        while True:
            try:
                found = client.get_flow_run(run.id)  # before its log, so that an ended run's log is whole
                lines = list(follower.read())
            except ApiUnavailable as error:
                now = time.monotonic()
                failing_since = failing_since if failing_since is not None else now
                if now - failing_since > PATIENCE:
                    raise
                if now == failing_since:
                    print(f"Waiting for the API: {error}", file=sys.stderr)
                time.sleep(LONGEST_PAUSE)
                continue
            failing_since = None
            if not quiet:
                for line in lines:
                    print(line, flush=True)
            if StateType(found.state.type) in TERMINAL:
                return found
            pause = FIRST_PAUSE if lines else min(LONGEST_PAUSE, pause * 1.5)
            time.sleep(pause)
    except KeyboardInterrupt:
        print(
            f"\nThe run goes on. `towpath flow-run logs {run.id}` shows its log, `towpath flow-run cancel {run.id}` ends it.",
            file=sys.stderr,
        )
        raise


class _Follower:
    """What has come since the last look."""

    def __init__(self, client: "ApiClient", run_id: str) -> None:
        self._states = _Tail(partial(client.list_flow_run_states, run_id))
        self._logs = _Tail(partial(client.list_logs, flow_run_id=run_id))
        self._ahead: list[StateRead] = []
        """States that came while the log was read, and are later than what was read of it."""

    def read(self) -> Iterator[str]:
        """New states and log lines, in the order of their times, over all looks.

        Both come in one go, but are two lists: a state that came before a line of the log must not be missed for having been looked for
        a moment too early, nor be said before lines of the log that came with it.
        """
        states: list[StateRead] = [*self._ahead, *self._states.read()]
        lines: list[LogRead] = list(self._logs.read())
        came: list[StateRead] = list(self._states.read()) if lines else []
        until = max((line.time for line in lines), default=None)
        self._ahead = [state for state in came if until is not None and state.time > until]
        states += [state for state in came if state not in self._ahead]
        entries: list[tuple[datetime, str]] = [(state.time, format_state(state)) for state in states if state.applied]
        entries += [(line.time, format_log(line)) for line in lines]
        yield from (text for _, text in sorted(entries, key=lambda entry: entry[0]))


class _Tail:
    """Reads a growing list: again from the page that was its last, without what has been read of it."""

    def __init__(self, list_page: Callable[..., Any]) -> None:
        self._list_page = list_page
        self._cursor: str | None = None
        self._seen: set[object] = set()

    def read(self) -> Iterator[Any]:
        """What is new."""
        while True:
            page = self._list_page(cursor=self._cursor)
            for item in page.items:
                if item.id not in self._seen:
                    self._seen.add(item.id)
                    yield item
            if page.next_cursor is None:
                return
            self._cursor = page.next_cursor
            self._seen = set()


def format_state(state: "StateRead") -> str:
    """A state as a line."""
    message = f": {state.message}" if state.message else ""
    return f"{_time(state.time)} | STATE   | {state.name}{message}"


def format_log(line: "LogRead") -> str:
    """A log line as `flow-run logs` shows it."""
    return f"{_time(line.time)} | {logging.getLevelName(line.level):<7} | {line.logger} - {line.message}"


def _time(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
