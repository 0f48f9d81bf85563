"""The bare cluster's network: which ranges, the guard around them, the bridge, and undoing all of it.

Called by bare.py, before anything else starts, and by cleanup.py. The pod and service ranges exist on this machine alone;
the guard (an nftables table of our own) drops whatever of either would leave by, or come in from, any other interface, and
stands before the bridge and the routes do. It does not give pods a way out: nothing that runs here needs one.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.layout import BRIDGE, GUARD_TABLE

# Unusual corners of the private ranges first; each pair is (pods, services).
CANDIDATES: tuple[tuple[str, str], ...] = (
    ("10.213.0.0/16", "10.214.0.0/16"),
    ("10.187.0.0/16", "10.188.0.0/16"),
    ("172.29.0.0/16", "172.30.0.0/16"),
    ("192.168.192.0/20", "192.168.208.0/20"),
)
_SYSCTLS = Path("/proc/sys")
# What this cluster sets, and what kubelet and kube-proxy are known to set: all are put back by `down`.
_SET: dict[str, str] = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
_TOUCHED: tuple[str, ...] = (
    *_SET,
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
)


@dataclass(frozen=True)
class NetworkPlan:
    """The two ranges and the addresses in them that have a meaning."""

    pods: IPv4Network
    services: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's address: the node's, the API server's and the pods' way to both."""
        return self.pods[1]

    @property
    def api_service(self) -> IPv4Address:
        return self.services[1]

    @property
    def dns_service(self) -> IPv4Address:
        return self.services[10]


def plan_network(taken: Sequence[IPv4Network]) -> NetworkPlan:
    """Take the first pair of ranges that the machine has no route or address in.

    Raises:
        ClusterError: All are taken.
    """
    for pods, services in CANDIDATES:
        plan = NetworkPlan(IPv4Network(pods), IPv4Network(services))
        if not any(plan.pods.overlaps(net) or plan.services.overlaps(net) for net in taken):
            return plan
    raise ClusterError(f"every private range tried is already routed on this machine: {CANDIDATES}")


def plan_guard(plan: NetworkPlan) -> str:
    """The guard as an nft script that replaces an earlier one in one transaction."""
    return f"""\
table inet {GUARD_TABLE}
delete table inet {GUARD_TABLE}
table inet {GUARD_TABLE} {{
    set ours {{ type ipv4_addr; flags interval; elements = {{ {plan.pods}, {plan.services} }}; }}
    chain outside {{
        type filter hook prerouting priority raw; policy accept;
        iifname {{ "lo", "{BRIDGE}" }} accept
        ip daddr @ours drop
        ip saddr @ours drop
    }}
    chain refused {{
        type filter hook forward priority mangle; policy accept;
        iifname "{BRIDGE}" oifname != "{BRIDGE}" reject with icmpx admin-prohibited
    }}
    chain leaving {{
        type filter hook postrouting priority mangle; policy accept;
        oifname {{ "lo", "{BRIDGE}" }} accept
        ip daddr @ours drop
        ip saddr @ours drop
    }}
}}
"""


def observe_taken() -> list[IPv4Network]:
    """Every network that this machine has a route to or an address in, but for the default and our own bridge."""
    routes: list[dict[str, Any]] = json.loads(run(["ip", "-j", "-4", "route", "show", "table", "all"]).stdout or "[]")
    named = [str(route["dst"]) for route in routes if route.get("dev") != BRIDGE]
    return [ipaddress.IPv4Network(name, strict=False) for name in named if name not in ("default", "0.0.0.0/0")]


def load_plan(path: Path) -> NetworkPlan | None:
    """The plan written by an earlier start, if there is one."""
    if not path.exists():
        return None
    written = json.loads(path.read_text())
    return NetworkPlan(IPv4Network(written["pods"]), IPv4Network(written["services"]))


def save_plan(path: Path, plan: NetworkPlan) -> None:
    """Write the plan down, so that the next start uses the same."""
    path.write_text(json.dumps({"pods": str(plan.pods), "services": str(plan.services)}))


def is_guarded() -> bool:
    """Whether guard and bridge are there."""
    guard = run(["nft", "list", "table", "inet", GUARD_TABLE], check=False)
    bridge = run(["ip", "link", "show", BRIDGE], check=False)
    return guard.returncode == 0 and bridge.returncode == 0


def apply_network(plan: NetworkPlan, sysctls: Path) -> None:
    """Set up the guard, then the bridge and the service route. Doing it again changes nothing."""
    run(["nft", "-f", "-"], stdin=plan_guard(plan))
    _save_sysctls(sysctls)
    if run(["ip", "link", "show", BRIDGE], check=False).returncode != 0:
        run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "addr", "replace", f"{plan.gateway}/{plan.pods.prefixlen}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    run(["ip", "route", "replace", str(plan.services), "dev", BRIDGE, "src", str(plan.gateway)])
    for name, value in _SET.items():
        if (_SYSCTLS / name).exists():
            (_SYSCTLS / name).write_text(value)


def remove_network(sysctls: Path) -> None:
    """Undo `apply_network` and what kube-proxy left. The guard goes last."""
    for family in ("ip", "ip6"):
        run(["nft", "delete", "table", family, "kube-proxy"], check=False)
    run(["ip", "link", "delete", BRIDGE], check=False)
    _restore_sysctls(sysctls)
    run(["nft", "delete", "table", "inet", GUARD_TABLE], check=False)


def _boot_id() -> str:
    return (_SYSCTLS / "kernel/random/boot_id").read_text().strip()


def _save_sysctls(path: Path) -> None:
    if path.exists() and json.loads(path.read_text())["boot"] == _boot_id():
        return
    values = {name: (_SYSCTLS / name).read_text().strip() for name in _TOUCHED if (_SYSCTLS / name).exists()}
    path.write_text(json.dumps({"boot": _boot_id(), "values": values}))


def _restore_sysctls(path: Path) -> None:
    if not path.exists():
        return
    saved = json.loads(path.read_text())
    if saved["boot"] == _boot_id():
        for name, value in saved["values"].items():
            if (_SYSCTLS / name).read_text().strip() != value:
                (_SYSCTLS / name).write_text(value)
    path.unlink()
