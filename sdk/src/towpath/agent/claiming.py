"""Asks for runs that are due, over a waiting request, as long as there is room. A thread of the agent's."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from towpath.agent.plan import choose_queues
from towpath.client.api import ApiClient, iterate
from towpath.client.judging import plan_delay
from towpath.contract.runs import ClaimedRun, ClaimRequest
from towpath.errors import ApiError, ApiUnavailable

WAIT_SECONDS = 15.0
"""Of one request."""
REFRESH_SECONDS = 5.0
"""Between two looks for queues that match a prefix."""
MOST = 50
"""Runs in one answer, where no limit says less."""
_SAY_EVERY = 60.0

logger = logging.getLogger("towpath.agent")


@dataclass(frozen=True)
class Wanted:
    """Which runs the agent takes.

    Attributes:
        queues: work queues by name.
        prefixes: all work queues whose names begin so.
        limit: processes at once; None for any number.
        run_once: take what is due now and no more.
    """

    holder: str
    namespace: str
    queues: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    limit: int | None = None
    run_once: bool = False


class Slots:
    """How many more processes may run."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._taken = 0
        self._closed = False
        self._changed = threading.Condition()

    def wait(self) -> int | None:
        """Waits until there is room: how many. None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._free() > 0)
            return None if self._closed else self._free()

    def take(self, number: int) -> None:
        """So many more run, or soon will."""
        with self._changed:
            self._taken += number

    def release(self) -> None:
        """One has ended."""
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """No more are to start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether no more are to start."""
        return self._closed

    def _free(self) -> int:
        return MOST if self._limit is None else min(MOST, self._limit - self._taken)


class Claimer:
    """Claims runs and hands them on.

    Args:
        on_claimed: told each run that was claimed.
        on_drained: told when nothing more is due, for an agent that runs once.
    """

    def __init__(
        self,
        client: ApiClient,
        wanted: Wanted,
        slots: Slots,
        on_claimed: Callable[[ClaimedRun], None],
        on_drained: Callable[[], None],
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._slots = slots
        self._on_claimed = on_claimed
        self._on_drained = on_drained
        self._said_at = float("-inf")
        self._warned: set[str] = set()

    def run(self) -> None:
        """Claims until the slots are closed, or once nothing more is due."""
        failures = 0
        while (free := self._slots.wait()) is not None:
            try:
                is_drained = self._claim(free)
                if failures:
                    logger.info("The API answers again.")
                failures = 0
            except ApiError as error:
                if self._slots.is_closed:
                    return
                failures += 1
                self._say(error)
                time.sleep(plan_delay(failures, None, random.random))
                continue
            if is_drained:
                self._on_drained()
                return

    def stop(self) -> None:
        """Claims no more. May be called by any thread: a request that waits is given up."""
        self._slots.close()
        self._client.interrupt()

    def _claim(self, free: int) -> bool:
        """Claims once. Whether nothing more is due, for an agent that runs once."""
        queues = self._find_queues()
        if not queues:
            if self._wanted.run_once:
                return True
            time.sleep(REFRESH_SECONDS)
            return False
        request = ClaimRequest(
            launcher="Agent",
            holder=self._wanted.holder,
            namespaces=[self._wanted.namespace],
            queues=queues,
            limit=free,
            wait_seconds=self._plan_wait(),
        )
        items = self._client.claim(request).items
        self._slots.take(len(items))
        for item in items:
            self._on_claimed(item)
        return self._wanted.run_once and not items

    def _plan_wait(self) -> float:
        if self._wanted.run_once:
            return 0
        return REFRESH_SECONDS if self._wanted.prefixes else WAIT_SECONDS

    def _find_queues(self) -> list[str]:
        wanted = self._wanted
        if not wanted.prefixes and self._warned.issuperset(wanted.queues):
            return list(wanted.queues)
        known = list(iterate(self._client.list_work_queues, namespace=wanted.namespace))
        chosen = choose_queues(wanted.queues, wanted.prefixes, [queue.name for queue in known])
        foreign = {queue.name for queue in known if queue.spec.launcher != "Agent"}
        for name in chosen:
            if name in foreign and name not in self._warned:
                logger.warning(
                    "The runs of work queue %r are launched as Jobs, not by agents: its `launcher` must be Agent.", name
                )
        self._warned.update(chosen)
        return chosen

    def _say(self, error: ApiError) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            logger.warning("%s%s", "Waiting for the API: " if isinstance(error, ApiUnavailable) else "", error)
