"""Hears of runs that change (of cancels, above all) over a waiting request. A thread of the agent's."""

import logging
import random
import time
from collections.abc import Callable

from towpath.client.api import ApiClient
from towpath.client.judging import plan_delay
from towpath.contract.runs import FlowRunRead
from towpath.errors import ApiError

WAIT_SECONDS = 20.0

logger = logging.getLogger("towpath.agent")


class Watcher:
    """Hands on runs that change.

    Args:
        on_changed: told each run that changed.
    """

    def __init__(self, client: ApiClient, namespace: str, on_changed: Callable[[FlowRunRead], None]) -> None:
        self._client = client
        self._namespaces = [namespace]
        self._on_changed = on_changed
        self._cursor: int | None = None

    def begin(self) -> None:
        """Marks the point from which on changes are handed on.

        Raises:
            ApiError: the API is away, or refuses.
        """
        self._cursor = self._client.wait_for_changes(None, 0, self._namespaces).cursor

    def run(self) -> None:
        """Hands changes on, for ever."""
        failures = 0
        while True:
            try:
                changes = self._client.wait_for_changes(self._cursor, WAIT_SECONDS, self._namespaces)
                failures = 0
            except ApiError as error:
                failures += 1
                logger.debug("Changes are not heard of: %s", error)
                time.sleep(plan_delay(failures, None, random.random))
                continue
            self._cursor = changes.cursor
            for run in changes.items:
                self._on_changed(run)
