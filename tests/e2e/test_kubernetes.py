"""What a run's page shows of the cluster, read by a person who may view runs, while pods start, fail to, end and are gone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import Document, Namespace, make_document, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

ENV = [{"name": "DATABASE_PASSWORD", "value": "hunter2"}]


def with_container(**fields: Any) -> Document:
    """A pod template that adds to the flow's container."""
    return {"spec": {"containers": [{"name": "flow", **fields}]}}


@pytest.fixture(scope="module")
def runs(namespace: Namespace) -> Namespace:
    """A namespace with a run that succeeds, one that fails, and one whose image is nowhere."""
    namespace.apply_scenarios(SCENARIOS, {"succeeds": {"podTemplate": with_container(env=ENV)}, "fails": {}})
    no_image = {"flow": "succeeds", "podTemplate": with_container(image="localhost/none:1")}
    namespace.apply(make_document("Deployment", "succeeds.no-image", no_image))
    for name in ("succeeds.main", "fails.main", "succeeds.no-image"):
        namespace.wait_condition("deployments.towpath.dev", name, "Ready")
    namespace.create_run("succeeds.no-image", "no-image")
    namespace.create_run("succeeds.main", "succeeds")
    namespace.create_run("fails.main", "fails")
    return namespace


def look(namespace: Namespace, run: str) -> Document:
    """What the API shows of the run's objects; nothing must stand in its way."""
    shown = namespace.read_api(f"flow-runs/{namespace.run_id(run)}/kubernetes")
    assert (shown["in_cluster"], shown["problems"]) == (True, [])
    return shown


def wait_for_attempt(namespace: Namespace, run: str, what: str, is_so: Callable[[Document], bool]) -> Document:
    """The run's only attempt, once it is as asked."""

    def find() -> Document | None:
        (attempt,) = look(namespace, run)["attempts"]
        return attempt if is_so(attempt) else None

    return wait_for(what, find, 90)


def find_containers(attempt: Document) -> list[Document]:
    return [container for pod in attempt["pods"] for container in pod["containers"]]


def reasons(attempt: Document) -> set[str]:
    return {event["reason"] for event in attempt["events"]}


def wait_registered(namespace: Namespace, run: str) -> None:
    """Waits until the run has a Job."""
    wait_for(f"the Job of {run}", lambda: namespace.get("flowrun", run).get("status", {}).get("job"))


def test_an_image_that_cannot_be_pulled_is_a_containers_reason_and_an_event(runs: Namespace) -> None:
    wait_registered(runs, "no-image")

    def is_backing_off(attempt: Document) -> bool:
        waiting = [one for one in find_containers(attempt) if one["reason"] == "ImagePullBackOff"]
        return bool(waiting) and {"BackOff", "Failed"} <= reasons(attempt)

    attempt = wait_for_attempt(runs, "no-image", "ImagePullBackOff and its events", is_backing_off)
    (pod,) = attempt["pods"]
    (container,) = pod["containers"]
    assert (pod["phase"], container["state"], container["image"]) == ("Pending", "waiting", "localhost/none:1")
    assert {c["type"]: c["status"] for c in pod["conditions"]}["PodScheduled"] == "True"
    warnings = [event for event in attempt["events"] if event["type"] == "Warning" and event["kind"] == "Pod"]
    assert any("localhost/none:1" in event["message"] for event in warnings)
    assert attempt["job"]["active"] == 1
    runs.kubectl("delete", "flowrun", "no-image", "--wait=false")


def test_a_run_that_succeeds_is_shown_from_its_job_to_its_containers_end(runs: Namespace) -> None:
    runs.wait_finished("succeeds")

    def has_ended(attempt: Document) -> bool:
        job = attempt["job"]
        complete = job is not None and any(c["type"] == "Complete" for c in job["conditions"])
        return complete and all(one["state"] == "terminated" for one in find_containers(attempt))

    attempt = wait_for_attempt(runs, "succeeds", "the Job's completion", has_ended)
    (pod,) = attempt["pods"]
    (container,) = pod["containers"]
    assert (pod["phase"], container["end"]["exit_code"], container["reason"]) == ("Succeeded", 0, "Completed")
    assert container["message"] == ""
    assert container["image_id"]
    assert {"SuccessfulCreate", "Scheduled", "Started"} <= reasons(attempt)
    times = [datetime.fromisoformat(event["last_time"]).replace(microsecond=0) for event in attempt["events"]]
    assert times == sorted(times)
    flow_run = look(runs, "succeeds")["flow_run"]
    conditions = {condition["type"]: condition["status"] for condition in flow_run["conditions"]}
    assert (conditions["Finished"], conditions["Succeeded"]) == ("True", "True")
    assert flow_run["events"]


def test_the_pod_template_in_effect_is_shown_without_the_values_of_variables(runs: Namespace) -> None:
    wait_registered(runs, "succeeds")
    shown = look(runs, "succeeds")
    (container,) = shown["attempts"][0]["pod_template"]["spec"]["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["DATABASE_PASSWORD"] == "(hidden)"
    assert "TOWPATH_API_URL" in variables
    assert container["image"]
    assert "hunter2" not in str(shown)


def test_a_run_that_fails_shows_the_exit_code(runs: Namespace) -> None:
    runs.wait_finished("fails")

    def has_ended(attempt: Document) -> bool:
        return any(one["end"] is not None for one in find_containers(attempt))

    attempt = wait_for_attempt(runs, "fails", "the container's end", has_ended)
    (container,) = find_containers(attempt)
    assert (container["end"]["exit_code"], container["reason"]) == (70, "Error")


def test_events_remain_when_the_job_and_its_pod_are_gone(runs: Namespace) -> None:
    runs.wait_finished("fails")
    (job,) = runs.jobs("fails")
    runs.kubectl("delete", "job", job["metadata"]["name"], "--cascade=foreground")

    def is_gone(attempt: Document) -> bool:
        return attempt["job"] is None and attempt["pods"] == []

    attempt = wait_for_attempt(runs, "fails", "the end of the Job and its pod", is_gone)
    assert attempt["pod_template"] is None
    assert {event["kind"] for event in attempt["events"]} == {"Job", "Pod"}
    assert {"SuccessfulCreate", "Started"} <= reasons(attempt)
