"""Makes FlowRuns that kubectl made known to the API. Called by applying.

In this order: our finalizer, the run (idempotent by the FlowRun's uid), the label that names the run. A crash between any two
is repaired by doing it again.
"""

import logging

from pydantic import ValidationError

from towpath.contract.declared import ResourceRef
from towpath.contract.problems import Code
from towpath.contract.resources.flow_run import FlowRunSpec
from towpath.contract.runs import FlowRunCreate, FlowRunRead
from towpath_operator.apiclient.errors import ApiRefused, ApiUnavailable
from towpath_operator.domain.belonging import is_run_of
from towpath_operator.domain.conditions import READY, Reason, find_condition, reason_of_code
from towpath_operator.domain.flow_run_status import (
    Step,
    build_pending_status,
    build_refused_status,
    is_same_status,
)
from towpath_operator.domain.flow_runs import FlowRunView, build_registration_patch
from towpath_operator.domain.reading import get_list, get_map, get_str
from towpath_operator.kube.client import Object
from towpath_operator.kube.errors import KubeNotFound
from towpath_operator.kube.resources import FLOW_RUNS
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.finalizers import add_finalizer, remove_finalizer

logger = logging.getLogger(__name__)

_OURS_TO_MEND = frozenset({Code.FORBIDDEN, Code.UNAUTHENTICATED})
_MENDING_SECONDS = 15.0


class Registrar:
    """Registers FlowRuns."""

    def __init__(self, context: RunContext) -> None:
        self._context = context

    async def register(self, known: FlowRunView) -> None:
        """Make the FlowRun's run known, or end the FlowRun as Failed with why the API refuses it.

        A label that names another's run, as a copied manifest has it, is replaced.
        """
        try:
            view = await add_finalizer(self._context, known)
        except KubeNotFound:
            self._context.flow_runs.remove(known.uid)
            return
        if view.run_id != known.run_id or view.deleting:
            self._context.queue.add(view.key)
            return
        try:
            run = await self._create(view)
        except ValidationError as error:
            await self._refuse(
                view, Reason.INVALID_SPEC, f"The FlowRun's spec is malformed: {error.errors()[0]['msg']}"
            )
        except ApiRefused as refused:
            await self._on_refused(view, refused)
        except ApiUnavailable as error:
            await self._patch_pending(view, Reason.API_UNAVAILABLE, f"{error} It is tried again.")
            raise
        else:
            await self._mark(view, run)

    async def register_to_cancel(self, view: FlowRunView) -> None:
        """Find the run that a deleted FlowRun may have been registered as, cancel it and let the FlowRun go on being deleted."""
        try:
            run = await self._create(view)
        except (ApiRefused, ValidationError):
            await remove_finalizer(self._context, view)
            return
        await self._context.api.cancel_flow_run(run.id)
        await self._mark(view, run)

    async def _create(self, view: FlowRunView) -> FlowRunRead:
        """The FlowRun's run, made where it has none: one that lost its label has one still, which its status names."""
        if view.told_run_id is not None:
            told = await self._context.api.find_flow_run(view.told_run_id)
            if told is not None and is_run_of(told, view):
                return told
        body = await self._context.kube.get(FLOW_RUNS, view.key.namespace, view.key.name)
        spec = FlowRunSpec.model_validate(get_map(body, "spec"))
        resource = ResourceRef(name=view.key.name, uid=view.uid, generation=view.generation)
        return await self._context.api.create_flow_run(
            FlowRunCreate(
                namespace=view.key.namespace,
                deployment=spec.deployment,
                parameters=spec.parameters,
                scheduled_time=spec.scheduled_time,
                pod_template=spec.pod_template,
                idempotency_key=f"flowrun:{view.uid}",
                resource=resource,
            )
        )

    async def _mark(self, view: FlowRunView, run: FlowRunRead) -> None:
        context = self._context
        ttl = context.declared.ttl_seconds(view.key.namespace, run.deployment_resource)
        patch = build_registration_patch(run, ttl)
        patch["metadata"]["uid"] = view.uid
        body: Object = await context.kube.patch(FLOW_RUNS, view.key.namespace, view.key.name, patch)
        marked = context.keep_flow_run(body)
        context.memory.put_run(view.key, run)
        deployment = get_str(body, "spec", "deployment")
        context.tell(marked, Step("Normal", "Registered", f"Registered as run {run.name} ({run.id}) of {deployment}."))
        context.queue.add(view.key)

    async def _on_refused(self, view: FlowRunView, refused: ApiRefused) -> None:
        reason = reason_of_code(refused.code)
        if refused.code in _OURS_TO_MEND:
            logger.warning("%s: the API does not take the operator's word: %s", view.key, refused)
            await self._patch_pending(view, reason, f"The API does not take the operator's word: {refused.sentence}")
            self._context.queue.add_after(view.key, _MENDING_SECONDS)
            return
        if reason is Reason.DEPLOYMENT_NOT_FOUND and view.created is not None:
            age = (self._context.now() - view.created).total_seconds()
            if age < self._context.settings.registration_grace:
                # Applied in one go, a FlowRun may come before its Deployment.
                await self._patch_pending(view, reason, f"{refused.sentence} Waiting for it a moment.")
                self._context.queue.add_after(view.key, 1.0)
                return
        await self._refuse(view, reason, f"{refused.sentence}{self._explain_deployment(view)}")

    def _explain_deployment(self, view: FlowRunView) -> str:
        """Why the API does not know a Deployment that is there; empty for one that is not."""
        body = self._context.declared.find("Deployment", view.key.namespace, view.deployment)
        ready = find_condition(get_list(body, "status", "conditions"), READY) or {}
        if ready.get("status") in (None, "True"):
            return ""
        return f" It is applied, but not Ready ({ready.get('reason')}): {ready.get('message')}"

    async def _refuse(self, view: FlowRunView, reason: Reason, message: str) -> None:
        logger.info("%s: refused: %s: %s", view.key, reason, message)
        await self._patch(view, build_refused_status(view, reason, message, self._context.now()))
        self._context.tell(view, Step("Warning", reason, message))
        await remove_finalizer(self._context, view)

    async def _patch_pending(self, view: FlowRunView, reason: Reason, message: str) -> None:
        await self._patch(view, build_pending_status(view, reason, message, self._context.now()))

    async def _patch(self, view: FlowRunView, wanted: Object) -> None:
        if is_same_status(view.status, wanted):
            return
        patch = {"metadata": {"uid": view.uid}, "status": wanted}
        body = await self._context.kube.patch(FLOW_RUNS, view.key.namespace, view.key.name, patch, subresource="status")
        self._context.keep_flow_run(body)
