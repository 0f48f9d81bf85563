"""Compares the watches' indices with the API server at intervals, and repairs what they missed. Started by wiring.operator.

A watch can fall silent without an error, and a deletion during its reconnecting is never told. Only metadata is listed, and
whatever is still behind after a moment is read afresh. A watch that is behind twice in a row is reported as stalled.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from towpath_operator.domain.reading import get_str
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import KubeError
from towpath_operator.kube.resources import Resource
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.index import parse_version
from towpath_operator.reconcilers.metrics import OperatorMetrics

logger = logging.getLogger(__name__)

LOOP = "resync"
_EVERY = 40.0
_LAG = 5.0
"""Seconds that a watch may be behind without having missed anything."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One kind that is watched.

    Attributes:
        name: for logs and metrics.
        labels: the label selector of the watch.
        versions: what the index holds, as uid to resource version.
        put: takes an object into the index and has it reconciled.
        remove: takes an object that is gone, by its uid, out of the index and has it reconciled.
    """

    name: str
    resource: Resource
    labels: str
    versions: Callable[[], Mapping[str, str]]
    put: Callable[[Object], None]
    remove: Callable[[str], None]


class Resync:
    """The comparing loop.

    Args:
        every: seconds between two comparisons.
        lag: seconds that a watch may be behind without having missed anything.
    """

    def __init__(
        self,
        kube: KubeClient,
        watched: Sequence[Watched],
        namespaces: tuple[str, ...] | None,
        heartbeats: Heartbeats,
        metrics: OperatorMetrics,
        *,
        every: float = _EVERY,
        lag: float = _LAG,
    ) -> None:
        self._every = every
        self._lag = lag
        self._kube = kube
        self._watched = watched
        self._namespaces = namespaces
        self._heartbeats = heartbeats
        self._metrics = metrics
        self._behind: set[str] = set()

    async def fill(self) -> None:
        """Fill the indices before anything is decided on them.

        Raises:
            KubeError: the API server does not list them.
        """
        for kind in self._watched:
            for namespace in self._namespaces or (None,):
                async for body in self._kube.list(kind.resource, namespace, labels=kind.labels):
                    kind.put(body)

    async def run(self) -> None:
        """Compare until cancelled."""
        self._heartbeats.expect(LOOP, 600)
        while True:
            await asyncio.sleep(self._every)
            self._heartbeats.beat(LOOP)
            await self.compare_all()

    async def compare_all(self) -> None:
        """Compare every kind once, and judge its watch."""
        for kind in self._watched:
            try:
                missed = await self._compare(kind)
            except KubeError as error:
                logger.info("comparing the %s failed, again later: %s", kind.name, error)
                continue
            self._judge(kind.name, missed)

    async def _list(self, kind: Watched) -> dict[str, Object]:
        found: dict[str, Object] = {}
        for namespace in self._namespaces or (None,):
            async for item in self._kube.list(kind.resource, namespace, labels=kind.labels, metadata_only=True):
                found[get_str(item, "metadata", "uid")] = item
        return found

    async def _compare(self, kind: Watched) -> int:
        """Repair what the watch missed; returns how much that was."""
        listed, before = await self._list(kind), set(kind.versions())
        lost = before - set(listed)
        late = [item for uid, item in listed.items() if _is_behind(kind.versions().get(uid), item)]
        if not lost and not late:
            return 0
        await asyncio.sleep(self._lag)
        versions = kind.versions()
        missed = [item for item in late if _is_behind(versions.get(get_str(item, "metadata", "uid")), item)]
        repaired = 0
        for item in missed:
            namespace, name = get_str(item, "metadata", "namespace"), get_str(item, "metadata", "name")
            body = await self._kube.find(kind.resource, namespace, name)
            if body is not None and get_str(body, "metadata", "uid") == get_str(item, "metadata", "uid"):
                kind.put(body)
                repaired += 1
        gone = lost & set(versions) - set(await self._list(kind)) if lost & set(versions) else set[str]()
        for uid in gone:
            kind.remove(uid)
        return repaired + len(gone)

    def _judge(self, name: str, missed: int) -> None:
        if not missed:
            self._behind.discard(name)
            self._heartbeats.set_stalled(name, stalled=False)
            return
        logger.warning("the watch of %s missed %d changes, which are made up for", name, missed)
        self._metrics.watch_drift.labels(kind=name).inc(missed)
        self._heartbeats.set_stalled(name, stalled=name in self._behind)
        self._behind.add(name)


def _is_behind(version: str | None, item: Object) -> bool:
    return version is None or parse_version(version) < parse_version(get_str(item, "metadata", "resourceVersion"))
