"""Who may: nobody unless a route's declared need is met."""

import base64
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from tests.support.api import Api, make_batch, make_flow_run, make_id, make_log, make_state, make_task_run, open_api
from tests.support.cluster_api import ALICE, OPERATOR, Cluster, make_pod_identity, open_cluster_api
from towpath.contract.names import LABEL_RUN_ID
from towpath_operator.api.access import GuardedRoute, get_access, guarded
from towpath_operator.api.app import create_app
from towpath_operator.api.local_gate import LocalGate, is_loopback
from towpath_operator.domain.access import Identity, Scope, needs
from towpath_operator.domain.pod_owners import PodFacts
from towpath_operator.services.reviews import Reviews, seconds_left


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
async def clustered(template: Path, tmp_path: Path, cluster: Cluster) -> AsyncGenerator[Api]:
    """An API behind the cluster gate; the operator's token is sent unless a test says otherwise."""
    for resource in ("flows", "deployments", "flowruns", "workqueues"):
        for verb in ("get", "list", "update", "create", "delete"):
            cluster.grant(OPERATOR, verb, resource)
            cluster.grant(OPERATOR, verb, f"{resource}/status")
    async with open_cluster_api(template, tmp_path, cluster, who="operator") as api:
        yield api


def walk(app: FastAPI) -> list[tuple[str, APIRoute]]:
    """Every route of the app, with its full path."""
    found: list[tuple[str, APIRoute]] = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            found.append((route.path, route))
        else:
            contexts: Any = route
            assert hasattr(contexts, "effective_candidates"), f"{route} is neither guarded nor a router"
            found += [(context.path, context.original_route) for context in contexts.effective_candidates()]
    return found


OPEN_PATHS = {"/", "/metrics", "/api/health", "/api/version", "/api/openapi.json"}
OPEN_METHODS = {("DELETE", "/api/session")}
"""What else is open: forgetting a cookie, whether it is still valid or not."""


def is_open(method: str, path: str) -> bool:
    return path in OPEN_PATHS or (method, path) in OPEN_METHODS


def test_every_route_is_guarded_and_says_what_it_needs() -> None:
    routes = walk(create_app(None, None))
    assert len(routes) > 30
    for path, route in routes:
        assert isinstance(route, GuardedRoute), path
        access = get_access(route.endpoint)
        assert access is not None, path
        for method in route.methods or ():
            assert (access.scope is Scope.OPEN) == is_open(method, path), path
        if access.scope is Scope.NAMESPACED:
            assert access.verb in ("get", "list", "create", "update", "delete"), path
            assert re.fullmatch(r"[a-z]+(/status|/results)?", access.resource), path


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic operator"}])
async def test_nobody_unknown_gets_past_any_route(clustered: Api, headers: dict[str, str]) -> None:
    del clustered.client.headers["authorization"]
    asked = [(path, method) for path, route in walk(create_app(None, None)) for method in route.methods or ()]
    asked += [("/api/nowhere", "GET"), ("/api/flows/x/y", "GET"), ("/api/flows", "PATCH"), ("/api/health/", "GET")]
    for path, method in asked:
        if is_open(method, path):
            continue
        address = "http://127.0.0.1:4200" + re.sub(r"{(run_id|item_id|deployment_id)}", make_id(), path).replace(
            "{number}", "1"
        )
        answer = await clustered.client.request(method, address, headers=headers)
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
async def test_open_routes_need_no_token(clustered: Api, path: str) -> None:
    del clustered.client.headers["authorization"]
    assert (await clustered.client.get(f"http://127.0.0.1:4200{path}")).status_code == 200


async def test_a_known_caller_without_rights_may_nothing(clustered: Api) -> None:
    deployment = await clustered.declare()
    run = await clustered.create_run()
    clustered.client.headers["authorization"] = "Bearer alice"
    for method, path, body in (
        ("GET", "/flows", None),
        ("GET", "/flows?namespace=default", None),
        ("GET", f"/deployments/{deployment['id']}", None),
        ("DELETE", f"/deployments/{deployment['id']}", None),
        ("GET", f"/flow-runs/{run['id']}", None),
        ("GET", f"/flow-runs/{run['id']}/states", None),
        ("GET", f"/logs?flow_run_id={run['id']}", None),
        ("GET", f"/task-runs?flow_run_id={run['id']}", None),
        ("GET", "/flow-runs/changes", None),
        ("POST", f"/flow-runs/{run['id']}/cancel", None),
        ("POST", "/flow-runs", {"deployment": "etl/dev"}),
        ("POST", f"/deployments/{deployment['id']}/flow-runs", {}),
        ("POST", "/work-queues/claims", {"holder": "alice"}),
        ("POST", f"/flow-runs/{run['id']}/attempts/1/ended", {"outcome": "Cancelled"}),
        ("PUT", "/flows", {"name": "x", "spec": {"entrypoint": "a.py:f"}}),
        ("PUT", "/flows", {"name": "x", "spec": {"entrypoint": "a.py:f"}, "resource": {"name": "x", "uid": "u"}}),
    ):
        answer = await clustered.client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), f"{method} {path}"


