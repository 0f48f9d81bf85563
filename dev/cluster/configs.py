"""Renders the configuration files of the bare cluster's components. Called by bare.py; pure: settings in, text out.

JSON stands wherever YAML is read, since it is a subset of it.
"""

import json
from pathlib import Path
from typing import Any

from dev.cluster import layout as names
from dev.cluster.layout import Layout
from dev.cluster.network import NetworkPlan


def render_all(layout: Layout, network: NetworkPlan, pause_image: str) -> dict[Path, str]:
    """Every file the components read, by where it goes."""
    config = layout.config
    files = {
        config / "containerd.toml": render_containerd(layout, pause_image),
        config / "cni" / "10-towpath.conflist": render_cni(layout, network),
        config / "resolv.conf": "nameserver 127.0.0.1\n",
        config / "kubelet.json": render_kubelet(layout, network),
        config / "kube-proxy.json": render_kube_proxy(layout, network),
        config / "Corefile": render_corefile(layout, network),
        config / "manifests.json": render_manifests(layout, network),
        layout.kubeconfig: render_kubeconfig(layout, network, "admin"),
    }
    for user in ("controller-manager", "scheduler", "node", "proxy", "coredns"):
        files[config / f"{user}.kubeconfig"] = render_kubeconfig(layout, network, user)
    return files


def render_containerd(layout: Layout, pause_image: str) -> str:
    """containerd with folders, socket, runtime root and network configuration of its own."""
    return f"""\
version = 2
root = "{layout.containerd}"
state = "{layout.containerd_state}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "{layout.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{layout.run}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause_image}"
  # Without CAP_SYS_RESOURCE no score can be lowered, and every pod's sandbox would die of it.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  max_container_log_line_size = 262144

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{names.CNI_PLUGINS}"
    conf_dir = "{layout.config}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{layout.run}/runc"
        SystemdCgroup = false
"""


def render_cni(layout: Layout, network: NetworkPlan) -> str:
    """Pods on our bridge, which exists already; no masquerading, since nothing leaves the machine."""
    ranges = [[{"subnet": str(network.pods), "gateway": str(network.gateway), "rangeStart": str(network.pods[16])}]]
    bridge: dict[str, Any] = {
        "type": "bridge",
        "bridge": names.BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": ranges,
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(layout.run / "cni"),
        },
    }
    return _json({"cniVersion": "0.4.0", "name": names.CNI_NETWORK, "plugins": [bridge]})


def render_kubelet(layout: Layout, network: NetworkPlan) -> str:
    """The kubelet: cgroup v1 by cgroupfs, in a cgroup of our own, and never evicting or collecting for want of disk."""
    return _json(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": str(network.gateway),
            "port": names.KUBELET_PORT,
            "readOnlyPort": 0,
            "healthzBindAddress": "127.0.0.1",
            "healthzPort": names.KUBELET_HEALTH_PORT,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(layout.pki / "kubelet.crt"),
            "tlsPrivateKeyFile": str(layout.pki / "kubelet.key"),
            "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{names.CGROUP}",
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,  # kube-proxy uses nftables; these chains would stay behind
            "oomScoreAdj": 0,
            "resolvConf": str(layout.config / "resolv.conf"),
            "clusterDomain": "cluster.local",
            "clusterDNS": [str(network.dns_service)],
            "podLogsDir": str(layout.logs / "pods"),
            "volumePluginDir": str(layout.kubelet / "volume-plugins"),
            "maxPods": 250,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "imageMinimumGCAge": "8760h",
            "shutdownGracePeriod": "0s",
        }
    )


def render_kube_proxy(layout: Layout, network: NetworkPlan) -> str:
    """kube-proxy by nftables, leaving the machine's connection tracking as it is."""
    return _json(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "hostnameOverride": names.NODE_NAME,
            "clusterCIDR": str(network.pods),
            "bindAddress": str(network.gateway),
            "nodePortAddresses": [f"{network.gateway}/32"],
            "healthzBindAddress": f"127.0.0.1:{names.KUBE_PROXY_HEALTH_PORT}",
            "metricsBindAddress": f"127.0.0.1:{names.KUBE_PROXY_METRICS_PORT}",
            "oomScoreAdj": 0,
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "nftables": {"masqueradeAll": False, "minSyncPeriod": "0.2s"},
            "clientConnection": {"kubeconfig": str(layout.config / "proxy.kubeconfig")},
        }
    )


def render_corefile(layout: Layout, network: NetworkPlan) -> str:
    """CoreDNS answers for the cluster's names; any other name does not exist, and nobody else is asked."""
    port = names.COREDNS_PORT
    return f"""\
cluster.local:{port} in-addr.arpa:{port} ip6.arpa:{port} {{
    bind {network.gateway}
    errors
    ready 127.0.0.1:{names.COREDNS_READY_PORT}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.config}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
}}
.:{port} {{
    bind {network.gateway}
    errors
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""


def render_kubeconfig(layout: Layout, network: NetworkPlan, user: str) -> str:
    """Access to the API server as one of the certificates' users."""
    cluster = {
        "certificate-authority": str(layout.pki / "ca.crt"),
        "server": f"https://{network.gateway}:{names.API_SERVER_PORT}",
    }
    key = {
        "client-certificate": str(layout.pki / f"{user}.crt"),
        "client-key": str(layout.pki / f"{user}.key"),
    }
    return _json(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "towpath-dev",
            "contexts": [{"name": "towpath-dev", "context": {"cluster": "towpath-dev", "user": user}}],
            "clusters": [{"name": "towpath-dev", "cluster": cluster}],
            "users": [{"name": user, "user": key}],
        }
    )


def render_manifests(layout: Layout, network: NetworkPlan) -> str:
    """What the cluster holds from the start: the storage class with its volumes, and the Service of CoreDNS."""
    items = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": names.STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "Immediate",
        },
        *_dns(network),
        *(volume(layout, number) for number in range(VOLUMES)),
    ]
    return _json({"apiVersion": "v1", "kind": "List", "items": items})


VOLUMES = 8


def volume(layout: Layout, number: int) -> dict[str, Any]:
    """One static PersistentVolume, a folder on this machine."""
    name = f"towpath-dev-{number}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": names.STORAGE_CLASS,
            "hostPath": {"path": str(layout.volumes / name), "type": "Directory"},
        },
    }


def _dns(network: NetworkPlan) -> list[dict[str, Any]]:
    meta: dict[str, Any] = {"name": "kube-dns", "namespace": "kube-system"}
    ports = [(f"dns-{protocol.lower()}", protocol) for protocol in ("UDP", "TCP")]
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces", "endpoints"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    role = {"name": "system:coredns"}
    api = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {
                "clusterIP": str(network.dns_service),
                "ports": [{"name": name, "port": 53, "protocol": protocol} for name, protocol in ports],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [str(network.gateway)], "conditions": {"ready": True}}],
            "ports": [{"name": name, "port": names.COREDNS_PORT, "protocol": protocol} for name, protocol in ports],
        },
        {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": role, "rules": rules},
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": role,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", **role},
            "subjects": [{"apiGroup": api, "kind": "User", **role}],
        },
    ]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
