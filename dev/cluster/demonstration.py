"""The end of `make up`: applies examples/hello, runs it once, and shows what the API knows of the run.

Called by __main__. Reads the API as a person would, with a token of an account that may read runs in one namespace.
"""

import http.client
import json
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from dev.cluster.access import Environment
from dev.cluster.commands import wait_until
from dev.cluster.errors import ClusterError
from dev.cluster.installing import KIND_NODE_PORT, NAMESPACE
from dev.cluster.layout import CHECKOUT
from dev.cluster.progress import say, step

_EXAMPLE = CHECKOUT / "examples" / "hello"
_RUNS_IN = "default"
_READER = "towpath-dev-reader"
_RUN_SECONDS = 120
_CONTINUED = "\n" + " " * 17


def run_hello(env: Environment) -> None:
    """Apply the example, make one FlowRun of it, wait for its end, and print its state, its tasks and its log.

    Raises:
        ClusterError: The run did not end, or did not succeed.
    """
    if not (_EXAMPLE / "manifest.yaml").exists():
        say("this checkout has no examples/hello yet: nothing is run")
        return
    if (_EXAMPLE / "Dockerfile").exists():
        env.ensure_example_image(_EXAMPLE.name)
    with step("applying examples/hello"):
        env.run_kubectl("-n", _RUNS_IN, "apply", "-f", str(_EXAMPLE / "manifest.yaml"))
    with step("running it"):
        name = env.run_kubectl("-n", _RUNS_IN, "create", "-f", str(_EXAMPLE / "flowrun.yaml"), "-o", "name").strip()
        limit = f"--timeout={_RUN_SECONDS}s"
        try:
            env.run_kubectl("-n", _RUNS_IN, "wait", "--for=condition=Finished", name, limit, timeout=_RUN_SECONDS + 10)
        except ClusterError as error:
            said = env.run_kubectl("-n", _RUNS_IN, "describe", name, check=False)
            raise ClusterError(f"{name} did not finish within {_RUN_SECONDS} s:\n{said}") from error
    status: dict[str, Any] = json.loads(env.run_kubectl("-n", _RUNS_IN, "get", name, "-o", "json"))["status"]
    with reach_api(env) as address:
        _print_run(name, status, _Reader(address, _make_token(env)))
    if not any(one["type"] == "Succeeded" and one["status"] == "True" for one in status.get("conditions", [])):
        raise ClusterError(f"{name} ended as {status.get('state')}: {status.get('message', 'no message')}")


def api_address(env: Environment) -> str | None:
    """Where a browser on this machine finds the API and its pages; None where only a port-forward reaches it."""
    if env.backend == "kind":
        return f"http://127.0.0.1:{KIND_NODE_PORT}"
    if env.backend == "bare":
        name, port = _api_service(env)
        address = env.run_kubectl("-n", NAMESPACE, "get", "service", name, "-o", "jsonpath={.spec.clusterIP}")
        return f"http://{address.strip()}:{port}"
    return None


@contextmanager
def reach_api(env: Environment) -> Generator[str]:
    """The API's address, by a port-forward for as long as it is used if there is no other way."""
    address = api_address(env)
    if address is not None:
        yield address
        return
    name, port = _api_service(env)
    local = _free_port()
    argv = [str(env.bin / "kubectl"), "-n", NAMESPACE, "port-forward", f"service/{name}", f"{local}:{port}"]
    forward = subprocess.Popen(argv, env=env.variables, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(local), timeout=10)
        yield f"http://127.0.0.1:{local}"
    finally:
        forward.terminate()
        forward.wait()


class _Reader:
    """Reads lists of the API."""

    def __init__(self, address: str, token: str) -> None:
        self._address = urlsplit(address)
        self._headers = {"Authorization": f"Bearer {token}"}

    def read(self, path: str, **query: str) -> list[dict[str, Any]]:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=15)
        try:
            connection.request("GET", f"/api/{path}?{urlencode(query)}", headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ClusterError(
                f"the API answered {answer.status} for /api/{path}: {body[:500].decode(errors='replace')}"
            )
        return json.loads(body)["items"]


def _print_run(name: str, status: dict[str, Any], reader: _Reader) -> None:
    run_id = str(status["runId"])
    print(f"\n{name}: {status['state']} after {status.get('duration') or 'no time at all'}, run {run_id}\n")
    print("tasks, as the API tells them:")
    for task in reader.read("task-runs", flow_run_id=run_id, namespace=_RUNS_IN):
        state = task.get("state") or {}
        print(f"    {state.get('name', '?'):12} {task['name']}")
    print("log:")
    for line in reader.read("logs", flow_run_id=run_id, namespace=_RUNS_IN):
        print(f"    {line['time'][11:23]} {line['message'].replace(chr(10), _CONTINUED)}")


def _make_token(env: Environment) -> str:
    subject = {"kind": "ServiceAccount", "name": _READER, "namespace": _RUNS_IN}
    rbac = "rbac.authorization.k8s.io"
    documents: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "rules": [{"apiGroups": ["towpath.dev"], "resources": ["*"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": _READER},
            "subjects": [subject],
        },
    ]
    for document in documents:
        document["metadata"] = {"name": _READER, "namespace": _RUNS_IN}
    env.run_kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))
    return env.run_kubectl("-n", _RUNS_IN, "create", "token", _READER, "--audience", "towpath-api").strip()


def _api_service(env: Environment) -> tuple[str, int]:
    listed: dict[str, Any] = json.loads(env.run_kubectl("-n", NAMESPACE, "get", "services", "-o", "json"))
    for service in listed["items"]:
        for port in service["spec"]["ports"]:
            if port.get("name") == "http":
                return service["metadata"]["name"], int(port["port"])
    raise ClusterError(f"no Service in {NAMESPACE} has a port named http")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
