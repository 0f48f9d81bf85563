"""Installs from Debian what the bare cluster runs on, and the programs that tests use. Called by bare.py before anything starts.

Only what is missing is installed, after saying so. Debian starts a package's services as it installs it, so a policy that
forbids it stands in place meanwhile: the cluster runs its own processes in its own folder and uses no service.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from dev.cluster.commands import run, run_watched
from dev.cluster.layout import CNI_PLUGINS, Layout
from dev.cluster.progress import say, step

# Each package with a file or a command that shows it is there, whoever brought it.
PACKAGES: tuple[tuple[str, str], ...] = (
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("containernetworking-plugins", str(CNI_PLUGINS / "bridge")),
    ("etcd-server", "etcd"),
    ("nftables", "nft"),
    ("conntrack", "conntrack"),
    ("iproute2", "ip"),
    ("buildah", "buildah"),
    ("mmdebstrap", "mmdebstrap"),
    ("openssl", "openssl"),
)
TEST_PACKAGES: tuple[tuple[str, str], ...] = (
    ("postgresql", "postgres"),
    ("openssh-server", "sshd"),
    ("chromium", "chromium"),
)
"""Programs that tests start by themselves, on ports and folders of their own."""
_POLICY = Path("/usr/sbin/policy-rc.d")
_SAVED_POLICY = Path("/usr/sbin/policy-rc.d.before-towpath")
_MARK = "towpath-dev"
_FORBID = (
    f"#!/bin/sh\n# {_MARK}: packages are being installed and must start no service; removed right after.\nexit 101\n"
)


def plan_packages(packages: Iterable[tuple[str, str]], is_there: Callable[[str], bool]) -> list[str]:
    """Which of the packages to install, given what says whether a command or file is there."""
    return [package for package, shown_by in packages if not is_there(shown_by)]


def find_missing(packages: Iterable[tuple[str, str]]) -> list[str]:
    """Which of the packages this machine lacks."""
    return plan_packages(packages, lambda name: shutil.which(name, path=_search_path()) is not None)


def install_missing(layout: Layout, packages: Iterable[tuple[str, str]] = PACKAGES) -> None:
    """Install what is missing; does nothing when all is there. One caller at a time.

    Raises:
        ClusterError: apt-get failed.
    """
    _end_interrupted_install()
    missing = find_missing(packages)
    if not missing:
        return
    say(f"to install from Debian, with no service started: {', '.join(missing)}")
    with step("installing Debian packages"):
        _forbid_services()
        try:
            # A third-party source that is down must not stop this: whether the packages are there, install says.
            run(["apt-get", "update", "-qq"], check=False)
            run_watched(
                ["apt-get", "install", "-y", "--no-install-recommends", *missing],
                log=layout.logs / "apt.log",
                report=lambda lines: f"apt-get has printed {lines} lines",
                env={"DEBIAN_FRONTEND": "noninteractive"},
            )
        finally:
            _allow_services()


def _search_path() -> str:
    postgres = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    return ":".join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *postgres])


def _is_ours(policy: Path) -> bool:
    return policy.exists() and _MARK in policy.read_text(errors="replace")


def _end_interrupted_install() -> None:
    if _is_ours(_POLICY) or _SAVED_POLICY.exists():
        _allow_services()
        run(["dpkg", "--configure", "-a"], check=False, env={"DEBIAN_FRONTEND": "noninteractive"})


def _forbid_services() -> None:
    if _POLICY.exists():
        _POLICY.rename(_SAVED_POLICY)
    _POLICY.write_text(_FORBID)
    _POLICY.chmod(0o755)


def _allow_services() -> None:
    if _is_ours(_POLICY):
        _POLICY.unlink()
    if _SAVED_POLICY.exists():
        _SAVED_POLICY.rename(_POLICY)
