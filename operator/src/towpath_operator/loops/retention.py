"""Deletes what is old, a step at a time with pauses between, so that nobody waits for it. Started by wiring beside the API."""

import asyncio
import logging

from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.loops.running import Loop
from towpath_operator.services.hub import Hub
from towpath_operator.services.retention import Keep, prune, prune_counts

logger = logging.getLogger(__name__)

BETWEEN_STEPS_SECONDS = 0.1
BETWEEN_ROUNDS_SECONDS = 300.0


def make_retention(keep: Keep) -> Loop:
    """The loop that keeps things as long as `keep` says."""

    async def run_retention(hub: Hub) -> None:
        while not hub.signals.closed:
            deleted = 0
            try:
                deleted = await prune(hub.database, keep, now_us())
                deleted += await prune_counts(hub.database, keep, now_us())
            except StoreUnavailable as error:
                logger.warning("Nothing old is deleted for now: %s", error.detail)
            await asyncio.sleep(BETWEEN_STEPS_SECONDS if deleted else BETWEEN_ROUNDS_SECONDS)

    return run_retention
