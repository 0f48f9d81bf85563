"""Applies the actions of a plan, each by a few calls. Called by flow_runs; decides nothing.

Whatever fails is raised and the whole key is planned again: actions may be applied twice.
"""

import logging
from collections.abc import Sequence

from towpath.contract import exit_codes, names
from towpath.contract.problems import Code
from towpath.contract.runs import AttemptEnded, AttemptLaunched, AttemptWaiting, FlowRunRead
from towpath_operator.apiclient.errors import ApiRefused
from towpath_operator.domain import flow_run_actions as actions
from towpath_operator.domain.belonging import find_job_name, is_job_of
from towpath_operator.domain.conditions import FINISHED, find_condition
from towpath_operator.domain.flow_run_status import Step, tell_story
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.jobs import view_job
from towpath_operator.domain.last_lines import parse_last_lines
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pods import make_waiting
from towpath_operator.domain.reading import get_list, get_str
from towpath_operator.kube.errors import KubeConflict, KubeError, KubeNotFound
from towpath_operator.kube.resources import EVENTS, FLOW_RUNS, JOBS, PODS
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.finalizers import remove_finalizer
from towpath_operator.reconcilers.launching import Launcher
from towpath_operator.reconcilers.registering import Registrar

logger = logging.getLogger(__name__)


