"""Launching a claimed attempt: what is refused ends the attempt with the reason, and a lease is counted by one clock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from tests.support.operator import NOW, RUN_ID, ago, make_attempt, make_claim, make_run, make_view
from towpath.contract.names import LABEL_RUN_ID, flow_run_resource_name, job_name
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.runs import AttemptEnded, ClaimedRun
from towpath_operator.apiclient.client import ApiClient
from towpath_operator.domain.flow_runs import FlowRunView, build_flow_run
from towpath_operator.domain.leases import measure_lease
from towpath_operator.domain.objects import RunKey
from towpath_operator.domain.pod_manifests import PodSettings
from towpath_operator.kube.client import KubeClient, Object
from towpath_operator.kube.errors import KubeConflict, KubeError, KubeUnavailable, to_error
from towpath_operator.kube.resources import FLOW_RUNS, JOBS, Resource
from towpath_operator.reconcilers.context import RunContext, RunSettings
from towpath_operator.reconcilers.declared_index import DeclaredIndex
from towpath_operator.reconcilers.events import EventPoster
from towpath_operator.reconcilers.launching import Launcher
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.work_queue import WorkQueue

KEY = RunKey("team", "run")
DERIVED = RunKey("team", flow_run_resource_name("etl.main", RUN_ID))
QUOTA = to_error(403, "exceeded quota: runs")


class Cluster:
    """The kube calls of a launch: objects by kind and name; `refuses` says what creating a kind meets with."""

    def __init__(self, refuses: Mapping[str, KubeError] | None = None) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.kube = Mock(spec=KubeClient)
        self.kube.create = self.create
        self.kube.get = self.get
        self._refuses = dict(refuses or {})

    async def create(self, resource: Resource, body: Mapping[str, Any]) -> Object:
        name = resource.plural, str(body["metadata"]["name"])
        if (refusal := self._refuses.get(resource.plural)) is not None:
            raise refusal
        if name in self.objects:
            raise KubeConflict(409, "it exists")
        return self.put(resource, body)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        if (resource.plural, name) not in self.objects:
            raise to_error(404, name)
        return self.objects[resource.plural, name]

    def put(self, resource: Resource, body: Mapping[str, Any]) -> Object:
        metadata = {"uid": f"uid-{len(self.objects)}", "resourceVersion": "1"} | dict(body["metadata"])
        made = {**body, "metadata": metadata}
        self.objects[resource.plural, metadata["name"]] = made
        return made

    def names_of(self, resource: Resource) -> list[str]:
        return [name for plural, name in self.objects if plural == resource.plural]


class Launch:
    """One launch, with what the API was told of it."""

    def __init__(self, cluster: Cluster, *, now: float = 0.0) -> None:
        api, metrics = Mock(spec=ApiClient), OperatorMetrics()
        api.report_launched = AsyncMock(return_value=make_run())
        api.report_ended = AsyncMock(return_value=make_run())
        api.report_waiting = AsyncMock(return_value=make_run())
        self.api = api
        settings = RunSettings("operator", None, PodSettings("http://api/api", "towpath/flow:1"))
        self.context = RunContext(cluster.kube, api, settings, metrics, EventPoster(cluster.kube), DeclaredIndex())
        self.context.queue = Mock(spec=WorkQueue)
        self.context.queue.time = lambda: now

    async def run(self, key: RunKey, view: FlowRunView | None, claim: ClaimedRun, until: float = 30.0) -> None:
        self.context.memory.put_claim(key, claim, until)
        await Launcher(self.context).launch(key, view, claim)

    @property
    def ended(self) -> AttemptEnded:
        """The one end that was reported."""
        self.api.report_launched.assert_not_called()
        (call,) = self.api.report_ended.call_args_list
        assert self.context.memory.claims == 0
        report: AttemptEnded = call.args[2]
        return report


async def test_a_claim_of_a_run_that_began_elsewhere_makes_its_flow_run_and_one_job() -> None:
    cluster, claim = Cluster(), make_claim(run_fields={"resource": None})
    for _ in range(2):  # claimed again, as after a crash before the report
        launch = Launch(cluster)
        await launch.run(DERIVED, None, claim)
        launch.api.report_launched.assert_awaited_once()
    assert cluster.names_of(FLOW_RUNS) == [DERIVED.name]
    assert cluster.names_of(JOBS) == [job_name("etl.main", RUN_ID, 1)]


@pytest.mark.parametrize(
    ("plural", "refusal", "reason"),
    [
        ("flowruns", to_error(422, "spec.parameters is too long"), "FlowRunRefused"),
        ("flowruns", to_error(404, "namespaces 'team' not found"), "FlowRunRefused"),
        ("flowruns", to_error(403, "denied by a webhook"), "FlowRunRefused"),
        ("jobs", to_error(422, "spec.template is invalid"), "JobRefused"),
    ],
)
async def test_what_the_api_server_refuses_ends_the_attempt_with_its_reason(
    plural: str, refusal: KubeError, reason: str
) -> None:
    launch = Launch(Cluster({plural: refusal}))
    await launch.run(DERIVED, None, make_claim(run_fields={"resource": None}))
    assert (launch.ended.outcome, launch.ended.reason, launch.ended.message) == ("NotStarted", reason, refusal.message)


@pytest.mark.parametrize("plural", ["flowruns", "jobs"])
async def test_a_quota_may_free_up_and_is_waited_for(plural: str) -> None:
    launch = Launch(Cluster({plural: QUOTA}))
    with pytest.raises(KubeUnavailable):
        await launch.run(DERIVED, None, make_claim(run_fields={"resource": None}))
    launch.api.report_ended.assert_not_called()
    (call,) = launch.api.report_waiting.call_args_list
    assert call.args[2].reason == "QuotaExceeded"


@pytest.mark.parametrize("status", [0, 401, 429, 503])
async def test_an_api_server_that_cannot_answer_ends_nothing(status: int) -> None:
    launch = Launch(Cluster({"flowruns": to_error(status, "later")}))
    with pytest.raises(KubeUnavailable):
        await launch.run(DERIVED, None, make_claim(run_fields={"resource": None}))
    launch.api.report_ended.assert_not_called()


async def test_what_no_check_foresaw_ends_the_attempt_and_not_the_operator() -> None:
    spec = DeploymentSpec(flow="etl")
    malformed = spec.model_copy(update={"result_storage": "no-slash"})
    launch = Launch(Cluster())
    await launch.run(KEY, make_view(), make_claim(deployment=malformed))
    assert (launch.ended.outcome, launch.ended.reason) == ("NotStarted", "PodRefused")
    assert "cannot be built" in launch.ended.message


async def test_a_flow_run_of_the_derived_name_with_another_label_is_not_taken_over() -> None:
    cluster, claim = Cluster(), make_claim(run_fields={"resource": None})
    body = build_flow_run(claim, DERIVED)
    body["metadata"]["labels"] = {LABEL_RUN_ID: "01a20f33-6f44-74a2-aac9-000000000000"}
    cluster.put(FLOW_RUNS, body)
    with pytest.raises(KubeConflict):
        await Launch(cluster).run(DERIVED, None, claim)
    assert cluster.names_of(JOBS) == []


@pytest.mark.parametrize(
    ("owners", "is_refused"),
    [
        pytest.param([], True, id="nobody's"),
        pytest.param(
            [{"kind": "FlowRun", "name": "run", "uid": "uid-earlier", "controller": True}],
            False,
            id="an earlier FlowRun's, and goes with it",
        ),
    ],
)
async def test_a_job_of_the_attempts_name_is_taken_only_if_it_is_the_flow_runs(
    owners: list[Any], is_refused: bool
) -> None:
    cluster, claim = Cluster(), make_claim()
    labels = {LABEL_RUN_ID: str(RUN_ID), "towpath.dev/attempt": "1"}
    metadata = {"namespace": "team", "name": job_name("etl.main", RUN_ID, 1), "labels": labels}
    cluster.put(JOBS, {"metadata": metadata | {"ownerReferences": owners}})
    launch = Launch(cluster)
    if is_refused:
        await launch.run(KEY, make_view(), claim)
        assert launch.ended.reason == "JobRefused"
    else:
        with pytest.raises(KubeUnavailable):
            await launch.run(KEY, make_view(), claim)
        launch.api.report_launched.assert_not_called()


class TestTheLease:
    async def test_a_claim_is_not_launched_once_its_lease_is_over(self) -> None:
        cluster = Cluster()
        launch = Launch(cluster, now=30.0)
        await launch.run(KEY, make_view(), make_claim())
        assert cluster.objects == {}
        assert launch.context.memory.claims == 0

    async def test_the_wall_clock_has_no_say_in_it(self) -> None:
        cluster = Cluster()
        await Launch(cluster, now=29.0).run(KEY, make_view(), make_claim(lease_expires=ago(86_400)))
        assert len(cluster.names_of(JOBS)) == 1

    @pytest.mark.parametrize("skew", [-3_600, 0, 3_600])
    def test_its_length_is_the_apis_own(self, skew: float) -> None:
        attempt = make_attempt(claimed_at=ago(skew), launched_at=None)
        claim = make_claim(run=make_run(attempts=[attempt]), lease_expires=ago(skew) + timedelta(seconds=20))
        assert measure_lease(claim) == timedelta(seconds=20)

    def test_one_of_unknown_length_lasts_as_long_as_usual(self) -> None:
        claim = make_claim(run=make_run(attempts=[make_attempt(claimed_at=None)]), lease_expires=NOW)
        assert measure_lease(claim) == timedelta(seconds=30)
