"""Deployment files of Prefect 2 as manifests: what they say is kept, and what has no place is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from towpath.deployments.manifests import read_manifests
from towpath.errors import MigrationError
from towpath.migrating.files import plan_file
from towpath.migrating.notes import Migrated

BUILT = """
###
### A complete description of a Prefect Deployment for flow 'My Etl'
###
name: dev
description: null
version: 7ea9b0a1
work_queue_name: test
work_pool_name: default-agent-pool
tags: [zoom]
parameters: {months: [1, 2]}
schedule: {cron: 0 5 1 * *, timezone: Europe/Berlin, day_or: true}
infra_overrides: {env.A: b}
infrastructure:
  type: process
  env: {X: y}
  labels: {}
  name: null
  command: null
  stream_output: true
  working_dir: null
  block_type_slug: process
  _block_type_slug: process
flow_name: My Etl
manifest_path: null
storage: null
path: /home/anna/flows
entrypoint: etl.py:etl
parameter_openapi_schema:
  title: Parameters
  type: object
  properties: {months: {title: months, type: array, items: {$ref: '#/definitions/Month'}}}
  required: null
  definitions: {Month: {type: integer}}
timestamp: '2023-01-01T00:00:00+00:00'
"""


def migrate(tmp_path: Path, text: str, **more: Any) -> tuple[list[Any], list[str]]:
    """The specs by kind and name, checked as `deployment apply` checks them, and the notes."""
    fields = yaml.safe_load(text) | more
    file = tmp_path / "some-deployment.yaml"
    file.write_text(yaml.safe_dump(fields, sort_keys=False))
    plan = plan_file(file, lambda source: Migrated(None))
    assert plan.after is not None
    file.write_text(plan.after)
    return read_manifests([file]), [note.text for note in plan.notes]


def test_what_a_built_deployment_says_is_kept(tmp_path: Path) -> None:
    (flow, deployment), notes = migrate(tmp_path, BUILT)
    assert (flow.title, deployment.title) == ("Flow 'My Etl'", "Deployment 'My Etl/dev'")
    assert (flow.spec.entrypoint, flow.spec.path) == ("etl.py:etl", "/home/anna/flows")
    assert flow.spec.parameter_schema["$defs"] == {"Month": {"type": "integer"}}
    assert flow.spec.parameter_schema["properties"]["months"]["items"] == {"$ref": "#/$defs/Month"}
    spec = deployment.spec
    assert (spec.work_queue, spec.tags, spec.parameters, spec.version) == (
        "test",
        ["zoom"],
        {"months": [1, 2]},
        "7ea9b0a1",
    )
    [schedule] = spec.schedules
    assert (schedule.cron, schedule.timezone, spec.paused) == ("0 5 1 * *", "Europe/Berlin", False)
    env = {variable.name: variable.value for variable in spec.pod_template.spec.containers[0].env}
    assert env == {"X": "y", "A": "b"}
    assert notes == []


def test_a_storage_block_is_named_and_said_to_be_saved_here(tmp_path: Path) -> None:
    block = {"repository": "https://x/y", "_block_type_slug": "github", "_block_document_name": "dev"}
    (flow, _), notes = migrate(tmp_path, BUILT, storage=block, path="flows")
    assert (flow.spec.storage.block, flow.spec.storage.path, flow.spec.path) == ("github/dev", "flows", None)
    assert notes == [
        "the storage block github/dev must be saved here too: its settings and secrets are not in this file."
    ]
    _, notes = migrate(tmp_path, BUILT, storage={"basepath": "/x", "_block_document_name": "anonymous-1"})
    assert "`storage` is not a block with a name" in notes[0]


def test_a_kubernetes_job_becomes_the_pods_template(tmp_path: Path) -> None:
    job = {
        "type": "kubernetes-job",
        "image": "registry.example.org/flows:1",
        "image_pull_policy": "Always",
        "env": {"A": "1"},
        "namespace": "prefect",
        "service_account_name": "flows",
        "customizations": [{"op": "add"}],
    }
    (flow, deployment), notes = migrate(tmp_path, BUILT, infrastructure=job, infra_overrides={"finished_job_ttl": 5})
    assert flow.spec.image == "registry.example.org/flows:1"
    spec = deployment.spec.pod_template.spec
    assert (spec.service_account_name, spec.containers[0].image_pull_policy) == ("flows", "Always")
    assert sorted(notes) == [
        "infra_overrides.finished_job_ttl is left to you: see the Deployment's spec.podTemplate.",
        "infrastructure.customizations is left to you: see the Deployment's spec.podTemplate.",
        "infrastructure.namespace is left out: Towpath sets it itself.",
    ]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"interval": 3600.0, "anchor_date": "2023-01-01T00:00:00+00:00", "timezone": "UTC"}, {"interval": "1h"}),
        ({"interval": 90, "anchor_date": None, "timezone": None}, {"interval": "1m30s"}),
        ({"rrule": "FREQ=DAILY", "timezone": "UTC"}, {"rrule": "FREQ=DAILY"}),
        ({"cron": "0 0 * * *", "timezone": None, "day_or": False}, {"cron": "0 0 * * *", "day_or": False}),
    ],
)
def test_each_kind_of_schedule_is_kept(tmp_path: Path, schedule: Any, expected: dict[str, Any]) -> None:
    (_, deployment), _ = migrate(tmp_path, BUILT, schedule=schedule, is_schedule_active=False)
    [kept] = deployment.spec.schedules
    assert {name: getattr(kept, name) for name in expected} == expected
    assert deployment.spec.paused


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    _, notes = migrate(
        tmp_path, BUILT, description="Does it", triggers=[{"x": 1}], work_pool_name="big", schedule={"times": 5}
    )
    assert sorted(notes) == [
        "`description` is left out: a deployment's is its flow's docstring.",
        "`triggers` is not in Towpath: left out.",
        "the schedule {'times': 5} is left to you: it is neither cron, interval nor rrule.",
        "the work pool 'big' is gone: queues have launchers, see the WorkQueue kind.",
    ]


PROJECT = """
name: flows
prefect-version: 2.10.0
build: null
pull: [{prefect.deployments.steps.git_clone: {repository: https://x/y}}]
deployments:
- name: daily
  entrypoint: ./flows/etl.py:etl_main
  work_pool: {name: pool, work_queue_name: fast, job_variables: {image: "flows:1", env: {A: "1"}}}
  schedule: {interval: 3600}
  tags: [a]
- name: hourly
  entrypoint: flows/etl.py:etl_main
  work_pool: {name: pool, job_variables: {image: "flows:2"}}
  schedules:
  - {cron: "0 * * * *", active: false}
  - {rrule: "FREQ=DAILY"}
- name: nothing
"""


def test_a_project_file_becomes_one_manifest_of_all_its_deployments(tmp_path: Path) -> None:
    (flow, daily, hourly), notes = migrate(tmp_path, PROJECT)
    assert (flow.name, flow.spec.entrypoint, flow.spec.image) == ("etl-main", "flows/etl.py:etl_main", "flows:1")
    assert (daily.title, daily.spec.work_queue, daily.spec.tags) == ("Deployment 'etl-main/daily'", "fast", ["a"])
    assert [schedule.paused for schedule in hourly.spec.schedules] == [True, False]
    assert len({schedule.name for schedule in hourly.spec.schedules}) == 2
    said = "\n".join(notes)
    assert "`pull` steps are left to you" in said
    assert "deployment 'daily': the work pool 'pool' is gone" in said
    assert "deployment 'hourly': its Flow's spec.image differs from that of a deployment before" in said
    assert "deployment 'nothing': it has no name or no entrypoint, and is left out." in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schedule": {"cron": "nonsense"}}, "cron"),
        ({"tags": "zoom", "parameters": [1]}, "some-deployment.yaml cannot be migrated"),
        ({"infrastructure": {"type": "kubernetes-job", "image_pull_policy": "Sometimes"}}, "image_pull_policy"),
    ],
)
def test_what_is_not_right_is_named_with_its_file(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(MigrationError, match=said) as caught:
        migrate(tmp_path, BUILT, **change)
    assert "some-deployment.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["a: 1\n", "- 1\n", "a: 1\n---\nb: 2\n", "", "name: x\ndeployments: []\n"])
def test_other_yaml_is_not_touched(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(text)
    plan = plan_file(file, lambda source: Migrated(None))
    assert (plan.after, plan.notes) == (None, ())
