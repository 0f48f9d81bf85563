"""Sessions of browsers: a cookie that no script reads and no other site uses; proxies that are believed; who one is."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, open_api
from tests.support.cluster_api import ALICE, OPERATOR, Cluster
from towpath.contract.sessions import CSRF_HEADER
from towpath_operator.api.browser import COOKIE
from towpath_operator.api.cluster_gate import ClusterGate
from towpath_operator.api.local_gate import LocalGate
from towpath_operator.api.proxies import TrustedProxies
from towpath_operator.notifications.addresses import parse_networks
from towpath_operator.services.reviews import Reviews

HOST = "127.0.0.1:4200"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


class Gates:
    """The gate of a test: made once the API is there, changed by tests."""

    public_url: str | None = None

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.gate: ClusterGate | None = None

    def use(self, api: Api, proxies: str = "", *, takes_api_server_tokens: bool = False) -> None:
        """Makes the gate."""
        reviews = Reviews(
            self._cluster,
            api.hub.database,
            lambda: self._cluster.now,
            takes_api_server_tokens=takes_api_server_tokens,
        )
        self.gate = ClusterGate(reviews, TrustedProxies(parse_networks(proxies)), self.public_url)

    async def admit(self, request: Any) -> Any:
        """The caller."""
        assert self.gate is not None
        return await self.gate.admit(request)


@pytest.fixture
def gates(cluster: Cluster) -> Gates:
    return Gates(cluster)


@pytest.fixture
async def clustered(template: Path, tmp_path: Path, cluster: Cluster, gates: Gates) -> AsyncGenerator[Api]:
    """An API behind the cluster's gate, asked without a token."""
    for verb in ("get", "list", "update", "create", "delete"):
        for resource in ("flows", "deployments", "flowruns"):
            cluster.grant(OPERATOR, verb, resource)
    cluster.grant(ALICE, "list", "flowruns", "team")
    cluster.grant(ALICE, "update", "flows", "team")
    async with open_api(template, tmp_path, gates) as api:
        gates.use(api)
        yield api


