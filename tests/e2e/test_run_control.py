"""Runs in pods that are suspended, resumed, retried, cancelled and limited."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cluster import Document, Namespace, make_document, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

CONTROL = Path(__file__).parent / "flows" / "control.py"


@pytest.fixture(scope="module")
def controlled(namespace: Namespace) -> Namespace:
    """A namespace with a run of each flow under way."""
    namespace.apply(make_document("ConcurrencyLimit", "crane", {"tag": "crane", "limit": 1}))
    namespace.apply_scenarios(CONTROL, {"suspends": {}, "lingers": {}, "lifts": {}, "fails-first": {}})
    for name in ("suspends.main", "lingers.main", "lifts.main", "fails-first.main"):
        namespace.wait_condition("deployments.towpath.dev", name, "Ready")
    for name in ("suspends", "lingers", "fails-first"):
        namespace.create_run(f"{name}.main", name)
    return namespace


def ask(namespace: Namespace, name: str, action: str, body: Any = None) -> Document:
    """What the API answers to a POST about a run, asked with the account's token."""
    url = f"{namespace.api.url()}/api/flow-runs/{namespace.run_id(name)}/{action}"
    headers = {"Authorization": f"Bearer {namespace.token}"}
    answer = httpx.post(url, json=body, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 200, f"{action}: {answer.status_code} {answer.text}"
    return answer.json()


def test_a_suspended_run_leaves_its_pod_and_goes_on_in_another(controlled: Namespace) -> None:
    controlled.wait_state("suspends", "Suspended", 120)
    wait_for(
        "the first pod's end is reported",
        lambda: ask_attempts(controlled, "suspends")[0]["ended_at"],
    )
    assert ask(controlled, "suspends", "resume", {"run_input": {"value": 7}})["state"]["name"] == "Resuming"
    controlled.wait_state("suspends", "Paused", 120)
    ask(controlled, "suspends", "resume")
    run = controlled.wait_condition("flowruns.towpath.dev", "suspends", "Succeeded")
    assert (run["status"]["state"], run["status"]["attempt"]) == ("Completed", 2)
    wait_for("the second pod's end is reported", lambda: ask_attempts(controlled, "suspends")[1]["ended_at"])
    first, second = ask_attempts(controlled, "suspends")
    assert (first["exit_code"], second["exit_code"], first["outcome"]) == (0, 0, "Exited")
    assert f"weighed at {first['pod_name']}, went on at {second['pod_name']} with 7" in controlled.logs("suspends")
    assert len(controlled.task_runs("suspends")) == 1


def ask_attempts(namespace: Namespace, name: str) -> list[Document]:
    """The attempts of a FlowRun's run."""
    return namespace.read_api(f"flow-runs/{namespace.run_id(name)}")["attempts"]


def test_a_cancelled_run_calls_its_cancellation_hooks_in_the_pod(controlled: Namespace) -> None:
    controlled.wait_state("lingers", "Running", 120)
    wait_for("it has begun", lambda: "begun" in controlled.logs("lingers"))
    ask(controlled, "lingers", "cancel")
    controlled.wait_finished("lingers")
    assert controlled.states("lingers")[-1] == "Cancelled"
    said = wait_for(
        "its hook has spoken",
        lambda: [line for line in controlled.logs("lingers") if "hook was called" in line],
    )
    assert said == ["the cancellation hook was called"]


def test_a_failed_run_is_retried_in_another_pod_and_its_flowrun_is_no_longer_finished(controlled: Namespace) -> None:
    run = controlled.wait_finished("fails-first")
    assert run["status"]["state"] == "Failed"
    ask(controlled, "fails-first", "retry")
    run = controlled.wait_condition("flowruns.towpath.dev", "fails-first", "Succeeded")
    assert run["status"]["attempt"] == 2
    assert "through at attempt 2" in controlled.logs("fails-first")


def test_a_second_limited_task_waits_for_the_first_and_the_limits_status_shows_it(controlled: Namespace) -> None:
    for name in ("first", "second"):
        controlled.create_run("lifts.main", name)

    def waiting() -> Any:
        limit = controlled.get("concurrencylimits.towpath.dev", "crane")
        status = limit.get("status", {})
        return (status.get("active"), status.get("waiting")) == (1, 1) or None

    wait_for("one lifts and one waits", waiting, 120)
    controlled.apply(make_document("Block", "string.set-down", {"type": "string", "config": {"value": "now"}}))
    for name in ("first", "second"):
        controlled.wait_condition("flowruns.towpath.dev", name, "Succeeded")
    times: list[tuple[str, str]] = []
    for name in ("first", "second"):
        (task_run,) = controlled.task_runs(name)
        states = controlled.read_api(f"task-runs/{task_run['id']}/states")["items"]
        by_name = {state["name"]: state["time"] for state in states}
        times.append((by_name["Running"], by_name["Completed"]))
    (_, end), (begin, _) = sorted(times)
    assert begin >= end, "both lifted at once"
