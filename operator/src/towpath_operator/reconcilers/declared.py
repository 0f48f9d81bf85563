"""Brings what resources declare into the API's read model, and its answer into their Ready condition.

Called by the handlers of watches for each change, and by declared_refresh for what was missed. A refusal by the API is no
failure of ours: it becomes a condition, and the resource is looked at again when it, or what it waits for, changes.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from towpath.contract.declared import Declaration, DeclaredRead
from towpath.contract.problems import Code
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.errors import ApiRefused, ApiUnavailable
from towpath_operator.domain.conditions import READY, Reason, Verdict, find_condition, reason_of_code
from towpath_operator.domain.declaring import (
    DECLARED,
    DeclaredKind,
    Misdeclared,
    build_declaration,
    build_status,
    differs,
    judge_ready,
)
from towpath_operator.domain.flow_run_status import Step
from towpath_operator.domain.reading import Raw, get_list, get_map, get_str
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import KubeConflict, KubeNotFound
from towpath_operator.kube.resources import TOWPATH
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster

logger = logging.getLogger(__name__)

KINDS_BY_NAME: Mapping[str, DeclaredKind] = {kind.kind.kind: kind for kind in DECLARED}
_MENDED_BY_TIME = frozenset({Code.FORBIDDEN, Code.UNAUTHENTICATED})


class Declarer:
    """Declares resources, one at a time of each: a status is written before the same resource is declared again."""

    def __init__(self, kube: KubeClient, api: ApiClient, index: DeclaredIndex, events: EventPoster) -> None:
        self._kube = kube
        self._api = api
        self._index = index
        self._events = events
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        self._flows_declared: dict[str, int] = {}
        self._waiting: dict[str, set[str]] = {}

    async def declare(self, kind: DeclaredKind, body: Raw) -> str:
        """Put what the resource declares into the API, and the answer into its status.

        Returns:
            why it is to be declared again after a while by itself; empty when that is not needed.
        """
        metadata = get_map(body, "metadata")
        async with self._lock(kind, get_str(metadata, "namespace"), get_str(metadata, "name")):
            again = await self._declare(kind, body)
        if kind is KINDS_BY_NAME["Flow"] and not again:
            await self._declare_waiting(get_str(metadata, "namespace"))
        return again

    async def declare_again(self, kind: DeclaredKind, namespace: str, name: str) -> None:
        """Read a resource afresh and declare it."""
        async with self._lock(kind, namespace, name):
            body = await self._kube.find(TOWPATH[kind.kind.kind], namespace, name)
            if body is not None:
                self._index.put(kind.kind.kind, body)
                await self._declare(kind, body)

    def _lock(self, kind: DeclaredKind, namespace: str, name: str) -> asyncio.Lock:
        return self._locks.setdefault((kind.kind.kind, namespace, name), asyncio.Lock())

    async def _declare(self, kind: DeclaredKind, body: Raw) -> str:
        verdict, facts, again = await self._ask(kind, body)
        status = build_status(body, verdict, facts, datetime.now(UTC), observed=not again)
        await self.patch_status(kind, body, status)
        if not again:
            self._tell(kind, body, verdict)
        return again

    async def _ask(self, kind: DeclaredKind, body: Raw) -> tuple[Verdict, Mapping[str, Any], str]:
        """The Ready condition, the facts that the API counts, and why to ask again."""
        namespace, name = get_str(body, "metadata", "namespace"), get_str(body, "metadata", "name")
        try:
            declaration = build_declaration(kind, body)
            while True:
                flows = self._flows_declared.get(namespace, 0)
                try:
                    read = await self._put(kind, declaration)
                except ApiRefused as refused:
                    if refused.code != Code.FLOW_NOT_FOUND:
                        raise
                    self._waiting.setdefault(namespace, set()).add(name)
                    if flows == self._flows_declared.get(namespace, 0):
                        raise
                    continue  # a Flow came while the API was being asked
                break
        except Misdeclared as misdeclared:
            return judge_ready(misdeclared.reason, misdeclared.sentence), {}, ""
        except ApiUnavailable as error:
            return judge_ready(Reason.API_UNAVAILABLE, f"{error} It is tried again."), {}, str(error)
        except ApiRefused as refused:
            again = refused.sentence if refused.code in _MENDED_BY_TIME else ""
            return judge_ready(reason_of_code(refused.code), refused.sentence), {}, again
        if kind is KINDS_BY_NAME["Flow"]:
            self._flows_declared[namespace] = self._flows_declared.get(namespace, 0) + 1
        elif kind is KINDS_BY_NAME["Deployment"]:
            self._waiting.get(namespace, set()).discard(name)
        return judge_ready(Reason.ACCEPTED), kind.facts_of(read), ""

    async def patch_status(self, kind: DeclaredKind, body: Raw, status: Mapping[str, Any]) -> None:
        """Write what differs of a resource's status; one that is gone is fine."""
        if not differs(get_map(body, "status"), status):
            return
        metadata = get_map(body, "metadata")
        namespace, name = get_str(metadata, "namespace"), get_str(metadata, "name")
        patch = {"metadata": {"uid": get_str(metadata, "uid")}, "status": dict(status)}
        try:
            patched = await self._kube.patch(TOWPATH[kind.kind.kind], namespace, name, patch, subresource="status")
        except (KubeNotFound, KubeConflict):
            return
        self._index.put(kind.kind.kind, patched)

    async def withdraw(self, kind: DeclaredKind, body: Raw) -> None:
        """A resource is gone: take its declaration from the API. What fails here is made up for by declared_refresh."""
        metadata = get_map(body, "metadata")
        namespace, uid = get_str(metadata, "namespace"), get_str(metadata, "uid")
        async for read in self._api.list_declared(kind.path, kind.read, [namespace]):
            if read.resource is not None and read.resource.uid == uid:
                await self._api.delete_declared(kind.path, read.id)

    async def _put(self, kind: DeclaredKind, declaration: Declaration) -> DeclaredRead:
        try:
            return await self._api.put_declared(kind.path, declaration, kind.read)
        except ApiRefused as refused:
            if refused.code != Code.NAME_TAKEN or not await self._withdraw_renamed(kind, declaration):
                raise
        return await self._api.put_declared(kind.path, declaration, kind.read)

    async def _withdraw_renamed(self, kind: DeclaredKind, declaration: Declaration) -> bool:
        """Take away what the same resource declared under its earlier name, or one that was deleted and made anew did."""
        resource = declaration.resource
        if resource is None:
            return False
        found = False
        async for read in self._api.list_declared(kind.path, kind.read, [declaration.namespace]):
            if read.resource is None or read.resource.name != resource.name:
                continue
            if read.resource.uid == resource.uid or await self._is_gone(kind, read):
                await self._api.delete_declared(kind.path, read.id)
                found = True
        return found

    async def _is_gone(self, kind: DeclaredKind, read: DeclaredRead) -> bool:
        if read.resource is None:
            return False
        body = await self._kube.find(TOWPATH[kind.kind.kind], read.namespace, read.resource.name)
        return body is None or get_str(body, "metadata", "uid") != read.resource.uid

    def _tell(self, kind: DeclaredKind, body: Raw, verdict: Verdict) -> None:
        before = find_condition(get_list(body, "status", "conditions"), READY) or {}
        if (before.get("status"), before.get("reason")) == (verdict.status, verdict.reason):
            return
        metadata = get_map(body, "metadata")
        self._events.post(
            kind.kind.kind,
            get_str(metadata, "namespace"),
            get_str(metadata, "name"),
            get_str(metadata, "uid"),
            Step("Normal" if verdict.status == "True" else "Warning", verdict.reason, verdict.message),
        )

    async def _declare_waiting(self, namespace: str) -> None:
        """A Flow has come: Deployments that waited for one are declared again at once."""
        for name in sorted(self._waiting.pop(namespace, set())):
            await self.declare_again(KINDS_BY_NAME["Deployment"], namespace, name)
