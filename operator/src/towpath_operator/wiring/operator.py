"""The main of the operator's pod: builds its parts, fills the indices, then runs kopf and our loops until a signal comes.

If any of them ends by itself the process ends with an error, and Kubernetes starts it anew: all that it knows is in the cluster
and in the API.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import kopf

from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.transport import TokenFile, Transport
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeError
from towpath_operator.reconcilers.changes import ChangeLoop
from towpath_operator.reconcilers.claims import ClaimLoop
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.declared import Declarer
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.declared_refresh import DeclaredRefresh
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.flow_runs import FlowRunReconciler
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.pacing import Pacing
from towpath_operator.reconcilers.resync import Resync
from towpath_operator.reconcilers.watches import Watches, build_settings
from towpath_operator.reconcilers.work_queue import WorkQueue
from towpath_operator.wiring.operator_http import start_http
from towpath_operator.wiring.operator_settings import OperatorSettings

logger = logging.getLogger(__name__)

_FILLING = "filling"
_FILL_SECONDS = 300


class Operator:
    """All parts of one operator."""

    def __init__(self, settings: OperatorSettings, kube: KubeClient, api: ApiClient) -> None:
        self._settings = settings
        self.metrics = OperatorMetrics()
        self.heartbeats = Heartbeats()
        self._events = EventPoster(kube)
        declared = DeclaredIndex()
        declarer = Declarer(kube, api, declared, self._events)
        self._context = RunContext(kube, api, settings.run_settings(), self.metrics, self._events, declared)
        self._context.queue = WorkQueue(FlowRunReconciler(self._context).reconcile, settings.workers, self.metrics)
        namespaces = settings.namespace_list()
        self._refresh = DeclaredRefresh(kube, api, declared, declarer, self.heartbeats, namespaces)
        self._watches = Watches(self._context, declarer)
        self._resync = Resync(kube, self._watches.watched(), namespaces, self.heartbeats, self.metrics)

    async def run(self) -> None:
        """Run until a signal comes.

        Raises:
            RuntimeError: a part ended by itself.
        """
        await self._fill()
        context = self._context
        loops: dict[str, Coroutine[Any, Any, None]] = {
            "queue": context.queue.run(),
            "events": self._events.run(),
            "changes": ChangeLoop(context, self.heartbeats, self._refresh.changed).run(),
            "claims": ClaimLoop(context, self.heartbeats).run(),
            "declared": self._refresh.run(),
            "resync": self._resync.run(),
        }
        tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
        watching = asyncio.create_task(self._watch(), name="watching")
        done, _ = await asyncio.wait([watching, *tasks], return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task in done]
        for task in tasks:
            task.cancel()
        if not watching.done():
            watching.cancel()
        await asyncio.gather(watching, *tasks, return_exceptions=True)
        for task in (*ended, watching):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise RuntimeError(f"The operator's {task.get_name()} ended: {error!r}") from error

    async def _fill(self) -> None:
        """Fill the indices, however long the API server takes to answer, within the probe's patience."""
        self.heartbeats.expect(_FILLING, _FILL_SECONDS)
        pacing = Pacing()
        while True:
            try:
                await self._resync.fill()
            except KubeError as error:
                delay = pacing.failed()
                logger.warning("the cluster's objects cannot be listed, again in %.0f s: %s", delay, error)
                await asyncio.sleep(delay)
            else:
                del self.heartbeats.limits[_FILLING]
                return

    async def _watch(self) -> None:
        namespaces = self._settings.namespace_list()
        await kopf.operator(
            registry=self._watches.build_registry(),
            settings=build_settings(),
            standalone=True,
            clusterwide=namespaces is None,
            namespaces=namespaces or (),
        )


async def run_operator(settings: OperatorSettings) -> None:
    """Connect, serve /healthz and /metrics, run until a signal comes."""
    kube = await KubeClient.connect()
    token = TokenFile(settings.api_token_file) if settings.api_token_file is not None else None
    transport = Transport(settings.api_url, token)
    operator = Operator(settings, kube, ApiClient(transport))
    http = await start_http(settings.http_host, settings.http_port, operator.heartbeats, operator.metrics)
    logger.info("the operator serves %s, with the API at %s", settings.namespaces or "all namespaces", settings.api_url)
    try:
        await operator.run()
    finally:
        await http.cleanup()
        await transport.close()
        await kube.close()


def main() -> int:
    """Run the operator's pod. Returns the exit code."""
    settings = OperatorSettings()  # pyright: ignore[reportCallIssue] the environment gives what is required
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(run_operator(settings))
    except RuntimeError:
        logger.exception("the operator ends")
        return 1
    return 0
