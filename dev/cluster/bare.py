"""Starts, repairs, describes and ends the bare cluster: a real Kubernetes of plain processes on this machine.

Called by __main__ and environment. The order of starting is here; what is started is in components.py, how it is configured
in configs.py, how it is undone in cleanup.py and network.py.
"""

import http.client
import json
import shutil
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from dev.cluster import cleanup, network
from dev.cluster.binaries import bin_folder, build_missing
from dev.cluster.builders import BuildahBuilder
from dev.cluster.certificates import make_certificates
from dev.cluster.commands import run, tail_of, wait_until
from dev.cluster.components import Component, plan_components
from dev.cluster.configs import VOLUMES, render_all, volume
from dev.cluster.debian import install_missing
from dev.cluster.errors import ClusterError
from dev.cluster.layout import CHECKOUT, NODE_NAME, Layout
from dev.cluster.locking import exclusive
from dev.cluster.network import NetworkPlan
from dev.cluster.processes import Owned, end_owned, find_foreign, find_owned, start_detached
from dev.cluster.progress import say, step

_READY_SECONDS = 90.0
_PAUSE_DOCKERFILE = CHECKOUT / "dev" / "images" / "pause.Dockerfile"


def start(layout: Layout) -> None:
    """Bring the cluster up, whatever state it is in; does nothing when it is up.

    Raises:
        ClusterError: A component did not become ready; shows the last lines of its log.
    """
    with exclusive(layout.lock):
        if is_up(layout):
            say("the bare cluster is up already")
            return
        install_missing(layout)
        programs = build_missing(layout)
        plan = _prepare(layout)
        components = plan_components(layout, plan, programs)
        _start_components(layout, components)
        with step("waiting for the node"):
            _settle(layout, plan)
        say(f"the bare cluster is up: node {NODE_NAME}, kubeconfig {layout.kubeconfig}")


def is_up(layout: Layout) -> bool:
    """Whether every component runs as this checkout would start it, answers, and is guarded."""
    plan = network.load_plan(layout.state / "network.json")
    if plan is None or not layout.pki.exists() or not layout.kubeconfig.exists() or not network.is_guarded():
        return False
    programs = bin_folder(layout)
    if any(not path.exists() or path.read_text() != text for path, text in _rendered(layout, plan).items()):
        return False
    owned = find_owned(layout.state)
    components = plan_components(layout, plan, programs)
    if not all(_running(owned, component) for component in components):
        return False
    return all(_is_ready(component, layout) for component in components) and _node_is_ready(layout)


def status(layout: Layout) -> list[tuple[str, str]]:
    """Each component's name with `ready`, `running` or `not running`."""
    plan = network.load_plan(layout.state / "network.json")
    if plan is None:
        return []
    owned = find_owned(layout.state)
    lines: list[tuple[str, str]] = []
    for component in plan_components(layout, plan, bin_folder(layout)):
        running = any(one.is_main and one.component == component.name for one in owned)
        ready = running and _is_ready(component, layout)
        lines.append((component.name, "ready" if ready else "running, not ready" if running else "not running"))
    return lines


def down(layout: Layout) -> None:
    """End what `start` started and undo what it changed. Images, logs and the builder's layers stay on disk."""
    with exclusive(layout.lock):
        if not (layout.state / "network.json").exists() and not find_owned(layout.state):
            cleanup.unmount_below(layout.state)
            say("no bare cluster is there to end")
            return
        with step("ending pods"):
            _end(layout, ["kubelet"])
            if any(one.is_main and one.component == "containerd" for one in find_owned(layout.state)):
                cleanup.end_containers(BuildahBuilder(layout).ctr())
        with step("ending components"):
            _end(layout, ["coredns", "kube-proxy", "kube-scheduler", "kube-controller-manager", "kube-apiserver"])
            _end(layout, ["etcd", "containerd"])
            cleanup.clear_runtime(layout)
        with step("removing network, mounts and state"):
            network.remove_network(layout.state / "sysctls.json")
            for folder in (layout.etcd, layout.kubelet, layout.volumes, layout.config, layout.pki):
                shutil.rmtree(folder, ignore_errors=True)
            layout.kubeconfig.unlink(missing_ok=True)
            (layout.state / "network.json").unlink(missing_ok=True)
        say("the bare cluster is down; images and built programs are kept for the next start")


