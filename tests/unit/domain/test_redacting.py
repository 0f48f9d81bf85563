"""What of a pod template may be shown to whoever may read the run."""

import json
from typing import Any

import pytest

from towpath_operator.domain.redacting import HIDDEN, hide_credentials, redact_template


def redact_container(**container: Any) -> dict[str, Any]:
    redacted = redact_template({"spec": {"containers": [{"name": "flow", **container}]}})
    return redacted["spec"]["containers"][0]


def test_values_of_variables_are_hidden_and_where_they_come_from_is_not() -> None:
    source = {"secretKeyRef": {"name": "database", "key": "password"}}
    env = [
        {"name": "PASSWORD", "value": "hunter2"},
        {"name": "HOST", "value": "db"},
        {"name": "KEY", "valueFrom": source},
    ]
    assert redact_container(env=env)["env"] == [
        {"name": "PASSWORD", "value": HIDDEN},
        {"name": "HOST", "value": HIDDEN},
        {"name": "KEY", "valueFrom": source},
    ]


def test_variables_of_every_kind_of_container_and_headers_of_probes_are_hidden() -> None:
    env = [{"name": "A", "value": "hunter2"}]
    probe = {"httpGet": {"path": "/", "httpHeaders": [{"name": "X-Key", "value": "hunter2"}]}}
    template = {
        "spec": {"initContainers": [{"env": env}], "ephemeralContainers": [{"env": env, "livenessProbe": probe}]}
    }
    assert "hunter2" not in json.dumps(redact_template(template))


def test_what_volume_drivers_are_told_is_hidden() -> None:
    csi = {"driver": "files.example.com", "volumeAttributes": {"share": "a", "account": "b"}}
    flex = {"driver": "x", "options": {"share": "a"}}
    shown = redact_template({"spec": {"volumes": [{"name": "data", "csi": csi}, {"name": "old", "flexVolume": flex}]}})
    hidden = {"share": HIDDEN, "account": HIDDEN}
    assert shown["spec"]["volumes"][0]["csi"] == {"driver": "files.example.com", "volumeAttributes": hidden}
    assert shown["spec"]["volumes"][1]["flexVolume"]["options"] == {"share": HIDDEN}


def test_annotations_and_labels_named_like_a_secret_are_hidden() -> None:
    metadata = {"annotations": {"acme.dev/api-token": "x", "acme.dev/team": "boats"}, "labels": {"app": "etl"}}
    assert redact_template({"metadata": metadata})["metadata"] == {
        "annotations": {"acme.dev/api-token": HIDDEN, "acme.dev/team": "boats"},
        "labels": {"app": "etl"},
    }


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["run", "--password=hunter2", "--days", "3"], ["run", f"--password={HIDDEN}", "--days", "3"]),
        (["run", "--api-key", "hunter2"], ["run", "--api-key", HIDDEN]),
        (["run", "--use-token", "--days=3"], ["run", "--use-token", "--days=3"]),
        (["sh", "-c", "DB_PASSWORD=hunter2 run"], ["sh", "-c", f"DB_PASSWORD={HIDDEN} run"]),
        (["run", "postgresql://u:hunter2@db/x"], ["run", f"postgresql://{HIDDEN}@db/x"]),
        (["python", "-m", "towpath.runner"], ["python", "-m", "towpath.runner"]),
    ],
)
def test_secrets_in_commands_are_hidden(command: list[str], shown: list[str]) -> None:
    assert redact_container(command=command)["command"] == shown
    assert redact_container(args=command)["args"] == shown


def test_the_rest_of_a_template_stays_as_it_is() -> None:
    spec = {
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [{"name": "s", "secret": {"secretName": "database"}}],
        "containers": [{"name": "flow", "image": "etl:1", "resources": {"limits": {"memory": "1Gi"}}}],
        "terminationGracePeriodSeconds": 30,
        "automountServiceAccountToken": False,
    }
    assert redact_template({"spec": spec}) == {"spec": spec}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://u:p@host/x?y", f"see https://{HIDDEN}@host/x?y"),
        ("https://token@host", f"https://{HIDDEN}@host"),
        ("write to a@b.example or https://host/a@b", "write to a@b.example or https://host/a@b"),
    ],
)
def test_credentials_in_addresses_are_hidden(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown
