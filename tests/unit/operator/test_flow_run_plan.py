"""What a FlowRun needs next, for every way in which its Job, its pod and its run can stand to one another."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from tests.support.operator import (
    JOB,
    NOW,
    RUN_ID,
    ago,
    ended,
    make_attempt,
    make_claim,
    make_job,
    make_pod,
    make_run,
    make_view,
    stamp,
    waits,
)
from towpath.contract.names import FINALIZER
from towpath.contract.states import StateType
from towpath_operator.domain.conditions import FINISHED, Reason, find_condition
from towpath_operator.domain.flow_run_actions import (
    Action,
    ConfirmJobGone,
    DeleteJob,
    DropClaim,
    ExpireFlowRun,
    Launch,
    LookAgain,
    Observed,
    PatchStatus,
    PlanSettings,
    ReadHints,
    Register,
    RegisterToCancel,
    ReleaseFlowRun,
    ReportEnded,
    ReportLaunched,
    ReportWaiting,
    RequestCancel,
)
from towpath_operator.domain.flow_run_plan import plan_flow_run
from towpath_operator.domain.flow_run_status import build_refused_status, build_run_status
from towpath_operator.domain.flow_runs import FlowRunView
from towpath_operator.domain.pods import Waiting

A = TypeVar("A")
SETTINGS = PlanSettings(start_deadline=timedelta(minutes=10))
DELETING = {"deletionTimestamp": stamp(NOW)}
UNREGISTERED: dict[str, Any] = {"labels": {}}


def plan(flow_run: FlowRunView | None, **observed: Any) -> list[Action]:
    return plan_flow_run(Observed(flow_run, **observed), NOW, SETTINGS)


def only(actions: Sequence[Action], kind: type[A]) -> list[A]:
    return [action for action in actions if isinstance(action, kind)]


def with_status_of(run: Any, **metadata: Any) -> FlowRunView:
    """A FlowRun whose status already says what the run is."""
    return make_view(status=build_run_status(make_view(), run, ago(1)), metadata=metadata)


class TestRegistering:
    def test_a_new_flow_run_is_registered(self) -> None:
        assert plan(make_view(metadata=UNREGISTERED)) == [Register()]

    def test_a_claim_that_comes_before_the_label_waits_for_it(self) -> None:
        assert plan(make_view(metadata=UNREGISTERED), claim=make_claim()) == [Register()]

    def test_one_deleted_before_its_label_was_written_is_found_and_cancelled(self) -> None:
        assert plan(make_view(metadata=UNREGISTERED | DELETING)) == [RegisterToCancel()]

    def test_one_deleted_before_it_was_seen_at_all_is_let_go(self) -> None:
        assert plan(make_view(metadata=UNREGISTERED | DELETING | {"finalizers": []})) == []

    def test_one_that_was_refused_is_released_and_expires(self) -> None:
        status = build_refused_status(make_view(), Reason.INVALID_PARAMETERS, "no", ago(10))
        actions = plan(make_view(metadata=UNREGISTERED, status=status))
        assert actions[0] == ReleaseFlowRun()
        assert isinstance(actions[1], LookAgain)


class TestLaunching:
    def test_a_claim_of_a_registered_run_is_launched(self) -> None:
        claim = make_claim()
        actions = plan(with_status_of(claim.run), run=claim.run, claim=claim)
        assert only(actions, Launch) == [Launch(claim)]

    def test_a_claim_of_a_run_that_began_elsewhere_is_launched_without_a_flow_run(self) -> None:
        claim = make_claim(run_fields={"resource": None})
        assert plan(None, claim=claim) == [Launch(claim)]

    def test_a_claim_whose_flow_run_was_taken_away_cancels_the_run(self) -> None:
        claim = make_claim()
        assert plan(None, claim=claim) == [RequestCancel(RUN_ID), DropClaim()]

    def test_a_claim_of_an_earlier_attempt_is_dropped(self) -> None:
        run = make_run(attempts=[make_attempt(1, ended_at=ago(9)), make_attempt(2)])
        actions = plan(with_status_of(run), run=run, claim=make_claim(attempt=1), jobs=[make_job(attempt=2)])
        assert only(actions, DropClaim)
        assert not only(actions, Launch)

    def test_a_job_whose_launch_was_not_reported_is_reported_in_its_claimers_name(self) -> None:
        run = make_run(StateType.PENDING, "Submitting", attempts=[make_attempt(launched_at=None)])
        actions = plan(with_status_of(run), run=run, jobs=[make_job()])
        assert only(actions, ReportLaunched) == [ReportLaunched(RUN_ID, 1, "operator", JOB, "uid-job-1")]

    def test_an_attempt_that_is_not_launched_yet_is_not_taken_for_lost(self) -> None:
        run = make_run(StateType.PENDING, "Submitting", attempts=[make_attempt(launched_at=None)])
        assert plan(with_status_of(run), run=run) == []


class TestWaiting:
    PENDING = make_run(StateType.PENDING, "InfrastructurePending")

    @pytest.mark.parametrize(
        ("pod", "reason"),
        [
            (make_pod(phase="Pending", state=waits("ImagePullBackOff", "no such image")), "ImagePullBackOff"),
            (make_pod(phase="Pending", state=waits("CreateContainerConfigError", "no")), "CreateContainerConfigError"),
            (
                make_pod(
                    phase="Pending",
                    conditions=[
                        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                    ],
                ),
                "Unschedulable",
            ),
        ],
    )
    def test_why_a_pod_does_not_start_is_reported(self, pod: Any, reason: str) -> None:
        actions = plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job()], pods=[pod])
        assert [action.waiting.reason for action in only(actions, ReportWaiting)] == [reason]

    def test_what_the_run_says_already_is_not_reported_again(self) -> None:
        run = make_run(StateType.PENDING, "InfrastructurePending", waiting_for="ImagePullBackOff: no such image")
        pod = make_pod(phase="Pending", state=waits("ImagePullBackOff", "no such image"))
        assert not only(plan(with_status_of(run), run=run, jobs=[make_job()], pods=[pod]), ReportWaiting)

    def test_a_suspended_job_waits_for_whoever_suspended_it(self) -> None:
        actions = plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job(suspend=True)])
        assert [action.waiting.reason for action in only(actions, ReportWaiting)] == ["Suspended"]
        assert not only(actions, ReportEnded)

    def test_a_job_without_a_pod_has_its_events_read(self) -> None:
        actions = plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job(age=10)])
        assert only(actions, ReadHints) == [ReadHints("uid-job-1")]

    def test_what_the_events_say_is_reported(self) -> None:
        hints = {"uid-job-1": Waiting("FailedCreate", "exceeded quota")}
        actions = plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job()], hints=hints)
        assert [action.waiting for action in only(actions, ReportWaiting)] == [hints["uid-job-1"]]

    def test_a_pod_that_cannot_start_is_given_up_at_the_deadline(self) -> None:
        late = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(ago(601))}
        pod = make_pod(phase="Pending", state=waits("ErrImagePull", "no such image"), conditions=[late])
        (report,) = only(
            plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job()], pods=[pod]), ReportEnded
        )
        assert (report.end.outcome, report.end.reason) == ("NotStarted", "ErrImagePull")

    def test_a_pod_that_finds_no_node_is_never_given_up(self) -> None:
        unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}
        pod = make_pod(phase="Pending", conditions=[unschedulable])
        actions = plan(with_status_of(self.PENDING), run=self.PENDING, jobs=[make_job(age=99_999)], pods=[pod])
        assert not only(actions, ReportEnded)


class TestEnding:
    RUNNING = make_run(attempts=[make_attempt(taken_at=ago(50))])

    def test_a_running_pod_needs_nothing(self) -> None:
        pod = make_pod(state={"running": {}})
        assert plan(with_status_of(self.RUNNING), run=self.RUNNING, jobs=[make_job()], pods=[pod]) == []

    def test_the_end_of_a_pod_is_reported(self) -> None:
        pod = make_pod(phase="Failed", state=ended(137, "OOMKilled"))
        (report,) = only(
            plan(with_status_of(self.RUNNING), run=self.RUNNING, jobs=[make_job()], pods=[pod]), ReportEnded
        )
        assert (report.attempt, report.end.reason) == (1, "OOMKilled")

    def test_an_end_that_the_api_knows_is_not_reported_again(self) -> None:
        run = make_run(StateType.CRASHED, attempts=[make_attempt(ended_at=ago(1))])
        pod = make_pod(phase="Failed", state=ended(137, "OOMKilled"))
        assert not only(plan(with_status_of(run), run=run, jobs=[make_job()], pods=[pod]), ReportEnded)

    def test_a_missing_job_is_looked_for_before_it_counts_as_gone(self) -> None:
        actions = plan(with_status_of(self.RUNNING), run=self.RUNNING)
        assert only(actions, ConfirmJobGone) == [ConfirmJobGone(1)]
        assert not only(actions, ReportEnded)
        (report,) = only(plan(with_status_of(self.RUNNING), run=self.RUNNING, gone_jobs=frozenset({1})), ReportEnded)
        assert report.end.reason == "JobDeleted"

    def test_the_job_of_a_superseded_attempt_is_deleted(self) -> None:
        run = make_run(attempts=[make_attempt(1, ended_at=ago(9)), make_attempt(2, taken_at=ago(5))])
        pods = [make_pod(state={"running": {}}, attempt=number) for number in (1, 2)]
        actions = plan(with_status_of(run), run=run, jobs=[make_job(), make_job(attempt=2)], pods=pods)
        assert [action.name for action in only(actions, DeleteJob)] == [JOB]

    def test_the_job_of_an_earlier_attempt_that_was_reported_is_left_to_end_by_itself(self) -> None:
        run = make_run(attempts=[make_attempt(1, ended_at=ago(9)), make_attempt(2, taken_at=ago(5))])
        pods = [make_pod(state={"running": {}}, attempt=2)]
        jobs = [make_job(), make_job(attempt=2)]
        assert not only(plan(with_status_of(run), run=run, jobs=jobs, pods=pods), DeleteJob)

    def test_the_status_follows_the_run(self) -> None:
        (patch,) = only(
            plan(make_view(), run=self.RUNNING, jobs=[make_job()], pods=[make_pod(state={"running": {}})]), PatchStatus
        )
        assert (patch.wanted["state"], patch.wanted["job"], patch.wanted["attempt"]) == ("Running", JOB, 1)


class TestCancelling:
    @pytest.mark.parametrize("view", [make_view(cancel=True), make_view(metadata=DELETING)])
    def test_a_flow_run_that_is_to_end_asks_the_api(self, view: FlowRunView) -> None:
        assert plan(view, run=make_run(), jobs=[make_job()])[-1] == RequestCancel(RUN_ID)

    def test_a_cancelling_runs_job_is_deleted_and_its_end_awaited(self) -> None:
        run = make_run(StateType.CANCELLING)
        pod = make_pod(state={"running": {}})
        actions = plan(with_status_of(run), run=run, jobs=[make_job()], pods=[pod])
        assert [action.name for action in only(actions, DeleteJob)] == [JOB]
        assert not only(actions, ReportEnded)

    def test_once_the_pod_is_gone_the_end_is_reported(self) -> None:
        run = make_run(StateType.CANCELLING)
        assert only(plan(with_status_of(run), run=run), ConfirmJobGone)
        (report,) = only(plan(with_status_of(run), run=run, gone_jobs=frozenset({1})), ReportEnded)
        assert report.end.outcome == "Cancelled"

    def test_a_pod_without_its_job_is_still_awaited(self) -> None:
        run = make_run(StateType.CANCELLING)
        pod = make_pod(state={"running": {}}, deleted=NOW)
        assert not only(plan(with_status_of(run), run=run, pods=[pod], gone_jobs=frozenset({1})), ReportEnded)

    def test_a_node_that_does_not_answer_does_not_hold_up_the_cancel(self) -> None:
        run = make_run(StateType.CANCELLING)
        pod = make_pod(state={"running": {}}, deleted=ago(60))
        (report,) = only(plan(with_status_of(run), run=run, pods=[pod], gone_jobs=frozenset({1})), ReportEnded)
        assert report.end.outcome == "Cancelled"

    def test_a_claim_of_a_cancelling_run_is_dropped(self) -> None:
        run = make_run(StateType.CANCELLING)
        assert only(plan(with_status_of(run), run=run, claim=make_claim()), DropClaim)


class TestEnded:
    COMPLETED = make_run(StateType.COMPLETED, attempts=[make_attempt(ended_at=ago(1))], start_time=ago(50))

    def test_the_end_is_written_before_the_flow_run_is_released(self) -> None:
        (patch,) = plan(make_view(), run=self.COMPLETED, jobs=[make_job(("Complete", ""))])
        assert isinstance(patch, PatchStatus)
        finished = find_condition(patch.wanted["conditions"], FINISHED)
        assert finished is not None
        assert finished["status"] == "True"

    def test_a_flow_run_whose_end_is_written_is_released(self) -> None:
        view = with_status_of(self.COMPLETED)
        assert ReleaseFlowRun() in plan(view, run=self.COMPLETED, jobs=[make_job(("Complete", ""))])

    def test_it_is_not_released_while_its_pod_is_there(self) -> None:
        actions = plan(
            with_status_of(self.COMPLETED),
            run=self.COMPLETED,
            jobs=[make_job()],
            pods=[make_pod(state={"running": {}})],
        )
        assert ReleaseFlowRun() not in actions
        assert not only(actions, DeleteJob)

    def test_a_pod_that_does_not_exit_is_ended(self) -> None:
        old = self.COMPLETED.model_copy(update={"state": self.COMPLETED.state.model_copy(update={"time": ago(61)})})
        actions = plan(with_status_of(old), run=old, jobs=[make_job()], pods=[make_pod(state={"running": {}})])
        assert only(actions, DeleteJob)

    def test_the_job_of_a_run_that_was_given_up_is_deleted_at_once(self) -> None:
        run = make_run(StateType.CRASHED, attempts=[make_attempt(ended_at=ago(1))])
        pod = make_pod(phase="Pending", state=waits("ImagePullBackOff"))
        assert only(plan(with_status_of(run), run=run, jobs=[make_job()], pods=[pod]), DeleteJob)

    def test_a_job_whose_pod_has_ended_is_left_to_end_by_itself(self) -> None:
        run = make_run(StateType.CRASHED, attempts=[make_attempt(ended_at=ago(1))])
        pod = make_pod(phase="Failed", state=ended(1))
        assert not only(plan(with_status_of(run), run=run, jobs=[make_job()], pods=[pod]), DeleteJob)

    def test_it_expires_when_its_time_is_over(self) -> None:
        mark = {"annotations": {"towpath.dev/ttl-seconds-after-finished": "3"}, "finalizers": []}
        view = with_status_of(self.COMPLETED, **mark)
        assert plan(view, run=self.COMPLETED) == [ExpireFlowRun()]

    def test_until_then_it_is_looked_at_again(self) -> None:
        mark = {"annotations": {"towpath.dev/ttl-seconds-after-finished": "100"}, "finalizers": []}
        (again,) = plan(with_status_of(self.COMPLETED, **mark), run=self.COMPLETED)
        assert isinstance(again, LookAgain)
        assert 90 < again.seconds <= 101

    def test_one_that_only_waits_to_expire_needs_no_word_of_the_api(self) -> None:
        (again,) = plan(with_status_of(self.COMPLETED, finalizers=[]), run=None, asked=False)
        assert isinstance(again, LookAgain)

    def test_deleting_a_finished_one_releases_it_and_asks_nothing_of_the_api(self) -> None:
        view = with_status_of(self.COMPLETED, **DELETING, finalizers=[FINALIZER])
        assert plan(view, run=self.COMPLETED, jobs=[make_job(("Complete", ""))]) == [ReleaseFlowRun()]

    def test_a_run_taken_up_again_is_under_way_again(self) -> None:
        run = make_run(StateType.SCHEDULED, attempts=[make_attempt(ended_at=ago(1))])
        (patch,) = only(plan(with_status_of(self.COMPLETED), run=run), PatchStatus)
        finished = find_condition(patch.wanted["conditions"], FINISHED)
        assert finished is not None
        assert finished["status"] == "False"
        assert patch.wanted["completionTime"] is None

    def test_a_retried_one_is_launched_again_from_a_flow_run_that_was_finished(self) -> None:
        claim = make_claim(attempt=2)
        view = with_status_of(self.COMPLETED, finalizers=[])
        actions = plan(view, run=claim.run, claim=claim, jobs=[make_job(("Failed", "BackoffLimitExceeded"))])
        assert only(actions, Launch) == [Launch(claim)]
        assert not only(actions, DropClaim)


class TestSuspended:
    SUSPENDED = make_run(StateType.PAUSED, "Suspended")

    def test_the_end_of_its_pod_is_reported_and_nothing_is_deleted(self) -> None:
        pod = make_pod(phase="Succeeded", state=ended(0, "Completed"))
        actions = plan(with_status_of(self.SUSPENDED), run=self.SUSPENDED, jobs=[make_job()], pods=[pod])
        (report,) = only(actions, ReportEnded)
        assert (report.end.outcome, report.end.exit_code) == ("Exited", 0)
        assert not only(actions, DeleteJob)

    def test_one_whose_pod_is_gone_waits_without_any_work(self) -> None:
        run = make_run(StateType.PAUSED, "Suspended", attempts=[make_attempt(ended_at=ago(9))])
        assert plan(with_status_of(run), run=run) == []

    def test_a_claim_after_its_resuming_is_launched_as_the_next_attempt(self) -> None:
        attempts = [make_attempt(ended_at=ago(9)), make_attempt(2, launched_at=None, job_name=None)]
        claim = make_claim(attempt=2, run=make_run(StateType.PENDING, "Submitting", attempts=attempts))
        assert only(plan(with_status_of(claim.run), run=claim.run, claim=claim), Launch) == [Launch(claim)]


class TestLost:
    def test_a_run_that_the_api_lost_is_ended_and_its_job_deleted(self) -> None:
        actions = plan(make_view(), run=None, jobs=[make_job()])
        assert only(actions, DeleteJob)
        (patch,) = only(actions, PatchStatus)
        assert patch.wanted["conditions"][0]["reason"] == Reason.RUN_LOST
        assert actions[-1] == ReleaseFlowRun()

    def test_another_flow_run_of_the_same_name_does_not_inherit_the_claim(self) -> None:
        other = make_view(metadata={"uid": "uid-other"})
        assert plan(other, run=make_run(), claim=make_claim())[:2] == [RequestCancel(RUN_ID), DropClaim()]
