"""Marks due runs that nobody claims as Late. Started by wiring beside the API."""

import asyncio
import logging

from towpath.contract.ids import now_us
from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.services.hub import Hub
from towpath_operator.services.lateness import mark_late

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


async def run_lateness(hub: Hub) -> None:
    """Looks for overdue runs again and again, until it is cancelled."""
    while not hub.signals.closed:
        try:
            while await mark_late(hub.database, now_us()):
                pass
        except StoreUnavailable as error:
            logger.warning("Late runs are not marked for now: %s", error.detail)
        await asyncio.sleep(EVERY_SECONDS)
