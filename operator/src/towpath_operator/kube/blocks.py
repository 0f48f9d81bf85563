"""Writes Block resources and Secrets for the API. Implements services.cluster_blocks.BlockResources.

Secrets are created and deleted, never read, listed, patched or replaced: the answers to the latter two would hold them.
"""

from collections.abc import Mapping
from typing import Any, Final

from towpath.contract.names import FIELD_MANAGER_API
from towpath_operator.domain.refusals import Forbidden, InvalidRequest, Refusal, ResourcesUnavailable
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import KubeConflict, KubeError, KubeNotFound, KubeRefused
from towpath_operator.kube.resources import TOWPATH, Resource

SECRETS: Final = Resource("/api/v1", "secrets")
BLOCKS: Final = TOWPATH["Block"]


class KubeBlocks:
    """Writes by the API's own rights, for callers whose rights were reviewed."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def find(self, namespace: str, name: str) -> Object | None:
        """The Block, if there is one."""
        try:
            return await self._client.find(BLOCKS, namespace, name)
        except KubeError as error:
            raise to_refusal(error, f"read Block {name!r}", namespace) from error

    async def apply(self, body: Mapping[str, Any]) -> Object:
        """Makes the Block, or makes it be as `body` says, whoever wrote its fields before."""
        metadata = body["metadata"]
        try:
            return await self._client.apply(BLOCKS, body, FIELD_MANAGER_API)
        except KubeError as error:
            raise to_refusal(error, f"write Block {metadata['name']!r}", metadata["namespace"]) from error

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Deletes the Block with this uid; nothing when it is gone."""
        try:
            await self._client.delete(BLOCKS, namespace, name, uid=uid)
        except (KubeNotFound, KubeConflict):
            return
        except KubeError as error:
            raise to_refusal(error, f"delete Block {name!r}", namespace) from error

    async def create_secret(self, body: Mapping[str, Any]) -> bool:
        """Makes the Secret. Whether it did: False when there is one of its name."""
        metadata = body["metadata"]
        try:
            await self._client.create(SECRETS, body, manager=FIELD_MANAGER_API)
        except KubeConflict:
            return False
        except KubeError as error:
            # Not from `error`, whose message may quote what was sent.
            raise to_refusal(error, f"create Secret {metadata['name']!r}", metadata["namespace"], quote=False) from None
        return True

    async def delete_secret(self, namespace: str, name: str) -> None:
        """Deletes the Secret; nothing when it is gone."""
        try:
            await self._client.delete(SECRETS, namespace, name)
        except KubeNotFound:
            return
        except KubeError as error:
            raise to_refusal(error, f"delete Secret {name!r}", namespace) from error


def to_refusal(error: KubeError, what: str, namespace: str, *, quote: bool = True) -> Refusal:
    """What the API answers when Kubernetes does not let it do `what`."""
    said = f": {error.message}" if quote else f" (status {error.status})"
    if isinstance(error, KubeRefused):
        if error.status == 403:
            return Forbidden(f"Kubernetes does not let the API {what} in namespace {namespace!r}{said}")
        return InvalidRequest(f"Kubernetes does not take it when the API would {what} in namespace {namespace!r}{said}")
    return ResourcesUnavailable(f"The API cannot {what} in namespace {namespace!r} now{said}")
