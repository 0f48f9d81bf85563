"""Runs in real pods: every way a run can go, started at once and then looked at one by one."""

import re

import pytest

from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import Namespace, find_condition, make_document, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def runs(namespace: Namespace) -> Namespace:
    """A namespace in which one run of each scenario is under way."""
    namespace.apply_scenarios(
        SCENARIOS,
        {
            "succeeds": {"parameters": {"number": 21}},
            "fails": {},
            "retries": {},
            "lingers": {},
            "eats": {"limits": {"memory": "192Mi"}},
        },
    )
    namespace.apply(
        make_document("Deployment", "succeeds.other", {"flow": "succeeds", "parameters": {"number": 5}}),
        make_document("Deployment", "lingers.briefly", {"flow": "lingers", "timeoutSeconds": 5}),
        make_document(
            "Deployment",
            "succeeds.no-image",
            {
                "flow": "succeeds",
                "podTemplate": {"spec": {"containers": [{"name": "flow", "image": "localhost/none:1"}]}},
            },
        ),
    )
    for name in ("succeeds.main", "succeeds.other", "lingers.briefly", "eats.main"):
        namespace.wait_condition("deployments.towpath.dev", name, "Ready")
    for name in ("succeeds", "fails", "retries", "lingers", "eats"):
        namespace.create_run(f"{name}.main", name)
    namespace.create_run("succeeds/other", "other")
    namespace.create_run("succeeds.main", "given", parameters={"number": 100})
    namespace.create_run("lingers.briefly", "too-long")
    namespace.create_run("succeeds.no-image", "no-image")
    return namespace


def test_a_run_made_with_kubectl_succeeds(runs: Namespace) -> None:
    run = runs.wait_condition("flowruns.towpath.dev", "succeeds", "Succeeded")
    status = run["status"]
    assert status["state"] == "Completed"
    assert status["tasks"] == {"total": 1, "running": 0, "completed": 1, "failed": 0}
    assert find_condition(run, "Finished")["status"] == "True"
    assert {"startTime", "completionTime", "duration", "runId", "job"} <= set(status)
    assert "doubled is 42" in runs.logs("succeeds")
    assert runs.states("succeeds")[-2:] == ["Running", "Completed"]


def test_its_task_states_are_read_from_the_api(runs: Namespace) -> None:
    runs.wait_finished("succeeds")
    (task_run,) = runs.task_runs("succeeds")
    assert (task_run["task"], task_run["state"]["name"]) == ("double", "Completed")
    states = runs.read_api(f"task-runs/{task_run['id']}/states")["items"]
    assert [state["name"] for state in states][-2:] == ["Running", "Completed"]


def test_kubectl_get_shows_state_deployment_age_and_duration(runs: Namespace) -> None:
    runs.wait_finished("succeeds")
    heading, row = runs.kubectl("get", "flowruns", "succeeds").splitlines()
    assert heading.split() == ["NAME", "STATE", "DEPLOYMENT", "AGE", "DURATION"]
    name, state, deployment, age, duration = row.split()
    assert (name, state, deployment) == ("succeeds", "Completed", "succeeds.main")
    assert re.fullmatch(r"([0-9]+[hms])+", age)
    assert re.fullmatch(r"([0-9]+[hms])+", duration)


def test_kubectl_describe_tells_the_story_of_the_run(runs: Namespace) -> None:
    runs.wait_finished("succeeds")

    def story() -> list[str] | None:
        lines = runs.kubectl("describe", "flowrun", "succeeds").partition("\nEvents:")[2].splitlines()
        reasons = [words[1] for line in lines if len(words := line.split()) > 3 and words[0] in ("Normal", "Warning")]
        return reasons if {"Registered", "JobCreated", "Running", "Succeeded"} <= set(reasons) else None

    wait_for("the Events from its beginning to its end", story)


def test_two_deployments_of_one_flow_run_with_their_own_parameters(runs: Namespace) -> None:
    runs.wait_condition("flowruns.towpath.dev", "other", "Succeeded")
    assert "doubled is 10" in runs.logs("other")


