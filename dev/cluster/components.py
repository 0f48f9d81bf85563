"""The bare cluster's components as data: command, files that shape it, how it shows to be ready. Called by bare.py.

Pure: starts nothing. A component whose command or files have changed gets another fingerprint and is started anew.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.cluster import layout as names
from dev.cluster.layout import Layout
from dev.cluster.network import NetworkPlan


@dataclass(frozen=True)
class Component:
    """One long-lived process."""

    name: str
    argv: tuple[str, ...]
    files: tuple[Path, ...]
    ready: str
    """An address that answers 200 when the component is ready, or the path of its socket."""

    def fingerprint(self) -> str:
        """Twelve hex digits for the command and the contents of its files."""
        digest = hashlib.sha256("\0".join(self.argv).encode())
        for path in self.files:
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


def plan_components(layout: Layout, network: NetworkPlan, bin_folder: Path) -> list[Component]:
    """All of them in the order they start: each stands on those before it."""
    programs = _Programs(layout, network, bin_folder)
    return [
        programs.etcd(),
        programs.containerd(),
        programs.api_server(),
        programs.controller_manager(),
        programs.scheduler(),
        programs.kubelet(),
        programs.kube_proxy(),
        programs.coredns(),
    ]


@dataclass(frozen=True)
class _Programs:
    layout: Layout
    network: NetworkPlan
    bin_folder: Path

    def etcd(self) -> Component:
        argv = (
            "etcd",
            "--name=towpath-dev",
            f"--data-dir={self.layout.etcd}",
            f"--listen-client-urls=https://127.0.0.1:{names.ETCD_PORT}",
            f"--advertise-client-urls=https://127.0.0.1:{names.ETCD_PORT}",
            f"--listen-peer-urls=http://127.0.0.1:{names.ETCD_PEER_PORT}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{names.ETCD_PEER_PORT}",
            f"--initial-cluster=towpath-dev=http://127.0.0.1:{names.ETCD_PEER_PORT}",
            f"--listen-metrics-urls=http://127.0.0.1:{names.ETCD_METRICS_PORT}",
            "--client-cert-auth",
            f"--trusted-ca-file={self._pki('ca.crt')}",
            f"--cert-file={self._pki('etcd.crt')}",
            f"--key-file={self._pki('etcd.key')}",
            "--auto-compaction-retention=1",
            "--unsafe-no-fsync",  # survives its processes' death, which is what happens here; not a power cut
        )
        return self._component("etcd", argv, (), f"http://127.0.0.1:{names.ETCD_METRICS_PORT}/health")

    def containerd(self) -> Component:
        config = self.layout.config / "containerd.toml"
        argv = ("containerd", f"--config={config}")
        return self._component("containerd", argv, (config,), str(self.layout.containerd_socket))

    def api_server(self) -> Component:
        gateway = self.network.gateway
        argv = (
            self._own("kube-apiserver"),
            f"--advertise-address={gateway}",
            f"--bind-address={gateway}",
            f"--secure-port={names.API_SERVER_PORT}",
            f"--etcd-servers=https://127.0.0.1:{names.ETCD_PORT}",
            f"--etcd-cafile={self._pki('ca.crt')}",
            f"--etcd-certfile={self._pki('admin.crt')}",
            f"--etcd-keyfile={self._pki('admin.key')}",
            f"--service-cluster-ip-range={self.network.services}",
            f"--client-ca-file={self._pki('ca.crt')}",
            f"--tls-cert-file={self._pki('server.crt')}",
            f"--tls-private-key-file={self._pki('server.key')}",
            f"--kubelet-certificate-authority={self._pki('ca.crt')}",
            f"--kubelet-client-certificate={self._pki('kubelet-client.crt')}",
            f"--kubelet-client-key={self._pki('kubelet-client.key')}",
            # No proxy stands before it; without an authority for one, the other components complain every ten seconds.
            f"--requestheader-client-ca-file={self._pki('front-proxy-ca.crt')}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--kubelet-preferred-address-types=InternalIP",  # so that the node's name need not resolve
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._pki('service-accounts.pub')}",
            f"--service-account-signing-key-file={self._pki('service-accounts.key')}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        )
        return self._component("kube-apiserver", argv, (), f"https://{gateway}:{names.API_SERVER_PORT}/readyz")

    def controller_manager(self) -> Component:
        argv = (
            self._own("kube-controller-manager"),
            *self._loopback("controller-manager", names.CONTROLLER_MANAGER_PORT),
            f"--service-account-private-key-file={self._pki('service-accounts.key')}",
            f"--root-ca-file={self._pki('ca.crt')}",
            "--use-service-account-credentials",
            f"--flex-volume-plugin-dir={self.layout.kubelet}/volume-plugins",
            f"--cluster-cidr={self.network.pods}",
            "--allocate-node-cidrs=false",
        )
        url = f"https://127.0.0.1:{names.CONTROLLER_MANAGER_PORT}/healthz"
        return self._component("kube-controller-manager", argv, (self._config("controller-manager.kubeconfig"),), url)

    def scheduler(self) -> Component:
        argv = (self._own("kube-scheduler"), *self._loopback("scheduler", names.SCHEDULER_PORT))
        url = f"https://127.0.0.1:{names.SCHEDULER_PORT}/healthz"
        return self._component("kube-scheduler", argv, (self._config("scheduler.kubeconfig"),), url)

    def kubelet(self) -> Component:
        config, access = self._config("kubelet.json"), self._config("node.kubeconfig")
        argv = (
            self._own("kubelet"),
            f"--config={config}",
            f"--kubeconfig={access}",
            f"--root-dir={self.layout.kubelet}",
            f"--cert-dir={self.layout.kubelet}/pki",
            f"--hostname-override={names.NODE_NAME}",
            f"--node-ip={self.network.gateway}",
        )
        url = f"http://127.0.0.1:{names.KUBELET_HEALTH_PORT}/healthz"
        return self._component("kubelet", argv, (config, access), url)

    def kube_proxy(self) -> Component:
        config = self._config("kube-proxy.json")
        argv = (self._own("kube-proxy"), f"--config={config}")
        url = f"http://127.0.0.1:{names.KUBE_PROXY_HEALTH_PORT}/healthz"
        return self._component("kube-proxy", argv, (config, self._config("proxy.kubeconfig")), url)

    def coredns(self) -> Component:
        config = self._config("Corefile")
        argv = (self._own("coredns"), "-conf", str(config))
        url = f"http://127.0.0.1:{names.COREDNS_READY_PORT}/ready"
        return self._component("coredns", argv, (config, self._config("coredns.kubeconfig")), url)

    def _component(self, name: str, argv: Sequence[str], files: Sequence[Path], ready: str) -> Component:
        return Component(name, tuple(argv), (self.layout.pki / "ca.crt", *files), ready)

    def _loopback(self, user: str, port: int) -> tuple[str, ...]:
        access = self._config(f"{user}.kubeconfig")
        return (
            f"--kubeconfig={access}",
            f"--authentication-kubeconfig={access}",
            f"--authorization-kubeconfig={access}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self._pki('server.crt')}",
            f"--tls-private-key-file={self._pki('server.key')}",
        )

    def _own(self, program: str) -> str:
        return str(self.bin_folder / program)

    def _pki(self, name: str) -> str:
        return str(self.layout.pki / name)

    def _config(self, name: str) -> Path:
        return self.layout.config / name
