"""Compares what the API holds as declared with the resources, and repairs: counts into their status, lost declarations
declared again, declarations without a resource taken away. Started by wiring.operator; the level beneath the handlers' edges.
"""

import asyncio
import logging

from towpath.contract.declared import DeclaredRead
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.errors import ApiError
from towpath_operator.domain.conditions import READY, Reason, find_condition
from towpath_operator.domain.declaring import DECLARED, DeclaredKind
from towpath_operator.domain.reading import Raw, get_list, get_map, get_str
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeError
from towpath_operator.kube.resources import TOWPATH
from towpath_operator.reconcilers.declared import Declarer
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.heartbeats import Heartbeats

logger = logging.getLogger(__name__)

LOOP = "declared"
_AT_MOST_EVERY = 2.0
_AT_LEAST_EVERY = 30.0
_TRANSIENT = frozenset({Reason.API_UNAVAILABLE, Reason.FORBIDDEN, Reason.FLOW_NOT_FOUND})
"""Reasons that may have passed without the resource's changing."""


class DeclaredRefresh:
    """The comparing loop."""

    def __init__(
        self,
        kube: KubeClient,
        api: ApiClient,
        index: DeclaredIndex,
        declarer: Declarer,
        heartbeats: Heartbeats,
        namespaces: tuple[str, ...] | None,
    ) -> None:
        self._kube = kube
        self._api = api
        self._index = index
        self._declarer = declarer
        self._heartbeats = heartbeats
        self._namespaces = namespaces
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Runs changed, so counts may have: compare soon."""
        self._changed.set()

    async def run(self) -> None:
        """Compare until cancelled."""
        self._heartbeats.expect(LOOP, 600)
        while True:
            await asyncio.sleep(_AT_MOST_EVERY)
            try:
                async with asyncio.timeout(_AT_LEAST_EVERY):
                    await self._changed.wait()
            except TimeoutError:
                logger.debug("nothing changed for a while; comparing all the same")
            self._changed.clear()
            self._heartbeats.beat(LOOP)
            for kind in DECLARED:
                try:
                    await self._compare(kind)
                except (ApiError, KubeError) as error:
                    logger.info("comparing the %s failed, again later: %s", kind.kind.plural, error)

    async def _compare(self, kind: DeclaredKind) -> None:
        held = {
            read.resource.uid: read
            async for read in self._api.list_declared(kind.path, kind.read, self._namespaces)
            if read.resource is not None
        }
        for body in self._index.of_kind(kind.kind.kind):
            await self._refresh(kind, body, held.pop(get_str(body, "metadata", "uid"), None))
        for read in held.values():
            await self._withdraw_orphan(kind, read)

    async def _refresh(self, kind: DeclaredKind, body: Raw, read: DeclaredRead | None) -> None:
        metadata = get_map(body, "metadata")
        if get_str(metadata, "deletionTimestamp"):
            return
        ready = find_condition(get_list(body, "status", "conditions"), READY) or {}
        waits = ready.get("reason") in _TRANSIENT
        if read is None or waits:
            if ready.get("status") == "True" or waits:
                await self._declarer.declare_again(kind, get_str(metadata, "namespace"), get_str(metadata, "name"))
        elif ready.get("status") == "True":
            await self._declarer.patch_status(kind, body, kind.facts_of(read))

    async def _withdraw_orphan(self, kind: DeclaredKind, read: DeclaredRead) -> None:
        """A declaration whose resource the watches do not know; the API server has the last word on that."""
        if read.resource is None:
            return
        body = await self._kube.find(TOWPATH[kind.kind.kind], read.namespace, read.resource.name)
        if body is None or get_str(body, "metadata", "uid") != read.resource.uid:
            logger.info("withdrawing %s %s/%s, whose resource is gone", kind.kind.kind, read.namespace, read.name)
            await self._api.delete_declared(kind.path, read.id)
        else:
            self._index.put(kind.kind.kind, body)