async def begin(api: Api, who: str = "alice") -> Any:
    """A session, whose cookie the client keeps."""
    answer = await api.client.post("/session", headers={"Authorization": f"Bearer {who}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


FLOW = {"name": "x", "namespace": "team", "spec": {"entrypoint": "a.py:f"}}


async def test_a_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(clustered: Api) -> None:
    answer = await clustered.client.post("/session", headers={"Authorization": "Bearer alice"})
    cookie = answer.headers["set-cookie"]
    for part in (f"{COOKIE}=alice", "HttpOnly", "SameSite=strict", "Path=/api", "Max-Age="):
        assert part in cookie
    assert "Secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    secure = await clustered.client.post(
        "/session", headers={"Authorization": "Bearer alice", "X-Forwarded-Proto": "https"}
    )
    assert "Secure" in secure.headers["set-cookie"]


async def test_the_cookie_reads_and_with_the_proof_it_writes(clustered: Api) -> None:
    session = await begin(clustered)
    assert (session["user"], session["how"]) == ("alice", "cookie")
    await clustered.get("/flow-runs", namespace="team")
    refused = await clustered.put("/flows", FLOW, 403)
    assert CSRF_HEADER in refused["detail"]
    assert (await clustered.client.put("/flows", json=FLOW, headers={CSRF_HEADER: "wrong"})).status_code == 403
    taken = await clustered.client.put("/flows", json=FLOW, headers={CSRF_HEADER: session["csrf_token"]})
    assert taken.status_code == 200
    assert (await clustered.get("/session"))["csrf_token"] == session["csrf_token"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://other.127.0.0.1:4200"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_cannot_use_the_cookie(clustered: Api, headers: dict[str, str]) -> None:
    session = await begin(clustered)
    proof = {CSRF_HEADER: session["csrf_token"]}
    for method, path in (("GET", "/flow-runs?namespace=team"), ("PUT", "/flows"), ("GET", "/events?namespace=team")):
        answer = await clustered.client.request(method, path, json=FLOW, headers=headers | proof)
        assert answer.status_code == 403, f"{method} {path}"


async def test_our_own_pages_can(clustered: Api) -> None:
    session = await begin(clustered)
    own = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin", CSRF_HEADER: session["csrf_token"]}
    assert (await clustered.client.put("/flows", json=FLOW, headers=own)).status_code == 200


async def test_a_bearer_token_needs_no_proof(clustered: Api) -> None:
    assert (
        await clustered.client.put("/flows", json=FLOW, headers={"Authorization": "Bearer alice"})
    ).status_code == 200


async def test_a_token_that_is_not_valid_makes_no_session(clustered: Api) -> None:
    answer = await clustered.client.post("/session", headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_session_ends_when_asked_and_with_its_token(clustered: Api, cluster: Cluster) -> None:
    await begin(clustered)
    ended = await clustered.client.delete("/session")
    assert ended.status_code == 204
    assert "Max-Age=0" in ended.headers["set-cookie"]
    assert (await clustered.client.get("/session")).status_code == 401
    await begin(clustered)
    del cluster.tokens["alice"]
    cluster.now += 61
    assert (await clustered.client.get("/session")).status_code == 401
    assert (await clustered.client.delete("/session")).status_code == 204


async def test_a_token_too_large_for_a_cookie_is_said_so(clustered: Api, cluster: Cluster) -> None:
    cluster.tokens["x" * 4_000] = ALICE
    answer = await clustered.client.post("/session", headers={"Authorization": f"Bearer {'x' * 4_000}"})
    assert (answer.status_code, "too large" in answer.json()["detail"]) == (422, True)


async def test_a_caller_sees_who_it_is_and_what_it_may(clustered: Api) -> None:
    operator = {"Authorization": "Bearer operator"}
    for namespace in ("team", "lab"):
        declared = await clustered.client.put("/flows", json=FLOW | {"namespace": namespace}, headers=operator)
        assert declared.status_code == 200
    session = await clustered.client.get("/session", headers={"Authorization": "Bearer alice"})
    seen = session.json()
    assert (seen["user"], seen["groups"], seen["how"], seen["csrf_token"]) == ("alice", ["people"], "token", None)
    assert seen["everywhere"] == {}
    assert seen["namespaces"] == [{"namespace": "team", "allowed": {"flowruns": ["list"], "flows": ["update"]}}]
    asked = await clustered.client.get("/session?namespace=lab", headers={"Authorization": "Bearer alice"})
    assert asked.json()["namespaces"] == [{"namespace": "lab", "allowed": {}}]
    everything = (await clustered.client.get("/session", headers=operator)).json()
    assert everything["everywhere"]["flows"] == ["list", "create", "update", "delete"]
    assert [one["namespace"] for one in everything["namespaces"]] == ["lab", "team"]


async def test_headers_of_peers_that_are_not_named_are_not_believed(clustered: Api, gates: Gates) -> None:
    told = {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "people"}
    assert (await clustered.client.get("/session", headers=told)).status_code == 401
    gates.use(clustered, "10.0.0.0/8")
    assert (await clustered.client.get("/session", headers=told)).status_code == 401


async def test_a_trusted_proxy_says_who_the_caller_is(clustered: Api, gates: Gates) -> None:
    gates.use(clustered, "127.0.0.1")
    told = {"X-Forwarded-User": "alice", "X-Forwarded-Groups": "people, system:masters,data"}
    session = (await clustered.client.get("/session", headers=told)).json()
    assert (session["user"], session["how"]) == ("alice", "proxy")
    assert session["groups"] == ["people", "data", "system:authenticated"]
    assert (await clustered.client.put("/flows", json=FLOW, headers=told)).status_code == 403
    proof = told | {CSRF_HEADER: session["csrf_token"]}
    assert (await clustered.client.put("/flows", json=FLOW, headers=proof)).status_code == 200
    cross = proof | {"Origin": "https://evil.example"}
    assert (await clustered.client.put("/flows", json=FLOW, headers=cross)).status_code == 403
    assert (await clustered.client.get("/session")).status_code == 401


@pytest.mark.parametrize("user", ["system:admin", "system:serviceaccount:kube-system:x"])
async def test_a_proxy_cannot_name_kubernetes_own(clustered: Api, gates: Gates, user: str) -> None:
    gates.use(clustered, "127.0.0.1")
    assert (await clustered.client.get("/session", headers={"X-Forwarded-User": user})).status_code == 401


async def test_tokens_for_the_api_server_are_taken_if_the_administrator_says_so(
    clustered: Api, cluster: Cluster, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def review(token: str, audience: str | None) -> Any:
        return ALICE if (token, audience) == ("kubectl", None) else None

    monkeypatch.setattr(cluster, "review_token", review)
    kubectl = {"Authorization": "Bearer kubectl"}
    assert (await clustered.client.get("/session", headers=kubectl)).status_code == 401
    gates.use(clustered, takes_api_server_tokens=True)
    assert (await clustered.client.get("/session", headers=kubectl)).json()["user"] == "alice"


async def test_behind_a_proxy_that_changes_the_host_the_public_address_is_ours(clustered: Api, gates: Gates) -> None:
    gates.public_url = "https://towpath.example"
    gates.use(clustered)
    session = await begin(clustered)
    own = {"Origin": "https://towpath.example", CSRF_HEADER: session["csrf_token"]}
    clustered.client.cookies.set(COOKIE, "alice", path="/api")  # the real one is for https alone
    assert (await clustered.client.put("/flows", json=FLOW, headers=own)).status_code == 200


async def test_a_local_server_with_a_token_has_sessions_too(template: Path, tmp_path: Path) -> None:
    async with open_api(template, tmp_path, LocalGate("sesame")) as api:
        session = await begin(api, "sesame")
        assert (session["user"], session["how"]) == ("local", "cookie")
        assert (await api.client.get("/flows")).status_code == 200
        assert (await api.client.put("/flows", json=FLOW)).status_code == 403
        proof = {CSRF_HEADER: session["csrf_token"]}
        assert (await api.client.put("/flows", json=FLOW, headers=proof)).status_code == 200
        evil = proof | {"Origin": "http://evil.example"}
        assert (await api.client.put("/flows", json=FLOW, headers=evil)).status_code == 403


async def test_a_local_server_without_one_needs_no_session(api: Api) -> None:
    session = await api.get("/session")
    assert (session["user"], session["how"], session["csrf_token"]) == ("local", "local", None)
    assert "flowruns" in session["everywhere"]
    answer = await api.client.post("/session")
    assert "set-cookie" not in answer.headers
