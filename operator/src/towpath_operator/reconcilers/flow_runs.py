"""Reconciles one FlowRun: observe what is, plan what it needs, apply the plan. Called by the work queue with its key."""

from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.flow_run_actions import Observed
from towpath_operator.domain.flow_run_plan import is_settled, plan_flow_run
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.objects import RunKey
from towpath_operator.kube.resources import FLOW_RUNS
from towpath_operator.reconcilers.applying import Applier
from towpath_operator.reconcilers.context import RunContext


class FlowRunReconciler:
    """Observes, plans, applies."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._applier = Applier(context)

    async def reconcile(self, key: RunKey) -> None:
        """Bring the run of `key` nearer to what should be.

        Raises:
            ApiError, KubeError: a call failed; the key is to be reconciled again.
        """
        observed = await self._observe(key)
        if observed is None:
            self._context.memory.forget(key)
            self._context.queue.forget(key)
            return
        actions = plan_flow_run(observed, self._context.now(), self._context.settings.plan)
        if is_settled(observed, actions):
            # Its story is over: until it expires nothing of it is needed, and what the API tells of it is taken in again.
            self._context.memory.forget_run(key, observed.run)
        await self._applier.apply(key, observed, actions)

    async def _observe(self, key: RunKey) -> Observed | None:
        """What is; None when nothing is left of the run."""
        context = self._context
        context.memory.settle_doubt(key)
        view, known = context.find_flow_run(key), context.memory.find(key)
        claim = known.claim if known is not None else None
        if view is None and claim is not None:
            # Nothing is decided on the watches' word alone that a missing FlowRun would decide.
            body = await context.kube.find(FLOW_RUNS, key.namespace, key.name)
            view = context.keep_flow_run(body) if body is not None else None
        if view is None:
            return None if claim is None else Observed(None, claim=claim)
        asked, run = await self._find_run(view, is_claimed=claim is not None)
        run_id = str(view.run_id)
        return Observed(
            flow_run=view,
            run=run,
            asked=asked,
            claim=claim,
            jobs=[job for job in context.jobs.of(key) if job.run_id == run_id],
            pods=[pod for pod in context.pods.of(key) if pod.run_id == run_id],
            gone_jobs=frozenset(known.gone_jobs) if known is not None else frozenset(),
            hints=dict(known.hints) if known is not None else {},
        )

    async def _find_run(self, view: FlowRunView, *, is_claimed: bool) -> tuple[bool, FlowRunRead | None]:
        """Whether the API's word on the run is known, and the run."""
        if view.run_id is None:
            return True, None
        run = self._context.memory.find_run(view.key, view.run_id)
        if run is not None:
            return True, run
        if view.finished and not view.has_finalizer and not is_claimed:
            return False, None
        run = await self._context.api.find_flow_run(view.run_id)
        return True, self._context.memory.put_run(view.key, run) if run is not None else None
