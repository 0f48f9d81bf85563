"""Kubernetes objects of a run as an API server sends them, and an API server that answers with them, in memory or over HTTP.

It reads alone: lists with label and field selectors, one object by name, and the reviews of callers. For what an API process shows of
the cluster; the end-to-end tests ask a real one.
"""

import contextlib
import json
import threading
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qsl, unquote, urlsplit

from kubernetes.aio import client

from towpath.contract import names
from towpath_operator.kube.client import KubeClient
from towpath_operator.kube.errors import to_error

Document = dict[str, Any]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PULL_MESSAGE = 'Back-off pulling image "registry.invalid/etl:missing"'


def stamp(seconds_ago: float = 0, now: datetime = NOW) -> str:
    """A time as Kubernetes writes it."""
    return (now - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def make_template(**container: Any) -> Document:
    """The template of a flow's pod, as the operator makes it."""
    flow = {
        "name": names.FLOW_CONTAINER,
        "image": "registry.invalid/etl:missing",
        "command": ["python", "-m", "towpath.runner"],
    }
    env = [{"name": "DATABASE_URL", "value": "postgresql://u:hunter2@db/x"}, {"name": "TOWPATH_ATTEMPT", "value": "1"}]
    return {
        "metadata": {"labels": {}},
        "spec": {"containers": [flow | {"env": env} | container], "restartPolicy": "Never"},
    }


class RunInCluster:
    """Builds the objects of one run, whose FlowRun is `flow_run`.

    Args:
        run: as the API tells of it: its id, namespace and the names of its Jobs.
        now: what ages are counted from.
    """

    def __init__(self, run: Mapping[str, Any], flow_run: str = "run", now: datetime = NOW) -> None:
        self.id = str(run["id"])
        self.namespace = str(run["namespace"])
        self.flow_run = flow_run
        self.now = now

    def _metadata(self, name: str, age: float, owner: tuple[str, str, str] | None, attempt: int) -> Document:
        kind, owner_name, owner_uid = owner or ("", "", "")
        owners = [{"kind": kind, "name": owner_name, "uid": owner_uid, "controller": True}] if owner else []
        return {
            "namespace": self.namespace,
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(age, self.now),
            "labels": {names.LABEL_RUN_ID: self.id} | ({names.LABEL_ATTEMPT: str(attempt)} if attempt else {}),
            "ownerReferences": owners,
        }

    def make_flow_run(self, **status: Any) -> Document:
        """The FlowRun."""
        waits = {"type": "Finished", "status": "False", "reason": "Pending", "message": "The pod does not start yet."}
        told = {"runId": self.id, "conditions": [waits | {"lastTransitionTime": stamp(80, self.now)}]} | status
        return {"kind": "FlowRun", "metadata": self._metadata(self.flow_run, 100, None, 0), "status": told}

    def make_job(self, name: str, attempt: int = 1, template: Document | None = None, **status: Any) -> Document:
        """The Job of an attempt."""
        owner = ("FlowRun", self.flow_run, f"uid-{self.flow_run}")
        return {
            "kind": "Job",
            "metadata": self._metadata(name, 90, owner, attempt),
            "spec": {"template": template or make_template()},
            "status": {"active": 1, "startTime": stamp(90, self.now)} | status,
        }

    def make_pod(
        self,
        job: str,
        attempt: int = 1,
        *,
        name: str = "",
        state: Document | None = None,
        phase: str = "Pending",
        **status: Any,
    ) -> Document:
        """The pod of an attempt; `state` is its container's, without it the image cannot be pulled."""
        container = {
            "name": names.FLOW_CONTAINER,
            "image": "registry.invalid/etl:missing",
            "ready": False,
            "restartCount": 0,
            "state": state or {"waiting": {"reason": "ImagePullBackOff", "message": PULL_MESSAGE}},
        }
        conditions = [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(89, self.now)},
            {
                "type": "Ready",
                "status": "False",
                "reason": "ContainersNotReady",
                "message": "containers with unready status: [flow]",
                "lastTransitionTime": stamp(89, self.now),
            },
        ]
        return {
            "kind": "Pod",
            "metadata": self._metadata(name or f"{job}-x7k2p", 89, ("Job", job, f"uid-{job}"), attempt),
            "spec": make_template()["spec"] | {"nodeName": "worker-1"},
            "status": {"phase": phase, "conditions": conditions, "containerStatuses": [container]} | status,
        }

    def make_event(
        self, kind: str, name: str, reason: str, message: str, *, age: float = 60, **fields: Any
    ) -> Document:
        """An event about an object."""
        given: Document = {"type": "Normal", "count": 1, "source": {"component": "kubelet"}} | fields
        times = {"firstTimestamp": stamp(given.pop("first", age), self.now), "lastTimestamp": stamp(age, self.now)}
        metadata = self._metadata(f"{name}.{reason.lower()}.{int(age)}", age, None, 0) | {"labels": {}}
        about = {"kind": kind, "name": name, "namespace": self.namespace, "uid": f"uid-{name}"}
        return {"metadata": metadata, "involvedObject": about, "reason": reason, "message": message} | times | given


