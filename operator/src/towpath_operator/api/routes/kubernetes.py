"""The route of what Kubernetes has of a run: its Jobs, pods and events, asked for at the moment."""

from uuid import UUID

from fastapi import APIRouter

from towpath.contract.kubernetes import KubernetesRead
from towpath_operator.api.access import GuardedRoute, guarded
from towpath_operator.api.hub import TheCaller, TheHub
from towpath_operator.domain.access import needs

router = APIRouter(tags=["flow-runs"], route_class=GuardedRoute)


@router.get("/flow-runs/{run_id}/kubernetes", operation_id="get_flow_run_kubernetes")
@guarded(needs("get", "flowruns"))
async def get_kubernetes(run_id: UUID, hub: TheHub, caller: TheCaller) -> KubernetesRead:
    """Shows the run's FlowRun, and of each attempt the Job, the pods, the events and the pod template in effect.

    They are as Kubernetes has them now; what it does not tell is named in `problems`. Whoever may read the run may read this, so
    values of environment variables and other things that may be secret are hidden. Without a cluster, `in_cluster` is false.
    """
    run = await hub.flow_runs.get(run_id)
    await caller.check(run.namespace)
    return await hub.kubernetes.look(run)
