"""Where the bare cluster keeps its things: folders, sockets, ports, names. Read by every module that starts or ends one.

All of it lies in two folders that are ours alone: the state folder, one for each machine, and the cache, which survives
`down`. Ports are fixed and none is a component's default, so that a containerd, etcd or kubelet that the machine already
runs is never met.
"""

import os
from dataclasses import dataclass
from pathlib import Path

NODE_NAME = "towpath-dev"
STORAGE_CLASS = "towpath-dev"
BRIDGE = "towpath0"
GUARD_TABLE = "towpath_guard"
CGROUP = "towpath-dev"
CNI_NETWORK = "towpath-dev"
CNI_PLUGINS = Path("/usr/lib/cni")
CHECKOUT = Path(__file__).resolve().parents[2]

ETCD_PORT = 23790
ETCD_PEER_PORT = 23800
ETCD_METRICS_PORT = 23791
API_SERVER_PORT = 26443
CONTROLLER_MANAGER_PORT = 21257
SCHEDULER_PORT = 21259
KUBELET_PORT = 21250
KUBELET_HEALTH_PORT = 21248
KUBE_PROXY_METRICS_PORT = 21249
KUBE_PROXY_HEALTH_PORT = 21256
COREDNS_PORT = 25353
COREDNS_READY_PORT = 25354


@dataclass(frozen=True)
class Layout:
    """The state folder, the cache, and what lies where in them."""

    state: Path
    cache: Path

    @property
    def run(self) -> Path:
        """Sockets and whatever means nothing once the processes are gone."""
        return self.state / "run"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def etcd(self) -> Path:
        return self.state / "etcd"

    @property
    def kubelet(self) -> Path:
        return self.state / "kubelet"

    @property
    def volumes(self) -> Path:
        """What the static PersistentVolumes point to."""
        return self.state / "volumes"

    @property
    def containerd(self) -> Path:
        """containerd's content and snapshots: images live here, so `down` keeps it."""
        return self.state / "containerd"

    @property
    def builder(self) -> Path:
        """buildah's images and layers; `down` keeps it."""
        return self.state / "builder"

    @property
    def containerd_state(self) -> Path:
        return self.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def lock(self) -> Path:
        """The machine's lock on the bare cluster; its folder needs root, as that cluster does."""
        return self.state.with_name(self.state.name + ".lock")

    @property
    def user_lock(self) -> Path:
        """The lock of whoever builds images with Docker."""
        return self.cache / "lock"


def default_layout() -> Layout:
    """The machine's one layout; the state folder needs root, the cache belongs to whoever runs this."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Layout(state=Path("/var/lib/towpath-dev"), cache=cache / "towpath-dev")
