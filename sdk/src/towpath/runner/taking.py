"""Takes the attempt, however long the API is away. Called by `attempts`. Never lets a run begin that was not taken."""

import logging
import random
import time
from collections.abc import Callable

from towpath.client.api import ApiClient
from towpath.client.judging import plan_delay
from towpath.contract.problems import Code
from towpath.contract.runs import AttemptTake, TakenRun
from towpath.errors import ApiRefused, ApiUnavailable
from towpath.runner.launch import Launch

REFUSED_PATIENCE = 60.0
"""Seconds that a token may be refused: a cluster can need a moment to know a new pod."""
_SAY_EVERY = 30.0

logger = logging.getLogger(__name__)


def take_attempt(
    client: ApiClient,
    launch: Launch,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> TakenRun | None:
    """Takes the attempt; None when the run has ended and needs nothing more.

    Waits for an API that is away, with growing pauses of at most ten seconds, and says what it waits for.

    Raises:
        StaleAttempt: another attempt, or another pod, holds the run.
        ApiRefused: the API does not let this pod take the run.
        ApiError: its answer cannot be read.
    """
    take = AttemptTake(pod_uid=launch.pod_uid, pod_name=launch.pod_name)
    began = clock()
    said_at: float | None = None
    failures = 0
    while True:
        try:
            return client.take_attempt(launch.run_id, launch.attempt, take)
        except ApiUnavailable as error:
            reason = str(error)
        except ApiRefused as error:
            if error.code == Code.RUN_ENDED:
                return None
            if error.status not in (401, 403) or clock() - began > REFUSED_PATIENCE:
                raise
            reason = str(error)
        failures += 1
        if said_at is None or clock() - said_at >= _SAY_EVERY:
            said_at = clock()
            logger.warning("Waiting to take attempt %d of run %s: %s", launch.attempt, launch.run_id, reason)
        sleep(plan_delay(failures, None, random.random))
