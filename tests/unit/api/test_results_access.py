"""Who may use results: a run's pod those of its own namespace, nobody without a role those of another."""

from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.api import open_api
from tests.unit.api.test_results import read, write
from towpath_operator.api.access import Who


class PodGate:
    """A cluster in which the callers are pods of `team`, which may use results of their own namespace only."""

    home = "team"
    public_url = None
    who = Who("system:serviceaccount:team:flows", (), "token")

    async def admit(self, request: Any) -> "PodGate":
        return self

    async def allow(self, verb: str, resource: str, namespace: str | None) -> bool:
        return resource == "flowruns/results" and verb in ("get", "update") and namespace == self.home

    async def own(self, run_id: UUID, attempt: int, pod_uid: str | None) -> None:
        raise AssertionError


async def test_a_pod_uses_the_results_of_its_own_namespace_only(template: Path, tmp_path: Path) -> None:
    async with open_api(template, tmp_path, PodGate()) as api:
        await write(api, "key", b"1")
        assert await read(api, "key") == await read(api, "key", namespace="team") == b"1"
        await write(api, "key", b"2", 403, namespace="other")
        await api.call("GET", "/results/key", 403, params={"namespace": "other"})
        await api.call("DELETE", "/results/key", 403)
