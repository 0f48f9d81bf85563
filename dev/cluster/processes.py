"""Starts processes that outlive this one, finds them again, and ends exactly those.

Used by bare.py, cleanup.py and local.py. Ownership is written into each process' own environment as it starts: the state
folder, the component, a fingerprint of its command. A recorded pid can be another program's by the time it is read, or
missing when the start was interrupted; the environment can be neither. Children inherit it, so helpers are found too.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import wait_until

_OWNER = "TOWPATH_DEV_OWNER"
_COMPONENT = "TOWPATH_DEV_COMPONENT"
_FINGERPRINT = "TOWPATH_DEV_FINGERPRINT"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Owned:
    """A running process that carries our mark."""

    pid: int
    component: str
    fingerprint: str
    is_main: bool


def find_owned(state: Path) -> list[Owned]:
    """Every running process that belongs to this state folder; zombies have no environment and are not found."""
    return [owned for entry in _PROC.iterdir() if entry.name.isdigit() and (owned := _read(int(entry.name), state))]


def _read(pid: int, state: Path) -> Owned | None:
    try:
        pairs = (_PROC / str(pid) / "environ").read_bytes().decode(errors="replace").split("\0")
        leads = os.getsid(pid) == pid
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    values = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if values.get(_OWNER) != str(state):
        return None
    return Owned(pid, values.get(_COMPONENT, ""), values.get(_FINGERPRINT, ""), leads)


def owner_marks(state: Path, component: str) -> dict[str, str]:
    """The variables that make a process, and all it starts, this state folder's: for programs run to their end, too."""
    return {_OWNER: str(state), _COMPONENT: component}


def find_foreign(program: str, state: Path) -> int | None:
    """The pid of a running program of this name that does not carry our mark, if there is one."""
    for entry in _PROC.iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:  # ended meanwhile
            continue
        if words and Path(words[0].decode(errors="replace")).name == program and _read(int(entry.name), state) is None:
            return int(entry.name)
    return None


def start_detached(
    name: str,
    argv: Sequence[str],
    *,
    state: Path,
    log: Path,
    fingerprint: str,
    env: Mapping[str, str],
) -> None:
    """Start a program as nobody's child, its output going to `log` (the former one is kept beside it)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.rename(log.with_suffix(".previous.log"))
    marks = owner_marks(state, name) | {_FINGERPRINT: fingerprint}
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**env, **marks},
            cwd="/",
            check=True,
        )
    # It leads a session only a moment after `setsid` has forked it; one that has failed by then never will.
    wait_until(lambda: any(one.is_main and one.component == name for one in find_owned(state)), timeout=1, every=0.01)


def end_owned(state: Path, owned: Iterable[Owned], *, grace: float) -> None:
    """End these processes: ask, wait up to `grace` seconds, then kill; returns when they are gone."""
    pids = [one.pid for one in owned]
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        for pid in pids:
            _signal_owned(pid, state, number)
        if wait_until(lambda: not any(_read(pid, state) for pid in pids), timeout=patience, every=0.05):
            return


def _signal_owned(pid: int, state: Path, number: signal.Signals) -> None:
    # The descriptor pins the process, so that the one verified is the one signalled even if the pid is given anew.
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _read(pid, state):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)