def _prepare(layout: Layout) -> NetworkPlan:
    """Clear what a dead cluster left, set up the network first, then certificates and configuration."""
    layout.state.mkdir(parents=True, exist_ok=True)
    written = layout.state / "network.json"
    plan = network.load_plan(written)
    if plan is None:
        _refuse_beside_another_node(layout)
        plan = network.plan_network(network.observe_taken())
        network.save_plan(written, plan)
    if not any(one.is_main for one in find_owned(layout.state)):
        if layout.run.exists():
            say("no component runs: clearing what an earlier cluster left")
        cleanup.clear_runtime(layout)
    with step(f"guarding the network: pods {plan.pods}, services {plan.services}, neither leaves this machine"):
        network.apply_network(plan, layout.state / "sysctls.json")
    cleanup.make_cgroup()
    make_certificates(layout.pki, plan)
    for folder in (layout.logs / "pods", layout.kubelet, layout.run, layout.containerd, layout.builder):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in _rendered(layout, plan).items():
        _write_if_changed(path, text)
    for number in range(VOLUMES):
        _make_volume_folder(layout, number)
    return plan


def _write_if_changed(path: Path, text: str) -> None:
    # kube-proxy ends as soon as its configuration file is touched, and a half-written one must never be read.
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.rename(path)


def _refuse_beside_another_node(layout: Layout) -> None:
    """A machine can be one cluster's node: kubelet and kube-proxy each have one thing that cannot be had twice."""
    if pid := find_foreign("kubelet", layout.state):
        raise ClusterError(f"this machine is another cluster's node already: a kubelet runs as process {pid}")
    if run(["nft", "list", "table", "ip", "kube-proxy"], check=False).returncode == 0:
        raise ClusterError("this machine's Services already belong to another kube-proxy (nftables mode)")


def _rendered(layout: Layout, plan: NetworkPlan) -> dict[Path, str]:
    return render_all(layout, plan, _pause_image(layout))


def _pause_image(layout: Layout) -> str:
    return f"localhost/towpath-dev/pause:{bin_folder(layout).name}"


def _start_components(layout: Layout, components: Sequence[Component]) -> None:
    by_name = {component.name: component for component in components}
    fresh = not layout.etcd.exists()
    with step("starting etcd and containerd"):
        _ensure(layout, by_name["etcd"])
        _ensure(layout, by_name["containerd"])
        if not _wait_ready(layout, by_name["etcd"]):
            if fresh:
                raise _not_ready(layout, by_name["etcd"])
            say("etcd cannot read what an interrupted cluster left; starting with an empty one")
            fresh = True
            _end(layout, ["etcd"])
            shutil.rmtree(layout.etcd)
            _ensure(layout, by_name["etcd"])
            _require_ready(layout, by_name["etcd"])
    with step("starting the API server"):
        _ensure(layout, by_name["kube-apiserver"])
        _require_ready(layout, by_name["containerd"])
        if fresh:
            cleanup.end_containers(BuildahBuilder(layout).ctr())
        _load_pause_image(layout)
        _require_ready(layout, by_name["kube-apiserver"])
    rest = [by_name[name] for name in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns")]
    with step("starting " + ", ".join(component.name for component in rest)):
        for component in rest:
            _ensure(layout, component)
        kubectl(layout, "apply", "--server-side", "--force-conflicts", "-f", str(layout.config / "manifests.json"))
        for component in rest:
            _require_ready(layout, component)


def _running(owned: Sequence[Owned], component: Component) -> bool:
    wanted = component.fingerprint()
    return any(one.is_main and one.component == component.name and one.fingerprint == wanted for one in owned)


def _ensure(layout: Layout, component: Component) -> None:
    owned = find_owned(layout.state)
    if _running(owned, component):
        return
    _end(layout, [component.name])
    if component.ready.startswith("/"):
        Path(component.ready).unlink(missing_ok=True)
    start_detached(
        component.name,
        component.argv,
        state=layout.state,
        log=layout.logs / f"{component.name}.log",
        fingerprint=component.fingerprint(),
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(layout.run)},
    )