class Applier:
    """Applies plans."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._launcher = Launcher(context)
        self._registrar = Registrar(context)

    async def apply(self, key: RunKey, observed: actions.Observed, plan: Sequence[actions.Action]) -> None:
        """Apply the plan's actions in order."""
        for action in plan:
            await self._apply_one(key, observed, action)

    async def _apply_one(self, key: RunKey, observed: actions.Observed, action: actions.Action) -> None:
        view = observed.flow_run
        match action:
            case actions.LookAgain(seconds):
                self._context.queue.add_after(key, seconds)
            case actions.DropClaim():
                self._context.memory.drop_claim(key)
            case actions.RequestCancel(run_id):
                self._keep(key, await self._context.api.cancel_flow_run(run_id))
            case actions.Launch(claim):
                await self._launcher.launch(key, view, claim)
            case actions.ReportLaunched():
                await self._report_launched(key, action)
            case actions.ReportWaiting():
                await self._report_waiting(key, action)
            case actions.ReportEnded():
                await self._report_ended(key, observed.run, action)
            case actions.DeleteJob(name, uid, because):
                await self._delete_job(key, name, uid, because)
            case actions.ConfirmJobGone(attempt):
                await self._confirm_job_gone(key, observed, attempt)
            case actions.ReadHints(uid):
                await self._read_hints(key, uid)
            case _:
                if view is not None:
                    await self._apply_to_flow_run(view, action)

    async def _apply_to_flow_run(self, view: FlowRunView, action: actions.Action) -> None:
        match action:
            case actions.Register():
                await self._registrar.register(view)
            case actions.RegisterToCancel():
                await self._registrar.register_to_cancel(view)
            case actions.PatchStatus(wanted):
                await self._patch_status(view, wanted)
            case actions.ReleaseFlowRun():
                await remove_finalizer(self._context, view)
            case actions.ExpireFlowRun():
                await self._context.kube.delete(FLOW_RUNS, view.key.namespace, view.key.name, uid=view.uid)
            case _:
                raise TypeError(f"nothing applies {action!r}")

    def _keep(self, key: RunKey, run: FlowRunRead) -> None:
        """Take the API's answer in, and look at the run again in its light."""
        self._context.memory.put_run(key, run)
        self._context.queue.add(key)

    async def _patch_status(self, view: FlowRunView, wanted: dict[str, object]) -> None:
        context = self._context
        known = context.memory.at(view.key)
        now = context.queue.time()
        wait = known.patched_at + context.settings.status_interval - now
        if wait > 0 and not _is_turning_point(view, wanted):
            context.queue.add_after(view.key, wait)
            return
        patch = {"metadata": {"uid": view.uid}, "status": wanted}
        try:
            body = await context.kube.patch(FLOW_RUNS, view.key.namespace, view.key.name, patch, subresource="status")
        except (KubeNotFound, KubeConflict):
            # The FlowRun is gone, or is another of the same name by now: the watch says which.
            context.flow_runs.remove(view.uid)
            context.queue.add(view.key)
            return
        known.patched_at = now
        context.keep_flow_run(body)
        for step in tell_story(view.status, wanted):
            context.tell(view, step)
        context.queue.add(view.key)

    async def _report_launched(self, key: RunKey, action: actions.ReportLaunched) -> None:
        report = AttemptLaunched(holder=action.holder, job_name=action.job, job_uid=action.job_uid)
        self._keep(key, await self._context.api.report_launched(action.run_id, action.attempt, report))

    async def _report_waiting(self, key: RunKey, action: actions.ReportWaiting) -> None:
        report = AttemptWaiting(reason=action.waiting.reason, message=action.waiting.message)
        try:
            self._keep(key, await self._context.api.report_waiting(action.run_id, action.attempt, report))
        except ApiRefused as refused:
            if refused.code != Code.STALE_ATTEMPT:
                raise

    async def _report_ended(self, key: RunKey, run: FlowRunRead | None, action: actions.ReportEnded) -> None:
        end = action.end
        if end.exit_code == exit_codes.STALE_ATTEMPT and await self._is_outdated(key, run):
            return  # another pod holds the attempt, or another attempt the run
        lines = await self._read_last_lines(key, end.pod) if end.pod else ""
        report = AttemptEnded(
            outcome=end.outcome,
            exit_code=end.exit_code,
            reason=end.reason[:200],
            message=end.message[:10_000],
            final_state=dict(end.final_state) if end.final_state is not None else None,
            last_lines=parse_last_lines(lines),
        )
        told = await self._context.api.report_ended(action.run_id, action.attempt, report)
        self._context.metrics.attempts_ended.labels(outcome=end.outcome, reason=end.reason[:63]).inc()
        logger.info("%s: attempt %d ended: %s %s", key, action.attempt, end.outcome, end.reason)
        self._keep(key, told)

    async def _is_outdated(self, key: RunKey, seen: FlowRunRead | None) -> bool:
        """Whether the API knows more of the run than was planned on; what it knows is taken in."""
        run = await self._context.api.find_flow_run(seen.id) if seen is not None else None
        if run is None or seen is None or run.revision <= seen.revision:
            return False
        self._keep(key, run)
        return True

    async def _read_last_lines(self, key: RunKey, pod: str) -> str:
        count = self._context.settings.last_lines
        try:
            return await self._context.kube.read_log(PODS, key.namespace, pod, names.FLOW_CONTAINER, count)
        except KubeError as error:
            logger.info("%s: the last lines of pod %s cannot be read: %s", key, pod, error)
            return ""

    async def _delete_job(self, key: RunKey, name: str, uid: str, because: str) -> None:
        logger.info("%s: deleting Job %s, since %s", key, name, because)
        try:
            # In the foreground: as long as the Job is there, its pod may be.
            await self._context.kube.delete(JOBS, key.namespace, name, uid=uid, propagation="Foreground")
        except KubeConflict:
            self._context.jobs.remove(uid)
        view = self._context.find_flow_run(key)
        if view is not None:
            self._context.tell(view, Step("Normal", "JobDeleted", f"Deleted Job {name}, since {because}."))

    async def _confirm_job_gone(self, key: RunKey, observed: actions.Observed, number: int) -> None:
        view, run = observed.flow_run, observed.run
        if view is None or run is None:
            return
        name = find_job_name(run, number)
        body = await self._context.kube.find(JOBS, key.namespace, name) if name is not None else None
        job = view_job(body) if body is not None else None
        if job is None or job.attempt != number or not is_job_of(job, view, run):
            self._context.memory.at(key).gone_jobs.add(number)
        elif not self._context.jobs.put(job):
            self._context.queue.add_after(key, 1.0)  # its deletion was seen a moment ago
            return
        self._context.queue.add(key)

    async def _read_hints(self, key: RunKey, uid: str) -> None:
        fields = f"involvedObject.uid={uid},type=Warning"
        found = [event async for event in self._context.kube.list(EVENTS, key.namespace, fields=fields)]
        latest = max(found, key=lambda event: get_str(event, "lastTimestamp") or _event_time(event), default=None)
        if latest is None:
            return
        hint = make_waiting(get_str(latest, "reason"), get_str(latest, "message"))
        hints = self._context.memory.at(key).hints
        if hints.get(uid) != hint:
            hints[uid] = hint
            self._context.queue.add(key)


def _event_time(event: dict[str, object]) -> str:
    return get_str(event, "eventTime") or get_str(event, "metadata", "creationTimestamp")


def _is_turning_point(view: FlowRunView, wanted: dict[str, object]) -> bool:
    """Whether a status must be written at once: the run's end, or its revival."""
    before = find_condition(get_list(view.status, "conditions"), FINISHED) or {}
    after = find_condition(get_list(wanted, "conditions"), FINISHED) or {}
    return before.get("status") != after.get("status")
