"""Following the API's changes: nothing is lost before the first cursor, or when the API's database is an older one."""

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest

from tests.support.operator import RUN_ID, make_claim, make_run, make_view
from towpath.contract.runs import FlowRunChanges, FlowRunRead
from towpath.contract.states import StateType
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.apiclient.errors import ApiUnavailable
from towpath_operator.domain.conditions import FINISHED
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.kube.client import KubeClient
from towpath_operator.reconcilers.changes import ChangeLoop
from towpath_operator.reconcilers.context import RunContext, RunSettings
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.flow_runs import FlowRunReconciler
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue

KEY = RunKey("team", "run")
FINISHED_STATUS = {"conditions": [{"type": FINISHED, "status": "True", "reason": "Completed"}]}


class ScriptedApi(ApiClient):
    """Answers for changes in turn, then waits for ever; counts who asks for a run."""

    def __init__(self, *answers: FlowRunChanges | ApiUnavailable, run: FlowRunRead | None = None) -> None:
        super().__init__(Mock())
        self.run = run if run is not None else make_run()
        self.asked: list[UUID] = []
        self.exhausted = asyncio.Event()
        self._answers = list(answers)

    async def get_changes(
        self, cursor: int | None, wait_seconds: float, namespaces: Sequence[str] | None = None
    ) -> FlowRunChanges:
        if not self._answers:
            self.exhausted.set()
            await asyncio.get_running_loop().create_future()
        answer = self._answers.pop(0)
        if isinstance(answer, ApiUnavailable):
            raise answer
        return answer

    async def find_flow_run(self, run_id: UUID) -> FlowRunRead | None:
        self.asked.append(run_id)
        return self.run


def make_context(api: ApiClient) -> RunContext:
    kube, metrics = Mock(spec=KubeClient), OperatorMetrics()
    settings = RunSettings("operator", None, PodSettings("http://api/api", "i"))
    context = RunContext(kube, api, settings, metrics, EventPoster(kube), DeclaredIndex())
    context.queue = Mock(spec=WorkQueue)
    context.queue.time = lambda: 0.0
    return context


async def follow(context: RunContext, api: ScriptedApi) -> None:
    task = asyncio.create_task(ChangeLoop(context, Heartbeats(), lambda: None).run())
    await api.exhausted.wait()
    task.cancel()


def queued(context: RunContext) -> list[Any]:
    return [call.args[0] for call in context.queue.add.call_args_list]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([FlowRunChanges(items=[], cursor=6)], id="the first cursor"),
        pytest.param([ApiUnavailable("starting"), FlowRunChanges(items=[], cursor=6)], id="one after an outage"),
    ],
)
async def test_what_changed_before_the_first_cursor_is_asked_for_again(answers: list[Any]) -> None:
    api = ScriptedApi(*answers)
    context = make_context(api)
    context.flow_runs.put(make_view())
    context.memory.put_run(KEY, make_run(revision=5))
    await follow(context, api)
    assert queued(context) == [KEY]
    api.run = make_run(StateType.CANCELLING, revision=6)
    observed = await FlowRunReconciler(context)._observe(KEY)
    assert api.asked == [RUN_ID]
    assert observed is not None
    assert observed.run == api.run


async def test_an_answer_that_was_under_way_does_not_settle_the_doubt() -> None:
    api = ScriptedApi(FlowRunChanges(items=[], cursor=6))
    context = make_context(api)
    context.flow_runs.put(make_view())
    context.memory.put_run(KEY, make_run(revision=4))
    await follow(context, api)
    context.memory.put_run(KEY, make_run(revision=5))
    await FlowRunReconciler(context)._observe(KEY)
    assert api.asked == [RUN_ID]


async def test_when_the_cursor_goes_back_every_run_is_asked_for_again() -> None:
    api = ScriptedApi(
        FlowRunChanges(items=[], cursor=9), FlowRunChanges(items=[], cursor=3), FlowRunChanges(items=[], cursor=3)
    )
    context = make_context(api)
    context.flow_runs.put(make_view())
    context.memory.put_run(KEY, make_run(revision=9))
    await follow(context, api)
    assert queued(context) == [KEY, KEY, KEY]


async def test_changes_after_the_cursor_are_taken_in_as_they_are_told() -> None:
    changed = make_run(StateType.CANCELLING, revision=8)
    api = ScriptedApi(FlowRunChanges(items=[], cursor=7), FlowRunChanges(items=[changed], cursor=8))
    context = make_context(api)
    context.flow_runs.put(make_view())
    await follow(context, api)
    assert context.memory.find_run(KEY, RUN_ID) == changed


async def test_finished_flow_runs_are_not_asked_for() -> None:
    api = ScriptedApi(FlowRunChanges(items=[], cursor=6))
    context = make_context(api)
    context.flow_runs.put(make_view(status=FINISHED_STATUS, metadata={"finalizers": []}))
    await follow(context, api)
    assert queued(context) == []


class TestMemory:
    async def reconcile(self, context: RunContext) -> None:
        await FlowRunReconciler(context).reconcile(KEY)

    async def test_a_flow_run_that_only_waits_to_expire_is_not_kept_in_memory(self) -> None:
        context = make_context(ScriptedApi())
        context.flow_runs.put(make_view(status=FINISHED_STATUS, metadata={"finalizers": []}))
        context.memory.at(KEY).gone_jobs.add(1)
        await self.reconcile(context)
        assert context.memory.find(KEY) is None

    async def test_one_that_is_under_way_is(self) -> None:
        context = make_context(ScriptedApi())
        context.flow_runs.put(make_view())
        context.memory.put_run(KEY, make_run())
        context.memory.forget_run(KEY, None)
        assert context.memory.find_run(KEY, RUN_ID) is not None

    def test_a_claim_that_came_meanwhile_is_kept(self) -> None:
        context = make_context(ScriptedApi())
        claim = make_claim()
        context.memory.put_claim(KEY, claim, 30)
        context.memory.forget_run(KEY, claim.run)
        known = context.memory.find(KEY)
        assert known is not None
        assert known.claim == claim
