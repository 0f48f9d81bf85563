"""The API as in a cluster, whose Kubernetes answers reviews as a test says."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.api import Api, open_api
from towpath_operator.api.cluster_gate import ClusterGate
from towpath_operator.domain.access import Identity
from towpath_operator.domain.pod_owners import PodFacts
from towpath_operator.services.hub import Hub
from towpath_operator.services.reviews import POD_NAME, POD_UID, Reviews
from towpath_operator.store.engine import Database

OPERATOR = Identity("system:serviceaccount:towpath:operator")
ALICE = Identity("alice", ("people",))
TOKENS = {"operator": OPERATOR, "alice": ALICE}


def make_pod_identity(pod: str, namespace: str = "default") -> Identity:
    return Identity(f"system:serviceaccount:{namespace}:flows", extra={POD_NAME: (pod,), POD_UID: (f"uid-{pod}",)})


class Cluster:
    """What Kubernetes would say. `rights` are (user, verb, resource, namespace), an empty namespace meaning all."""

    def __init__(self) -> None:
        self.tokens = dict(TOKENS)
        self.rights: set[tuple[str, str, str, str]] = set()
        self.pods: dict[tuple[str, str], PodFacts] = {}
        self.reviews = 0
        self.now = 1000.0

    def grant(self, who: Identity, verb: str, resource: str, namespace: str = "") -> None:
        self.rights.add((who.user, verb, resource, namespace))

    async def review_token(self, token: str, audience: str | None) -> Identity | None:
        self.reviews += 1
        return self.tokens.get(token) if audience == "towpath-api" else None

    async def may(self, who: Identity, verb: str, resource: str, namespace: str | None) -> bool:
        self.reviews += 1
        return bool({(who.user, verb, resource, ""), (who.user, verb, resource, namespace or "")} & self.rights)

    async def find_pod(self, namespace: str, name: str) -> PodFacts | None:
        self.reviews += 1
        return self.pods.get((namespace, name))


@asynccontextmanager
async def open_cluster_api(
    template: Path, folder: Path, cluster: Cluster, *, who: str = "alice", **services: Any
) -> AsyncGenerator[Api]:
    """An API behind the cluster gate. The token of `who` is sent unless a test says otherwise; `services` are further ones of its hub."""
    gates: list[ClusterGate] = []

    class LateGate:
        """The gate needs the database that the API opens."""

        public_url = None

        async def admit(self, request: Any) -> Any:
            return await gates[0].admit(request)

    def make_hub(database: Database) -> Hub:
        return Hub(database, **services)

    async with open_api(template, folder, LateGate(), make_hub=make_hub, authorization=f"Bearer {who}") as api:
        gates.append(ClusterGate(Reviews(cluster, api.hub.database, lambda: cluster.now)))
        yield api
