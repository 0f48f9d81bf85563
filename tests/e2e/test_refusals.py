"""What only the operator can know of a manifest, said as a condition that a person can act on. Nothing crash-loops."""

import pytest

from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import SYSTEM_NAMESPACE, Document, Namespace, find_condition, make_document, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def declared(namespace: Namespace) -> Namespace:
    """A namespace with the flow `succeeds`, whose parameters have a schema, and its deployment."""
    namespace.apply_scenarios(SCENARIOS, {"succeeds": {}})
    flow = namespace.get("flow", "succeeds")["spec"]
    namespace.apply(make_document("Flow", "succeeds", flow | {"parameterSchema": SCHEMA}))
    namespace.wait_condition(
        "flows.towpath.dev", "succeeds", "Ready", 30
    )  # with the schema: kubectl minds the generation
    namespace.wait_condition("deployments.towpath.dev", "succeeds.main", "Ready")
    return namespace


def test_a_deployment_of_an_unknown_flow_is_not_ready_until_the_flow_comes(declared: Namespace) -> None:
    declared.apply(make_document("Deployment", "later.main", {"flow": "later"}))
    waiting = declared.wait_condition("deployments.towpath.dev", "later.main", "Ready=False")
    ready = find_condition(waiting, "Ready")
    assert ready["reason"] == "FlowNotFound"
    assert "'later'" in ready["message"]
    declared.apply(make_document("Flow", "later", {"entrypoint": "flows.py:later"}))
    arrived = declared.wait_condition("deployments.towpath.dev", "later.main", "Ready", 60)
    assert arrived["status"]["observedGeneration"] == arrived["metadata"]["generation"]


def test_a_deployment_not_named_for_its_flow_is_not_ready(declared: Namespace) -> None:
    declared.apply(make_document("Deployment", "other", {"flow": "succeeds"}))
    refused = declared.wait_condition("deployments.towpath.dev", "other", "Ready=False")
    ready = find_condition(refused, "Ready")
    assert ready["reason"] == "NameMismatch"
    assert "succeeds.<name>" in ready["message"]


def test_a_schedule_that_cannot_be_read_is_not_ready(declared: Namespace) -> None:
    def deployment(name: str, timezone: str) -> Document:
        schedule = {"name": "daily", "cron": "0 6 * * *", "timezone": timezone}
        return make_document("Deployment", f"succeeds.{name}", {"flow": "succeeds", "schedules": [schedule]})

    declared.apply(deployment("on-mars", "Mars/Olympus"), deployment("on-earth", "Europe/Berlin"))
    refused = declared.wait_condition("deployments.towpath.dev", "succeeds.on-mars", "Ready=False")
    ready = find_condition(refused, "Ready")
    assert ready["reason"] == "InvalidSchedule"
    assert "Mars/Olympus" in ready["message"]
    declared.wait_condition("deployments.towpath.dev", "succeeds.on-earth", "Ready")


def test_a_run_with_a_bad_parameter_is_failed_without_a_job(declared: Namespace) -> None:
    declared.create_run("succeeds.main", "bad-parameter", parameters={"number": "many"})
    run = declared.wait_finished("bad-parameter")
    succeeded = find_condition(run, "Succeeded")
    assert run["status"]["state"] == "Failed"
    assert (succeeded["status"], succeeded["reason"]) == ("False", "InvalidParameters")
    assert "number" in succeeded["message"]
    assert declared.jobs("bad-parameter") == []
    declared.kubectl("delete", "flowrun", "bad-parameter", "--timeout=60s")


def test_a_run_of_an_unknown_deployment_is_failed(declared: Namespace) -> None:
    declared.create_run("succeeds.unheard-of", "no-deployment")
    run = declared.wait_finished("no-deployment", 60)
    assert find_condition(run, "Succeeded")["reason"] == "DeploymentNotFound"
    assert "succeeds.unheard-of" in run["status"]["message"]


def test_a_run_applied_together_with_its_deployment_waits_for_it(declared: Namespace) -> None:
    run = make_document("FlowRun", "together", {"deployment": "succeeds.new"})
    declared.apply(run, make_document("Deployment", "succeeds.new", {"flow": "succeeds"}))
    declared.wait_condition("flowruns.towpath.dev", "together", "Succeeded")


def test_an_entrypoint_that_is_not_there_fails_the_run_and_names_it(declared: Namespace) -> None:
    flow = declared.get("flow", "succeeds")["spec"]
    declared.apply(
        make_document("Flow", "missing", flow | {"entrypoint": "scenarios.py:nowhere"}),
        make_document("Deployment", "missing.main", {"flow": "missing"}),
    )
    declared.wait_condition("deployments.towpath.dev", "missing.main", "Ready")
    declared.create_run("missing.main", "missing")
    run = declared.wait_finished("missing")
    assert run["status"]["state"] == "Failed"
    said = " ".join([run["status"].get("message", ""), *declared.logs("missing")])
    assert "nowhere" in said


def test_a_pod_template_that_is_not_allowed_crashes_the_run_and_names_the_field(declared: Namespace) -> None:
    template = {"spec": {"serviceAccountName": "default"}}
    declared.create_run("succeeds.main", "identity", podTemplate=template)
    run = declared.wait_finished("identity")
    assert find_condition(run, "Succeeded")["reason"] == "PodRefused"
    assert "spec.serviceAccountName" in run["status"]["message"]
    assert declared.jobs("identity") == []


def test_a_secret_that_is_missing_is_said_on_the_waiting_run(declared: Namespace) -> None:
    block = {"type": "secret", "secretRefs": [{"field": "value", "secret": "not-there", "key": "value"}]}
    declared.apply(make_document("Block", "secret.lost", block))
    declared.apply(make_document("Deployment", "succeeds.blocked", {"flow": "succeeds", "blocks": ["secret/lost"]}))
    declared.wait_condition("deployments.towpath.dev", "succeeds.blocked", "Ready")
    declared.create_run("succeeds.blocked", "blocked")

    def message() -> str | None:
        said = declared.get("flowrun", "blocked").get("status", {}).get("message", "")
        return said if "not-there" in said else None

    assert wait_for("the name of the missing Secret", message)
    declared.kubectl("delete", "flowrun", "blocked", "--timeout=60s")


def test_deleting_what_is_declared_withdraws_it_from_the_api(declared: Namespace) -> None:
    declared.apply(make_document("ConcurrencyLimit", "slow", {"tag": "slow", "limit": 2}))
    declared.wait_condition("concurrencylimits.towpath.dev", "slow", "Ready")

    def held() -> list[str]:
        items = declared.read_api("concurrency-limits", namespace=declared.name)["items"]
        return [item["name"] for item in items]

    assert held() == ["slow"]
    declared.kubectl("delete", "concurrencylimit", "slow", "--timeout=60s")
    wait_for("the withdrawal", lambda: held() == [])


def test_nothing_has_restarted(declared: Namespace) -> None:
    pods = declared.env.run_kubectl(
        "-n", SYSTEM_NAMESPACE, "get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
    )
    assert set(pods.split()) == {"0"}
