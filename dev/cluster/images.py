"""Which images there are, what each is made of, and getting them to the cluster. Called by __main__, environment, tests.

Names are content hashes, so an image that is there is current. How to build is builders.py's.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from dev.cluster.builders import BuildahBuilder, Builder, DockerBuilder
from dev.cluster.choosing import Backend
from dev.cluster.commands import run, run_watched
from dev.cluster.errors import ClusterError
from dev.cluster.hashing import content_hash, source_files
from dev.cluster.layout import CHECKOUT, Layout
from dev.cluster.progress import step

_KEPT_IMAGES = 4
KIND_CLUSTER = "towpath-dev"
# `localhost`, so that no node ever asks a public registry for an image of ours that it lacks.
_LOCAL = "localhost"
_DOCKERFILES = CHECKOUT / "dev" / "images"
_PACKAGES = {"flow": ("sdk",), "control-plane": ("sdk", "operator")}
_DISTRIBUTIONS = {"flow": ("towpath",), "control-plane": ("towpath", "towpath-operator")}
_BASE_PACKAGES = "python3,python3-venv,ca-certificates,git,openssh-client"
_BASE_LEFT_OUT = ("doc", "man", "info", "locale")
_BASE_OPTIONS = (
    "--variant=minbase",
    f"--include={_BASE_PACKAGES}",
    '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _BASE_LEFT_OUT),
    "bookworm",
)
_BASE_DOCKERFILE = "FROM scratch\nADD base.tar /\n"


class Images:
    """The images of one checkout for one kind of cluster."""

    def __init__(self, layout: Layout, backend: Backend, registry: str = "") -> None:
        """Args: the folders, the cluster's kind, and for `current` the registry to push to, with a path if it has one."""
        if backend == "current" and not registry:
            raise ClusterError(
                "TOWPATH_CLUSTER=current needs TOWPATH_REGISTRY, the registry that its nodes pull images from"
            )
        self.layout = layout
        self.builder: Builder
        if backend == "bare":
            self.builder = BuildahBuilder(layout)
        else:
            self.builder = DockerBuilder(KIND_CLUSTER if backend == "kind" else None)
        self._prefix = registry.rstrip("/") if backend == "current" else _LOCAL

    @property
    def flow(self) -> str:
        """The flow base image's reference for the present sources."""
        return self._ours("flow")

    @property
    def control_plane(self) -> str:
        """The control plane image's reference for the present sources."""
        return self._ours("control-plane")

    def example(self, folder: Path) -> str:
        """The reference of the image of a folder with a Dockerfile of its own, which is built on the flow image."""
        made_of = content_hash(folder, source_files(folder), self.flow)
        return f"{self._prefix}/towpath/example-{folder.name}:dev-{made_of}"

    def ensure(self, name: str) -> str:
        """Build `flow` or `control-plane` if it is not there, bring it to the nodes, and return its reference."""
        tag = self._ours(name)

        def build() -> None:
            context = self._make_context(name)
            self.builder.build(_DOCKERFILES / f"{name}.Dockerfile", context, tag, self._base())

        return self._ensure(tag, build)

    def ensure_example(self, folder: Path) -> str:
        """The same for an example's image, which its manifest names `localhost/towpath/example-<folder>:dev`."""
        tag = self.example(folder)
        self._ensure(tag, lambda: self.builder.build(folder / "Dockerfile", folder, tag, {"BASE": self.ensure("flow")}))
        self.builder.name_again(tag, f"{tag.rpartition(':')[0]}:dev")
        return tag

    def _ensure(self, tag: str, build: Callable[[], None]) -> str:
        if self.builder.is_loaded(tag):
            return tag
        if not self.builder.is_built(tag):
            with step(f"building {tag}"):
                build()
        with step(f"loading {tag}"):
            self.builder.load(tag)
        self.builder.forget_old(tag.rpartition(":")[0], keep=_KEPT_IMAGES)
        return tag

    def build_image(self, dockerfile: Path, context: Path, tag: str, build_args: Mapping[str, str]) -> None:
        """Build any image; `tag` is a whole reference."""
        self.builder.build(dockerfile, context, tag, build_args)

    def load_image(self, tag: str) -> None:
        """Bring a built image to where the cluster's nodes find it."""
        self.builder.load(tag)

    def _ours(self, name: str) -> str:
        files = [path for package in _PACKAGES[name] for path in source_files(CHECKOUT / package)]
        files += [CHECKOUT / "uv.lock", _DOCKERFILES / f"{name}.Dockerfile"]
        return f"{self._prefix}/towpath/{name}:dev-{content_hash(CHECKOUT, files, *_BASE_OPTIONS)}"

    def _make_context(self, name: str) -> Path:
        """A folder with the locked requirements and the wheels, as both Dockerfiles expect."""
        context = self.layout.cache / "images" / name
        shutil.rmtree(context, ignore_errors=True)
        (context / "wheels").mkdir(parents=True)
        uv = find_uv(self.layout)
        distributions = _DISTRIBUTIONS[name]
        export = [
            uv,
            "export",
            "--frozen",
            "--no-dev",
            "--no-emit-workspace",
            "--no-header",
            "--format=requirements-txt",
        ]
        listed = run([*export, f"--package={distributions[-1]}"], cwd=CHECKOUT).stdout
        (context / "requirements.txt").write_text(listed)
        for distribution in distributions:
            run([uv, "build", "--wheel", f"--package={distribution}", "--out-dir", context / "wheels"], cwd=CHECKOUT)
        (context / "wheels" / ".gitignore").unlink(missing_ok=True)
        return context

    def _base(self) -> dict[str, str]:
        """Build arguments: on the bare cluster a base made from Debian's packages, else the Dockerfile's default."""
        if not isinstance(self.builder, BuildahBuilder):
            return {}
        made_of = content_hash(CHECKOUT, [], *_BASE_OPTIONS, _BASE_DOCKERFILE)
        tag = f"{_LOCAL}/towpath-dev/base:{made_of}"
        if not self.builder.is_built(tag):
            archive = self._base_archive(made_of)
            context = self.layout.cache / "images" / "base"
            context.mkdir(parents=True, exist_ok=True)
            (context / "base.tar").unlink(missing_ok=True)
            os.link(archive, context / "base.tar")
            dockerfile = context / "Dockerfile"
            dockerfile.write_text(_BASE_DOCKERFILE)
            with step("making the base image"):
                self.builder.build(dockerfile, context, tag, {})
        return {"BASE": tag}

    def _base_archive(self, made_of: str) -> Path:
        archive = self.layout.cache / "base" / f"{made_of}.tar"
        if not archive.exists():
            partial = archive.with_suffix(".partial.tar")
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            with step("making a base file system from Debian's packages (about 30 s)"):
                run_watched(
                    ["mmdebstrap", *_BASE_OPTIONS, partial],
                    log=self.layout.cache / "logs" / "mmdebstrap.log",
                    report=lambda lines: f"mmdebstrap has printed {lines} lines",
                )
            partial.rename(archive)
        return archive


def find_uv(layout: Layout) -> str:
    """The uv that runs this, or one on the PATH, or the one that the Makefile installed."""
    found = os.environ.get("UV") or shutil.which("uv") or shutil.which(str(layout.cache / "tools" / "bin" / "uv"))
    if not found:
        raise ClusterError("uv was not found; `make` installs it, or `pip install uv`")
    return found
