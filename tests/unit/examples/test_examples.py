"""Every example runs as its README shows, and its manifests are documents that Towpath takes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from towpath.client.spool import read_spool
from towpath.contract.names import API_VERSION, deployment_resource_name
from towpath.contract.resources import KINDS
from towpath.runner.loading import parse_entrypoint

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/manifest.yaml"))


def documents(name: str, file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name / file).read_text()))


def run_example(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TOWPATH_")}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name / f"{name}.py")],
        env={**environment, "TOWPATH_HOME": str(folder / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def last_flow_state(home: Path) -> str:
    items = [item for _, batch in read_spool(home) for item in json.loads(batch.body)["items"]]
    return [item["name"] for item in items if item["kind"] == "state" and item["run"] == "flow_run"][-1]


@pytest.mark.parametrize("name", NAMES)
def test_manifests_are_what_the_contract_describes(name: str) -> None:
    kinds = {kind.kind: kind for kind in KINDS}
    declared = documents(name, "manifest.yaml")
    flow = next(document for document in declared if document["kind"] == "Flow")
    for document in [*declared, *documents(name, "flowrun.yaml")]:
        assert document["apiVersion"] == API_VERSION
        kinds[document["kind"]].spec.model_validate(document["spec"])
    for document in declared:
        if document["kind"] == "Deployment":
            spec = document["spec"]
            assert spec["flow"] == flow["metadata"]["name"]
            assert document["metadata"]["name"] == deployment_resource_name(spec["flow"], spec["name"])
    deployments = {document["metadata"]["name"] for document in declared if document["kind"] == "Deployment"}
    assert {run["spec"]["deployment"] for run in documents(name, "flowrun.yaml")} <= deployments


@pytest.mark.parametrize("name", NAMES)
def test_the_image_holds_the_entrypoint_and_has_the_name_that_the_manifest_says(name: str) -> None:
    flow = next(document["spec"] for document in documents(name, "manifest.yaml") if document["kind"] == "Flow")
    source = parse_entrypoint(flow["entrypoint"]).source
    assert (EXAMPLES / name / source).is_file()
    dockerfile = (EXAMPLES / name / "Dockerfile").read_text()
    assert f"COPY {source} /opt/flows/" in dockerfile
    assert flow["image"] == f"localhost/towpath/example-{name}:dev"


def test_hello_runs_and_its_history_waits_in_the_spool(tmp_path: Path) -> None:
    done = run_example("hello", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada! (after 2 tries)" in done.stderr
    assert last_flow_state(tmp_path / "home") == "Completed"


def test_failing_fails_with_its_traceback(tmp_path: Path) -> None:
    done = run_example("failing", tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert last_flow_state(tmp_path / "home") == "Failed"


def test_etl_counts_the_rows_that_it_writes(tmp_path: Path) -> None:
    done = run_example("etl", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "seattle: 8759 rows read" in done.stderr
    assert "17520 rows written" in done.stderr
    assert sorted(path.name for path in (tmp_path / "temperatures").iterdir()) == [
        "san-francisco.parquet",
        "seattle.parquet",
    ]
