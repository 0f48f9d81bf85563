"""Posts Kubernetes Events on Towpath's objects: the story that `kubectl describe` tells. Called by the other reconcilers.

Posting never delays or fails a reconciling: Events wait in a bounded queue, and one that cannot be posted is dropped.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from towpath.contract.names import API_VERSION
from towpath_operator.domain.conditions import format_time
from towpath_operator.domain.flow_run_status import Step
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeError
from towpath_operator.kube.resources import EVENTS

logger = logging.getLogger(__name__)

COMPONENT: Final = "towpath-operator"
_MAX_WAITING: Final = 2_000
_MAX_MESSAGE: Final = 1_000
_MAX_NAME: Final = 200


class EventPoster:
    """Posts Events in order, in the background."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MAX_WAITING)

    def post(self, kind: str, namespace: str, name: str, uid: str, step: Step) -> None:
        """Have an Event posted on a Towpath object."""
        now = datetime.now(UTC)
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "name": f"{name[:_MAX_NAME]}.{uuid4().hex[:16]}"},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "uid": uid,
            },
            "type": step.type,
            "reason": step.reason,
            "message": step.message[:_MAX_MESSAGE],
            "firstTimestamp": format_time(now),
            "lastTimestamp": format_time(now),
            "count": 1,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": COMPONENT,
        }
        try:
            self._waiting.put_nowait(body)
        except asyncio.QueueFull:
            logger.warning(
                "an Event was dropped, %s on %s/%s: too many wait to be posted", step.reason, namespace, name
            )

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            body = await self._waiting.get()
            try:
                await self._kube.create(EVENTS, body)
            except KubeError as error:
                logger.info("an Event could not be posted, %s: %s", body["reason"], error)
