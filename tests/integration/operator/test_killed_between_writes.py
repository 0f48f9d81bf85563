"""The operator killed before and after each of its writes, to Kubernetes and to the API alike: one Job, one set of states.

The API is the real one on a real database; Kubernetes is an API server in memory beneath the operator's real client. A run
is brought from its creation to its end by one operator after another: the first is killed at its n-th write.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.support.api import LOOPBACK, Api, make_batch, make_flow_state
from tests.support.api_server import ApiServer, Guillotine, Killed, MemoryKube
from tests.support.operator import make_pod_body
from towpath.contract.names import FINALIZER
from towpath.contract.runs import ClaimRequest
from towpath_operator.api.app import create_app
from towpath_operator.api.local_gate import LocalGate
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.transport import Transport
from towpath_operator.domain.conditions import FINISHED, SUCCEEDED, find_condition
from towpath_operator.domain.flow_runs import flow_run_key, view_flow_run
from towpath_operator.domain.jobs import view_job
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.domain.pods import view_pod
from towpath_operator.kube.resources import FLOW_RUNS, JOBS, PODS
from towpath_operator.reconcilers.context import RunContext, RunSettings
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.flow_runs import FlowRunReconciler
from towpath_operator.reconcilers.index import Index, View
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue

LEASE_SECONDS = 30
Step = Callable[["Scene"], Any]


class DrivenQueue(WorkQueue[RunKey]):
    """A work queue without workers: the test takes its keys."""

    def __init__(self, metrics: OperatorMetrics) -> None:
        super().__init__(self._nothing, 1, metrics)
        self.keys: dict[RunKey, None] = {}

    async def _nothing(self, key: RunKey) -> None:
        raise AssertionError(key)

    def add(self, key: RunKey) -> None:
        self.keys[key] = None

    def add_after(self, key: RunKey, seconds: float) -> None:
        """Later times are beyond these tests: everything that must happen, happens by events."""


class CountingTransport(httpx.AsyncBaseTransport):
    """Passes requests to the API and counts those that write."""

    def __init__(self, inner: httpx.AsyncBaseTransport, guillotine: Guillotine) -> None:
        self._inner = inner
        self._guillotine = guillotine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self._inner.handle_async_request(request)
        if request.url.path.endswith("/claims"):
            return await self._claim(request)
        self._guillotine.before_write()
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        self._guillotine.after_write()
        return answer

    async def _claim(self, request: httpx.Request) -> httpx.Response:
        """A claim writes if it is given something, which shows in its answer only."""
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        if answer.json()["items"]:
            self._guillotine.before_write()
            self._guillotine.after_write()
        return answer


class LivingOperator:
    """One life of the operator: what it knows is only what it reads."""

    def __init__(self, server: ApiServer, api: Api, guillotine: Guillotine) -> None:
        self._server = server
        app = create_app(api.hub, LocalGate(None))
        http = CountingTransport(httpx.ASGITransport(app, raise_app_exceptions=False), guillotine)
        metrics, kube = OperatorMetrics(), MemoryKube(server, guillotine)
        self.queue = DrivenQueue(metrics)
        settings = RunSettings("operator", None, PodSettings("http://api/api", "towpath/flow:1"), status_interval=0)
        self.context = RunContext(
            kube, ApiClient(Transport(LOOPBACK, http=http)), settings, metrics, EventPoster(kube), DeclaredIndex()
        )
        self.context.queue = self.queue
        self._reconciler = FlowRunReconciler(self.context)

    def look(self) -> None:
        """Take in what the watches show."""
        context = self.context
        for body in self._server.all_of(FLOW_RUNS):
            self._see(context.flow_runs, view_flow_run(body))
        for body in self._server.all_of(JOBS):
            self._see(context.jobs, view_job(body))
        for body in self._server.all_of(PODS):
            self._see(context.pods, view_pod(body))
        uids = {body["metadata"]["uid"] for body in self._server.objects.values()}
        for index in (context.flow_runs, context.jobs, context.pods):
            for view in index:
                if view.uid not in uids:
                    index.remove(view.uid)
                    self.queue.add(view.key)

    def _see(self, index: Index[Any], view: View) -> None:
        if index.versions().get(view.uid) != view.resource_version and index.put(view):
            self.queue.add(view.key)

    async def work(self) -> None:
        """Claim and reconcile until nothing is left to do."""
        for _ in range(100):
            self.look()
            claims = await self.context.api.claim(ClaimRequest(holder="operator", wait_seconds=0))
            for claim in claims.items:
                key = flow_run_key(claim.run)
                assert key is not None
                self.context.memory.put_claim(key, claim, self.queue.time() + LEASE_SECONDS)
                self.queue.add(key)
            if not self.queue.keys:
                return
            for key in list(self.queue.keys):
                del self.queue.keys[key]
                await self._reconciler.reconcile(key)
        raise AssertionError("the operator does not come to rest")


class Scene:
    """A cluster, an API, and a run that goes through them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.server = ApiServer()

    async def operate(self, guillotine: Guillotine) -> None:
        """One life of the operator, until it rests or is killed."""
        await LivingOperator(self.server, self.api, guillotine).work()

    async def end_leases(self) -> None:
        """As if half a minute had passed since the operator died."""
        async with self.api.hub.database.write() as transaction:
            await transaction.connection.execute(
                text("UPDATE attempts SET lease_expires = 1 WHERE lease_expires IS NOT NULL")
            )

    @property
    def flow_run(self) -> dict[str, Any]:
        """The one FlowRun."""
        (body,) = self.server.all_of(FLOW_RUNS)
        return body

    async def get_run(self) -> Any:
        """The one run, as the API has it."""
        (run,) = (await self.api.get("/flow-runs"))["items"]
        return run

    async def apply_flow_run(self) -> None:
        """`kubectl create -f`."""
        body = {"metadata": {"namespace": "default", "name": "run"}, "spec": {"deployment": "etl.dev"}}
        self.server.create(FLOW_RUNS.path("default"), body)

    async def ask_for_run(self) -> None:
        """A run that begins in the API."""
        await self.api.create_run()

    async def start_pod(self) -> None:
        """The Job's pod starts and takes the run."""
        (job,) = self.server.all_of(JOBS)
        run = await self.get_run()
        pod = make_pod_body(state={"running": {}})
        pod["metadata"] |= {"namespace": "default", "labels": job["metadata"]["labels"]}
        pod["metadata"]["annotations"] = job["metadata"]["annotations"]
        self.server.create(PODS.path("default"), pod)
        await self.api.take(run)
        await self.api.tell(make_batch(run["id"], make_flow_state(run["id"], "RUNNING"), attempt=1))

    async def end_pod(self) -> None:
        """The flow completes, its pod exits and its Job is complete."""
        run = await self.get_run()
        done = make_flow_state(run["id"], "COMPLETED")
        await self.api.tell(make_batch(run["id"], done, attempt=1, first=2))
        (pod,), (job,) = self.server.all_of(PODS), self.server.all_of(JOBS)
        ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        pod["status"] = {"phase": "Succeeded", "containerStatuses": [{"name": "flow", "state": ended}]}
        job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
        self.server.keep(PODS.path("default", "pod-1"), pod)
        self.server.keep(JOBS.path("default", job["metadata"]["name"]), job)

    async def delete_flow_run(self) -> None:
        """`kubectl delete flowrun`."""
        self.server.delete(FLOW_RUNS.path("default", self.flow_run["metadata"]["name"]))

    async def lose_pod(self) -> None:
        """Kubernetes ends the pod of a Job that was deleted."""
        if not self.server.all_of(JOBS):
            self.server.objects.pop(PODS.path("default", "pod-1"), None)


