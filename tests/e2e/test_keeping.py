"""What runs keep in the API from one pod to the next: cached results, and artifacts for people."""

from pathlib import Path

import pytest

from tests.support.cluster import Namespace

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

KEEPING = Path(__file__).parent / "flows" / "keeping.py"


@pytest.fixture(scope="module")
def kept(namespace: Namespace) -> Namespace:
    """A namespace in which a flow ran in two pods, one after the other."""
    namespace.apply_scenarios(KEEPING, {"keeps": {}})
    namespace.wait_condition("deployments.towpath.dev", "keeps.main", "Ready")
    for name in ("first", "second"):
        namespace.create_run("keeps.main", name)
        namespace.wait_condition("flowruns.towpath.dev", name, "Succeeded")
    return namespace


def test_the_second_pod_takes_the_step_that_the_first_has_cached(kept: Namespace) -> None:
    (first,), (second,) = kept.task_runs("first"), kept.task_runs("second")
    assert (first["state"]["name"], second["state"]["name"]) == ("Completed", "Cached")
    pods = {run["status"]["job"] for run in (kept.get("flowruns.towpath.dev", name) for name in ("first", "second"))}
    assert len(pods) == 2
    address = first["details"]["result"]
    assert address == second["details"]["result"]
    assert address.startswith(f"api://{kept.name}/")


def test_artifacts_of_pods_are_shown(kept: Namespace) -> None:
    shown = kept.read_api("artifacts", namespace=kept.name, latest="true")["items"]
    by_key = {item["key"]: item for item in shown}
    assert set(by_key) == {"weights", "progress", "report"}
    assert by_key["weights"]["data"] == {"columns": ["ship", "weight"], "rows": [["Anna", 6]]}
    assert (by_key["progress"]["data"], by_key["progress"]["description"]) == (100, "Of *this* run")
    assert by_key["report"]["data"] == "# Anna weighs 6"
    versions = kept.read_api("artifacts", namespace=kept.name, key="report")["items"]
    assert [version["is_latest"] for version in versions] == [True, False]
    weights = kept.read_api("artifacts", namespace=kept.name, key="weights")["items"]
    assert len(weights) == 1, "the cached step showed none"


def test_only_those_who_may_edit_in_the_namespace_read_its_results(kept: Namespace) -> None:
    (first,) = kept.task_runs("first")
    path = f"results/{first['details']['result'].removeprefix(f'api://{kept.name}/')}"
    own = kept.api.get(path, kept.token, {"namespace": kept.name})
    assert own.status_code == 200
    assert own.headers["content-type"] == "application/octet-stream"
    assert kept.api.get(path, kept.token, {"namespace": "default"}).status_code == 403
