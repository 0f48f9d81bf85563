"""Blocks in a cluster: the API writes Block resources and Secrets for callers who may, and reads none of the latter."""

import base64
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.api_server import ApiServer, Guillotine, MemoryKube
from tests.support.cluster_api import ALICE, OPERATOR, Cluster, make_pod_identity, open_cluster_api
from towpath.contract.ids import uuid7
from towpath.contract.names import LABEL_ATTEMPT, LABEL_RUN_ID
from towpath_operator.domain.pod_owners import PodFacts
from towpath_operator.kube.blocks import BLOCKS, SECRETS, KubeBlocks
from towpath_operator.kube.errors import to_error

VALUE = "fourteen-barges"
SECRET = "towpath.secret.db.value"


class WatchedKube(MemoryKube):
    """Notes what is asked, and may refuse it."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server, Guillotine())
        self.asked: list[tuple[str, str]] = []
        self.refuse: Callable[[str, str], int] = lambda _, __: 0

    async def _send(self, method: str, path: str, **options: Any) -> bytes:
        self.asked.append((method, path))
        status = self.refuse(method, path)
        if status:
            raise to_error(status, f"no {VALUE}")
        return await super()._send(method, path, **options)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def kube(server: ApiServer) -> WatchedKube:
    return WatchedKube(server)


@pytest.fixture
def cluster() -> Cluster:
    """Alice may write blocks and secrets in `default`; the operator may write blocks' status everywhere."""
    cluster = Cluster()
    for verb in ("get", "list", "update", "delete"):
        cluster.grant(ALICE, verb, "blocks", "default")
        cluster.grant(OPERATOR, verb, "blocks/status")
        cluster.grant(OPERATOR, verb, "blocks")
    for verb in ("create", "delete"):
        cluster.grant(ALICE, verb, "secrets.core", "default")
    return cluster


@pytest.fixture
async def api(template: Path, tmp_path: Path, cluster: Cluster, kube: WatchedKube) -> AsyncGenerator[Api]:
    """An API in a cluster; Alice calls it unless a test says otherwise."""
    async with open_cluster_api(template, tmp_path, cluster, block_resources=KubeBlocks(kube)) as opened:
        yield opened


async def put_secret(api: Api, status: int = 200, query: str = "", **fields: Any) -> Any:
    body = {"name": "db", "spec": {"type": "secret"}, "secrets": {"value": VALUE}} | fields
    return await api.put(f"/blocks{query}", body, status)


def read_secret(server: ApiServer, name: str = SECRET) -> str | None:
    found = server.find(SECRETS, "default", name)
    return None if found is None else base64.b64decode(found["data"]["value"]).decode()


async def test_a_saved_block_is_a_resource_and_owns_its_secret(api: Api, server: ApiServer) -> None:
    saved = await put_secret(api)
    block = server.find(BLOCKS, "default", "secret.db")
    assert block is not None
    assert block["spec"] == {
        "name": "db",
        "type": "secret",
        "secretRefs": [{"field": "value", "secret": SECRET, "key": "value"}],
    }
    assert read_secret(server) == VALUE
    (owner,) = server.objects[SECRETS.path("default", SECRET)]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Block", "secret.db", block["metadata"]["uid"])
    assert saved["resource"] == {"name": "secret.db", "uid": block["metadata"]["uid"], "generation": 1}
    assert VALUE not in str([saved, await api.get("/blocks", namespace="default")])


async def test_no_secret_is_ever_read(api: Api, kube: WatchedKube) -> None:
    saved = await put_secret(api)
    await put_secret(api)
    await api.put("/blocks", {"name": "db", "spec": {"type": "secret"}})
    await api.call("GET", f"/blocks/{saved['id']}/secrets", 403)
    await api.call("DELETE", f"/blocks/{saved['id']}?resource=true", 204)
    methods = {method for method, path in kube.asked if "/secrets" in path}
    assert methods == {"POST", "DELETE"}


async def test_a_secret_that_is_given_again_replaces_and_others_stay(api: Api, server: ApiServer) -> None:
    body = {"name": "x", "spec": {"type": "barge"}}
    await api.put("/blocks", body | {"secrets": {"one": "1", "two": "2"}})
    await api.put("/blocks", body | {"secrets": {"two": "3"}})
    assert [read_secret(server, f"towpath.barge.x.{field}") for field in ("one", "two")] == ["1", "3"]
    await api.put("/blocks", body | {"secrets": {"one": None}})
    assert [read_secret(server, f"towpath.barge.x.{field}") for field in ("one", "two")] == [None, "3"]
    block = server.find(BLOCKS, "default", "barge.x")
    assert block is not None
    assert [ref["field"] for ref in block["spec"]["secretRefs"]] == ["two"]


