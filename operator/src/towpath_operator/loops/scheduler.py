"""Fires schedules when they are due. Started by wiring beside the API."""

import asyncio
import logging
from collections.abc import Callable

from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.domain.times import SECOND
from towpath_operator.services.hub import Hub
from towpath_operator.store.engine import TOPIC_SCHEDULES

logger = logging.getLogger(__name__)

BACKSTOP_SECONDS = 15.0


async def run_scheduler(hub: Hub, clock: Callable[[], int] = now_us) -> None:
    """Waits for the earliest due schedule, or for one that is declared, and fires what is due, until it is cancelled."""
    while not hub.signals.closed:
        count = hub.signals.count(TOPIC_SCHEDULES)
        try:
            while await hub.scheduling.fire(clock()):
                pass
            due = await hub.scheduling.find_first_due()
        except StoreUnavailable as error:
            logger.warning("Schedules wait for the database: %s", error.detail)
            await asyncio.sleep(1)
            continue
        wait = BACKSTOP_SECONDS if due is None else min(BACKSTOP_SECONDS, max(0.0, (due - clock()) / SECOND))
        await hub.signals.wait(TOPIC_SCHEDULES, count, max(wait, 0.001))
