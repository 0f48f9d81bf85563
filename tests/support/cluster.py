"""A namespace of the development cluster for end-to-end tests: manifests in, runs waited for, the API read as a person would.

Everything goes through kubectl, as it does for users. Built on dev.cluster; the fixtures are in tests/e2e/conftest.py.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from dev.cluster.access import Environment
from dev.cluster.demonstration import reach_api
from dev.cluster.installing import NAMESPACE as SYSTEM_NAMESPACE
from towpath.contract.names import API_AUDIENCE, API_VERSION

T = TypeVar("T")
Document = dict[str, Any]

ACCOUNT = "tester"
RUN_SECONDS = 120
FLOWS_FOLDER = "/opt/scenarios"


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 60) -> T:
    """What `look` returns once it returns something true. Fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.2)


def make_document(kind: str, name: str, spec: Mapping[str, Any]) -> Document:
    """A Towpath manifest."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


class ApiAccess:
    """The API as it is reached from here, found again when the way to it has changed (the chart was installed anew)."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._way = ExitStack()
        self._address = ""

    def get(self, path: str, token: str, query: Mapping[str, str]) -> httpx.Response:
        """The API's answer to a GET below `/api`."""
        try:
            return self._get(path, token, query)
        except httpx.TransportError:
            self.close()
            return self._get(path, token, query)

    def url(self) -> str:
        """The API's address, without `/api`, until the chart is installed anew."""
        if not self._address:
            self._address = self._way.enter_context(reach_api(self._env))
        return self._address

    def _get(self, path: str, token: str, query: Mapping[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        timeout = httpx.Timeout(30, connect=5)
        url = f"{self.url()}/api/{path}"
        return httpx.get(url, params=dict(query), headers=headers, timeout=timeout, trust_env=False)

    def close(self) -> None:
        """Close the way to it."""
        self._way.close()
        self._address = ""


@dataclass
class Namespace:
    """One namespace of the cluster.

    Attributes:
        env: the cluster.
        name: the namespace.
        api: where the API is reached.
        token: of an account with the cluster's roles `edit` and `view` in the namespace.
    """

    env: Environment
    name: str
    api: ApiAccess
    token: str

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True, timeout: float = 180) -> str:
        """What kubectl prints, in this namespace."""
        return self.env.run_kubectl("-n", self.name, *args, stdin=stdin, check=check, timeout=timeout)

    def refused(self, *args: str, stdin: str) -> str:
        """What kubectl says on its standard error when it is refused, which it must be."""
        argv = [str(self.env.bin / "kubectl"), "-n", self.name, *args]
        done = subprocess.run(
            argv, input=stdin, env=os.environ | self.env.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0, f"{' '.join(args)} was not refused: {done.stdout}"
        return done.stderr

    def apply(self, *documents: Document) -> None:
        """Apply manifests at once."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def get(self, kind: str, name: str) -> Document:
        """One object."""
        return json.loads(self.kubectl("get", kind, name, "-o", "json"))

    def find(self, kind: str, name: str) -> Document | None:
        """One object, None when there is none."""
        found = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(found) if found.strip() else None

    def list_all(self, kind: str, selector: str = "") -> list[Document]:
        """All objects of a kind."""
        args = ["get", kind, "-o", "json", *(["-l", selector] if selector else [])]
        return json.loads(self.kubectl(*args))["items"]

    def create_run(self, deployment: str, name: str, **spec: Any) -> str:
        """A FlowRun made with `kubectl create -f`. Returns its name."""
        document = make_document("FlowRun", name, {"deployment": deployment, **spec})
        self.kubectl("create", "-f", "-", stdin=json.dumps(document))
        return name

    def wait_condition(self, kind: str, name: str, condition: str, seconds: int = RUN_SECONDS) -> Document:
        """The object once its condition is as asked: `Ready` for True, `Ready=False` for False."""
        args = ("wait", f"--for=condition={condition}", f"{kind}/{name}", f"--timeout={seconds}s")
        try:
            self.kubectl(*args, timeout=seconds + 30)
        except Exception as error:
            raise AssertionError(f"{error}\n{self.kubectl('describe', kind, name, check=False)}") from error
        return self.get(kind, name)

    def wait_finished(self, name: str, seconds: int = RUN_SECONDS) -> Document:
        """The FlowRun once it has ended, however that was."""
        return self.wait_condition("flowruns.towpath.dev", name, "Finished", seconds)

    def wait_state(self, name: str, state: str, seconds: int = 60) -> Document:
        """The FlowRun once it is in a state."""
        self.kubectl(
            "wait",
            f"--for=jsonpath={{.status.state}}={state}",
            f"flowruns.towpath.dev/{name}",
            f"--timeout={seconds}s",
        )
        return self.get("flowruns.towpath.dev", name)

    def read_api(self, path: str, **query: str) -> Any:
        """What the API answers, asked with the account's token."""
        answer = self.api.get(path, self.token, query)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def run_id(self, name: str) -> str:
        """The API's id of a FlowRun's run."""
        return self.get("flowruns.towpath.dev", name)["status"]["runId"]

    def states(self, name: str) -> list[str]:
        """The names of the states that the run went through, as applied."""
        states = self.read_api(f"flow-runs/{self.run_id(name)}/states")["items"]
        return [state["name"] for state in states if state["applied"]]

    def logs(self, name: str) -> list[str]:
        """The messages of the run's log."""
        items = self.read_api("logs", flow_run_id=self.run_id(name), limit="200")["items"]
        return [item["message"] for item in items]

    def task_runs(self, name: str) -> list[Document]:
        """The run's task runs."""
        return self.read_api("task-runs", flow_run_id=self.run_id(name), namespace=self.name)["items"]

    def jobs(self, name: str) -> list[Document]:
        """The Jobs of a FlowRun."""
        uid = self.get("flowruns.towpath.dev", name)["metadata"]["uid"]
        jobs = self.list_all("jobs")
        return [job for job in jobs if any(o["uid"] == uid for o in job["metadata"].get("ownerReferences", []))]

    def apply_scenarios(self, file: Path, flows: Mapping[str, Mapping[str, Any]]) -> None:
        """Flows whose code is a file of the tests, brought by a ConfigMap, each with the deployment `<flow>.main`.

        Args:
            file: the Python file.
            flows: for each flow in it, what its Deployment says; `limits` are its container's.
        """
        code: Document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scenarios"}}
        self.apply(code | {"data": {file.name: file.read_text()}}, *self._scenario_documents(file, flows))

    def _scenario_documents(self, file: Path, flows: Mapping[str, Mapping[str, Any]]) -> Sequence[Document]:
        documents: list[Document] = []
        for flow, given in flows.items():
            spec = dict(given)
            container: Document = {"name": "flow", "workingDir": FLOWS_FOLDER}
            container["volumeMounts"] = [{"name": "scenarios", "mountPath": FLOWS_FOLDER}]
            if limits := spec.pop("limits", None):
                container["resources"] = {"limits": limits}
            volumes = [{"name": "scenarios", "configMap": {"name": "scenarios"}}]
            template = {"spec": {"containers": [container], "volumes": volumes}}
            entrypoint = f"{file.name}:{flow.replace('-', '_')}"
            documents.append(make_document("Flow", flow, {"entrypoint": entrypoint, "podTemplate": template}))
            documents.append(make_document("Deployment", f"{flow}.main", {"flow": flow, **spec}))
        return documents


def find_condition(document: Document, condition: str) -> Document:
    """A condition of an object; it must have it."""
    found = [one for one in document.get("status", {}).get("conditions", []) if one["type"] == condition]
    assert found, f"{document['metadata']['name']} has no condition {condition}: {document.get('status')}"
    return found[0]


def make_account(env: Environment, namespace: str) -> str:
    """A token for the API of an account that may view and edit in the namespace."""

    def bind(role: str) -> Document:
        rbac = "rbac.authorization.k8s.io"
        return {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{ACCOUNT}-{role}", "namespace": namespace},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        }

    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}}
    items = [account, bind("view"), bind("edit")]
    env.run_kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return env.run_kubectl("-n", namespace, "create", "token", ACCOUNT, "--audience", API_AUDIENCE).strip()


__all__ = [
    "SYSTEM_NAMESPACE",
    "ApiAccess",
    "Document",
    "Namespace",
    "find_condition",
    "make_account",
    "make_document",
    "wait_for",
]
