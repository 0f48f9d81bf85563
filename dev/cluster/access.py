"""Access to a started cluster for those who use it: end-to-end tests, benchmarks, the demonstration run.

Starts nothing and installs nothing; says where things are, runs kubectl, builds further images.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dev.cluster import kind
from dev.cluster.binaries import bin_folder
from dev.cluster.choosing import Backend, choose_backend, observe_machine
from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.images import Images
from dev.cluster.layout import CHECKOUT, STORAGE_CLASS, Layout, default_layout
from dev.cluster.locking import exclusive


@dataclass(frozen=True)
class Environment:
    """A started cluster."""

    backend: Backend
    layout: Layout
    kubeconfig: Path
    """The administrator's access."""
    bin: Path
    """The folder that holds `kubectl` and `helm`."""
    storage_class: str
    """The class for the chart's volume; empty means the cluster's default."""

    @cached_property
    def images(self) -> Images:
        """Builds and loads this checkout's images."""
        return Images(self.layout, self.backend, os.environ.get("TOWPATH_REGISTRY", ""))

    @property
    def control_plane_image(self) -> str:
        """The reference, `repository:tag`, of the control plane's image for the present sources."""
        return self.images.control_plane

    @property
    def flow_image(self) -> str:
        """The reference, `repository:tag`, of the flow base image for the present sources."""
        return self.images.flow

    @property
    def variables(self) -> dict[str, str]:
        """KUBECONFIG and PATH for whoever runs kubectl or helm."""
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}"}

    def run_kubectl(self, *args: str, stdin: str | None = None, check: bool = True, timeout: float = 120) -> str:
        """What kubectl prints on its standard output.

        Args:
            args: The words after `kubectl`.
            stdin: For `-f -`.
            check: Whether a failure raises ClusterError; without it, what was printed so far is returned.
            timeout: Seconds until it is given up.
        """
        return run([self.bin / "kubectl", *args], stdin=stdin, check=check, env=self.variables, timeout=timeout).stdout

    def run_helm(self, *args: str, stdin: str | None = None, check: bool = True, timeout: float = 300) -> str:
        """What helm prints on its standard output; with `check`, a failure raises ClusterError."""
        return run([self.bin / "helm", *args], stdin=stdin, check=check, env=self.variables, timeout=timeout).stdout

    @property
    def _lock(self) -> Path:
        return self.layout.lock if self.backend == "bare" else self.layout.user_lock

    def ensure_image(self, name: str) -> str:
        """Build and load `control-plane` or `flow` if need be; returns the reference."""
        with exclusive(self._lock):
            return self.images.ensure(name)

    def ensure_example_image(self, example: str) -> str:
        """Build and load the image of examples/<example>/Dockerfile, on the flow image; returns the reference."""
        with exclusive(self._lock):
            return self.images.ensure_example(CHECKOUT / "examples" / example)

    def build_image(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None:
        """Build any image. A `tag` beginning with `localhost/` is never looked for elsewhere."""
        with exclusive(self._lock):
            self.images.build_image(dockerfile, context, tag, build_args)

    def load_image(self, tag: str) -> None:
        """Bring a built image to the cluster's nodes."""
        with exclusive(self._lock):
            self.images.load_image(tag)


def environment(backend: Backend | None = None) -> Environment:
    """The cluster that `python -m dev.cluster start` started on this machine.

    Raises:
        ClusterError: None is there, or this machine works in local mode.
    """
    layout = default_layout()
    if backend is None:
        backend = choose_backend(observe_machine(), os.environ.get("TOWPATH_CLUSTER", "")).backend
    if backend == "bare":
        found = Environment(backend, layout, layout.kubeconfig, bin_folder(layout), STORAGE_CLASS)
    elif backend == "kind":
        found = Environment(backend, layout, kind.kubeconfig(layout), kind.tools_folder(layout), STORAGE_CLASS)
    elif backend == "current":
        first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        config = Path(first) if first else Path.home() / ".kube" / "config"
        storage = os.environ.get("TOWPATH_STORAGE_CLASS", "")
        found = Environment(backend, layout, config, kind.tools_folder(layout), storage)
    else:
        raise ClusterError("there is no cluster in local mode (TOWPATH_CLUSTER=none, or the machine can run none)")
    if not found.kubeconfig.exists():
        raise ClusterError(f"no cluster is started ({found.kubeconfig} is missing): run `make up`")
    return found
