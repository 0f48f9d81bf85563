"""Tells the API of launches and ends, in order, until it has heard. A thread of the agent's."""

import logging
import random
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from towpath.agent.plan import Key
from towpath.client.api import ApiClient
from towpath.client.judging import plan_delay
from towpath.contract.runs import AttemptEnded, AttemptLaunched, FlowRunRead
from towpath.errors import ApiError, ApiRefused

logger = logging.getLogger("towpath.agent")


class Answer(NamedTuple):
    """What came of a report.

    Attributes:
        report: what was reported.
        run: the run after it; None when it was refused.
        refusal: why it was refused.
    """

    key: Key
    report: AttemptLaunched | AttemptEnded
    run: FlowRunRead | None = None
    refusal: ApiRefused | None = None


class Reporter:
    """Reports, one after the other.

    Args:
        on_answer: told what came of each report.
    """

    def __init__(self, client: ApiClient, on_answer: Callable[[Answer], None]) -> None:
        self._client = client
        self._on_answer = on_answer
        self._waiting: SimpleQueue[tuple[Key, AttemptLaunched | AttemptEnded]] = SimpleQueue()

    def send(self, key: Key, report: AttemptLaunched | AttemptEnded) -> None:
        """Reports as soon as what came before is reported. Never waits."""
        self._waiting.put((key, report))

    def run(self) -> None:
        """Reports, for ever."""
        while True:
            key, report = self._waiting.get()
            self._on_answer(self._send(key, report))

    def _send(self, key: Key, report: AttemptLaunched | AttemptEnded) -> Answer:
        failures = 0
        while True:
            try:
                if isinstance(report, AttemptLaunched):
                    return Answer(key, report, self._client.report_launched(key.run_id, key.attempt, report))
                return Answer(key, report, self._client.report_ended(key.run_id, key.attempt, report))
            except ApiRefused as error:
                if error.status not in (401, 403):
                    return Answer(key, report, refusal=error)
                self._say(failures, error)
            except ApiError as error:
                self._say(failures, error)
            failures += 1
            time.sleep(plan_delay(failures, None, random.random))

    def _say(self, failures: int, error: ApiError) -> None:
        if failures == 0:
            logger.warning("A report waits until the API takes it: %s", error)
