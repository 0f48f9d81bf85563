"""Which Kubernetes objects count as a run's, and how they are shown."""

from typing import Any

import pytest

from tests.support.kube_objects import Document, RunInCluster, make_template, stamp
from tests.support.operator import JOB, RUN_ID, ended, make_attempt, make_run
from towpath.contract.kubernetes import AttemptObjectsRead, KubernetesRead
from towpath.contract.names import job_name
from towpath.contract.runs import FlowRunRead
from towpath_operator.domain.kube_views import view_events, view_pod_object
from towpath_operator.domain.run_objects import Found, Subject, build_kubernetes, list_pod_subjects, list_subjects

CLUSTER = RunInCluster({"id": RUN_ID, "namespace": "team"})
POD = f"{JOB}-x7k2p"


def build(
    run: FlowRunRead | None = None,
    flow_run: Document | None = None,
    jobs: tuple[Document, ...] = (),
    pods: tuple[Document, ...] = (),
    events: dict[Subject, list[Document]] | None = None,
) -> KubernetesRead:
    return build_kubernetes(run or make_run(), Found(flow_run, jobs, pods, events or {}))


def only_attempt(shown: KubernetesRead) -> AttemptObjectsRead:
    (attempt,) = shown.attempts
    return attempt


def view_container(state: Document | None = None, **status: Any) -> Any:
    pod = CLUSTER.make_pod(JOB, state=state)
    pod["status"]["containerStatuses"][0] |= status
    (container,) = view_pod_object(pod).containers
    return container


def test_an_attempt_has_its_job_its_pod_and_the_template_in_effect() -> None:
    attempt = only_attempt(build(jobs=(CLUSTER.make_job(JOB),), pods=(CLUSTER.make_pod(JOB),)))
    assert attempt.job is not None
    assert (attempt.number, attempt.job.name, attempt.job.active) == (1, JOB, 1)
    (pod,) = attempt.pods
    assert (pod.name, pod.phase, pod.node) == (POD, "Pending", "worker-1")
    assert [(c.type, c.status) for c in pod.conditions] == [("PodScheduled", "True"), ("Ready", "False")]
    assert attempt.pod_template is not None
    (container,) = attempt.pod_template["spec"]["containers"]
    assert container["env"] == [
        {"name": "DATABASE_URL", "value": "(hidden)"},
        {"name": "TOWPATH_ATTEMPT", "value": "(hidden)"},
    ]


def test_each_attempt_has_its_own() -> None:
    second = job_name("etl.main", RUN_ID, 2)
    run = make_run(attempts=[make_attempt(1), make_attempt(2, job_name=second)])
    jobs = (CLUSTER.make_job(second, 2), CLUSTER.make_job(JOB))
    shown = build(run, jobs=jobs, pods=(CLUSTER.make_pod(second, 2), CLUSTER.make_pod(JOB)))
    assert [(a.number, a.job and a.job.name, a.pods[0].name) for a in shown.attempts] == [
        (1, JOB, POD),
        (2, second, f"{second}-x7k2p"),
    ]


def test_of_many_attempts_the_newest_are_shown() -> None:
    run = make_run(attempts=[make_attempt(n, job_name=job_name("etl.main", RUN_ID, n)) for n in range(1, 31)])
    assert [attempt.number for attempt in build(run).attempts] == list(range(21, 31))


def test_a_claimed_attempt_whose_job_was_not_reported_has_it_already() -> None:
    run = make_run(attempts=[make_attempt(job_name=None, launched_at=None)])
    assert only_attempt(build(run, jobs=(CLUSTER.make_job(JOB),))).job is not None


def test_a_run_that_no_launcher_starts_has_nothing() -> None:
    shown = build(make_run(attempts=[], resource=None, deployment_resource=None))
    assert (shown.in_cluster, shown.attempts, shown.flow_run) == (True, [], None)


def _foreign_owner(job: Document) -> None:
    job["metadata"]["ownerReferences"][0]["uid"] = "another"