def _end(layout: Layout, names: Sequence[str]) -> None:
    mains = [one for one in find_owned(layout.state) if one.is_main and one.component in names]
    end_owned(layout.state, mains, grace=5.0)


def _wait_ready(layout: Layout, component: Component) -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        if _is_ready(component, layout):
            return True
        if not _running(find_owned(layout.state), component):
            return False
        time.sleep(0.1)
    return False


def _require_ready(layout: Layout, component: Component) -> None:
    if not _wait_ready(layout, component):
        raise _not_ready(layout, component)


def _not_ready(layout: Layout, component: Component) -> ClusterError:
    log = layout.logs / f"{component.name}.log"
    return ClusterError(f"{component.name} did not become ready; its log {log} ends with:\n{tail_of(log)}")


def _is_ready(component: Component, layout: Layout) -> bool:
    if component.ready.startswith("/"):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(component.ready) == 0
    address = urlsplit(component.ready)
    host, port = address.hostname or "", address.port or 0
    if address.scheme == "https":
        trust = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        connection = http.client.HTTPSConnection(host, port, timeout=3, context=trust)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _load_pause_image(layout: Layout) -> None:
    builder, tag = BuildahBuilder(layout), _pause_image(layout)
    if not builder.is_loaded(tag):
        if not builder.is_built(tag):
            builder.build(_PAUSE_DOCKERFILE, bin_folder(layout), tag, {})
        builder.load(tag)


def _settle(layout: Layout, plan: NetworkPlan) -> None:
    """Wait until pods can be made, and make given-back volumes usable again."""

    def can_make_pods() -> bool:
        account = kubectl(layout, "get", "serviceaccount", "default", "-o", "name", check=False)
        return _node_is_ready(layout) and bool(account)

    if not wait_until(can_make_pods, timeout=_READY_SECONDS, every=0.2):
        log = layout.logs / "kubelet.log"
        raise ClusterError(f"the node did not become Ready; the kubelet's log {log} ends with:\n{tail_of(log)}")
    renew_volumes(layout)


def _node_is_ready(layout: Layout) -> bool:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl(layout, "get", "node", NODE_NAME, "-o", path, check=False).strip() == "True"


def renew_volumes(layout: Layout) -> None:
    """Empty and offer again the volumes whose claim is gone: nothing else would, without a provisioner."""
    listed = json.loads(kubectl(layout, "get", "persistentvolumes", "-o", "json"))
    released = {item["metadata"]["name"] for item in listed["items"] if item["status"].get("phase") == "Released"}
    for number in range(VOLUMES):
        document = volume(layout, number)
        name = document["metadata"]["name"]
        if name in released:
            kubectl(layout, "delete", "persistentvolume", name, "--wait=true")
            shutil.rmtree(layout.volumes / name, ignore_errors=True)
            _make_volume_folder(layout, number)
            kubectl(layout, "apply", "--server-side", "-f", "-", stdin=json.dumps(document))


def _make_volume_folder(layout: Layout, number: int) -> None:
    folder = layout.volumes / str(volume(layout, number)["metadata"]["name"])
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # pods run as users of their own, and a hostPath volume knows no fsGroup


def kubectl(layout: Layout, *args: str, stdin: str | None = None, check: bool = True) -> str:
    """What kubectl prints, as the cluster's administrator."""
    argv = [bin_folder(layout) / "kubectl", f"--kubeconfig={layout.kubeconfig}", *args]
    return run(argv, stdin=stdin, check=check, timeout=60).stdout