async def play(scene: Scene, steps: list[Step], guillotine: Guillotine) -> None:
    """The steps in order, the operator at work after each; once killed, another takes its place."""
    current = guillotine
    for step in steps:
        await step(scene)
        try:
            await scene.operate(current)
        except Killed:
            current = Guillotine()
            await scene.end_leases()
            await scene.operate(current)


async def check_states(scene: Scene, *last: str) -> None:
    """Each state was entered once, and the last ones are as they should be."""
    run = await scene.get_run()
    states = [state["name"] for state in (await scene.api.get(f"/flow-runs/{run['id']}/states"))["items"]]
    assert tuple(states[-len(last) :]) == last
    assert states.count("Running") == 1
    assert states.count("InfrastructurePending") == 1


BEGINNINGS: dict[str, Step] = {"made with kubectl": Scene.apply_flow_run, "begun in the API": Scene.ask_for_run}
KILLS = [pytest.param(after, id="after the write" if after else "before the write") for after in (True, False)]


async def count_writes(api: Api, steps: list[Step]) -> int:
    """How many writes an operator makes that nobody kills."""
    guillotine = Guillotine()
    await play(Scene(api), steps, guillotine)
    return guillotine.writes


@pytest.mark.parametrize("after", KILLS)
@pytest.mark.parametrize("write", range(1, 14))
@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_a_run_that_completes_has_one_job(api: Api, beginning: str, write: int, after: bool) -> None:
    await api.declare(queue="default")
    scene, guillotine = Scene(api), Guillotine(write, after=after)
    await play(scene, [BEGINNINGS[beginning], Scene.start_pod, Scene.end_pod], guillotine)
    assert len([name for name in scene.server.created if "/jobs/" in name]) == 1
    await check_states(scene, "Running", "Completed")
    succeeded = find_condition(scene.flow_run["status"]["conditions"], SUCCEEDED)
    assert succeeded is not None
    assert succeeded["status"] == "True"
    assert FINALIZER not in scene.flow_run["metadata"]["finalizers"]


