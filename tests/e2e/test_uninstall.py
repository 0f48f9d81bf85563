"""Uninstalling the chart while runs are under way: nothing hangs, and installing it again goes on where it was."""

from collections.abc import Callable

import pytest

from dev.cluster.installing import NAMESPACE, RELEASE
from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import Namespace

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def test_uninstalling_leaves_flow_runs_that_can_be_deleted(
    namespace: Namespace, install_chart: Callable[[], None]
) -> None:
    namespace.apply_scenarios(SCENARIOS, {"stays": {}})
    namespace.wait_condition("deployments.towpath.dev", "stays.main", "Ready")
    for name in ("kept", "deleted"):
        namespace.create_run("stays.main", name)
    for name in ("kept", "deleted"):
        namespace.wait_state(name, "Running")
    try:
        namespace.env.run_helm("uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "120s", timeout=150)
        assert not namespace.get("flowrun", "kept")["metadata"].get("finalizers")
        namespace.kubectl("delete", "flowrun", "deleted", "--timeout=30s")
        assert namespace.find("flowrun", "deleted") is None
    finally:
        install_chart()
    run_id = namespace.run_id("kept")
    assert namespace.read_api(f"flow-runs/{run_id}")["state"]["name"] == "Running"
    namespace.kubectl("patch", "flowrun", "kept", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    assert namespace.wait_finished("kept")["status"]["state"] == "Cancelled"
