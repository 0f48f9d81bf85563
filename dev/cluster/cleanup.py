"""Ends whatever the pods of the bare cluster left running, mounted or lying about. Called by bare.py, for repair and `down`.

Everything it touches is recognised as ours by where it is: below the state folder, in our cgroup, marked in its environment.
"""

import os
import re
import shutil
import signal
from pathlib import Path

from dev.cluster.commands import run, wait_until
from dev.cluster.layout import CGROUP, CNI_NETWORK, Layout
from dev.cluster.processes import end_owned, find_owned

_CGROUPS = Path("/sys/fs/cgroup")
_SHIM_SOCKETS = Path("/run/containerd/s")
_CNI_RESULTS = Path("/var/lib/cni/results")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
_CONTAINER_LINKS = Path("/var/log/containers")


def end_containers(ctr: list[str]) -> None:
    """Kill and remove every container through containerd, which is running; images stay."""
    tasks = run([*ctr, "tasks", "ls", "-q"]).stdout.split()
    for task in tasks:
        run([*ctr, "tasks", "rm", "--force", task], check=False)
    containers = run([*ctr, "containers", "ls", "-q"]).stdout.split()
    if containers:
        run([*ctr, "containers", "rm", *containers], check=False)


def clear_runtime(layout: Layout) -> None:
    """Remove what running pods had: processes, shims, mounts, network namespaces, cgroups, sockets.

    Called when no component runs any more. What is on disk (etcd's data, images, volumes) stays.
    """
    _kill_cgroup()
    end_owned(layout.state, find_owned(layout.state), grace=2.0)
    _kill_cgroup()
    _remove_shim_sockets(layout)
    unmount_below(layout.state)
    _remove_cgroups()
    for stale in _CNI_RESULTS.glob(f"{CNI_NETWORK}-*"):
        stale.unlink(missing_ok=True)
    _remove_links(layout)
    _remove_device_plugins()
    shutil.rmtree(layout.run, ignore_errors=True)


def plan_unmounts(mountinfo: str, folder: Path) -> list[str]:
    """The mount points at or below a folder, the latest first, from the text of /proc/self/mountinfo."""
    points = [_unescape(line.split()[4]) for line in mountinfo.splitlines() if line.strip()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below a folder, whether or not something still holds it."""
    for point in plan_unmounts(Path("/proc/self/mountinfo").read_text(), folder):
        run(["umount", "--lazy", "--no-canonicalize", point], check=False)


def make_cgroup() -> None:
    """Make the cgroup below which all pods live, in every hierarchy the machine has."""
    if (_CGROUPS / "cgroup.controllers").exists():
        (_CGROUPS / CGROUP).mkdir(exist_ok=True)
        for folder in (_CGROUPS, _CGROUPS / CGROUP):
            for controller in (_CGROUPS / "cgroup.controllers").read_text().split():
                _try_write(folder / "cgroup.subtree_control", f"+{controller}")
        return
    for hierarchy in _CGROUPS.iterdir():
        if (hierarchy / "cgroup.procs").exists() and not hierarchy.is_symlink():
            ours = hierarchy / CGROUP
            ours.mkdir(exist_ok=True)
            # A new cpuset is empty, and nothing can run in it until it is given what its parent has.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (ours / name).exists():
                    _try_write(ours / name, (hierarchy / name).read_text())


def _our_cgroups() -> list[Path]:
    return [path for path in (_CGROUPS / CGROUP, *_CGROUPS.glob(f"*/{CGROUP}")) if path.is_dir()]


def _kill_cgroup() -> None:
    wait_until(lambda: not _kill_members(), timeout=10.0, every=0.05)


def _kill_members() -> bool:
    members = {pid for root in _our_cgroups() for procs in root.rglob("cgroup.procs") for pid in _pids_in(procs)}
    for pid in members:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return bool(members)


def _pids_in(procs: Path) -> list[int]:
    try:
        return [int(pid) for pid in procs.read_text().split()]
    except OSError:  # the cgroup went away between listing and reading
        return []


def _remove_cgroups() -> None:
    def removed() -> bool:
        for root in _our_cgroups():
            for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
                _try_rmdir(folder)
            _try_rmdir(root)
        return not _our_cgroups()

    wait_until(removed, timeout=5.0)


def _remove_shim_sockets(layout: Layout) -> None:
    # containerd keeps these in one folder for all containerds of a machine; each bundle says which is its own.
    for address in layout.containerd_state.glob("io.containerd.runtime.v2.task/*/*/address"):
        socket = Path(address.read_text(errors="replace").strip().removeprefix("unix://"))
        if socket.parent == _SHIM_SOCKETS:
            socket.unlink(missing_ok=True)


def _remove_device_plugins() -> None:
    # The one path that the kubelet cannot be talked out of; bare.py refuses to start beside another kubelet.
    (_DEVICE_PLUGINS / "kubelet.sock").unlink(missing_ok=True)
    for folder in (_DEVICE_PLUGINS, _DEVICE_PLUGINS.parent):
        _try_rmdir(folder)


def _remove_links(layout: Layout) -> None:
    if not _CONTAINER_LINKS.is_dir():
        return
    for link in _CONTAINER_LINKS.iterdir():
        if link.is_symlink() and link.readlink().is_relative_to(layout.state):
            link.unlink(missing_ok=True)


def _unescape(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)


def _try_write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError:  # a controller that this machine does not delegate
        return


def _try_rmdir(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:  # busy: asked again, or already gone
        return