def test_a_runs_parameters_are_laid_over_its_deployments(runs: Namespace) -> None:
    runs.wait_condition("flowruns.towpath.dev", "given", "Succeeded")
    assert "doubled is 200" in runs.logs("given")


def test_a_flow_that_raises_ends_failed_with_its_traceback_and_one_pod(runs: Namespace) -> None:
    run = runs.wait_finished("fails")
    succeeded = find_condition(run, "Succeeded")
    assert (run["status"]["state"], succeeded["status"], succeeded["reason"]) == ("Failed", "False", "Failed")
    assert "the cargo is wet" in run["status"]["message"]
    log = "\n".join(runs.logs("fails"))
    assert "Traceback" in log
    assert "ValueError: the cargo is wet" in log
    (job,) = runs.jobs("fails")
    wait_for("the Job's end", lambda: runs.get("job", job["metadata"]["name"])["status"].get("failed"))
    pods = runs.list_all("pods", f"job-name={job['metadata']['name']}")
    assert len(pods) == 1
    assert job["spec"]["backoffLimit"] == 0


def test_a_task_is_retried_within_its_run(runs: Namespace) -> None:
    runs.wait_condition("flowruns.towpath.dev", "retries", "Succeeded")
    (task_run,) = runs.task_runs("retries")
    assert task_run["run_count"] == 3
    states = [s["name"] for s in runs.read_api(f"task-runs/{task_run['id']}/states")["items"]]
    assert states.count("AwaitingRetry") == 2
    assert states[-1] == "Completed"
    assert len(runs.jobs("retries")) == 1


def test_a_run_killed_for_its_memory_is_crashed_and_says_so(runs: Namespace) -> None:
    run = runs.wait_finished("eats")
    succeeded = find_condition(run, "Succeeded")
    assert (run["status"]["state"], succeeded["status"], succeeded["reason"]) == ("Crashed", "False", "OOMKilled")
    assert "memory" in run["status"]["message"]
    assert any("eating" in line for line in runs.logs("eats"))
    assert len(runs.jobs("eats")) == 1


def test_a_run_past_its_timeout_is_failed_as_timed_out(runs: Namespace) -> None:
    run = runs.wait_finished("too-long")
    assert run["status"]["state"] == "TimedOut"
    assert find_condition(run, "Succeeded")["reason"] == "TimedOut"


def test_an_image_that_cannot_be_pulled_is_said_on_the_waiting_run(runs: Namespace) -> None:
    def message() -> str | None:
        said = runs.get("flowrun", "no-image").get("status", {}).get("message", "")
        return said if "localhost/none:1" in said else None

    assert re.match(r"(ErrImagePull|ImagePullBackOff): ", wait_for("the kubelet's message", message))
    runs.kubectl("patch", "flowrun", "no-image", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    run = runs.wait_finished("no-image", 60)
    assert run["status"]["state"] == "Cancelled"


def test_deleting_a_flow_run_cancels_it(runs: Namespace) -> None:
    runs.wait_state("lingers", "Running")
    run_id = runs.run_id("lingers")
    (job,) = runs.jobs("lingers")
    runs.kubectl("delete", "flowrun", "lingers", "--timeout=60s")
    assert runs.find("flowruns.towpath.dev", "lingers") is None
    run = runs.read_api(f"flow-runs/{run_id}")
    assert (run["state"]["type"], run["state"]["name"]) == ("CANCELLED", "Cancelled")
    wait_for("the Job's end", lambda: runs.find("job", job["metadata"]["name"]) is None)
    wait_for("the pod's end", lambda: runs.list_all("pods", f"job-name={job['metadata']['name']}") == [])


def test_deleting_a_finished_flow_run_changes_nothing_in_the_api(runs: Namespace) -> None:
    runs.wait_condition("flowruns.towpath.dev", "given", "Succeeded")
    run_id = runs.run_id("given")
    wait_for("the finalizer's removal", lambda: not runs.get("flowrun", "given")["metadata"].get("finalizers"))
    runs.kubectl("delete", "flowrun", "given", "--timeout=30s")
    assert runs.read_api(f"flow-runs/{run_id}")["state"]["name"] == "Completed"