async def test_rights_hold_in_their_namespace_only(clustered: Api, cluster: Cluster) -> None:
    cluster.grant(ALICE, "list", "flowruns", "team")
    clustered.client.headers["authorization"] = "Bearer alice"
    await clustered.get("/flow-runs", namespace="team")
    for query in ({}, {"namespace": "default"}, {"namespace": ["team", "default"]}):
        assert (await clustered.client.get("/flow-runs", params=query)).status_code == 403


async def test_only_who_may_write_status_speaks_for_a_resource(clustered: Api, cluster: Cluster) -> None:
    cluster.grant(ALICE, "update", "flows", "default")
    clustered.client.headers["authorization"] = "Bearer alice"
    body = {"name": "x", "spec": {"entrypoint": "a.py:f"}}
    await clustered.put("/flows", body)
    await clustered.put("/flows", body | {"resource": {"name": "x", "uid": "u"}}, 403)


async def test_reviews_are_cached_and_expire(clustered: Api, cluster: Cluster) -> None:
    await clustered.get("/flow-runs")
    asked = cluster.reviews
    await clustered.get("/flow-runs")
    assert cluster.reviews == asked
    cluster.now += 61
    del cluster.tokens["operator"]
    assert (await clustered.client.get("/flow-runs")).status_code == 401


async def test_a_verdict_is_for_all_that_a_token_says(clustered: Api, cluster: Cluster) -> None:
    reviews = Reviews(cluster, clustered.hub.database)
    cluster.grant(ALICE, "list", "flowruns", "default")
    scoped = replace(ALICE, extra={"scopes.example.com": ("none",)})
    assert await reviews.may(ALICE, "list", "flowruns", "default")
    asked = cluster.reviews
    await reviews.may(scoped, "list", "flowruns", "default")
    assert cluster.reviews == asked + 1


async def test_an_empty_list_of_namespaces_is_refused(api: Api) -> None:
    refused = await api.post("/work-queues/claims", {"launcher": "Job", "holder": "x", "namespaces": []}, 422)
    assert "namespaces" in refused["detail"]


async def start_attempt(api: Api, cluster: Cluster, pod: str = "p", **changes: Any) -> Any:
    """A launched run whose Job's pod is `pod`; `changes` are made to what Kubernetes says of it."""
    await api.declare()
    run = await api.create_run()
    await api.claim()
    await api.launch(run, job="job-1")
    facts = PodFacts(f"uid-{pod}", {LABEL_RUN_ID: run["id"]}, (("job-1", "job-uid"),))
    cluster.pods["default", pod] = facts._replace(**changes)
    cluster.tokens["pod"] = make_pod_identity(pod)
    api.client.headers["authorization"] = "Bearer pod"
    return run


async def test_the_attempts_pod_takes_it_and_tells(clustered: Api, cluster: Cluster) -> None:
    run = await start_attempt(clustered, cluster)
    await clustered.take(run, pod="uid-p")
    await clustered.tell(make_batch(run["id"], make_log(run["id"]), attempt=1))


CHANGES: list[tuple[str, Callable[[Any], dict[str, Any]]]] = [
    ("another run's label", lambda _: {"labels": {LABEL_RUN_ID: make_id()}}),
    ("no label", lambda _: {"labels": {}}),
    ("another Job's pod", lambda _: {"jobs": (("job-2", "u"),)}),
    ("nobody's pod", lambda _: {"jobs": ()}),
    ("a pod of that name made later", lambda _: {"uid": "uid-other"}),
]


@pytest.mark.parametrize(("why", "change"), CHANGES, ids=[why for why, _ in CHANGES])
async def test_no_other_pod_takes_or_tells(
    clustered: Api, cluster: Cluster, why: str, change: Callable[[Any], dict[str, Any]]
) -> None:
    run = await start_attempt(clustered, cluster, **change(None))
    assert (await clustered.take(run, pod="uid-p", status=403))["code"] == "forbidden"
    await clustered.tell(make_batch(run["id"], make_log(run["id"]), attempt=1), 403)


async def test_a_pod_cannot_take_in_anothers_name(clustered: Api, cluster: Cluster) -> None:
    run = await start_attempt(clustered, cluster)
    await clustered.take(run, pod="uid-of-somebody-else", status=403)


async def test_once_taken_an_attempt_is_its_pods_alone(clustered: Api, cluster: Cluster) -> None:
    run = await start_attempt(clustered, cluster)
    await clustered.take(run, pod="uid-p")
    cluster.tokens["pod-2"] = make_pod_identity("p2")
    cluster.pods["default", "p2"] = PodFacts("uid-p2", {LABEL_RUN_ID: run["id"]}, (("job-1", "job-uid"),))
    clustered.client.headers["authorization"] = "Bearer pod-2"
    await clustered.take(run, pod="uid-p2", status=403)
    await clustered.tell(make_batch(run["id"], make_log(run["id"]), attempt=1), 403)


