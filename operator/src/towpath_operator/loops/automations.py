"""Does what automations have to do. Started by wiring beside the API."""

import asyncio
import logging
from collections.abc import Callable

from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.domain.times import SECOND
from towpath_operator.services.hub import Hub
from towpath_operator.store.engine import TOPIC_FIRINGS

logger = logging.getLogger(__name__)

BACKSTOP_SECONDS = 15.0
PRUNE_EVERY = 3_600 * SECOND


async def run_automations(hub: Hub, clock: Callable[[], int] = now_us) -> None:
    """Waits for what is due first, or for something new, and does what is due, until it is cancelled."""
    pruned = 0
    while not hub.signals.closed:
        count = hub.signals.count(TOPIC_FIRINGS)
        try:
            while await hub.automating.act(clock()):
                pass
            if clock() - pruned > PRUNE_EVERY:
                while await hub.automating.prune(clock()):
                    pass
                pruned = clock()
            due = await hub.automating.find_first_due()
        except StoreUnavailable as error:
            logger.warning("Automations wait for the database: %s", error.detail)
            await asyncio.sleep(1)
            continue
        wait = BACKSTOP_SECONDS if due is None else min(BACKSTOP_SECONDS, max(0.0, (due - clock()) / SECOND))
        await hub.signals.wait(TOPIC_FIRINGS, count, max(wait, 0.01))
