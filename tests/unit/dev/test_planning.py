"""What the bare cluster decides before it does anything: packages, flags, configuration, mounts, values."""

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from dev.cluster import configs
from dev.cluster.binaries import GO_MODULES, TOOLS, plan_ldflags
from dev.cluster.builders import plan_forgetting, plan_pip_config
from dev.cluster.certificates import plan_certificates
from dev.cluster.cleanup import plan_unmounts
from dev.cluster.components import Component, plan_components
from dev.cluster.debian import PACKAGES, plan_packages
from dev.cluster.installing import plan_values
from dev.cluster.layout import Layout
from dev.cluster.network import NetworkPlan

LAYOUT = Layout(state=Path("/var/lib/towpath-dev"), cache=Path("/home/dev/.cache/towpath-dev"))
NETWORK = NetworkPlan(IPv4Network("10.213.0.0/16"), IPv4Network("10.214.0.0/16"))
# Ports that a containerd, etcd, kubelet or control plane of the machine's own would have.
DEFAULT_PORTS = {"2379", "2380", "6443", "10248", "10249", "10250", "10256", "10257", "10259", "53"}


def components() -> dict[str, Component]:
    return {one.name: one for one in plan_components(LAYOUT, NETWORK, Path("/cache/bin/0123456789ab"))}


def test_only_missing_packages_are_installed() -> None:
    assert plan_packages(PACKAGES, lambda name: True) == []
    assert plan_packages(PACKAGES, lambda name: name != "etcd") == ["etcd-server"]
    assert plan_packages(PACKAGES, lambda name: False) == [package for package, _ in PACKAGES]


def test_linker_flags_carry_the_version_that_go_mod_requires() -> None:
    flags = plan_ldflags((GO_MODULES / "kubernetes" / "go.mod").read_text())
    assert "version.gitVersion=v1.34." in flags
    assert "version.gitMinor=34" in flags
    assert plan_ldflags("module x\n\ngo 1.24\n") == "-s -w"


def test_every_go_module_in_the_checkout_is_built() -> None:
    assert {path.parent.name for path in GO_MODULES.glob("*/go.mod")} == {tools.module for tools in TOOLS}


def test_no_component_listens_where_one_of_the_machines_own_would() -> None:
    said = " ".join(word for one in components().values() for word in (*one.argv, one.ready))
    said += configs.render_kubelet(LAYOUT, NETWORK) + configs.render_kube_proxy(LAYOUT, NETWORK)
    ports = {word.strip('",/ ') for word in said.replace(":", " ").replace("=", " ").replace("/", " ").split()}
    assert not ports & DEFAULT_PORTS


def test_everything_containerd_writes_is_in_the_state_folder() -> None:
    text = configs.render_containerd(LAYOUT, "localhost/pause:1")
    for line in text.splitlines():
        name, _, value = line.strip().partition(" = ")
        if name in ("root", "state", "address", "conf_dir", "Root", "path"):
            assert value.strip('"').startswith("/var/lib/towpath-dev/"), line
    assert "restrict_oom_score_adj = true" in text
    assert "netns_mounts_under_state_dir = true" in text


def test_pods_get_no_address_that_has_a_meaning_and_are_not_masqueraded() -> None:
    conflist: dict[str, Any] = json.loads(configs.render_cni(LAYOUT, NETWORK))
    (bridge,) = conflist["plugins"]
    assert bridge["ipMasq"] is False
    assert bridge["ipam"]["ranges"][0][0]["gateway"] == str(NETWORK.gateway)
    assert bridge["ipam"]["ranges"][0][0]["rangeStart"] > str(NETWORK.gateway)


def test_coredns_forwards_nothing() -> None:
    text = configs.render_corefile(LAYOUT, NETWORK)
    assert "forward" not in text
    assert "rcode NXDOMAIN" in text


def test_manifests_hold_the_storage_class_with_its_volumes_and_dns() -> None:
    items: list[dict[str, Any]] = json.loads(configs.render_manifests(LAYOUT, NETWORK))["items"]
    kinds = [item["kind"] for item in items]
    assert kinds.count("PersistentVolume") == configs.VOLUMES
    assert kinds.count("StorageClass") == 1
    (service,) = [item for item in items if item["kind"] == "Service"]
    assert service["spec"]["clusterIP"] == str(NETWORK.dns_service)


def test_a_component_whose_configuration_changed_has_another_fingerprint(tmp_path: Path) -> None:
    config = tmp_path / "kubelet.json"
    config.write_text("{}")
    before = Component("kubelet", ("kubelet",), (config,), "").fingerprint()
    assert Component("kubelet", ("kubelet", "--v=2"), (config,), "").fingerprint() != before
    config.write_text('{"port": 1}')
    assert Component("kubelet", ("kubelet",), (config,), "").fingerprint() != before


def test_the_api_servers_certificate_covers_every_name_it_is_called_by() -> None:
    (server,) = [one for one in plan_certificates(NETWORK) if one.name == "server"]
    for name in ("IP:127.0.0.1", "IP:10.213.0.1", "IP:10.214.0.1", "DNS:kubernetes.default.svc"):
        assert name in server.names


def test_mounts_of_the_state_folder_alone_are_unmounted_latest_first() -> None:
    mountinfo = "\n".join(
        f"{number} 1 0:1 / {point} rw - tmpfs tmpfs rw"
        for number, point in enumerate(
            ["/", "/var/lib/towpath-dev/a", "/var/lib/towpath-dev/a/b\\040c", "/var/lib/towpath-dev-other", "/proc"]
        )
    )
    assert plan_unmounts(mountinfo, LAYOUT.state) == ["/var/lib/towpath-dev/a/b c", "/var/lib/towpath-dev/a"]


@pytest.mark.parametrize("storage", ["towpath-dev", ""])
def test_chart_values_split_references_at_the_tag_and_leave_out_an_unset_class(storage: str) -> None:
    values = plan_values(
        "reg:5000/towpath/control-plane:dev-1", "localhost/towpath/flow:dev-2", storage, node_port=None
    )
    assert values["image"]["repository"] == "reg:5000/towpath/control-plane"
    assert values["flowImage"] == {"repository": "localhost/towpath/flow", "tag": "dev-2"}
    assert ("persistence" in values) == bool(storage)
    assert "service" not in values


def test_a_build_gets_where_packages_come_from_and_nothing_else_of_pips_configuration() -> None:
    listed = (
        "global.index-url='https://mirror.example/simple'\n:env:.find-links='/opt'\nglobal.cert='/home/me/ca.pem'\n"
    )
    config = plan_pip_config(listed)
    assert "index-url = https://mirror.example/simple" in config
    assert "cert = /etc/ssl/certs/ca-certificates.crt" in config
    assert "find-links" not in config


def test_the_newest_images_of_one_repository_are_kept() -> None:
    listed: list[dict[str, Any]] = [
        {"names": [f"localhost/towpath/flow:dev-{age}"], "created": 100 - age} for age in (3, 1, 4, 2)
    ]
    listed += [{"names": ["localhost/towpath/flow-other:dev-9"], "created": 1}, {"names": None, "created": 1}]
    assert plan_forgetting(listed, "localhost/towpath/flow", keep=2) == [
        "localhost/towpath/flow:dev-3",
        "localhost/towpath/flow:dev-4",
    ]
