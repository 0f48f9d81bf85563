"""Which runs, Jobs and pods a FlowRun is believed to have: what its author may write proves nothing."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.support.operator import (
    JOB,
    RUN_ID,
    ago,
    ended,
    make_attempt,
    make_claim,
    make_job,
    make_pod,
    make_run,
    make_view,
)
from towpath.contract.declared import ResourceRef
from towpath.contract.names import LABEL_RUN_ID, flow_run_resource_name
from towpath.contract.runs import FlowRunRead
from towpath.contract.states import StateType
from towpath_operator.domain.attempt_ends import End
from towpath_operator.domain.belonging import find_job_name, is_job_of, is_run_of, select_own
from towpath_operator.domain.flow_run_actions import (
    Action,
    Launch,
    Observed,
    PlanSettings,
    Register,
    RegisterToCancel,
    ReportEnded,
)
from towpath_operator.domain.flow_run_plan import plan_flow_run
from towpath_operator.domain.flow_run_status import build_run_status

OTHER_ID = UUID("01a20f33-6f44-74a2-aac9-000000000000")
DERIVED = flow_run_resource_name("etl.main", RUN_ID)
DELETING = {"deletionTimestamp": "2026-11-24T12:00:00Z"}


def plan(view: Any, **observed: Any) -> list[Action]:
    return plan_flow_run(Observed(view, **observed), ago(0), PlanSettings())


class TestTheRun:
    @pytest.mark.parametrize(
        ("metadata", "run", "belongs"),
        [
            pytest.param({}, {}, True, id="the FlowRun that asked for it"),
            pytest.param({"uid": "uid-copy"}, {}, False, id="one of its name that was made later"),
            pytest.param({"name": "copy", "uid": "uid-copy"}, {}, False, id="a copy under another name"),
            pytest.param({"namespace": "evil"}, {}, False, id="one in another namespace"),
            pytest.param({"name": DERIVED}, {"resource": None}, True, id="the one made for a run that began elsewhere"),
            pytest.param({"name": "copy"}, {"resource": None}, False, id="a copy of that one under another name"),
            pytest.param({"name": DERIVED, "namespace": "evil"}, {"resource": None}, False, id="one elsewhere"),
            pytest.param(
                {"name": DERIVED}, {"resource": None, "deployment_resource": None}, False, id="of a run without a name"
            ),
        ],
    )
    def test_it_belongs_to(self, metadata: dict[str, Any], run: dict[str, Any], belongs: bool) -> None:
        assert is_run_of(make_run(**run), make_view(metadata=metadata)) is belongs

    @pytest.mark.parametrize("deployment", ["renamed.main", None])
    def test_what_the_status_names_stays_its_run_when_the_deployment_is_another(self, deployment: str | None) -> None:
        run = make_run(resource=None, deployment_resource=deployment)
        assert is_run_of(run, make_view(metadata={"name": DERIVED}, status={"runId": str(RUN_ID)}))
        assert not is_run_of(run, make_view(metadata={"name": DERIVED}))

    @pytest.mark.parametrize("spec", [{}, {"cancel": True}])
    def test_a_foreign_label_gives_no_hold_on_a_run_but_a_run_of_its_own(self, spec: dict[str, Any]) -> None:
        forged = make_view(metadata={"namespace": "evil", "name": "mine", "uid": "uid-mine"}, **spec)
        assert plan(forged, run=make_run()) == [Register()]

    def test_a_foreign_label_and_a_job_that_fails_end_nothing(self) -> None:
        forged = make_view(metadata={"uid": "uid-mine"})
        job = make_job(("Failed", "PodFailurePolicy"), owner_uid="uid-mine", message="failed with exit code 70")
        assert plan(forged, run=make_run(), jobs=[job]) == [Register()]

    def test_deleting_one_with_a_foreign_label_cancels_only_its_own_run(self) -> None:
        forged = make_view(metadata={"uid": "uid-mine"} | DELETING)
        assert plan(forged, run=make_run()) == [RegisterToCancel()]

    def test_a_label_of_a_run_that_is_long_gone_gives_a_run_of_its_own(self) -> None:
        assert plan(make_view(), run=None) == [Register()]

    def test_a_run_whose_flow_run_was_given_another_label_waits_for_its_own(self) -> None:
        claim = make_claim()
        relabelled = make_view(metadata={"labels": {LABEL_RUN_ID: str(OTHER_ID)}})
        foreign = make_run(id=OTHER_ID, resource=ResourceRef(name="other", uid="uid-other"))
        assert plan(relabelled, run=foreign, claim=claim) == [Register()]

    def test_a_claim_of_the_flow_runs_run_is_launched(self) -> None:
        claim = make_claim()
        view = make_view(status=build_run_status(make_view(), claim.run, ago(1)))
        assert Launch(claim) in plan(view, run=claim.run, claim=claim)

    def test_what_the_status_names_is_told_apart_from_the_label(self) -> None:
        view = make_view(status={"runId": str(OTHER_ID)})
        assert (view.run_id, view.told_run_id) == (RUN_ID, OTHER_ID)


class TestJobsAndPods:
    def test_a_job_of_the_flow_run_is_its_own(self) -> None:
        assert is_job_of(make_job(), make_view(), make_run())

    def test_a_job_that_another_owns_is_not(self) -> None:
        assert not is_job_of(make_job(owner_uid="uid-other"), make_view(), make_run())

    def test_a_job_of_another_attempts_name_is_not(self) -> None:
        forged = replace(make_job(attempt=2), attempt=1)
        assert not is_job_of(forged, make_view(), make_run())

    def test_a_job_whose_deployment_was_renamed_since_is_known_by_what_was_reported(self) -> None:
        run = make_run(deployment_resource="renamed.main")
        assert is_job_of(make_job(), make_view(), run)
        assert not is_job_of(make_job(), make_view(), make_run(attempts=[], deployment_resource="renamed.main"))

    @pytest.mark.parametrize(
        ("run", "name"),
        [
            (make_run(attempts=[make_attempt(job_name="reported")]), "reported"),
            (make_run(attempts=[make_attempt(job_name=None)]), JOB),
            (make_run(attempts=[]), JOB),
            (make_run(attempts=[], deployment_resource=None), None),
        ],
    )
    def test_an_attempts_job_is_named_as_reported_else_as_it_derives(self, run: FlowRunRead, name: str | None) -> None:
        assert find_job_name(run, 1) == name

    def test_a_job_counts_also_when_the_api_has_lost_the_run(self) -> None:
        assert is_job_of(make_job(), make_view(), None)

    def test_pods_count_by_the_job_that_started_them(self) -> None:
        pod = make_pod(state={"running": {}})
        orphan = make_pod(state=ended(70), owners=[])
        stranger = make_pod(state=ended(70), owner_uid="uid-elsewhere")
        own = select_own(Observed(make_view(), run=make_run(), jobs=[make_job()], pods=[pod, orphan, stranger]))
        assert own.pods == [pod]

    def test_a_pod_outlives_its_job(self) -> None:
        pod = make_pod(state={"running": {}})
        assert select_own(Observed(make_view(), run=make_run(), pods=[pod])).pods == [pod]


class TestTwoPodsOfOneJob:
    HELD = make_run(StateType.RUNNING, attempts=[make_attempt(taken_at=ago(50), pod_uid="uid-pod-1")])
    VIEW = make_view(status=build_run_status(make_view(), HELD, ago(1)))
    SECOND = make_pod(state=ended(71), phase="Failed", name="pod-2", uid="uid-pod-2")

    def test_one_that_was_refused_does_not_end_the_one_that_holds_the_attempt(self) -> None:
        pods = [make_pod(state={"running": {}}), self.SECOND]
        assert plan(self.VIEW, run=self.HELD, jobs=[make_job()], pods=pods) == []

    def test_the_holders_end_is_the_attempts(self) -> None:
        pods = [make_pod(state=ended(70), phase="Failed"), self.SECOND]
        assert plan(self.VIEW, run=self.HELD, jobs=[make_job()], pods=pods) == [
            ReportEnded(RUN_ID, 1, End("Exited", 70))
        ]
