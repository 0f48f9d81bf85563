"""Launches a claimed attempt: its FlowRun where it has none, its Job, the report. Called by applying.

Every name derives from the run and its attempt, so that a crash between any two writes ends in one Job: the claim's lease
ends, the same attempt is claimed again, and what exists already is found.
"""

import logging
from typing import Any

from towpath.contract.problems import Code
from towpath.contract.runs import AttemptEnded, AttemptLaunched, AttemptWaiting, ClaimedRun
from towpath_operator.apiclient.errors import ApiRefused
from towpath_operator.domain.belonging import is_run_of
from towpath_operator.domain.blocks import select_blocks
from towpath_operator.domain.flow_run_status import Step
from towpath_operator.domain.flow_runs import FlowRunView, build_flow_run
from towpath_operator.domain.jobs import JobView, build_job, view_job
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodRefused, build_pod_template
from towpath_operator.domain.pods import make_waiting
from towpath_operator.kube.errors import KubeConflict, KubeNotFound, KubeRefused, KubeUnavailable
from towpath_operator.kube.resources import FLOW_RUNS, JOBS
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.finalizers import add_finalizer

logger = logging.getLogger(__name__)


class Launcher:
    """Launches claimed attempts."""

    def __init__(self, context: RunContext) -> None:
        self._context = context

    async def launch(self, key: RunKey, view: FlowRunView | None, claim: ClaimedRun) -> None:
        """Make what the attempt needs and report it, or report that it cannot start."""
        context = self._context
        if context.queue.time() >= context.memory.at(key).claim_until:
            context.memory.drop_claim(key)  # the API hands the same attempt out again
            return
        refusal = "FlowRunRefused"
        try:
            view = await self._ensure_flow_run(key, view, claim)
            if view.deleting:
                context.memory.drop_claim(key)
                context.queue.add(key)
                return
            refusal = "JobRefused"
            job, made = await self._ensure_job(key, view, claim)
        except PodRefused as refused:
            await self._give_up(key, claim, "PodRefused", str(refused))
            return
        except KubeRefused as refused:
            if refused.is_quota:
                await self._wait_for_quota(claim, refused)
                raise KubeUnavailable(refused.status, refused.message) from refused
            await self._give_up(key, claim, refusal, refused.message)
            return
        await self._report(key, claim, job)
        if made:
            context.metrics.jobs_created.inc()
            message = f"Created Job {job.name} for attempt {claim.attempt}."
            context.tell(view, Step("Normal", "JobCreated", message))

    async def _ensure_flow_run(self, key: RunKey, view: FlowRunView | None, claim: ClaimedRun) -> FlowRunView:
        context = self._context
        if view is not None:
            return view if view.has_finalizer or view.deleting else await add_finalizer(context, view)
        try:
            body = await context.kube.create(FLOW_RUNS, build_flow_run(claim, key))
        except KubeNotFound as missing:
            raise KubeRefused(404, missing.message) from missing  # its namespace is gone
        except KubeConflict:
            found = context.keep_flow_run(await context.kube.get(FLOW_RUNS, key.namespace, key.name))
            if found.run_id != claim.run.id or not is_run_of(claim.run, found):
                raise  # another FlowRun has the name by chance, or this one is not registered yet: look again
            return found
        view = context.keep_flow_run(body)
        message = f"Made for run {claim.run.name} ({claim.run.id}) of {claim.deployment.full_name}."
        context.tell(view, Step("Normal", "Claimed", message))
        return view

    def _build_job(self, key: RunKey, view: FlowRunView, claim: ClaimedRun) -> dict[str, Any]:
        context = self._context
        try:
            blocks = select_blocks(claim, context.declared.blocks(key.namespace))
            template = build_pod_template(claim, key, blocks, context.settings.pods)
            return build_job(claim, key, view.uid, template)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # What people declare, in a form that no check foresaw: that run cannot start, and trying again does not help it.
            logger.exception("%s: the pod of attempt %d cannot be built", key, claim.attempt)
            raise PodRefused([f"The pod cannot be built of its podTemplates and blocks: {error!r}."]) from error

    async def _ensure_job(self, key: RunKey, view: FlowRunView, claim: ClaimedRun) -> tuple[JobView, bool]:
        """The attempt's Job, and whether it was made just now."""
        manifest = self._build_job(key, view, claim)
        try:
            body, made = await self._context.kube.create(JOBS, manifest), True
        except KubeConflict:
            body, made = await self._find_job(key, manifest["metadata"]["name"]), False
        job = view_job(body)
        if job.attempt != claim.attempt or job.run_id != str(claim.run.id) or job.owner_uid != view.uid:
            if job.deleting or job.owner_uid not in ("", view.uid):
                # It was an earlier FlowRun's of the same name, and goes with it.
                raise KubeUnavailable(409, f"The Job {job.name} of an earlier FlowRun is still there.")
            raise KubeRefused(409, f"The Job {job.name} exists already and does not belong to this run.")
        self._context.jobs.put(job)
        self._context.memory.at(key).gone_jobs.discard(claim.attempt)
        return job, made

    async def _find_job(self, key: RunKey, name: str) -> dict[str, Any]:
        try:
            return await self._context.kube.get(JOBS, key.namespace, name)
        except KubeNotFound as error:
            raise KubeUnavailable(404, f"The Job {name} was deleted just now.") from error

    async def _report(self, key: RunKey, claim: ClaimedRun, job: JobView) -> None:
        context = self._context
        report = AttemptLaunched(holder=context.settings.holder, job_name=job.name, job_uid=job.uid)
        try:
            run = await context.api.report_launched(claim.run.id, claim.attempt, report)
        except ApiRefused as refused:
            # The attempt is superseded or the run is gone: the next plan deletes the Job.
            logger.info("%s: the launch of attempt %d is refused: %s", key, claim.attempt, refused)
            found = await context.api.find_flow_run(claim.run.id)
            if found is not None:
                context.memory.put_run(key, found)
        else:
            context.memory.put_run(key, run)
        context.memory.drop_claim(key)
        context.queue.add(key)

    async def _wait_for_quota(self, claim: ClaimedRun, refused: KubeRefused) -> None:
        waiting = make_waiting("QuotaExceeded", refused.message)
        report = AttemptWaiting(reason=waiting.reason, message=waiting.message)
        await self._context.api.report_waiting(claim.run.id, claim.attempt, report)

    async def _give_up(self, key: RunKey, claim: ClaimedRun, reason: str, message: str) -> None:
        """The attempt cannot start, and repeating it does not help."""
        logger.info("%s: attempt %d cannot start: %s: %s", key, claim.attempt, reason, message)
        report = AttemptEnded(outcome="NotStarted", reason=reason, message=message[:10_000])
        try:
            run = await self._context.api.report_ended(claim.run.id, claim.attempt, report)
            self._context.memory.put_run(key, run)
        except ApiRefused as refused:
            if refused.code not in (Code.STALE_ATTEMPT, Code.NOT_FOUND):
                raise
        self._context.memory.drop_claim(key)
        self._context.queue.add(key)
