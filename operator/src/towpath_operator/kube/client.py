"""The operator's calls to the Kubernetes API server, on raw dicts: models cost six times as much to read, on hot paths.

Called by the reconcilers and wiring. Built on the official asyncio client for its configuration, authentication (tokens
are read again as they rotate) and connections. Watching is kopf's business.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from towpath.contract.names import FIELD_MANAGER_OPERATOR
from towpath_operator.kube.errors import KubeNotFound, KubeUnavailable, to_error
from towpath_operator.kube.resources import Resource

Object = dict[str, Any]
Propagation = Literal["Foreground", "Background", "Orphan"]

_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"
_PAGE = 500
_SECONDS = 30.0
_CONNECTIONS = 64
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class KubeClient:
    """Reads and writes objects. Every call raises the KubeErrors of errors."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    @classmethod
    async def connect(cls) -> "KubeClient":
        """A client with the pod's ServiceAccount, else the current context of the kubeconfig."""
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = _CONNECTIONS
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        return cls(client.ApiClient(configuration))

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object."""
        return await self._json("GET", resource.path(namespace, name))

    async def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One object, None when there is none."""
        try:
            return await self.get(resource, namespace, name)
        except KubeNotFound:
            return None

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Object]:
        """All objects that match, page by page.

        Args:
            resource: the kind.
            namespace: where; None for everywhere.
            labels: a label selector.
            fields: a field selector.
            metadata_only: leaves out all but the metadata.
        """
        query = {"limit": str(_PAGE)}
        query |= {"labelSelector": labels} if labels else {}
        query |= {"fieldSelector": fields} if fields else {}
        headers = {"Accept": _METADATA_ONLY} if metadata_only else {}
        while True:
            page = await self._json("GET", resource.path(namespace), query=query, headers=headers)
            for item in page.get("items") or []:  # null for an empty list of metadata
                yield item
            token = page.get("metadata", {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def create(
        self, resource: Resource, body: Mapping[str, Any], *, manager: str = FIELD_MANAGER_OPERATOR
    ) -> Object:
        """Make an object, which names its namespace."""
        path = resource.path(body["metadata"]["namespace"])
        return await self._json("POST", path, body=body, query={"fieldManager": manager})

    async def apply(self, resource: Resource, body: Mapping[str, Any], manager: str) -> Object:
        """Make the object, or its fields as `body` has them, by server-side apply; takes them over from other managers."""
        metadata = body["metadata"]
        return await self._json(
            "PATCH",
            resource.path(metadata["namespace"], metadata["name"]),
            body=body,
            query={"fieldManager": manager, "force": "true"},
            headers={"Content-Type": _APPLY_PATCH},
        )

    async def review(self, resource: Resource, body: Mapping[str, Any]) -> Object:
        """Ask for a review: an object without a namespace whose answer is in its status, and which is not kept."""
        return await self._json("POST", resource.path(), body=body)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str | None = None,
        manager: str = FIELD_MANAGER_OPERATOR,
    ) -> Object:
        """Apply a JSON merge patch. One that carries metadata.resourceVersion fails on an object that changed since."""
        path = resource.path(namespace, name, subresource)
        headers = {"Content-Type": _MERGE_PATCH}
        return await self._json("PATCH", path, body=patch, query={"fieldManager": manager}, headers=headers)

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        """Delete an object; one that is gone already is fine. With `uid`, only the one that has it."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._json("DELETE", resource.path(namespace, name), body=options)
        except KubeNotFound:
            return

    async def read_log(self, resource: Resource, namespace: str, pod: str, container: str, lines: int) -> str:
        """The last lines that a container printed, each with its time in front."""
        query = {"container": container, "tailLines": str(lines), "timestamps": "true", "limitBytes": "1000000"}
        content = await self._send("GET", resource.path(namespace, pod, "log"), query=query)
        return content.decode(errors="replace")

    async def _json(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        content = await self._send(method, path, body=body, query=query, headers=headers)
        try:
            return cast(Object, json.loads(content))
        except ValueError as error:
            raise KubeUnavailable(0, f"The Kubernetes API server's answer cannot be read: {error}") from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        url = self._api.configuration.host + quote(path) + (f"?{urlencode(query)}" if query else "")
        sent = {"Accept": "application/json", "Content-Type": "application/json"} | dict(headers or {})
        try:
            await self._api.update_params_for_auth(sent, [], ["BearerToken"], path, method, body)
            answer = await self._api.call_api(
                method, url, header_params=sent, body=body, _request_timeout=aiohttp.ClientTimeout(total=_SECONDS)
            )
            content: bytes = await answer.read()
        except ApiException as error:
            raise to_error(error.status or 0, _message(error.body) or str(error.reason)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeUnavailable(0, f"The Kubernetes API server does not answer: {error!r}") from error
        if not 200 <= answer.status < 300:
            raise to_error(answer.status, _message(content) or str(answer.reason))
        return content


def _message(content: bytes | str | None) -> str:
    if not content:
        return ""
    text = content.decode(errors="replace") if isinstance(content, bytes) else content
    try:
        status = json.loads(text)
    except ValueError:
        return text[:500]
    return str(status.get("message", text[:500])) if isinstance(status, dict) else text[:500]
