"""The operator ended in the middle of runs: one Job and one set of states for each, and nothing is lost."""

import pytest

from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import SYSTEM_NAMESPACE, Namespace, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

OPERATOR = "app.kubernetes.io/component=operator"


def kill_operator(namespace: Namespace) -> str:
    """SIGKILL the operator. Returns the name of the pod that went."""
    system = ("-n", SYSTEM_NAMESPACE)
    name = namespace.env.run_kubectl(*system, "get", "pods", "-l", OPERATOR, "-o", "jsonpath={.items[0].metadata.name}")
    namespace.env.run_kubectl(*system, "delete", "pod", name, "--grace-period=0", "--force")
    return name


@pytest.fixture(scope="module")
def ready(namespace: Namespace) -> Namespace:
    namespace.apply_scenarios(SCENARIOS, {"stays": {"parameters": {"seconds": 15}}, "succeeds": {}})
    for name in ("stays.main", "succeeds.main"):
        namespace.wait_condition("deployments.towpath.dev", name, "Ready")
    return namespace


def test_a_run_under_way_has_one_job_and_one_set_of_states(ready: Namespace) -> None:
    ready.create_run("stays.main", "stays")
    ready.wait_state("stays", "Running")
    kill_operator(ready)
    ready.wait_condition("flowruns.towpath.dev", "stays", "Succeeded")
    assert len(ready.jobs("stays")) == 1
    states = ready.states("stays")
    assert states[-2:] == ["Running", "Completed"]
    assert len(states) == len(set(states)), f"a state was entered twice: {states}"


def test_runs_made_while_it_is_killed_get_one_job_each(ready: Namespace) -> None:
    names = [f"burst-{number}" for number in range(6)]
    for name in names:
        ready.create_run("succeeds.main", name)
        if name == names[2]:
            kill_operator(ready)
    for name in names:
        ready.wait_condition("flowruns.towpath.dev", name, "Succeeded")
    for name in names:
        assert len(ready.jobs(name)) == 1
        pods = ready.list_all("pods", f"towpath.dev/run-id={ready.run_id(name)}")
        assert len(pods) == 1


def test_a_flow_run_deleted_while_it_is_away_is_cancelled_afterwards(ready: Namespace) -> None:
    ready.create_run("stays.main", "orphan", parameters={"seconds": 600})
    ready.wait_state("orphan", "Running")
    run_id = ready.run_id("orphan")
    kill_operator(ready)
    ready.kubectl("delete", "flowrun", "orphan", "--timeout=90s")
    assert ready.read_api(f"flow-runs/{run_id}")["state"]["name"] == "Cancelled"
    wait_for("the pod's end", lambda: not ready.list_all("pods", f"towpath.dev/run-id={run_id}"))