class KubeObjects:
    """The objects, by kind in the plural.

    Attributes:
        refused: of the kinds, which may not be read.
        asked: the paths that were read.
    """

    def __init__(self) -> None:
        self.flowruns: list[Document] = []
        self.jobs: list[Document] = []
        self.pods: list[Document] = []
        self.events: list[Document] = []
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def answer(self, method: str, path: str, query: Mapping[str, str]) -> tuple[int, Document]:
        """The status and the body of an answer."""
        if method == "POST":
            return 201, _review(path)
        self.asked.append(path)
        parts = path.strip("/").split("/")
        namespace, plural = parts[parts.index("namespaces") + 1], parts[parts.index("namespaces") + 2]
        if plural in self.refused:
            return 403, {"message": f"{plural} is forbidden"}
        found = [one for one in getattr(self, plural) if one["metadata"]["namespace"] == namespace]
        if parts[-1] != plural:
            named = [one for one in found if one["metadata"]["name"] == parts[-1]]
            return (200, named[0]) if named else (404, {"message": f"{parts[-1]} not found"})
        wanted = [*_pairs(query.get("labelSelector", "")), *_pairs(query.get("fieldSelector", ""))]
        return 200, {"items": [one for one in found if all(_matches(one, *pair) for pair in wanted)]}


def _pairs(selector: str) -> list[Sequence[str]]:
    return [part.split("=", 1) for part in selector.split(",") if part]


def _matches(body: Document, name: str, value: str) -> bool:
    first, _, second = name.partition(".")
    return value in (body.get(first, {}).get(second), body["metadata"]["labels"].get(name))


def _review(path: str) -> Document:
    """Everybody is the operator, who may do everything."""
    if path.endswith("tokenreviews"):
        user = {"username": "system:serviceaccount:towpath:operator", "uid": "1"}
        return {"status": {"authenticated": True, "audiences": [names.API_AUDIENCE], "user": user}}
    return {"status": {"allowed": True}}


class ObjectsClient(KubeClient):
    """A client of KubeObjects, without a network."""

    def __init__(self, objects: KubeObjects) -> None:
        super().__init__(Mock(spec=client.ApiClient))
        self._objects = objects

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        status, answer = self._objects.answer(method, path, query or {})
        if status >= 400:
            raise to_error(status, str(answer["message"]))
        return json.dumps(answer).encode()


@contextlib.contextmanager
def serving_objects(objects: KubeObjects, folder: Path) -> Generator[Path]:
    """A kubeconfig of a server on loopback that answers with the objects, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            status, body = objects.answer(self.command, unquote(address.path), dict(parse_qsl(address.query)))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield _write_kubeconfig(folder, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def _write_kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {"token": "test"}}],
    }
    path.write_text(json.dumps(config))
    return path
