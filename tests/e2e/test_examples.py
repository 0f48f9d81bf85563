"""Every example, run in the cluster exactly as its README says: its image built, its manifests applied with kubectl."""

import re

import pytest

from dev.cluster.layout import CHECKOUT
from tests.support.cluster import Namespace, find_condition

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

EXAMPLES = ("hello", "failing", "etl")


@pytest.fixture(scope="module")
def examples(namespace: Namespace) -> dict[str, str]:
    """The name of one FlowRun of each example, all under way."""
    names: dict[str, str] = {}
    for example in EXAMPLES:
        namespace.env.ensure_example_image(example)
        folder = CHECKOUT / "examples" / example
        namespace.kubectl("apply", "-f", str(folder / "manifest.yaml"))
        created = namespace.kubectl("create", "-f", str(folder / "flowrun.yaml"), "-o", "name")
        names[example] = created.strip().partition("/")[2]
    return names


def test_every_example_is_among_them() -> None:
    folders = {path.parent.name for path in CHECKOUT.glob("examples/*/manifest.yaml")}
    assert folders == set(EXAMPLES)


def test_hello_succeeds(namespace: Namespace, examples: dict[str, str]) -> None:
    name = examples["hello"]
    namespace.wait_condition("flowruns.towpath.dev", name, "Succeeded")
    assert any("Hello, " in line for line in namespace.logs(name))


def test_failing_fails_with_its_traceback(namespace: Namespace, examples: dict[str, str]) -> None:
    name = examples["failing"]
    run = namespace.wait_finished(name)
    assert find_condition(run, "Succeeded")["status"] == "False"
    assert "ZeroDivisionError" in "\n".join(namespace.logs(name))


def test_etl_reports_its_row_counts_as_results_and_logs(namespace: Namespace, examples: dict[str, str]) -> None:
    name = examples["etl"]
    namespace.wait_condition("flowruns.towpath.dev", name, "Succeeded")
    log = "\n".join(namespace.logs(name))
    read = [int(rows) for rows in re.findall(r": (\d+) rows read", log)]
    assert len(read) == 2
    assert sum(read) == 17_518
    cleaned = sorted(int(rows) for rows in re.findall(r": (\d+) rows after cleaning", log))
    written = [task_run for task_run in namespace.task_runs(name) if task_run["task"] == "write"]
    counts = sorted(task_run["details"]["value"] for task_run in written)
    assert counts == cleaned
    assert all(count >= 8_759 for count in counts)
    assert f"{sum(counts)} rows written" in log
