"""What Kubernetes has of a run, as the API shows it to whoever may read the run."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, make_id
from tests.support.cluster_api import ALICE, OPERATOR, Cluster, open_cluster_api
from tests.support.kube_objects import KubeObjects, ObjectsClient, RunInCluster
from towpath_operator.kube.errors import to_error
from towpath_operator.kube.run_objects import MOST, KubeRunObjects
from towpath_operator.services.kubernetes import Kubernetes


@pytest.fixture
def cluster() -> Cluster:
    """The operator may do what it does, Alice read runs in `default`."""
    cluster = Cluster()
    for resource in ("flows", "deployments", "flowruns", "workqueues"):
        for verb in ("get", "list", "update", "create", "delete"):
            cluster.grant(OPERATOR, verb, resource)
            cluster.grant(OPERATOR, verb, f"{resource}/status")
    cluster.grant(ALICE, "get", "flowruns", "default")
    return cluster


@pytest.fixture
def objects() -> KubeObjects:
    return KubeObjects()


@pytest.fixture
async def api(template: Path, tmp_path: Path, cluster: Cluster, objects: KubeObjects) -> AsyncGenerator[Api]:
    """An API in a cluster, called by the operator."""
    reads = KubeRunObjects(ObjectsClient(objects))
    async with open_cluster_api(template, tmp_path, cluster, who="operator", run_objects=reads) as opened:
        yield opened


async def start(api: Api, objects: KubeObjects) -> Any:
    """A run whose pod waits for its image."""
    await api.declare(flow="etl", deployment="dev", queue="default")
    run = await api.create_run(resource={"name": "run", "uid": "uid-run", "generation": 1})
    await api.claim()
    await api.launch(run, job="etl-dev-1")
    run = await api.get(f"/flow-runs/{run['id']}")
    made = RunInCluster(run)
    pod = made.make_pod("etl-dev-1")
    objects.flowruns.append(made.make_flow_run())
    objects.jobs.append(made.make_job("etl-dev-1"))
    objects.pods.append(pod)
    name = pod["metadata"]["name"]
    objects.events += [
        made.make_event("Pod", name, "Failed", "no such image", age=5, type="Warning", count=3),
        made.make_event("Job", "etl-dev-1", "SuccessfulCreate", f"Created pod: {name}", age=90),
        made.make_event("FlowRun", "run", "Launched", "Job etl-dev-1 was made.", age=91),
        made.make_event("Pod", "somebody-elses", "Killing", "not ours"),
    ]
    return run


async def look(api: Api, run: Any, who: str = "alice") -> Any:
    return await api.call("GET", f"/flow-runs/{run['id']}/kubernetes", headers={"Authorization": f"Bearer {who}"})


async def test_whoever_may_read_the_run_sees_its_objects(api: Api, objects: KubeObjects) -> None:
    shown = await look(api, await start(api, objects))
    assert (shown["in_cluster"], shown["problems"]) == (True, [])
    assert [event["reason"] for event in shown["flow_run"]["events"]] == ["Launched"]
    (attempt,) = shown["attempts"]
    assert attempt["job"]["name"] == "etl-dev-1"
    assert attempt["pods"][0]["containers"][0]["reason"] == "ImagePullBackOff"
    assert [(event["kind"], event["reason"]) for event in attempt["events"]] == [
        ("Job", "SuccessfulCreate"),
        ("Pod", "Failed"),
    ]
    assert "hunter2" not in str(shown)


async def test_who_may_not_read_the_run_sees_nothing_and_nothing_is_asked(
    api: Api, cluster: Cluster, objects: KubeObjects
) -> None:
    run = await start(api, objects)
    cluster.rights.discard((ALICE.user, "get", "flowruns", "default"))
    alice = {"Authorization": "Bearer alice"}
    await api.call("GET", f"/flow-runs/{run['id']}/kubernetes", 403, headers=alice)
    await api.call("GET", f"/flow-runs/{make_id()}/kubernetes", 404, headers=alice)
    assert objects.asked == []


async def test_only_the_runs_own_namespace_is_asked(api: Api, objects: KubeObjects) -> None:
    await look(api, await start(api, objects))
    assert {path.split("/namespaces/")[1].split("/")[0] for path in objects.asked} == {"default"}


async def test_events_remain_when_job_and_pod_are_gone(api: Api, objects: KubeObjects) -> None:
    run = await start(api, objects)
    objects.jobs.clear()
    objects.pods.clear()
    (attempt,) = (await look(api, run))["attempts"]
    assert (attempt["job"], attempt["pods"], attempt["pod_template"]) == (None, [], None)
    assert [event["reason"] for event in attempt["events"]] == ["SuccessfulCreate", "Failed"]


async def test_what_the_api_may_not_read_is_said_beside_the_rest(api: Api, objects: KubeObjects) -> None:
    run = await start(api, objects)
    objects.refused = {"events", "flowruns"}
    shown = await look(api, run)
    assert shown["attempts"][0]["pods"]
    assert len(shown["problems"]) == 2
    assert "does not let the API read events in namespace 'default'" in " ".join(shown["problems"])


class Away(ObjectsClient):
    """A Kubernetes that is not there."""

    async def _send(self, method: str, path: str, **options: Any) -> bytes:
        raise to_error(0, "ClientConnectorError('10.0.0.1')")


class Silent(ObjectsClient):
    """A Kubernetes that answers nothing."""

    async def _send(self, method: str, path: str, **options: Any) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_kubernetes_that_is_away_is_said_in_a_sentence(api: Api, objects: KubeObjects) -> None:
    run = await start(api, objects)
    api.hub.kubernetes = Kubernetes(KubeRunObjects(Away(objects)))
    shown = await look(api, run)
    assert shown["problems"]
    assert all("cannot be asked" in problem and "10.0.0.1" not in problem for problem in shown["problems"])
    assert [attempt["number"] for attempt in shown["attempts"]] == [1]


@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_a_kubernetes_that_is_silent_holds_nobody_up(api: Api, objects: KubeObjects, seconds: float) -> None:
    run = await start(api, objects)
    api.hub.kubernetes = Kubernetes(KubeRunObjects(Silent(objects)), seconds)
    assert (await look(api, run))["problems"] == [
        "Kubernetes did not tell everything in time: what is shown may not be all."
    ]


async def test_no_more_is_read_than_may_be_shown(objects: KubeObjects) -> None:
    made = RunInCluster({"id": "r", "namespace": "default"})
    objects.pods = [made.make_pod("job", name=f"pod-{number}") for number in range(MOST + 10)]
    found: Sequence[Any] = await KubeRunObjects(ObjectsClient(objects)).list_pods("default", "r")
    assert len(found) == MOST


@pytest.mark.parametrize("attempts", [0, 1])
async def test_without_a_cluster_the_answer_says_so(
    template: Path, tmp_path: Path, cluster: Cluster, attempts: int
) -> None:
    async with open_cluster_api(template, tmp_path, cluster, who="operator") as api:
        await api.declare()
        run = await api.create_run()
        if attempts:
            await api.claim()
        shown = await api.get(f"/flow-runs/{run['id']}/kubernetes")
    assert shown == {"in_cluster": False, "problems": [], "flow_run": None, "attempts": []}
