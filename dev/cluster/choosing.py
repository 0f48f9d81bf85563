"""Decides which kind of cluster `make up` uses. Called by __main__; looks at the machine, starts nothing.

`observe_machine` reads, `choose_backend` decides: the first of kind and bare that the machine can run, else local mode.
`current` is never chosen, only asked for: whoever has a production context selected must not find Towpath in it.
"""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

from dev.cluster.errors import ClusterError

Backend = Literal["kind", "bare", "current", "none"]
BACKENDS: tuple[Backend, ...] = ("kind", "bare", "current", "none")


@dataclass(frozen=True)
class Machine:
    """What matters of a machine to the choice."""

    docker_answers: bool
    has_kind: bool
    is_linux: bool
    is_root: bool
    has_go: bool
    has_apt: bool


@dataclass(frozen=True)
class Choice:
    """The cluster to use, and why, as a sentence that is shown."""

    backend: Backend
    why: str


def choose_backend(machine: Machine, wanted: str) -> Choice:
    """Choose by what the machine has, or take what TOWPATH_CLUSTER names.

    Raises:
        ClusterError: `wanted` is no backend, or is one that this machine cannot run.
    """
    if wanted:
        return _forced(machine, wanted)
    if machine.docker_answers and machine.has_kind:
        return Choice("kind", "a Docker engine answers and kind is installed")
    no_kind = "no Docker engine answers" if not machine.docker_answers else "kind is not installed"
    missing = _missing_for_bare(machine)
    if not missing:
        return Choice("bare", f"{no_kind}, and this is root on Linux with Go")
    return Choice("none", f"{no_kind}, and a bare cluster needs {', '.join(missing)}")


def _forced(machine: Machine, wanted: str) -> Choice:
    for backend in BACKENDS:
        if backend == wanted:
            break
    else:
        raise ClusterError(f"TOWPATH_CLUSTER={wanted} is none of {', '.join(BACKENDS)}")
    if backend == "bare" and (missing := _missing_for_bare(machine)):
        raise ClusterError(f"TOWPATH_CLUSTER=bare needs {', '.join(missing)}, which this machine lacks")
    if backend == "kind" and not machine.has_kind:
        raise ClusterError("TOWPATH_CLUSTER=kind needs the command `kind`, which is not on the PATH")
    if backend == "kind" and not machine.docker_answers:
        raise ClusterError("TOWPATH_CLUSTER=kind needs a Docker engine, and `docker info` gets no answer from one")
    return Choice(backend, f"TOWPATH_CLUSTER={backend} asks for it")


def _missing_for_bare(machine: Machine) -> list[str]:
    needs = (
        (machine.is_linux, "Linux"),
        (machine.is_root, "root"),
        (machine.has_go, "the Go toolchain"),
        (machine.has_apt, "Debian's apt-get"),
    )
    return [name for there, name in needs if not there]


def observe_machine() -> Machine:
    """Look at this machine. A Docker client alone counts for nothing: the engine must answer."""
    return Machine(
        docker_answers=_docker_answers(),
        has_kind=shutil.which("kind") is not None,
        is_linux=platform.system() == "Linux",
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        has_go=shutil.which("go") is not None,
        has_apt=shutil.which("apt-get") is not None,
    )


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
