"""Brings what resources declare into the API's read model, and its answer into their Ready condition.

Called by the handlers of watches for each change, and by declared_refresh for what was missed. A refusal by the API is no
failure of ours: it becomes a condition, and the resource is looked at again when it, or what it waits for, changes.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from towpath.contract.declared import Declaration, DeclaredRead, FlowRead
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


@dataclass(frozen=True, slots=True)
class Declared:
    """What came of declaring a resource.

    Attributes:
        status: the status to write, as a merge patch.
        again: whether to declare it again after a while by itself; the sentence says why.
    """

    status: dict[str, Any]
    again: str = ""


class Declarer:
    """Declares resources."""

    def __init__(self, kube: KubeClient, api: ApiClient, index: DeclaredIndex, events: EventPoster) -> None:
        self._kube = kube
        self._api = api
        self._index = index
        self._events = events

    async def declare(self, kind: DeclaredKind, body: Raw) -> Declared:
        """Put what the resource declares into the API."""
        try:
            declaration = build_declaration(kind, body)
            read = await self._put(kind, declaration)
        except Misdeclared as misdeclared:
            return self._conclude(kind, body, judge_ready(misdeclared.reason, misdeclared.sentence), {})
        except ApiUnavailable as error:
            verdict = judge_ready(Reason.API_UNAVAILABLE, f"{error} It is tried again.")
            return Declared(build_status(body, verdict, {}, datetime.now(UTC), observed=False), str(error))
        except ApiRefused as refused:
            verdict = judge_ready(reason_of_code(refused.code), refused.sentence)
            if refused.code in _MENDED_BY_TIME:
                return Declared(build_status(body, verdict, {}, datetime.now(UTC), observed=False), refused.sentence)
            return self._conclude(kind, body, verdict, {})
        done = self._conclude(kind, body, judge_ready(Reason.ACCEPTED), kind.facts_of(read))
        if isinstance(read, FlowRead):
            await self._declare_waiting(read.namespace)
        return done

    async def declare_again(self, kind: DeclaredKind, namespace: str, name: str) -> None:
        """Read a resource afresh, declare it and write its status."""
        body = await self._kube.find(TOWPATH[kind.kind.kind], namespace, name)
        if body is None:
            return
        self._index.put(kind.kind.kind, body)
        declared = await self.declare(kind, body)
        await self.patch_status(kind, body, declared.status)

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

    def _conclude(self, kind: DeclaredKind, body: Raw, verdict: Verdict, facts: Mapping[str, Any]) -> Declared:
        before = find_condition(get_list(body, "status", "conditions"), READY) or {}
        if (before.get("status"), before.get("reason")) != (verdict.status, verdict.reason):
            step = Step("Normal" if verdict.status == "True" else "Warning", verdict.reason, verdict.message)
            metadata = get_map(body, "metadata")
            self._events.post(
                kind.kind.kind,
                get_str(metadata, "namespace"),
                get_str(metadata, "name"),
                get_str(metadata, "uid"),
                step,
            )
        return Declared(build_status(body, verdict, facts, datetime.now(UTC), observed=True))

    async def _declare_waiting(self, namespace: str) -> None:
        """A Flow has come: Deployments that waited for one are declared again at once."""
        kind = KINDS_BY_NAME["Deployment"]
        for body in self._index.of_kind("Deployment", namespace):
            ready = find_condition(get_list(body, "status", "conditions"), READY) or {}
            if ready.get("reason") == Reason.FLOW_NOT_FOUND:
                await self.declare_again(kind, namespace, get_str(body, "metadata", "name"))
