"""Pods that are lost by no fault of their flow: tried again within `infraRetries`, and Crashed with the reason beyond."""

import json

import pytest

from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import Document, Namespace, find_condition, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def running(namespace: Namespace) -> Namespace:
    """A namespace with runs under way whose pods are going to be lost."""
    namespace.apply_scenarios(SCENARIOS, {"stays": {"parameters": {"seconds": 600}}, "recovers": {"infraRetries": 1}})
    for name in ("stays.main", "recovers.main"):
        namespace.wait_condition("deployments.towpath.dev", name, "Ready")
    namespace.create_run("recovers.main", "evicted")
    namespace.create_run("stays.main", "evicted-once")
    namespace.create_run("stays.main", "job-deleted")
    return namespace


def find_pod(namespace: Namespace, run: str, attempt: int = 1) -> Document:
    """The pod of an attempt, once it runs."""
    namespace.wait_state(run, "Running")
    selector = f"towpath.dev/run-id={namespace.run_id(run)},towpath.dev/attempt={attempt}"
    (pod,) = namespace.list_all("pods", selector)
    return pod


def evict(namespace: Namespace, pod: Document) -> None:
    """What `kubectl drain` does to a pod."""
    name = pod["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace.name}}
    path = f"/api/v1/namespaces/{namespace.name}/pods/{name}/eviction"
    namespace.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def test_an_evicted_run_is_tried_again_in_another_job(running: Namespace) -> None:
    evict(running, find_pod(running, "evicted"))
    run = running.wait_condition("flowruns.towpath.dev", "evicted", "Succeeded")
    assert run["status"]["attempt"] == 2
    attempts = running.read_api(f"flow-runs/{running.run_id('evicted')}")["attempts"]
    assert [(a["outcome"], a["reason"]) for a in attempts][:1] == [("Infrastructure", "Evicted")]
    assert "AwaitingRetry" in running.states("evicted")
    assert len(running.jobs("evicted")) == 2


def test_an_evicted_run_without_retries_is_crashed_and_says_so(running: Namespace) -> None:
    evict(running, find_pod(running, "evicted-once"))
    run = running.wait_finished("evicted-once", 60)
    assert run["status"]["state"] == "Crashed"
    assert find_condition(run, "Succeeded")["reason"] == "Evicted"


def test_a_run_whose_job_is_deleted_is_crashed(running: Namespace) -> None:
    pod = find_pod(running, "job-deleted")
    (job,) = running.jobs("job-deleted")
    running.kubectl("delete", "job", job["metadata"]["name"], "--wait=false")
    run = running.wait_finished("job-deleted", 60)
    assert run["status"]["state"] == "Crashed"
    assert find_condition(run, "Succeeded")["reason"] in ("JobDeleted", "PodDeleted")
    wait_for("the pod's end", lambda: running.find("pod", pod["metadata"]["name"]) is None)
