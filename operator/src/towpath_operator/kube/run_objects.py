"""Reads the Kubernetes objects of runs for the API. Implements services.kubernetes.RunObjects. Writes nothing."""

from typing import Final

from towpath.contract.names import LABEL_RUN_ID
from towpath_operator.domain.refusals import Forbidden, Refusal, ResourcesUnavailable
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import KubeError, KubeRefused
from towpath_operator.kube.resources import EVENTS, FLOW_RUNS, JOBS, PODS, Resource

MOST: Final = 500
"""Of one kind that are read; whoever may make pods may put a run's label on more."""


class KubeRunObjects:
    """Reads by the API's own rights, for callers whose right to read the run was reviewed."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def find_flow_run(self, namespace: str, name: str) -> Object | None:
        """The FlowRun, if there is one."""
        try:
            return await self._client.find(FLOW_RUNS, namespace, name)
        except KubeError as error:
            raise _to_refusal(error, "FlowRuns", namespace) from error

    async def list_jobs(self, namespace: str, run_id: str) -> list[Object]:
        """The Jobs with the run's label."""
        return await self._list(JOBS, "Jobs", namespace, labels=f"{LABEL_RUN_ID}={run_id}")

    async def list_pods(self, namespace: str, run_id: str) -> list[Object]:
        """The pods with the run's label."""
        return await self._list(PODS, "pods", namespace, labels=f"{LABEL_RUN_ID}={run_id}")

    async def list_events(self, namespace: str, kind: str, name: str, uid: str) -> list[Object]:
        """The events about an object; with an empty `uid` about whichever had the name."""
        fields = f"involvedObject.kind={kind},involvedObject.name={name}"
        return await self._list(
            EVENTS, "events", namespace, fields=f"{fields},involvedObject.uid={uid}" if uid else fields
        )

    async def _list(
        self, resource: Resource, what: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        found: list[Object] = []
        try:
            async for item in self._client.list(resource, namespace, labels=labels, fields=fields):
                found.append(item)
                if len(found) == MOST:
                    break
        except KubeError as error:
            raise _to_refusal(error, what, namespace) from error
        return found


def _to_refusal(error: KubeError, what: str, namespace: str) -> Refusal:
    if isinstance(error, KubeRefused):
        return Forbidden(
            f"Kubernetes does not let the API read {what} in namespace {namespace!r}: the chart of this version has the role for it."
        )
    said = error.message if error.status else "it does not answer"
    return ResourcesUnavailable(f"Kubernetes cannot be asked for {what} now: {said.rstrip('.')}.")