async def test_fields_that_differ_in_case_have_secrets_of_their_own(api: Api, server: ApiServer) -> None:
    await api.put("/blocks", {"name": "x", "spec": {"type": "barge"}, "secrets": {"apiKey": "1", "apikey": "2"}})
    assert len(server.all_of(SECRETS)) == 2


async def test_a_secret_of_ones_own_is_referred_to_and_left_alone(api: Api, server: ApiServer) -> None:
    server.create(SECRETS.path("default"), {"metadata": {"name": "mine"}, "data": {}})
    refs = [{"field": "value", "secret": "mine", "key": "password"}]
    await put_secret(api, secrets={}, spec={"type": "secret", "secretRefs": refs})
    await put_secret(api)
    assert server.find(SECRETS, "default", "mine") is not None
    assert read_secret(server) == VALUE


async def test_a_secret_that_is_somebody_elses_is_not_replaced(api: Api, server: ApiServer) -> None:
    server.create(SECRETS.path("default"), {"metadata": {"name": SECRET}, "data": {"value": "bWluZQ=="}})
    refused = await put_secret(api, 409)
    assert SECRET in refused["detail"]
    assert read_secret(server) == "mine"
    assert server.find(BLOCKS, "default", "secret.db") is None
    assert (await api.get("/blocks", namespace="default"))["total"] == 0


@pytest.mark.parametrize("missing", ["create", "delete"])
async def test_secrets_are_written_only_for_who_may(
    api: Api, server: ApiServer, cluster: Cluster, missing: str
) -> None:
    if missing == "delete":
        await put_secret(api, secrets={"value": "before"})
        cluster.now += 60
    cluster.rights.remove((ALICE.user, missing, "secrets.core", "default"))
    refused = await put_secret(api, 403)
    assert f"{missing} secrets" in refused["detail"]
    assert read_secret(server) == ("before" if missing == "delete" else None)
    await api.put("/blocks", {"name": "plain", "spec": {"type": "string", "config": {"value": "x"}}})


async def test_blocks_are_written_only_for_who_may(api: Api, server: ApiServer, cluster: Cluster) -> None:
    await put_secret(api, 403, namespace="team")
    cluster.rights.remove((ALICE.user, "update", "blocks", "default"))
    await put_secret(api, 403)
    await api.put("/block-types", {"slug": "x", "name": "X", "fields": {}}, 403)
    assert server.objects == {}


async def test_a_new_block_whose_secret_fails_is_taken_back(api: Api, server: ApiServer, kube: WatchedKube) -> None:
    kube.refuse = lambda method, path: (
        503 if method == "POST" and path.endswith("/secrets") and len(server.objects) == 2 else 0
    )
    refused = await put_secret(api, 503, spec={"type": "barge"}, secrets={"one": VALUE, "two": VALUE})
    assert VALUE not in str(refused)
    assert server.objects == {}


async def test_what_kubernetes_says_of_a_secret_is_not_repeated(api: Api, kube: WatchedKube) -> None:
    kube.refuse = lambda method, path: 403 if method == "POST" and path.endswith("/secrets") else 0
    refused = await put_secret(api, 403)
    assert "create Secret" in refused["detail"]
    assert VALUE not in str(refused)


async def test_a_block_is_not_replaced_unless_that_is_wanted(api: Api, server: ApiServer) -> None:
    await put_secret(api)
    assert (await put_secret(api, 409, "?overwrite=false", secrets={"value": "other"}))["code"] == "name_taken"
    assert read_secret(server) == VALUE


async def test_names_that_are_too_much_alike_are_refused(api: Api) -> None:
    await put_secret(api, name="My Db")
    assert (await put_secret(api, 409, name="my db"))["code"] == "name_taken"


@pytest.mark.parametrize(
    ("place", "key", "tracker"),
    [
        ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ],
)
async def test_what_a_repository_declares_is_read_only(
    api: Api, server: ApiServer, place: str, key: str, tracker: str
) -> None:
    saved = await put_secret(api)
    server.objects[BLOCKS.path("default", "secret.db")]["metadata"][place] = {key: "x"}
    assert tracker in (await put_secret(api, 409))["detail"]
    assert tracker in (await api.call("DELETE", f"/blocks/{saved['id']}?resource=true", 409))["detail"]
    assert read_secret(server) == VALUE


