"""How an attempt's end is judged from its Job and its pod."""

import json
from datetime import timedelta

import pytest

from tests.support.operator import NOW, ago, ended, make_job, make_pod
from towpath_operator.domain.attempt_ends import judge_end, parse_final_state

FINAL = {"kind": "state", "id": "x", "type": "FAILED", "name": "Failed"}


def disruption(reason: str) -> dict[str, str]:
    return {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "because"}


def test_a_running_pod_has_not_ended() -> None:
    assert judge_end(make_job(), [make_pod(state={"running": {}})], NOW) is None


def test_a_job_without_a_pod_yet_has_not_ended() -> None:
    assert judge_end(make_job(), [], NOW) is None


@pytest.mark.parametrize("exit_code", [0, 70, 71, 72, 1, 137])
def test_a_pod_that_exits_is_reported_with_its_code(exit_code: int) -> None:
    end = judge_end(make_job(), [make_pod(phase="Failed", state=ended(exit_code))], NOW)
    assert end is not None
    assert (end.outcome, end.exit_code, end.reason) == ("Exited", exit_code, "")


@pytest.mark.parametrize(("exit_code", "pod"), [(0, ""), (70, ""), (71, ""), (72, "pod-1"), (1, "pod-1")])
def test_last_lines_are_wanted_where_the_sdk_may_not_have_sent_them(exit_code: int, pod: str) -> None:
    end = judge_end(make_job(), [make_pod(phase="Failed", state=ended(exit_code))], NOW)
    assert end is not None
    assert end.pod == pod


def test_the_final_state_comes_from_the_termination_message() -> None:
    pod = make_pod(phase="Failed", state=ended(70, message=json.dumps(FINAL)))
    end = judge_end(make_job(), [pod], NOW)
    assert end is not None
    assert end.final_state == FINAL


@pytest.mark.parametrize("text", ["", "boom", "{not json", '["state"]', '{"kind": "log"}'])
def test_a_termination_message_that_is_no_state_is_ignored(text: str) -> None:
    assert parse_final_state(text) is None


def test_an_oom_kill_is_the_infrastructures() -> None:
    end = judge_end(make_job(), [make_pod(phase="Failed", state=ended(137, "OOMKilled"))], NOW)
    assert end is not None
    assert (end.outcome, end.reason, end.exit_code) == ("Infrastructure", "OOMKilled", 137)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("PreemptionByScheduler", "Preempted"),
        ("EvictionByEvictionAPI", "Evicted"),
        ("DeletionByTaintManager", "NodeLost"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_a_disrupted_pod_is_the_infrastructures(condition: str, reason: str) -> None:
    pod = make_pod(phase="Failed", state=ended(143), conditions=[disruption(condition)])
    end = judge_end(make_job(), [pod], NOW)
    assert end is not None
    assert (end.outcome, end.reason, end.message) == ("Infrastructure", reason, "because")


@pytest.mark.parametrize("exit_code", [0, 70, 72])
def test_a_flows_own_end_outweighs_the_eviction_of_its_pod(exit_code: int) -> None:
    pod = make_pod(phase="Failed", state=ended(exit_code), conditions=[disruption("EvictionByEvictionAPI")])
    end = judge_end(make_job(), [pod], NOW)
    assert end is not None
    assert end.outcome == "Exited"


def test_a_pod_evicted_by_its_kubelet_says_so() -> None:
    pod = make_pod(phase="Failed", reason="Evicted", message="The node was low on memory.")
    end = judge_end(make_job(), [pod], NOW)
    assert end is not None
    assert (end.outcome, end.reason, end.message) == ("Infrastructure", "Evicted", "The node was low on memory.")


def test_past_its_deadline_a_run_timed_out_whatever_its_pod_says() -> None:
    job = make_job(("FailureTarget", "DeadlineExceeded"))
    end = judge_end(job, [make_pod(phase="Failed", state=ended(143), deleted=NOW)], NOW)
    assert end is not None
    assert end.outcome == "TimedOut"


def test_a_pod_that_is_being_deleted_waits_for_its_jobs_word() -> None:
    pod = make_pod(phase="Failed", state=ended(143), deleted=NOW)
    assert judge_end(make_job(), [pod], NOW) is None
    end = judge_end(make_job(("Failed", "BackoffLimitExceeded")), [pod], NOW)
    assert end is not None
    assert (end.outcome, end.reason) == ("Infrastructure", "PodDeleted")


def test_a_pod_whose_node_does_not_confirm_its_deletion_is_lost() -> None:
    pod = make_pod(state={"running": {}}, deleted=ago(10))
    assert judge_end(make_job(), [pod], NOW) is None
    end = judge_end(make_job(), [pod], NOW + timedelta(seconds=11))
    assert end is not None
    assert (end.outcome, end.reason) == ("Infrastructure", "NodeLost")


def test_a_job_that_was_deleted_is_the_infrastructures() -> None:
    end = judge_end(None, [], NOW)
    assert end is not None
    assert (end.outcome, end.reason) == ("Infrastructure", "JobDeleted")


def test_the_jobs_rule_keeps_a_users_failure_when_the_pod_is_gone() -> None:
    message = "Container flow for pod team/pod-1 failed with exit code 70 matching FailJob rule at index 0"
    end = judge_end(make_job(("Failed", "PodFailurePolicy"), message=message), [], NOW)
    assert end is not None
    assert (end.outcome, end.exit_code) == ("Exited", 70)


def test_a_failed_job_whose_pod_is_gone_lost_it() -> None:
    end = judge_end(make_job(("Failed", "BackoffLimitExceeded")), [], NOW)
    assert end is not None
    assert (end.outcome, end.reason) == ("Infrastructure", "PodLost")


def test_a_complete_job_whose_pod_is_gone_is_stored() -> None:
    end = judge_end(make_job(("Complete", "")), [], NOW)
    assert end is not None
    assert (end.outcome, end.exit_code) == ("Exited", 0)


REFUSED = make_pod(phase="Failed", state=ended(71), name="pod-2", uid="uid-pod-2")


@pytest.mark.parametrize("holder", [None, "uid-pod-1"])
def test_a_pod_that_was_refused_does_not_end_the_one_that_runs(holder: str | None) -> None:
    pods = [make_pod(state={"running": {}}), REFUSED]
    assert judge_end(make_job(), pods, NOW, holder) is None


def test_a_pod_that_was_refused_is_no_end_while_its_holder_is_not_seen() -> None:
    assert judge_end(make_job(), [REFUSED], NOW, "uid-pod-1") is None


def test_a_job_that_failed_by_a_refused_pod_lost_the_one_that_held_it() -> None:
    job = make_job(("Failed", "PodFailurePolicy"), message="failed with exit code 71 matching a rule")
    end = judge_end(job, [REFUSED], NOW, "uid-pod-1")
    assert end is not None
    assert (end.outcome, end.reason) == ("Infrastructure", "PodLost")