@pytest.mark.parametrize("after", KILLS)
@pytest.mark.parametrize("write", range(1, 16))
async def test_a_run_that_is_deleted_is_cancelled_and_gone(api: Api, write: int, after: bool) -> None:
    await api.declare(queue="default")
    scene, guillotine = Scene(api), Guillotine(write, after=after)
    steps: list[Step] = [Scene.apply_flow_run, Scene.start_pod, Scene.delete_flow_run, Scene.lose_pod]
    await play(scene, steps, guillotine)
    assert len([name for name in scene.server.created if "/jobs/" in name]) == 1
    await check_states(scene, "Running", "Cancelling", "Cancelled")
    assert scene.server.all_of(FLOW_RUNS) == []
    assert scene.server.all_of(JOBS) == []


@pytest.mark.parametrize("after", KILLS)
@pytest.mark.parametrize("write", range(1, 5))
async def test_a_run_that_the_api_refuses_is_failed_without_a_job(api: Api, write: int, after: bool) -> None:
    flow = {"entrypoint": "flows.py:etl", "parameterSchema": {"type": "object", "required": ["day"]}}
    await api.put("/flows", {"name": "etl", "spec": flow})
    await api.put("/deployments", {"name": "dev", "spec": {"flow": "etl"}})
    scene = Scene(api)
    await play(scene, [Scene.apply_flow_run], Guillotine(write, after=after))
    finished = find_condition(scene.flow_run["status"]["conditions"], FINISHED)
    assert finished is not None
    assert (finished["status"], finished["reason"]) == ("True", "InvalidParameters")
    assert scene.server.all_of(JOBS) == []
    assert FINALIZER not in scene.flow_run["metadata"]["finalizers"]


async def test_these_are_all_the_writes_there_are(api: Api) -> None:
    await api.declare(queue="default")
    steps: list[Step] = [Scene.apply_flow_run, Scene.start_pod, Scene.end_pod]
    assert await count_writes(api, steps) < 14
