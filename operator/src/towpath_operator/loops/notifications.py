"""Sends what notifications have to send. Started by wiring beside the API."""

import asyncio
import logging
from collections.abc import Callable

from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.domain.times import SECOND
from towpath_operator.services.hub import Hub
from towpath_operator.store.engine import TOPIC_DELIVERIES

logger = logging.getLogger(__name__)

BACKSTOP_SECONDS = 15.0
PRUNE_EVERY = 3_600 * SECOND


async def run_notifications(hub: Hub, clock: Callable[[], int] = now_us) -> None:
    """Waits for the earliest message that is due, or for a new one, and sends what is due, until it is cancelled."""
    pruned = 0
    while not hub.signals.closed:
        count = hub.signals.count(TOPIC_DELIVERIES)
        try:
            while await hub.notifying.deliver(clock()):
                pass
            if clock() - pruned > PRUNE_EVERY:
                while await hub.notifying.prune(clock()):
                    pass
                pruned = clock()
            due = await hub.notifying.find_first_due()
        except StoreUnavailable as error:
            logger.warning("Messages wait for the database: %s", error.detail)
            await asyncio.sleep(1)
            continue
        wait = BACKSTOP_SECONDS if due is None else min(BACKSTOP_SECONDS, max(0.0, (due - clock()) / SECOND))
        await hub.signals.wait(TOPIC_DELIVERIES, count, max(wait, 0.01))
