"""What a claimed run's process is started with."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.operator import make_claim
from towpath.agent.launching import build_launch
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.flow import FlowSpec
from towpath.contract.resources.pod_template import PodTemplate
from towpath.contract.runs import ClaimedRun
from towpath.settings import build_settings, read_origins


def storage_of(claim: ClaimedRun, home: Path) -> str | None:
    settings = build_settings(read_origins({"TOWPATH_HOME": str(home), "TOWPATH_API_URL": "http://127.0.0.1:1/api"}))
    launch = build_launch(claim, settings, "uid", home / "end", home)
    return launch.environment.get("TOWPATH_RESULTS_STORAGE")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"flow": FlowSpec(entrypoint="f.py:f", result_storage="s3/flow")}, "block://s3/flow"),
        (
            {
                "flow": FlowSpec(entrypoint="f.py:f", result_storage="s3/flow"),
                "deployment": DeploymentSpec(flow="etl", result_storage="s3/deployment"),
            },
            "block://s3/deployment",
        ),
    ],
)
def test_results_go_to_the_block_that_is_named(tmp_path: Path, fields: dict[str, Any], expected: str | None) -> None:
    assert storage_of(make_claim(**fields), tmp_path) == expected


def test_a_template_has_the_last_word_on_where_results_go(tmp_path: Path) -> None:
    env = [{"name": "TOWPATH_RESULTS_STORAGE", "value": "s3://given"}]
    template = PodTemplate.model_validate({"spec": {"containers": [{"name": "flow", "env": env}]}})
    deployment = DeploymentSpec(flow="etl", result_storage="s3/deployment")
    assert storage_of(make_claim(deployment=deployment, pod_template=template), tmp_path) == "s3://given"
