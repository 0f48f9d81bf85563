"""The examples' manifests are documents that Towpath takes, and name images that hold what they need."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from towpath.contract.names import API_VERSION, deployment_resource_name
from towpath.contract.resources import KINDS
from towpath.runner.loading import parse_entrypoint

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/manifest.yaml"))


def documents(name: str, file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name / file).read_text()))


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
