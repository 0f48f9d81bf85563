"""What is declared through the API in a cluster: resources are written for callers who may, and are what was put, no more."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.api_server import ApiServer, Guillotine, MemoryKube
from tests.support.cluster_api import ALICE, Cluster, open_cluster_api
from towpath_operator.kube.declared import KubeDeclared
from towpath_operator.kube.errors import to_error
from towpath_operator.kube.resources import TOWPATH

DEPLOYMENTS = TOWPATH["Deployment"]
FLOWS = TOWPATH["Flow"]
CRON = [{"name": "default", "cron": "0 6 * * *"}]


def _refuse_nothing(method: str, path: str) -> int:
    return 0


class RefusingKube(MemoryKube):
    """Refuses what it is told to."""

    refuse: Callable[[str, str], int] = staticmethod(_refuse_nothing)

    async def _send(self, method: str, path: str, **options: Any) -> bytes:
        status = self.refuse(method, path)
        if status:
            raise to_error(status, "not so")
        return await super()._send(method, path, **options)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def kube(server: ApiServer) -> RefusingKube:
    return RefusingKube(server, Guillotine())


@pytest.fixture
def cluster() -> Cluster:
    """Alice may declare flows, deployments and queues in `default`."""
    cluster = Cluster()
    for verb in ("get", "list", "update", "delete"):
        for resource in ("flows", "deployments", "workqueues", "concurrencylimits"):
            cluster.grant(ALICE, verb, resource, "default")
    return cluster


@pytest.fixture
async def api(template: Path, tmp_path: Path, cluster: Cluster, kube: RefusingKube) -> AsyncGenerator[Api]:
    """An API in a cluster, called by Alice."""
    async with open_cluster_api(template, tmp_path, cluster, declared_resources=KubeDeclared(kube)) as opened:
        yield opened


async def declare(api: Api, status: int = 200, name: str = "daily", **spec: Any) -> Any:
    return await api.put("/deployments", {"name": name, "spec": {"flow": "etl", **spec}}, status)


@pytest.fixture
async def flow(api: Api) -> Any:
    return await api.put("/flows", {"name": "etl", "spec": {"entrypoint": "etl.py:etl"}})


async def test_what_is_declared_is_a_resource_and_the_read_model_has_it_at_once(
    api: Api, server: ApiServer, flow: Any
) -> None:
    declared = await declare(api, name="Every Day", schedules=CRON)
    found = server.find(DEPLOYMENTS, "default", "etl.every-day")
    assert found is not None
    assert found["spec"] == {"name": "Every Day", "flow": "etl", "schedules": CRON}
    assert declared["resource"] == {"name": "etl.every-day", "uid": found["metadata"]["uid"], "generation": 1}
    assert (await api.get(f"/deployments/{declared['id']}"))["full_name"] == "etl/Every Day"
    assert flow["resource"]["name"] == "etl"
    limit = await api.put("/concurrency-limits", {"name": "db", "spec": {"tag": "db", "limit": 2}})
    assert limit["resource"]["name"] == "db"


async def test_what_is_put_again_replaces_whoever_wrote_the_fields_before(
    api: Api, server: ApiServer, flow: Any
) -> None:
    first = await declare(api, schedules=CRON, tags=["a"])
    path = DEPLOYMENTS.path("default", "etl.daily")
    server.patch(path, {"spec": {"timeoutSeconds": 60, "podTemplate": {"metadata": {"labels": {"team": "a"}}}}})
    again = await declare(api, paused=True)
    found = server.find(DEPLOYMENTS, "default", "etl.daily")
    assert found is not None
    assert found["spec"] == {"flow": "etl", "paused": True}
    assert again["id"] == first["id"]
    assert again["resource"]["generation"] == found["metadata"]["generation"]


@pytest.mark.parametrize(
    ("spec", "code", "says"),
    [
        ({"schedules": [{"name": "a", "cron": "0 6 30 2 *"}]}, "invalid_schedule", "spec.schedules.0.cron"),
        ({"flow": "unknown"}, "flow_not_found", "There is no flow 'unknown'"),
    ],
)
async def test_what_the_api_would_not_take_is_never_written(
    api: Api, server: ApiServer, flow: Any, spec: dict[str, Any], code: str, says: str
) -> None:
    refused = await declare(api, 422, **spec)
    assert refused["code"] == code
    assert says in refused["detail"]
    assert server.all_of(DEPLOYMENTS) == []
    assert (await api.get("/deployments", namespace="default"))["items"] == []


async def test_what_kubernetes_refuses_is_not_noted(api: Api, kube: RefusingKube, flow: Any) -> None:
    kube.refuse = lambda method, path: 422 if method == "PATCH" else 0
    assert "Kubernetes does not take it" in (await declare(api, 422))["detail"]
    kube.refuse = lambda method, path: 500 if method == "PATCH" else 0
    await declare(api, 503)
    assert (await api.get("/deployments", namespace="default"))["items"] == []


async def test_what_a_repository_keeps_stays_as_it_is(api: Api, server: ApiServer, flow: Any) -> None:
    declared = await declare(api)
    path = DEPLOYMENTS.path("default", "etl.daily")
    server.patch(path, {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}})
    assert "Flux keeps Deployment 'etl.daily'" in (await declare(api, 409, paused=True))["detail"]
    await api.call("DELETE", f"/deployments/{declared['id']}?resource=true", 409)
    assert server.find(DEPLOYMENTS, "default", "etl.daily") is not None


async def test_a_name_with_the_same_resource_name_is_refused(api: Api, server: ApiServer, flow: Any) -> None:
    await declare(api, name="Every Day")
    assert (await declare(api, 409, name="every day"))["code"] == "name_taken"


async def test_who_may_not_writes_nothing(api: Api, server: ApiServer, cluster: Cluster, flow: Any) -> None:
    cluster.rights.discard((ALICE.user, "update", "deployments", "default"))
    cluster.now += 3600
    assert "You may not update deployments.towpath.dev" in (await declare(api, 403))["detail"]
    await api.put("/flows", {"namespace": "other", "name": "x", "spec": {"entrypoint": "x.py:x"}}, 403)
    assert server.all_of(DEPLOYMENTS) == []


async def test_a_deployment_is_deleted_with_its_resource_when_that_is_asked_for(
    api: Api, server: ApiServer, flow: Any
) -> None:
    declared = await declare(api)
    await api.call("DELETE", f"/deployments/{declared['id']}", 403)  # the operator's way: who may write its status
    await api.call("DELETE", f"/deployments/{declared['id']}?resource=true", 204)
    assert server.all_of(DEPLOYMENTS) == []
    assert (await api.get("/deployments", namespace="default"))["items"] == []
