"""People at a cluster's API: a token by `towpath login`, a cookie for browsers, what one may, and what one hears."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev.cluster.access import Environment
from dev.cluster.demonstration import reach_api
from tests.support.cluster import ACCOUNT, Namespace, make_document, wait_for
from towpath.contract.sessions import CSRF_HEADER

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def address(env: Environment) -> Iterator[str]:
    """Where the API is reached, ending in `/api`."""
    with reach_api(env) as reached:
        yield f"{reached}/api"


def towpath(namespace: Namespace, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, with kubectl on the PATH and the cluster's kubeconfig."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    environment |= namespace.env.variables | {"TOWPATH_HOME": str(home)}
    command = [sys.executable, "-c", "from towpath.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_person_logs_in_and_sees_what_the_account_may(namespace: Namespace, address: str, tmp_path: Path) -> None:
    namespace.apply(make_document("Flow", "seen", {"entrypoint": "flows.py:seen"}))
    namespace.wait_condition("flows.towpath.dev", "seen", "Ready")
    done = towpath(namespace, tmp_path, "login", ACCOUNT, "-n", namespace.name, "--duration", "1h", "--url", address)
    assert done.returncode == 0, done.stderr
    assert f"as 'system:serviceaccount:{namespace.name}:{ACCOUNT}'" in done.stdout
    listed = towpath(namespace, tmp_path, "flow", "ls", "-n", namespace.name, "-o", "json")
    assert [flow["name"] for flow in json.loads(listed.stdout)] == ["seen"]
    elsewhere = towpath(namespace, tmp_path, "flow", "ls", "-n", "kube-system")
    assert "You may not list flows.towpath.dev in namespace 'kube-system'" in elsewhere.stderr
    assert towpath(namespace, tmp_path, "logout").returncode == 0
    assert "token" in towpath(namespace, tmp_path, "flow", "ls", "-n", namespace.name).stderr


def test_an_account_that_is_not_there_is_said_by_kubectl(namespace: Namespace, address: str, tmp_path: Path) -> None:
    done = towpath(namespace, tmp_path, "login", "nobody", "-n", namespace.name, "--url", address)
    assert done.returncode == 1
    assert 'serviceaccounts "nobody" not found' in done.stderr


def test_a_browser_trades_the_token_for_a_cookie(namespace: Namespace, address: str) -> None:
    with httpx.Client(trust_env=False, timeout=30) as browser:
        begun = browser.post(f"{address}/session", headers={"Authorization": f"Bearer {namespace.token}"})
        assert begun.status_code == 200, begun.text
        session = browser.get(f"{address}/session", params={"namespace": namespace.name}).json()
        assert (session["how"], session["everywhere"]) == ("cookie", {})
        (rights,) = session["namespaces"]
        assert rights["allowed"]["flowruns"] == ["list", "create", "update", "delete"]
        queue = {"namespace": namespace.name, "name": "by-hand", "spec": {}}
        assert browser.put(f"{address}/work-queues", json=queue).status_code == 403
        proof = {CSRF_HEADER: session["csrf_token"]}
        assert browser.put(f"{address}/work-queues", json=queue, headers=proof).status_code == 200
        wait_for("its resource", lambda: namespace.find("workqueues.towpath.dev", "by-hand"))
        assert browser.delete(f"{address}/session").status_code == 204
        assert browser.get(f"{address}/session").status_code == 401


def test_a_page_hears_of_what_is_applied(namespace: Namespace, address: str) -> None:
    headers = {"Authorization": f"Bearer {namespace.token}"}
    query = {"namespace": namespace.name, "kind": ["flow-runs", "work-queues"]}
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("GET", f"{address}/events", params=query, headers=headers) as stream,
    ):
        assert stream.status_code == 200
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: hello"
        namespace.apply(make_document("WorkQueue", "heard", {}))
        assert next(line for line in lines if line.startswith("event:")) == "event: work-queues"


def test_a_token_for_kubernetes_is_not_taken_unless_opted_into(namespace: Namespace, address: str) -> None:
    token = namespace.kubectl("create", "token", ACCOUNT).strip()
    answer = httpx.get(f"{address}/session", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
