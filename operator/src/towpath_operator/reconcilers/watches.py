"""The operator's kopf handlers and settings: the only module that knows kopf. Called by wiring.operator.

State-tracking handlers serve the few, what is declared; for the many (FlowRuns, Jobs, pods) events fill the indices and the
work queue decides. kopf writes no annotations for us: what was handled is told by status.observedGeneration.
"""

import logging
from collections.abc import Iterable
from typing import Any

import kopf

from towpath.contract import names
from towpath_operator.domain.declaring import DECLARED, DeclaredKind
from towpath_operator.domain.flow_runs import view_flow_run
from towpath_operator.domain.jobs import view_job
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pods import view_pod
from towpath_operator.domain.reading import get_int, get_str
from towpath_operator.kube.client import Object
from towpath_operator.kube.resources import FLOW_RUNS, JOBS, PODS, TOWPATH
from towpath_operator.reconcilers.context import RunContext
from towpath_operator.reconcilers.declared import Declarer
from towpath_operator.reconcilers.index import Index, View
from towpath_operator.reconcilers.resync import Watched

logger = logging.getLogger(__name__)

_KOPF_FINALIZER = f"operator.{names.GROUP}/unused"
_KOPF_ANNOTATIONS = f"operator.{names.GROUP}"
_MAX_DELAY = 30.0
_DELETED = "DELETED"


class GenerationDiffBase(kopf.DiffBaseStorage):
    """Tells kopf what was handled last by status.observedGeneration, in place of a copy of the object in an annotation."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """The part of an object whose change is a change."""
        return kopf.BodyEssence({"spec": {"generation": get_int(body, "metadata", "generation")}})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """What was handled last."""
        observed = get_int(body, "status", "observedGeneration")
        return None if observed is None else kopf.BodyEssence({"spec": {"generation": observed}})

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing: the handler writes observedGeneration with the rest of the status."""


class Watches:
    """Fills the indices from the watches and has what changed reconciled."""

    def __init__(self, context: RunContext, declarer: Declarer) -> None:
        self._context = context
        self._declarer = declarer

    def watched(self) -> list[Watched]:
        """What is watched, for the resync."""
        context = self._context
        ours = names.LABEL_RUN_ID
        many = [
            Watched(
                "flowruns",
                FLOW_RUNS,
                "",
                context.flow_runs.versions,
                lambda body: self._put(context.flow_runs, view_flow_run(body)),
                lambda uid: self._remove(context.flow_runs, uid),
            ),
            Watched(
                "jobs",
                JOBS,
                ours,
                context.jobs.versions,
                lambda body: self._put(context.jobs, view_job(body)),
                lambda uid: self._remove(context.jobs, uid),
            ),
            Watched(
                "pods",
                PODS,
                ours,
                context.pods.versions,
                lambda body: self._put(context.pods, view_pod(body)),
                lambda uid: self._remove(context.pods, uid),
            ),
        ]
        return many + [self._watched_declared(kind) for kind in DECLARED]

    def build_registry(self) -> kopf.OperatorRegistry:
        """All handlers."""
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry, retries=3, id="login")(_log_in)
        context = self._context
        kopf.on.event(names.GROUP, names.VERSION, "flowruns", registry=registry, id="flowruns")(
            self._handler("flowruns", context.flow_runs, view_flow_run)
        )
        kopf.on.event("batch", "v1", "jobs", registry=registry, id="jobs")(
            self._handler("jobs", context.jobs, view_job)
        )
        kopf.on.event("v1", "pods", registry=registry, id="pods")(self._handler("pods", context.pods, view_pod))
        for kind in DECLARED:
            self._register_declared(registry, kind)
        return registry

    def _register_declared(self, registry: kopf.OperatorRegistry, kind: DeclaredKind) -> None:
        where = (names.GROUP, names.VERSION, kind.kind.plural)

        async def declare(body: kopf.Body, retry: int, **_: Any) -> None:
            again = await self._declarer.declare(kind, body)
            if again:
                raise kopf.TemporaryError(again, delay=min(_MAX_DELAY, 1.0 * 2 ** min(retry, 10)))

        async def follow(event: kopf.RawEvent, **_: Any) -> None:
            await self._follow_declared(kind, event)

        for decorator in (kopf.on.create, kopf.on.update, kopf.on.resume):
            decorator(*where, registry=registry, id=f"declare-{kind.kind.singular}")(declare)
        kopf.on.event(*where, registry=registry, id=f"follow-{kind.kind.singular}")(follow)

    async def _follow_declared(self, kind: DeclaredKind, event: kopf.RawEvent) -> None:
        body: Object = dict(event["object"])
        self._context.metrics.watch_events.labels(kind=kind.kind.plural).inc()
        if event["type"] == _DELETED:
            self._context.declared.remove(kind.kind.kind, body)
            await self._declarer.withdraw(kind, body)
        else:
            self._put_declared(kind, body)

    def _put_declared(self, kind: DeclaredKind, body: Object) -> None:
        self._context.declared.put(kind.kind.kind, body)
        self._context.metrics.objects.labels(kind=kind.kind.plural).set(
            len(self._context.declared.of_kind(kind.kind.kind))
        )

    def _watched_declared(self, kind: DeclaredKind) -> Watched:
        name, index = kind.kind.kind, self._context.declared

        def versions() -> dict[str, str]:
            bodies = index.of_kind(name)
            return {get_str(b, "metadata", "uid"): get_str(b, "metadata", "resourceVersion") for b in bodies}

        def remove(uid: str) -> None:
            for body in index.of_kind(name):
                if get_str(body, "metadata", "uid") == uid:
                    index.remove(name, body)

        return Watched(
            kind.kind.plural, TOWPATH[name], "", versions, lambda body: self._put_declared(kind, body), remove
        )

    def _handler(self, name: str, index: Index[Any], view: Any) -> Any:
        async def handle(event: kopf.RawEvent, **_: Any) -> None:
            self._context.metrics.watch_events.labels(kind=name).inc()
            seen = view(event["object"])
            if event["type"] == _DELETED:
                self._remove(index, seen.uid)
                self._context.queue.add(seen.key)
            else:
                self._put(index, seen)
            self._context.metrics.objects.labels(kind=name).set(len(index))

        return handle

    def _put(self, index: Index[Any], view: View) -> None:
        if index.put(view):
            self._context.queue.add(view.key)

    def _remove(self, index: Index[Any], uid: str) -> None:
        view = index.find(uid)
        index.remove(uid)
        if view is not None:
            key: RunKey = view.key
            self._context.queue.add(key)


def build_settings() -> kopf.OperatorSettings:
    """kopf's settings."""
    settings = kopf.OperatorSettings()
    ours = names.LABEL_RUN_ID
    settings.watching.label_selectors["batch", "v1", "jobs"] = ours
    settings.watching.label_selectors["", "v1", "pods"] = ours
    # A bookmark comes every minute. A stream that stays silent for longer is dead, whatever TCP says of it.
    settings.watching.inactivity_timeout = 65
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    # A worker holds its place for idle_timeout after its object's last event: kept short, or the limit would be a rate limit.
    settings.queueing.worker_limit = 64
    settings.queueing.idle_timeout = 0.2
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.execution.default_backoff = 5
    settings.posting.enabled = (
        False  # our own Events say what happened to people's things; kopf's would tell of handlers
    )
    settings.persistence.finalizer = _KOPF_FINALIZER  # kopf takes its finalizer off FlowRuns: it must not be ours
    settings.persistence.diffbase_storage = GenerationDiffBase()
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=_KOPF_ANNOTATIONS)
    return settings


def _log_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