def _foreign_name(job: Document) -> None:
    job["metadata"]["name"] = "another"


def _no_owner(job: Document) -> None:
    job["metadata"]["ownerReferences"] = []


@pytest.mark.parametrize("forge", [_foreign_owner, _foreign_name, _no_owner])
def test_a_job_that_only_has_the_label_does_not_count(forge: Any) -> None:
    job = CLUSTER.make_job(JOB)
    forge(job)
    assert only_attempt(build(jobs=(job,))).job is None


@pytest.mark.parametrize("forge", [_foreign_owner, _no_owner])
def test_a_pod_that_only_has_the_label_does_not_count(forge: Any) -> None:
    pod = CLUSTER.make_pod(JOB)
    forge(pod)
    assert only_attempt(build(jobs=(CLUSTER.make_job(JOB),), pods=(pod,))).pods == []


def test_a_pod_counts_when_its_job_is_gone() -> None:
    attempt = only_attempt(build(pods=(CLUSTER.make_pod(JOB),)))
    assert (attempt.job, attempt.pod_template, [pod.name for pod in attempt.pods]) == (None, None, [POD])


def test_a_flow_run_counts_by_its_uid_else_by_what_its_status_names() -> None:
    body = CLUSTER.make_flow_run()
    shown = build(flow_run=body).flow_run
    assert shown is not None
    assert [(c.type, c.reason) for c in shown.conditions] == [("Finished", "Pending")]
    assert build(make_run(resource=None), flow_run=body).flow_run is not None
    other = CLUSTER.make_flow_run(runId="another")
    assert build(make_run(resource=None), flow_run=other).flow_run is None
    other["metadata"]["uid"] = "another"
    assert build(flow_run=other).flow_run is None


def test_events_are_asked_for_by_name_also_of_a_pod_that_only_its_job_names() -> None:
    run, flow_run = make_run(attempts=[make_attempt(pod_name=f"{JOB}-taken")]), CLUSTER.make_flow_run()
    assert list_subjects(run, flow_run) == [Subject("FlowRun", "run", "uid-run"), Subject("Job", JOB)]
    told = [
        CLUSTER.make_event("Job", JOB, "SuccessfulCreate", f"Created pod: {JOB}-gone1"),
        CLUSTER.make_event("Job", JOB, "SuccessfulCreate", "Created pod: somebody-elses"),
        CLUSTER.make_event("Job", JOB, "Suspended", "Job suspended"),
    ]
    subjects = list_pod_subjects(run, [CLUSTER.make_pod(JOB)], {Subject("Job", JOB): told})
    assert subjects == [Subject("Pod", POD), Subject("Pod", f"{JOB}-taken"), Subject("Pod", f"{JOB}-gone1")]


def test_an_agents_process_is_no_pod() -> None:
    assert list_pod_subjects(make_run(attempts=[make_attempt(pod_name="my-host")]), [], {}) == []


def test_events_of_job_and_pods_are_shown_newest_last() -> None:
    created = CLUSTER.make_event("Job", JOB, "SuccessfulCreate", f"Created pod: {POD}", age=90)
    failed = CLUSTER.make_event("Pod", POD, "Failed", "ImagePullBackOff", age=5, first=60, type="Warning", count=12)
    pulling = CLUSTER.make_event("Pod", POD, "Pulling", "Pulling image", age=70)
    events = {Subject("Job", JOB): [created], Subject("Pod", POD): [failed, pulling]}
    told = only_attempt(build(events=events)).events
    assert [(e.kind, e.reason, e.type, e.count) for e in told] == [
        ("Job", "SuccessfulCreate", "Normal", 1),
        ("Pod", "Pulling", "Normal", 1),
        ("Pod", "Failed", "Warning", 12),
    ]
    assert told[-1].first_time is not None
    assert told[-1].last_time is not None
    assert (told[-1].last_time - told[-1].first_time).total_seconds() == 55


