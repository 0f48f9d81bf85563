"""The cluster for those who have Docker: kind, by /kind-config.yaml. Called by __main__ and access.

Also finds or builds kubectl and Helm where they are not Go tools already, for kind and for the current context.
"""

import json
import shutil
from pathlib import Path

from dev.cluster.binaries import bin_folder, build_missing
from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.images import KIND_CLUSTER
from dev.cluster.layout import CHECKOUT, STORAGE_CLASS, Layout
from dev.cluster.progress import say, step

_TOOLS = {"kubectl": "kubernetes", "helm": "helm"}


def kubeconfig(layout: Layout) -> Path:
    """Where this cluster's kubeconfig is; the user's own is left alone."""
    return layout.cache / "kind" / "kubeconfig"


def tools_folder(layout: Layout) -> Path:
    """A folder with kubectl and helm, as links to those on the PATH."""
    return layout.cache / "kind" / "bin"


def ensure_tools(layout: Layout) -> None:
    """Link kubectl and helm from the PATH, or build the one that is missing when there is Go."""
    folder = tools_folder(layout)
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in _TOOLS.items():
        link = folder / name
        if link.exists():
            continue
        found = shutil.which(name)
        if found is None:
            if shutil.which("go") is None:
                raise ClusterError(f"{name} is not on the PATH, and without Go it cannot be built: install one of them")
            build_missing(layout, [module])
            found = str(bin_folder(layout) / name)
        link.unlink(missing_ok=True)
        link.symlink_to(found)


def start(layout: Layout) -> None:
    """Create the cluster if it is not there."""
    ensure_tools(layout)
    if is_up():
        say("the kind cluster is up already")
        run(["kind", "export", "kubeconfig", "--name", KIND_CLUSTER, "--kubeconfig", kubeconfig(layout)])
        return
    with step("creating the kind cluster"):
        config = CHECKOUT / "kind-config.yaml"
        argv = ["kind", "create", "cluster", "--name", KIND_CLUSTER, "--config", config, "--wait", "180s"]
        run([*argv, "--kubeconfig", kubeconfig(layout)])
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    access = f"--kubeconfig={kubeconfig(layout)}"
    run([tools_folder(layout) / "kubectl", access, "apply", "-f", "-"], stdin=json.dumps(storage))


def is_up() -> bool:
    """Whether kind knows the cluster."""
    return KIND_CLUSTER in run(["kind", "get", "clusters"]).stdout.split()


def down(layout: Layout) -> None:
    """Delete the cluster."""
    run(["kind", "delete", "cluster", "--name", KIND_CLUSTER])
    kubeconfig(layout).unlink(missing_ok=True)
