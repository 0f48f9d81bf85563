"""How an image is built and brought to the cluster's nodes: by buildah and containerd, or by Docker and kind or a registry.

Chosen by images.py for the cluster at hand. Knows nothing of what is in the images.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dev.cluster.commands import run, run_watched
from dev.cluster.layout import Layout
from dev.cluster.processes import owner_marks

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Builder(Protocol):
    """What every way of building offers. Tags are whole references, `localhost/towpath/flow:dev-0123456789ab`."""

    def is_built(self, tag: str) -> bool: ...

    def is_loaded(self, tag: str) -> bool: ...

    def build(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None: ...

    def load(self, tag: str) -> None: ...

    def forget_old(self, repository: str, keep: int) -> None:
        """Remove all but the newest `keep` images of a repository, where that is ours to do."""
        ...

    def name_again(self, tag: str, further: str) -> None:
        """Give a loaded image a further name, taking it from the image that had it."""
        ...


@dataclass(frozen=True)
class BuildahBuilder:
    """Without Docker: buildah in a store of our own, then an archive into our own containerd."""

    layout: Layout

    def is_built(self, tag: str) -> bool:
        return self._buildah("inspect", "--type", "image", tag, check=False).returncode == 0

    def is_loaded(self, tag: str) -> bool:
        return tag in run([*self.ctr(), "images", "ls", "-q", f"name=={tag}"]).stdout.split()

    def build(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None:
        """Build with the host's network, certificates and pip configuration; none of them stays in the image."""
        self._buildah("rm", "--all", check=False)  # what an interrupted build left
        argv: list[str | Path] = [*self._store(), "bud", "--isolation", "chroot", "--network", "host", "--layers"]
        argv += ["--pull-never", "--format", "oci", "--file", dockerfile, "--tag", tag]
        for name, value in build_args.items():
            argv += ["--build-arg", f"{name}={value}"]
        for inside, outside in self._mounts().items():
            argv += ["--volume", f"{outside}:{inside}"]
        log = self.layout.cache / "logs" / f"image-{tag.rsplit('/', 1)[-1].split(':')[0]}.log"
        run_watched(
            [*argv, context],
            log=log,
            report=lambda lines: f"the build has printed {lines} lines",
            env=self._variables(),
        )

    def load(self, tag: str) -> None:
        archive = self.layout.run / "image.tar"
        archive.unlink(missing_ok=True)
        try:
            # Docker's archive, since its layers are not compressed only to be unpacked again.
            self._buildah("push", "--quiet", tag, f"docker-archive:{archive}:{tag}")
            run([*self.ctr(), "images", "import", archive])
        finally:
            archive.unlink(missing_ok=True)

    def name_again(self, tag: str, further: str) -> None:
        run([*self.ctr(), "images", "tag", "--force", tag, further])

    def ctr(self) -> list[str]:
        """The containerd client, in the namespace of the kubelet."""
        return ["ctr", "--address", str(self.layout.containerd_socket), "--namespace", "k8s.io"]

    def forget_old(self, repository: str, keep: int) -> None:
        """Remove all but the newest `keep` images of a repository, here and on the node; running pods are not hurt."""
        listed: list[dict[str, Any]] = json.loads(self._buildah("images", "--json").stdout or "[]")
        for tag in plan_forgetting(listed, repository, keep):
            self._buildah("rmi", tag, check=False)
            run([*self.ctr(), "images", "rm", tag], check=False)

    def _buildah(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run([*self._store(), *args], check=check, env=self._variables())

    def _store(self) -> list[str]:
        store = ["--root", str(self.layout.builder), "--runroot", str(self.layout.run / "builder")]
        return ["buildah", *store, "--storage-driver", "overlay"]

    def _variables(self) -> dict[str, str]:
        """Marks buildah as ours, so that one left by an interrupted command is ended, and its mounts lie below our folder."""
        temporary = self.layout.run / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {"TMPDIR": str(temporary), **owner_marks(self.layout.state, "builder")}

    def _mounts(self) -> dict[str, str]:
        folder = self.layout.cache / "build"
        (folder / "pip").mkdir(parents=True, exist_ok=True)
        config = folder / "pip.conf"
        config.write_text(plan_pip_config(run(["python3", "-m", "pip", "config", "list"], check=False).stdout))
        mounts = {"/root/.cache/pip": f"{folder / 'pip'}", "/etc/pip.conf": f"{config}"}
        if _CERTIFICATES.exists():
            mounts[str(_CERTIFICATES)] = f"{_CERTIFICATES}"
        return mounts


def plan_forgetting(listed: Sequence[Mapping[str, Any]], repository: str, keep: int) -> list[str]:
    """Which names of a repository's images to remove, from what `buildah images --json` lists."""
    dated = [(int(image["created"]), str(name)) for image in listed for name in image.get("names") or []]
    ours = sorted((entry for entry in dated if entry[1].rpartition(":")[0] == repository), reverse=True)
    return [name for _, name in ours[keep:]]


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

    def forget_old(self, repository: str, keep: int) -> None:
        """Docker's images are the user's, who has `docker image prune`."""
