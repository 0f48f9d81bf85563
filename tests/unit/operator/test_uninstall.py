"""The chart's last hook frees FlowRuns where it may."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from towpath.contract.names import FINALIZER
from towpath_operator.kube.client import KubeClient
from towpath_operator.wiring.uninstall import free_flow_runs


class Kube:
    """FlowRuns by namespace; None lists all."""

    def __init__(self, *namespaces: str) -> None:
        self.items = {namespace: [FINALIZER, "other"] for namespace in namespaces}
        self.listed: list[str | None] = []

    async def list(self, _: object, namespace: str | None = None, **__: object) -> AsyncIterator[dict[str, Any]]:
        self.listed.append(namespace)
        for found, finalizers in self.items.items():
            if namespace in (None, found):
                yield {"metadata": {"namespace": found, "name": "r", "resourceVersion": "1", "finalizers": finalizers}}

    async def patch(self, _: object, namespace: str, __: str, patch: dict[str, Any]) -> None:
        self.items[namespace] = patch["metadata"]["finalizers"]


@pytest.mark.parametrize(("namespaces", "listed", "freed"), [((), [None], "abc"), (("a", "b"), ["a", "b"], "ab")])
async def test_flow_runs_are_freed_in_the_served_namespaces(
    namespaces: tuple[str, ...], listed: list[str | None], freed: str
) -> None:
    kube = Kube("a", "b", "c")
    assert await free_flow_runs(cast(KubeClient, kube), namespaces) == len(freed)
    assert kube.listed == listed
    assert {name for name, finalizers in kube.items.items() if finalizers == ["other"]} == set(freed)
