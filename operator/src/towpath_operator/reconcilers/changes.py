"""Follows the API's runs over a waiting request: states into FlowRun.status, cancels to their Jobs. Started by wiring.operator.

Only runs whose FlowRun exists are of interest. Changes are told from a cursor on: whenever a first one is obtained, the API is asked
for every FlowRun that has not ended, which makes up for what changed before.
"""

import asyncio
import logging
from collections.abc import Callable

from towpath.contract.runs import FlowRunChanges, FlowRunRead
from towpath_operator.apiclient.errors import ApiError
from towpath_operator.domain.flow_runs import flow_run_key
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.pacing import Pacing

logger = logging.getLogger(__name__)

LOOP = "changes"
_WAIT_SECONDS = 20.0


class ChangeLoop:
    """Follows changes.

    Args:
        context: what the FlowRun reconcilers share.
        heartbeats: told of each turn.
        changed: called whenever runs changed.
    """

    def __init__(self, context: RunContext, heartbeats: Heartbeats, changed: Callable[[], None]) -> None:
        self._context = context
        self._heartbeats = heartbeats
        self._changed = changed
        self._cursor: int | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        self._heartbeats.expect(LOOP, 180)
        pacing = Pacing()
        while True:
            self._heartbeats.beat(LOOP)
            try:
                changes = await self._context.api.get_changes(
                    self._cursor, _WAIT_SECONDS, self._context.settings.namespaces
                )
            except ApiError as error:
                self._context.metrics.api_up.set(0)
                delay = pacing.failed()
                logger.warning("following changes failed, again in %.0f s: %s", delay, error)
                await asyncio.sleep(delay)
                continue
            self._context.metrics.api_up.set(1)
            pacing.succeeded()
            self._take_in(changes)

    def _take_in(self, changes: FlowRunChanges) -> None:
        before, self._cursor = self._cursor, changes.cursor
        if before is not None and changes.cursor < before:
            # The API's database is an older one: nothing that was remembered of its runs holds.
            logger.warning(
                "the API's changes went back from %d to %d: looking at every run again", before, changes.cursor
            )
            self._cursor = None
            self._look_at_all()
            return
        if before is None:
            # What changed between a reconciling and this cursor is told by nobody.
            self._look_at_all()
        for run in changes.items:
            self._take_in_run(run)
        if changes.items:
            self._changed()

    def _take_in_run(self, run: FlowRunRead) -> None:
        key = flow_run_key(run)
        if key is None:
            return
        view = self._context.find_flow_run(key)
        if view is None or view.run_id not in (None, run.id):
            return
        self._context.memory.put_run(key, run)
        self._context.queue.add(key)

    def _look_at_all(self) -> None:
        for view in self._context.flow_runs:
            self._context.memory.doubt(view.key)
            if not view.finished:
                self._context.queue.add(view.key)
