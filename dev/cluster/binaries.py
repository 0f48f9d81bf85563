"""Builds the Kubernetes, Helm and CoreDNS commands as Go tools. Called by bare.py, and by kind and current for Helm.

Each Go module under dev/cluster/go pins one project; the programs go to the cache outside the checkout, in a folder named
by what they are made of, so that they are built once per machine and version.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import run_watched
from dev.cluster.errors import ClusterError
from dev.cluster.hashing import content_hash
from dev.cluster.layout import CHECKOUT, Layout
from dev.cluster.progress import say, step

GO_MODULES = CHECKOUT / "dev" / "cluster" / "go"
_MADE_OF = ("*.go", "go.mod", "go.sum")


@dataclass(frozen=True)
class GoTools:
    """One Go module and the commands built from it."""

    module: str
    packages: tuple[str, ...]
    about: str

    @property
    def names(self) -> list[str]:
        return [package.rsplit("/", 1)[-1] for package in self.packages]


_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
TOOLS: tuple[GoTools, ...] = (
    GoTools("kubernetes", tuple(f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES), "about 4 min on two cores"),
    GoTools("coredns", ("github.com/coredns/coredns",), "about 70 s"),
    GoTools("helm", ("helm.sh/helm/v4/cmd/helm",), "about 70 s"),
    GoTools("pause", ("towpath.dev/dev/cluster/pause",), "a moment"),
)


def bin_folder(layout: Layout, modules: Path = GO_MODULES) -> Path:
    """Where the programs are, named by the contents of all Go modules."""
    return layout.cache / "bin" / content_hash(modules, _made_of(modules))


def _made_of(modules: Path) -> list[Path]:
    return [path for pattern in _MADE_OF for path in modules.glob(f"*/{pattern}")]


def plan_ldflags(go_mod: str) -> str:
    """Linker flags: no debug tables, and the version that Kubernetes' programs report, read from go.mod."""
    flags = "-s -w"
    if found := re.search(r"^require k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", go_mod, re.MULTILINE):
        version, major, minor = found.groups()
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        flags += "".join(f" -X k8s.io/component-base/version.{key}={value}" for key, value in values.items())
    return flags


def build_missing(layout: Layout, wanted: Sequence[str] | None = None) -> Path:
    """Build the programs that the cache lacks, and return their folder.

    Args:
        layout: Where the cache is.
        wanted: Names of Go modules; None means all of them.

    Raises:
        ClusterError: A build failed.
    """
    folder = bin_folder(layout)
    for tools in TOOLS:
        if wanted is not None and tools.module not in wanted:
            continue
        if all((folder / name).exists() for name in tools.names):
            continue
        with step(f"building {', '.join(tools.names)} with Go ({tools.about})"):
            _build(layout, tools, folder)
    return folder


def _build(layout: Layout, tools: GoTools, folder: Path) -> None:
    module = GO_MODULES / tools.module
    if not module.is_dir():
        raise ClusterError(f"the Go module {module} is missing from this checkout")
    partial = folder.with_name(f".partial-{folder.name}-{tools.module}")
    partial.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    static = {"CGO_ENABLED": "0"} if tools.module == "pause" else {}
    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", plan_ldflags((module / "go.mod").read_text())]
    run_watched(
        ["go", "build", *flags, "-o", f"{partial}/", *tools.packages],
        log=layout.cache / "logs" / f"go-{tools.module}.log",
        report=lambda lines: f"{tools.module}: {lines} Go packages compiled",
        env=static,
        cwd=module,
    )
    for name in tools.names:
        (partial / name).rename(folder / name)
    partial.rmdir()
    say(f"  {tools.module}: in {folder}")
