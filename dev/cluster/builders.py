"""How an image is built and brought to the cluster's nodes: by buildah and containerd, or by Docker and kind or a registry.

Chosen by images.py for the cluster at hand. Knows nothing of what is in the images.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dev.cluster.commands import run, run_watched
from dev.cluster.layout import Layout

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Builder(Protocol):
    """What every way of building offers. Tags are whole references, `localhost/towpath/flow:dev-0123456789ab`."""

    def is_built(self, tag: str) -> bool: ...

    def is_loaded(self, tag: str) -> bool: ...

    def build(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None: ...

    def load(self, tag: str) -> None: ...

    def name_again(self, tag: str, further: str) -> None:
        """Give a loaded image a further name, taking it from the image that had it."""
        ...


@dataclass(frozen=True)
class BuildahBuilder:
    """Without Docker: buildah in a store of our own, then an archive into our own containerd."""

    layout: Layout

    def is_built(self, tag: str) -> bool:
        return run([*self._buildah(), "inspect", "--type", "image", tag], check=False).returncode == 0

    def is_loaded(self, tag: str) -> bool:
        return tag in run([*self.ctr(), "images", "ls", "-q", f"name=={tag}"]).stdout.split()

    def build(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None:
        """Build with the host's network, certificates and pip configuration; none of them stays in the image."""
        argv: list[str | Path] = [*self._buildah(), "bud", "--isolation", "chroot", "--network", "host", "--layers"]
        argv += ["--pull-never", "--format", "oci", "--file", dockerfile, "--tag", tag]
        for name, value in build_args.items():
            argv += ["--build-arg", f"{name}={value}"]
        for inside, outside in self._mounts().items():
            argv += ["--volume", f"{outside}:{inside}"]
        log = self.layout.cache / "logs" / f"image-{tag.rsplit('/', 1)[-1].split(':')[0]}.log"
        run_watched([*argv, context], log=log, report=lambda lines: f"the build has printed {lines} lines")

    def load(self, tag: str) -> None:
        archive = self.layout.run / "image.tar"
        archive.unlink(missing_ok=True)
        run([*self._buildah(), "push", "--disable-compression", tag, f"oci-archive:{archive}:{tag}"])
        try:
            run([*self.ctr(), "images", "import", archive])
        finally:
            archive.unlink(missing_ok=True)

    def name_again(self, tag: str, further: str) -> None:
        run([*self.ctr(), "images", "tag", "--force", tag, further])

    def ctr(self) -> list[str]:
        """The containerd client, in the namespace of the kubelet."""
        return ["ctr", "--address", str(self.layout.containerd_socket), "--namespace", "k8s.io"]

    def _buildah(self) -> list[str]:
        store = ["--root", str(self.layout.builder), "--runroot", str(self.layout.run / "builder")]
        return ["buildah", *store, "--storage-driver", "overlay"]

    def _mounts(self) -> dict[str, str]:
        folder = self.layout.cache / "build"
        (folder / "pip").mkdir(parents=True, exist_ok=True)
        config = folder / "pip.conf"
        config.write_text(plan_pip_config(run(["python3", "-m", "pip", "config", "list"], check=False).stdout))
        mounts = {"/root/.cache/pip": f"{folder / 'pip'}", "/etc/pip.conf": f"{config}"}
        if _CERTIFICATES.exists():
            mounts[str(_CERTIFICATES)] = f"{_CERTIFICATES}"
        return mounts


def plan_pip_config(listed: str) -> str:
    """A pip.conf for use in a build, from what `pip config list` prints: whatever says where packages come from."""
    kept: dict[str, str] = {"cache-dir": "/root/.cache/pip", "root-user-action": "ignore", "progress-bar": "off"}
    for line in listed.splitlines():
        name, _, quoted = line.partition("=")
        key, value = name.rsplit(".", 1)[-1].strip(), quoted.strip().strip("'\"")
        if key in ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "proxy"):
            kept["timeout" if key == "default-timeout" else key] = value
        elif key == "cert":
            kept["cert"] = str(_CERTIFICATES)
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items())


@dataclass(frozen=True)
class DockerBuilder:
    """With a Docker engine: its own build, then into kind's nodes, or pushed to a registry for the current context."""

    kind_cluster: str | None

    def is_built(self, tag: str) -> bool:
        return run(["docker", "image", "inspect", tag], check=False).returncode == 0

    def is_loaded(self, tag: str) -> bool:
        if self.kind_cluster is None:
            return run(["docker", "manifest", "inspect", tag], check=False).returncode == 0
        node = f"{self.kind_cluster}-control-plane"
        return run(["docker", "exec", node, "crictl", "inspecti", tag], check=False).returncode == 0

    def build(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None:
        argv: list[str | Path] = ["docker", "build", "--file", dockerfile, "--tag", tag]
        for name, value in build_args.items():
            argv += ["--build-arg", f"{name}={value}"]
        run([*argv, context], env={"DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "1")})

    def load(self, tag: str) -> None:
        if self.kind_cluster is None:
            run(["docker", "push", tag])
        else:
            run(["kind", "load", "docker-image", tag, "--name", self.kind_cluster])

    def name_again(self, tag: str, further: str) -> None:
        run(["docker", "tag", tag, further])
        self.load(further)
