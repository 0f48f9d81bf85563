"""Puts our finalizer on FlowRuns and takes it away. Called by applying, registering and launching.

The finalizer stands on unfinished FlowRuns only: it makes deleting one a cancellation. kopf's own finalizer setting must name
another, since kopf takes that one away wherever it has no deletion handler.
"""

from towpath.contract.names import FINALIZER
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.reading import get_list, get_str
from towpath_operator.kube.errors import KubeNotFound
from towpath_operator.kube.resources import FLOW_RUNS
from towpath_operator.reconcilers.context import RunContext


async def add_finalizer(context: RunContext, view: FlowRunView) -> FlowRunView:
    """The FlowRun with our finalizer.

    Raises:
        KubeConflict: it changed in between; try again.
        KubeNotFound: it is gone.
    """
    return await _write(context, view, present=True)


async def remove_finalizer(context: RunContext, view: FlowRunView) -> None:
    """Take our finalizer away; a FlowRun that is gone is fine."""
    try:
        await _write(context, view, present=False)
    except KubeNotFound:
        context.flow_runs.remove(view.uid)
        context.queue.add(view.key)


async def _write(context: RunContext, view: FlowRunView, *, present: bool) -> FlowRunView:
    # The list is read afresh and written under its version: others' finalizers must survive.
    body = await context.kube.get(FLOW_RUNS, view.key.namespace, view.key.name)
    if get_str(body, "metadata", "uid") != view.uid:
        raise KubeNotFound(404, f"The FlowRun {view.key} with uid {view.uid} is gone.")
    before = list(get_list(body, "metadata", "finalizers"))
    if (FINALIZER in before) == present:
        return context.keep_flow_run(body)
    after = [*before, FINALIZER] if present else [item for item in before if item != FINALIZER]
    metadata = {"resourceVersion": get_str(body, "metadata", "resourceVersion"), "finalizers": after}
    patched = await context.kube.patch(FLOW_RUNS, view.key.namespace, view.key.name, {"metadata": metadata})
    return context.keep_flow_run(patched)
