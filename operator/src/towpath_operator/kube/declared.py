"""Writes the resources that declare things, for the API. Implements services.resource_writing.DeclaredResources."""

from collections.abc import Mapping
from typing import Any

from towpath.contract.names import FIELD_MANAGER_API
from towpath.contract.resources.base import Kind
from towpath_operator.kube.blocks import to_refusal
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import KubeConflict, KubeError, KubeNotFound
from towpath_operator.kube.resources import TOWPATH


class KubeDeclared:
    """Writes by the API's own rights, for callers whose rights were reviewed."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The resource, if there is one."""
        try:
            return await self._client.find(TOWPATH[kind.kind], namespace, name)
        except KubeError as error:
            raise to_refusal(error, f"read {kind.kind} {name!r}", namespace) from error

    async def apply(self, kind: Kind, body: Mapping[str, Any]) -> Object:
        """Makes the resource, or its fields as `body` has them, whoever wrote them before."""
        metadata = body["metadata"]
        try:
            return await self._client.apply(TOWPATH[kind.kind], body, FIELD_MANAGER_API)
        except KubeError as error:
            raise to_refusal(error, f"write {kind.kind} {metadata['name']!r}", metadata["namespace"]) from error

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any]) -> Object:
        """Changes the resource."""
        try:
            return await self._client.patch(TOWPATH[kind.kind], namespace, name, patch, manager=FIELD_MANAGER_API)
        except KubeError as error:
            raise to_refusal(error, f"write {kind.kind} {name!r}", namespace) from error

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Deletes the resource with this uid; nothing when it is gone."""
        try:
            await self._client.delete(TOWPATH[kind.kind], namespace, name, uid=uid)
        except (KubeNotFound, KubeConflict):
            return
        except KubeError as error:
            raise to_refusal(error, f"delete {kind.kind} {name!r}", namespace) from error
