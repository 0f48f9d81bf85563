"""Installs this checkout's chart into a started cluster and waits until it serves. Called by `python -m dev.cluster up`."""

import json
from pathlib import Path
from typing import Any

from dev.cluster.access import Environment
from dev.cluster.errors import ClusterError
from dev.cluster.layout import CHECKOUT
from dev.cluster.progress import say, step

RELEASE = "towpath"
NAMESPACE = "towpath-system"
CHART = CHECKOUT / "charts" / "towpath"
KIND_NODE_PORT = 30420
_ROLLOUT_SECONDS = 150


def plan_values(control_plane: str, flow: str, storage_class: str, *, node_port: int | None) -> dict[str, Any]:
    """The chart's values for a development cluster."""
    values: dict[str, Any] = {
        "image": {**_split(control_plane), "pullPolicy": "IfNotPresent"},
        "flowImage": _split(flow),
    }
    if storage_class:
        values["persistence"] = {"storageClass": storage_class}
    if node_port is not None:
        values["service"] = {"type": "NodePort", "nodePort": node_port}
    return values


def _split(reference: str) -> dict[str, str]:
    repository, _, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag}


def install(env: Environment, control_plane: str, flow: str) -> None:
    """Install or upgrade the release and wait for its rollouts.

    Raises:
        ClusterError: The chart was refused, or a rollout did not finish; shows the pods and their last log lines.
    """
    _free_interrupted_release(env)
    node_port = KIND_NODE_PORT if env.backend == "kind" else None
    values = plan_values(control_plane, flow, env.storage_class, node_port=node_port)
    with step(f"installing the chart as {RELEASE} in {NAMESPACE}"):
        argv = ("upgrade", "--install", RELEASE, str(CHART), "-n", NAMESPACE, "--create-namespace", "--values", "-")
        env.run_helm(*argv, stdin=json.dumps(values))
    with step("waiting for the API and the operator"):
        for name in env.run_kubectl("-n", NAMESPACE, "get", "deployments,statefulsets", "-o", "name").split():
            _wait_rollout(env, name)


def _wait_rollout(env: Environment, name: str) -> None:
    limit = f"--timeout={_ROLLOUT_SECONDS}s"
    try:
        env.run_kubectl("-n", NAMESPACE, "rollout", "status", name, limit, timeout=_ROLLOUT_SECONDS + 10)
    except ClusterError as error:
        pods = env.run_kubectl("-n", NAMESPACE, "get", "pods", "-o", "wide", check=False)
        logs = env.run_kubectl("-n", NAMESPACE, "logs", name, "--all-containers", "--tail=40", check=False)
        events = env.run_kubectl("-n", NAMESPACE, "get", "events", "--sort-by=.lastTimestamp", check=False)
        last = "\n".join(events.splitlines()[-10:])
        raise ClusterError(f"{name} did not become available.\n{pods}\n{last}\n{logs}\n{error}") from error


def _free_interrupted_release(env: Environment) -> None:
    """A helm that was killed leaves its release pending, and every later one is then refused."""
    told = env.run_helm("status", RELEASE, "-n", NAMESPACE, "-o", "json", check=False)  # nothing when there is none
    status = str(json.loads(told)["info"]["status"]) if told.strip() else ""
    if status == "pending-install":
        say("an earlier install was interrupted; removing it")
        env.run_helm("uninstall", RELEASE, "-n", NAMESPACE, "--no-hooks")
    elif status.startswith("pending"):
        say("an earlier upgrade was interrupted; rolling it back")
        env.run_helm("rollback", RELEASE, "-n", NAMESPACE, "--no-hooks")


def has_chart(chart: Path = CHART) -> bool:
    """Whether the checkout has a chart to install."""
    return (chart / "Chart.yaml").exists()
