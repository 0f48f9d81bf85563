"""A Kubernetes API server in memory, beneath the operator's own client: for tests that end the operator between two writes.

It keeps what matters to them: conflicts, applying, resource versions, merge patches, the status subresource, finalizers, preconditions.
The end-to-end tests use a real one.
"""

import json
from collections.abc import Mapping
from typing import Any
from unittest.mock import Mock
from urllib.parse import unquote

from kubernetes.aio import client

from tests.support.operator import NOW, stamp
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import to_error
from towpath_operator.kube.resources import FLOW_RUNS, JOBS, Resource


class Killed(BaseException):
    """The operator's process ended here."""


class Guillotine:
    """Ends the operator at one of its writes: either just before it, or just after it took effect.

    Args:
        at: the number of the write, from 1; None for never.
        after: whether the write takes effect.
    """

    def __init__(self, at: int | None = None, *, after: bool = True) -> None:
        self.writes = 0
        self._at = at
        self._after = after

    @property
    def fell(self) -> bool:
        """Whether there was such a write."""
        return self._at is not None and self.writes >= self._at

    def before_write(self) -> None:
        """A write is about to be made."""
        self.writes += 1
        if self.writes == self._at and not self._after:
            raise Killed

    def after_write(self) -> None:
        """A write was made, and its answer has not arrived."""
        if self.writes == self._at and self._after:
            raise Killed


class ApiServer:
    """The objects, by the path of each."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.created: list[str] = []
        self._version = 100

    def all_of(self, resource: Resource) -> list[Object]:
        """The objects of a kind."""
        infix = f"/{resource.plural}/"
        return [body for path, body in self.objects.items() if path.startswith(resource.base) and infix in path]

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One object."""
        return self.objects.get(resource.path(namespace, name))

    def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Make an object in the collection `path`."""
        made: Object = json.loads(json.dumps(body))
        name = f"{path}/{made['metadata']['name']}"
        if name in self.objects:
            raise to_error(409, f"{name} already exists")
        made["metadata"] |= {"uid": f"uid-{len(self.created)}", "generation": 1, "creationTimestamp": stamp(NOW)}
        self.created.append(name)
        return self.keep(name, made)

    def patch(self, path: str, patch: Mapping[str, Any]) -> Object:
        """Merge a patch into an object, or into its status."""
        path, _, part = path.partition("/status")
        del part
        body = self.objects.get(path)
        if body is None:
            raise to_error(404, f"{path} not found")
        metadata = dict(patch.get("metadata", {}))
        if metadata.get("uid", body["metadata"]["uid"]) != body["metadata"]["uid"]:
            raise to_error(409, "the uid differs")
        version = metadata.pop("resourceVersion", body["metadata"]["resourceVersion"])
        if version != body["metadata"]["resourceVersion"]:
            raise to_error(409, "the object has been modified")
        merged = _merge(body, {**patch, "metadata": metadata})
        if merged["metadata"].get("deletionTimestamp") and not merged["metadata"].get("finalizers"):
            del self.objects[path]
            return merged
        return self.keep(path, merged)

    def apply(self, path: str, body: Mapping[str, Any]) -> Object:
        """Make an object, or replace the spec of the one that is there, as a server-side apply of all its fields does."""
        found = self.objects.get(path)
        if found is None:
            return self.create(path.rsplit("/", 1)[0], body)
        changed = _merge(found, {"metadata": body["metadata"]}) | {"spec": json.loads(json.dumps(body["spec"]))}
        if changed["spec"] != found["spec"]:
            changed["metadata"]["generation"] += 1
        return self.keep(path, changed)

    def delete(self, path: str) -> None:
        """Delete an object, or mark it for deletion if it has finalizers."""
        body = self.objects.get(path)
        if body is None:
            raise to_error(404, f"{path} not found")
        if body["metadata"].get("finalizers"):
            body["metadata"]["deletionTimestamp"] = stamp(NOW)
            self.keep(path, body)
        else:
            del self.objects[path]

    def keep(self, path: str, body: Object) -> Object:
        """Store an object under a new version. Returns a copy."""
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = body
        return json.loads(json.dumps(body))


class MemoryKube(KubeClient):
    """The operator's client of an ApiServer."""

    def __init__(self, server: ApiServer, guillotine: Guillotine) -> None:
        super().__init__(Mock(spec=client.ApiClient))
        self._server = server
        self._guillotine = guillotine

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        if method == "GET":
            return json.dumps(self._read(unquote(path))).encode()
        if path.endswith("/events"):
            return b"{}"
        self._guillotine.before_write()
        answer = self._write(method, unquote(path), body or {})
        self._guillotine.after_write()
        return json.dumps(answer).encode()

    def _read(self, path: str) -> Object:
        if (body := self._server.objects.get(path)) is not None:
            return body
        if path.rsplit("/", 1)[1] in (FLOW_RUNS.plural, JOBS.plural, "pods", "events"):
            return {"items": [body for name, body in self._server.objects.items() if name.startswith(path)]}
        raise to_error(404, f"{path} not found")

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Object:
        match method:
            case "POST":
                return self._server.create(path, body)
            case "PATCH" if body.get("apiVersion"):
                return self._server.apply(path, body)
            case "PATCH":
                return self._server.patch(path, body)
            case "DELETE":
                self._server.delete(path)
                return {}
            case _:
                raise to_error(405, method)


def _merge(base: Any, patch: Mapping[str, Any]) -> Object:
    merged: Object = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merge(merged.get(key), value)
        else:
            merged[key] = value
    return merged