def test_events_of_the_newer_form_and_those_without_times_are_read() -> None:
    newer = {
        "eventTime": "2026-11-24T12:00:00.123456Z",
        "series": {"count": 4, "lastObservedTime": "2026-11-24T12:05:00Z"},
    }
    (event, other) = view_events([{"reason": "A", **newer, "reportingComponent": "kueue"}, {"reason": "B"}])[::-1]
    assert (event.count, event.source, event.reason) == (4, "kueue", "A")
    assert event.last_time is not None
    assert event.last_time.minute == 5
    assert (other.reason, other.last_time) == ("B", None)


def test_of_many_events_the_newest_are_shown() -> None:
    events = [CLUSTER.make_event("Pod", POD, f"R{age}", "", age=age) for age in range(300)]
    told = view_events(events)
    assert (len(told), told[-1].reason) == (100, "R0")


def test_events_of_the_same_second_keep_their_order() -> None:
    events = [CLUSTER.make_event("Pod", POD, f"R{n}", "", age=1) for n in range(3)]
    for version, event in zip((12, 9, 10), events, strict=True):
        event["metadata"]["resourceVersion"] = str(version)
    assert [event.reason for event in view_events(events)] == ["R1", "R2", "R0"]


def test_events_of_the_same_second_keep_their_order_also_when_one_tells_it_more_exactly() -> None:
    scheduled = {"reason": "Scheduled", "eventTime": "2026-11-24T12:00:04.9Z", "metadata": {"resourceVersion": "7"}}
    pulled = {"reason": "Pulled", "lastTimestamp": "2026-11-24T12:00:04Z", "metadata": {"resourceVersion": "8"}}
    assert [event.reason for event in view_events([pulled, scheduled])] == ["Scheduled", "Pulled"]


def test_a_waiting_container_says_why() -> None:
    container = view_container()
    assert (container.state, container.reason, container.image) == (
        "waiting",
        "ImagePullBackOff",
        "registry.invalid/etl:missing",
    )
    assert "Back-off" in container.message
    assert container.end is None


def test_an_ended_container_says_how() -> None:
    container = view_container(ended(137, "OOMKilled"), restartCount=2, lastState=ended(1))
    assert (container.state, container.reason, container.restarts) == ("terminated", "OOMKilled", 2)
    assert (container.end.exit_code, container.last_end.exit_code) == (137, 1)


@pytest.mark.parametrize(
    ("written", "shown"),
    [('{"type": "FAILED", "secret": 1}', ""), ("out of disk", "out of disk"), ("{not json", "{not json")],
)
def test_the_runners_termination_message_is_no_message_for_people(written: str, shown: str) -> None:
    container = view_container(ended(70, message=written))
    assert (container.message, container.end.message) == (shown, shown)


def test_a_running_container_and_one_that_no_node_reports() -> None:
    assert view_container({"running": {"startedAt": stamp(3)}}).state == "running"
    pod = CLUSTER.make_pod(JOB)
    pod["status"] = {"phase": "Pending"}
    pod["spec"]["initContainers"] = [{"name": "fetch", "image": "git"}]
    assert [(c.name, c.role, c.state) for c in view_pod_object(pod).containers] == [
        ("fetch", "init", "unknown"),
        ("flow", "main", "unknown"),
    ]


@pytest.mark.parametrize(
    "body", [{}, {"status": None, "spec": []}, {"status": {"conditions": [None, 3]}, "metadata": {"name": 1}}]
)
def test_malformed_objects_are_shown_as_far_as_they_can_be(body: Document) -> None:
    assert view_pod_object(body).phase == "Unknown"
    assert build(jobs=(body,), pods=(body,), flow_run=body).attempts[0].job is None
    assert len(view_events([body])) == 1


def test_credentials_in_messages_are_hidden() -> None:
    message = "cannot pull https://u:hunter2@registry.invalid/etl"
    (event,) = view_events([CLUSTER.make_event("Pod", POD, "Failed", message)])
    assert event.message == "cannot pull https://(hidden)@registry.invalid/etl"
    assert "hunter2" not in str(build(jobs=(CLUSTER.make_job(JOB, template=make_template()),)))