async def test_deleting_with_its_resource_needs_the_right_to_it(api: Api, server: ApiServer, cluster: Cluster) -> None:
    saved = await put_secret(api)
    await api.call("DELETE", f"/blocks/{saved['id']}", 403)
    cluster.rights.remove((ALICE.user, "delete", "blocks", "default"))
    await api.call("DELETE", f"/blocks/{saved['id']}?resource=true", 403)
    cluster.grant(ALICE, "delete", "blocks", "default")
    cluster.now += 60
    await api.call("DELETE", f"/blocks/{saved['id']}?resource=true", 204)
    assert server.find(BLOCKS, "default", "secret.db") is None
    assert (await api.get("/blocks", namespace="default"))["total"] == 0


async def test_a_block_can_be_saved_again_at_once_after_it_was_deleted(api: Api, server: ApiServer) -> None:
    saved = await put_secret(api)
    await api.call("DELETE", f"/blocks/{saved['id']}?resource=true", 204)
    await put_secret(api, secrets={"value": "other"})
    assert read_secret(server) == "other"


async def test_the_operator_withdraws_the_read_model_alone(api: Api, server: ApiServer) -> None:
    saved = await put_secret(api)
    api.client.headers["authorization"] = "Bearer operator"
    await api.call("DELETE", f"/blocks/{saved['id']}", 204)
    assert server.find(BLOCKS, "default", "secret.db") is not None


async def test_the_operators_word_does_not_change_what_was_saved(api: Api) -> None:
    saved = await put_secret(api)
    api.client.headers["authorization"] = "Bearer operator"
    told = {"name": "db", "spec": saved["spec"], "resource": saved["resource"]}
    again = await api.put("/blocks", told)
    assert (again["id"], again["spec"]) == (saved["id"], saved["spec"])


async def start_pod(api: Api, cluster: Cluster, namespace: str = "default", **changes: Any) -> None:
    """A run's pod calls from now on; `changes` are made to what Kubernetes says of it."""
    for resource in ("flows", "deployments", "flowruns", "workqueues"):
        for verb in ("get", "list", "update", "create"):
            cluster.grant(OPERATOR, verb, resource)
            cluster.grant(OPERATOR, verb, f"{resource}/status")
    api.client.headers["authorization"] = "Bearer operator"
    await api.declare()
    run = await api.create_run()
    await api.claim()
    await api.launch(run, job="job-1")
    facts = PodFacts("uid-p", {LABEL_RUN_ID: run["id"], LABEL_ATTEMPT: "1"}, (("job-1", "job-uid"),))
    cluster.pods[namespace, "p"] = facts._replace(**changes)
    cluster.tokens["pod"] = make_pod_identity("p", namespace)
    api.client.headers["authorization"] = "Bearer pod"


async def test_a_runs_pod_reads_blocks_of_its_namespace_only(api: Api, cluster: Cluster) -> None:
    saved = await put_secret(api)
    cluster.grant(ALICE, "update", "blocks", "team")
    other = await api.put(
        "/blocks", {"namespace": "team", "name": "x", "spec": {"type": "string", "config": {"value": "y"}}}
    )
    await start_pod(api, cluster)
    assert (await api.get("/blocks", namespace="default", name="secret/db"))["items"] == [saved]
    assert (await api.get(f"/blocks/{saved['id']}"))["name"] == "db"
    await api.call("GET", f"/blocks/{other['id']}", 403)
    await api.call("GET", "/blocks?namespace=team", 403)
    await api.call("GET", "/blocks", 403)
    await put_secret(api, 403)
    await api.call("DELETE", f"/blocks/{saved['id']}", 403)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}},
        {"labels": {LABEL_RUN_ID: str(uuid7()), LABEL_ATTEMPT: "1"}},
        {"labels": {LABEL_RUN_ID: "x", LABEL_ATTEMPT: "y"}},
        {"jobs": ()},
        {"jobs": (("job-2", "u"),)},
        {"uid": "uid-other"},
    ],
)
async def test_no_other_pod_reads_blocks(api: Api, cluster: Cluster, changes: dict[str, Any]) -> None:
    saved = await put_secret(api)
    await start_pod(api, cluster, **changes)
    await api.call("GET", "/blocks?namespace=default", 403)
    await api.call("GET", f"/blocks/{saved['id']}", 403)


async def test_a_pod_of_another_namespace_reads_no_blocks_here(api: Api, cluster: Cluster) -> None:
    await put_secret(api)
    await start_pod(api, cluster, namespace="team")
    await api.call("GET", "/blocks?namespace=default", 403)
