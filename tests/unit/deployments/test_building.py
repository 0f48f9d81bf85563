"""Deployments from flows: specs, manifests, and what is refused."""

import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from towpath import flow
from towpath.deployments import Deployment
from towpath.deployments.manifests import read_manifests
from towpath.errors import DeploymentError, ParameterError
from towpath.runner.loading import load_flow
from towpath.schedules import CronSchedule, IntervalSchedule


class Region(BaseModel):
    name: str
    rows: int = 10


@flow(name="My Teapot")
def brew(cups: int = 1, region: Region | None = None, day: date | None = None) -> None:
    """Brews.

    Args:
        cups: How many.
    """


def make(name: str = "daily", **options: Any) -> Deployment:
    return Deployment.build_from_flow(brew, name, **options)


def test_a_flow_becomes_a_flow_and_a_deployment(tmp_path: Path) -> None:
    built = make(
        work_queue_name="test",
        schedules=[CronSchedule("0 6 * * *", timezone="Europe/Berlin"), IntervalSchedule(600)],
        parameters={"cups": 3},
        tags=["kitchen", "kitchen"],
        version="7",
        path=Path(__file__).parents[1],
        is_schedule_active=False,
    )
    flow_document, deployment = built.to_documents()
    assert flow_document["metadata"] == {"name": "my-teapot"}
    assert flow_document["spec"]["entrypoint"] == "deployments/test_building.py:brew"
    assert flow_document["spec"]["path"] == str(Path(__file__).parents[1].resolve())
    assert flow_document["spec"]["name"] == "My Teapot"
    assert flow_document["spec"]["parameterSchema"]["properties"]["cups"]["description"] == "How many."
    assert deployment["metadata"] == {"name": "my-teapot.daily"}
    assert deployment["spec"] == {
        "name": "daily",
        "version": "7",
        "flow": "My Teapot",
        "parameters": {"cups": 3},
        "tags": ["kitchen"],
        "workQueue": "test",
        "schedules": [
            {"name": "default", "cron": "0 6 * * *", "timezone": "Europe/Berlin"},
            {"name": "default-2", "interval": "10m"},
        ],
        "paused": True,
    }


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    built = make(parameters={"region": Region(name="1e3"), "day": "2026-01-01"}, tags=["y", "on", "1.0", "ä", "a: b"])
    file = tmp_path / "manifest.yaml"
    built.to_yaml(file)
    assert [manifest.title for manifest in read_manifests([file])] == [
        "Flow 'My Teapot'",
        "Deployment 'My Teapot/daily'",
    ]
    flow_spec, spec = built.to_specs()
    assert [manifest.spec for manifest in read_manifests([file])] == [flow_spec, spec]
    assert list(yaml.safe_load_all(file.read_text()))[1]["spec"]["tags"] == ["y", "on", "1.0", "ä", "a: b"]
    assert '"y"' in file.read_text(), "a bare y is a truth value to the reader that kubectl has"
    assert '"1e3"' in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.yaml"]


@pytest.mark.parametrize("plural", ["flows", "deployments"])
def test_what_is_written_is_what_the_cluster_takes(plural: str) -> None:
    built = make(schedules=[CronSchedule("@daily", parameters={"cups": 2}), IntervalSchedule(60)], timeout_seconds=60)
    document = built.to_documents()[["flows", "deployments"].index(plural)]
    crd = yaml.safe_load((Path(__file__).parents[3] / "crds" / f"{plural}.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(document["spec"]) <= set(spec["properties"]), "the API server drops what it does not know"
    Draft202012Validator(spec).validate(document["spec"])


def test_models_and_dates_as_parameters_become_json() -> None:
    built = make(parameters={"region": Region(name="delta"), "day": date(2026, 1, 2)})
    assert built.parameters == {"region": {"name": "delta", "rows": 10}, "day": "2026-01-02"}


def test_the_entrypoint_loads_the_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows").mkdir()
    text = "from towpath import flow\n@flow\ndef entry_of_test(): ...\n"
    (tmp_path / "flows" / "entry_of_test.py").write_text(textwrap.dedent(text))
    monkeypatch.chdir(tmp_path)
    loaded = load_flow("flows/entry_of_test.py:entry_of_test", tmp_path)
    built = Deployment.build_from_flow(loaded, "x")
    assert (built.entrypoint, built.path) == ("flows/entry_of_test.py:entry_of_test", str(tmp_path))
    monkeypatch.chdir("/")
    assert Deployment.build_from_flow(loaded, "x").path == "/", (
        "the folder that it is built in, as long as it holds the file"
    )
    with pytest.raises(DeploymentError, match=r"path: .* is not below"):
        Deployment.build_from_flow(loaded, "x", path=Path(__file__).parent)


def test_a_flow_within_a_function_needs_an_entrypoint() -> None:
    @flow
    def inner() -> None: ...

    with pytest.raises(DeploymentError, match="'inner' is not at the top level of a file"):
        Deployment.build_from_flow(inner, "x")
    assert Deployment.build_from_flow(inner, "x", entrypoint="a.py:inner").entrypoint == "a.py:inner"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"parameters": {"spoons": 1}}, ParameterError, "has no parameter 'spoons': it takes cups, region, day"),
        ({"parameters": {"cups": "many"}}, ParameterError, "cups: "),
        ({"parameters": {"region": object()}}, ParameterError, "region"),
        ({"name": "a/b"}, DeploymentError, "name: 'a/b' is not right"),
        ({"name": ""}, DeploymentError, "name: '' is not right"),
        ({"tags": [""]}, DeploymentError, "tags.0: "),
        ({"work_queue_name": "a/b"}, DeploymentError, "work_queue: "),
        ({"infra_retries": -1}, DeploymentError, "infra_retries: -1"),
        ({"timeout_seconds": 0}, DeploymentError, "timeout_seconds: 0"),
        ({"entrypoint": "nonsense"}, DeploymentError, "entrypoint: 'nonsense'"),
    ],
)
def test_what_cannot_be_deployed_is_named(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(**{"name": "daily", **options})


def test_a_manifest_in_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"cannot be written: No such file or directory\."):
        make(output=tmp_path / "nowhere" / "x.yaml")
