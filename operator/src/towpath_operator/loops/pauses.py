"""Ends pauses whose time is over, and cancels that nobody hears of. Started by wiring beside the API."""

import asyncio
import logging

from towpath_operator.domain.refusals import StoreUnavailable
from towpath_operator.services.hub import Hub

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


async def run_pauses(hub: Hub) -> None:
    """Looks for them again and again, until it is cancelled."""
    while not hub.signals.closed:
        try:
            while await hub.run_control.end_overdue():
                pass
        except StoreUnavailable as error:
            logger.warning("Pauses are not ended for now: %s", error.detail)
        await asyncio.sleep(EVERY_SECONDS)
