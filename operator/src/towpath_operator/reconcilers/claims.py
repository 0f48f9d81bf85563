"""Claims due runs from the API over a waiting request and hands them to the work queue. One loop; started by wiring.operator."""

import asyncio
import logging

from towpath.contract.runs import ClaimRequest
from towpath_operator.apiclient.errors import ApiError
from towpath_operator.domain.flow_runs import flow_run_key
from towpath_operator.domain.leases import measure_lease
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.pacing import Pacing

logger = logging.getLogger(__name__)

LOOP = "claims"
_WAIT_SECONDS = 20.0
_MOST_PENDING = 200
"""Claims that may wait to be launched: more would only let their leases end."""
_MOST_AT_ONCE = 50
_FULL_PAUSE = 0.05


class ClaimLoop:
    """Claims as long as launching keeps up."""

    def __init__(self, context: RunContext, heartbeats: Heartbeats) -> None:
        self._context = context
        self._heartbeats = heartbeats

    async def run(self) -> None:
        """Claim until cancelled."""
        self._heartbeats.expect(LOOP, 180)
        pacing = Pacing()
        while True:
            self._heartbeats.beat(LOOP)
            room = min(_MOST_AT_ONCE, _MOST_PENDING - self._context.memory.claims)
            if room <= 0:
                await asyncio.sleep(_FULL_PAUSE)
                continue
            try:
                await self._claim(room)
            except ApiError as error:
                delay = pacing.failed()
                logger.warning("claiming failed, again in %.0f s: %s", delay, error)
                await asyncio.sleep(delay)
            else:
                pacing.succeeded()

    async def _claim(self, limit: int) -> None:
        settings = self._context.settings
        request = ClaimRequest(
            launcher="Job",
            holder=settings.holder,
            namespaces=list(settings.namespaces) if settings.namespaces is not None else None,
            limit=limit,
            wait_seconds=_WAIT_SECONDS,
        )
        claims = await self._context.api.claim(request)
        received = self._context.queue.time()
        for claim in claims.items:
            key = flow_run_key(claim.run)
            if key is None:
                logger.warning("run %s has no deployment to launch it by; its lease is left to end", claim.run.id)
                continue
            self._context.metrics.claims.inc()
            self._context.memory.put_claim(key, claim, received + measure_lease(claim).total_seconds())
            self._context.queue.add(key)