async def test_a_token_that_is_no_pods_speaks_for_no_attempt(clustered: Api, cluster: Cluster) -> None:
    run = await start_attempt(clustered, cluster)
    clustered.client.headers["authorization"] = "Bearer operator"
    await clustered.tell(make_batch(run["id"], make_log(run["id"]), attempt=1), 403)


async def test_who_may_create_runs_may_tell_of_a_process_of_their_own(clustered: Api, cluster: Cluster) -> None:
    run = make_id()
    clustered.client.headers["authorization"] = "Bearer alice"
    batch = make_batch(run, make_flow_run(run))
    await clustered.tell(batch, 403)
    cluster.grant(ALICE, "create", "flowruns", "default")
    cluster.now += 11
    await clustered.tell(batch)


async def test_a_task_run_outside_flows_is_of_its_tellers_namespace(clustered: Api, cluster: Cluster) -> None:
    task, bob = make_id(), Identity("system:serviceaccount:lab:bob")
    cluster.tokens |= {"bob": bob}
    cluster.grant(bob, "create", "flowruns", "lab")
    cluster.grant(ALICE, "create", "flowruns", "default")
    for verb in ("get", "list"):
        cluster.grant(ALICE, verb, "flowruns", "default")
        cluster.grant(bob, verb, "flowruns", "lab")
    clustered.client.headers["authorization"] = "Bearer bob"
    await clustered.tell(make_batch(task, make_task_run(task, None), make_log(None, task_run_id=task)))
    assert (await clustered.get(f"/task-runs/{task}"))["id"] == task
    assert (await clustered.get("/task-runs", namespace="lab"))["total"] == 1
    assert (await clustered.get("/logs", task_run_id=task))["total"] == 1
    clustered.client.headers["authorization"] = "Bearer alice"
    for path in (f"/task-runs/{task}", f"/task-runs/{task}/states", f"/logs?task_run_id={task}"):
        assert (await clustered.client.get(path)).status_code == 403
    assert (await clustered.get("/task-runs", namespace="default"))["total"] == 0
    forged = make_batch(task, make_state(task, "FAILED"), make_log(None, task_run_id=task), writer="alice")
    assert (await clustered.tell(forged))["applied"] == 0


def test_a_route_without_a_declared_need_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)

    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="guarded"):
        router.add_api_route("/forgotten", forgotten)


async def test_an_answer_without_a_check_is_withheld(template: Path, tmp_path: Path) -> None:
    async with open_api(template, tmp_path) as api:
        router = APIRouter(route_class=GuardedRoute)

        @router.get("/careless")
        @guarded(needs("get", "flows"))
        async def careless() -> str:
            return "secret"

        transport: Any = api.client._transport
        transport.app.include_router(router, prefix="/api")
        answer = await api.client.get("/careless")
        assert answer.status_code == 403
        assert "secret" not in answer.text


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_a_page_of_another_site_cannot_use_the_local_server(api: Api, headers: dict[str, str]) -> None:
    assert (await api.client.get("/flows", headers=headers)).status_code == 403


async def test_the_local_servers_own_page_may_use_it(api: Api) -> None:
    assert (await api.client.get("/flows", headers={"Origin": "http://localhost:4200"})).status_code == 200


async def test_a_server_with_a_token_asks_for_it(template: Path, tmp_path: Path) -> None:
    async with open_api(template, tmp_path, LocalGate("sesame")) as api:
        assert (await api.client.get("/flows")).status_code == 401
        assert (await api.client.get("/flows", headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await api.client.get("/flows", headers={"Authorization": "Bearer sesame"})).status_code == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.evil", False),
        ("", False),
    ],
)
def test_loopback_is_known_by_name_and_address(host: str, local: bool) -> None:
    assert is_loopback(host) == local


async def test_a_pod_that_could_have_taken_an_attempt_is_out_once_another_did(clustered: Api, cluster: Cluster) -> None:
    run = await start_attempt(clustered, cluster)
    cluster.tokens["pod-2"] = make_pod_identity("p2")
    cluster.pods["default", "p2"] = PodFacts("uid-p2", {LABEL_RUN_ID: run["id"]}, (("job-1", "job-uid"),))
    batch = make_batch(run["id"], make_log(run["id"]), attempt=1, writer="p2")
    clustered.client.headers["authorization"] = "Bearer pod-2"
    await clustered.tell(batch)
    clustered.client.headers["authorization"] = "Bearer pod"
    await clustered.take(run, pod="uid-p")
    clustered.client.headers["authorization"] = "Bearer pod-2"
    await clustered.tell(batch | {"first_sequence": 2}, 403)


def make_token(claims: str) -> str:
    return f"x.{base64.urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (make_token('{"exp": 130}'), 30),
        (make_token('{"exp": 50}'), 0),
        (make_token("{}"), float("inf")),
        (make_token('{"exp": "soon"}'), float("inf")),
        (make_token("[]"), float("inf")),
        ("opaque", float("inf")),
        ("a.%%%.c", float("inf")),
    ],
)
def test_a_token_is_not_believed_beyond_its_own_end(token: str, seconds: float) -> None:
    assert seconds_left(token, 100) == seconds
