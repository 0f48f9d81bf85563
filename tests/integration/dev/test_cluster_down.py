"""The bare cluster leaves a machine as it found it, however it was ended, and starts from whatever is left of it.

Ends and starts the machine's one development cluster several times, so it runs only when asked for: `make test-cluster`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.cluster import bare
from dev.cluster.binaries import bin_folder
from dev.cluster.commands import run, wait_until
from dev.cluster.layout import CGROUP, CHECKOUT, default_layout
from dev.cluster.processes import find_owned

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not os.environ.get("TOWPATH_TEST_CLUSTER_DOWN"),
        reason="ends the development cluster; `make test-cluster` asks for it",
    ),
]

LAYOUT = default_layout()
PODS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: leftovers}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: leftovers}}}}
  template:
    metadata: {{labels: {{app: leftovers}}}}
    spec:
      containers: [{{name: pause, image: "localhost/towpath-dev/pause:{bin_folder(LAYOUT).name}"}}]
---
apiVersion: v1
kind: Service
metadata: {{name: leftovers}}
spec:
  selector: {{app: leftovers}}
  ports: [{{port: 80}}]
"""


def observe_machine() -> dict[str, str]:
    """All that a cluster changes on its machine, as text to compare."""
    cgroups = sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{CGROUP}"))
    sysctls = ("net.ipv4.ip_forward", "vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops")
    return {
        "mounts": run(["mount"]).stdout,
        "routes": run(["ip", "route", "show", "table", "all"]).stdout,
        "rules": run(["nft", "list", "ruleset"]).stdout,
        "links": run(["ip", "-o", "link"]).stdout,
        "namespaces": run(["ip", "netns"]).stdout,
        "cgroups": "\n".join(cgroups),
        "sysctls": run(["sysctl", *sysctls]).stdout,
        "processes": "\n".join(f"{one.component} {one.pid}" for one in find_owned(LAYOUT.state)),
        "shims": "\n".join(str(path) for path in Path("/run/containerd/s").glob("*")),
    }


@pytest.fixture
def before() -> Iterator[dict[str, str]]:
    """The machine without a cluster; leaves it with none."""
    bare.down(LAYOUT)
    yield observe_machine()
    bare.down(LAYOUT)


def start_with_pods() -> None:
    bare.start(LAYOUT)
    bare.kubectl(LAYOUT, "apply", "-f", "-", stdin=PODS)
    bare.kubectl(LAYOUT, "rollout", "status", "deployment/leftovers", "--timeout=50s")


def kill_everything() -> None:
    """What happens to a session's processes when it ends: all at once, and nothing is told."""

    def none_left() -> bool:
        pids = {one.pid for one in find_owned(LAYOUT.state)}
        for procs in Path("/sys/fs/cgroup").glob(f"*/{CGROUP}/**/cgroup.procs"):
            pids |= {int(pid) for pid in procs.read_text().split()}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    assert wait_until(none_left, timeout=10)


def assert_as_it_was(before: dict[str, str]) -> None:
    # The kernel takes a removed namespace's interfaces away a moment later.
    wait_until(lambda: observe_machine() == before, timeout=5)
    assert observe_machine() == before


def test_down_leaves_no_trace_of_a_cluster_with_running_pods(before: dict[str, str]) -> None:
    start_with_pods()
    bare.down(LAYOUT)
    assert_as_it_was(before)


def test_down_leaves_no_trace_of_a_cluster_whose_processes_were_killed(before: dict[str, str]) -> None:
    start_with_pods()
    kill_everything()
    bare.down(LAYOUT)
    assert_as_it_was(before)


def test_a_killed_cluster_comes_back_with_its_pods(before: dict[str, str]) -> None:
    start_with_pods()
    kill_everything()
    bare.start(LAYOUT)

    def restarted() -> bool:
        path = "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
        return bare.kubectl(LAYOUT, "get", "pods", "-o", path).split() == ["1"] * 3

    assert wait_until(restarted, timeout=60)
    bare.kubectl(LAYOUT, "rollout", "status", "deployment/leftovers", "--timeout=50s")


def test_starting_twice_changes_nothing(before: dict[str, str]) -> None:
    bare.start(LAYOUT)
    running = {one.pid for one in find_owned(LAYOUT.state) if one.is_main}
    began = time.monotonic()
    bare.start(LAYOUT)
    assert time.monotonic() - began < 3
    assert {one.pid for one in find_owned(LAYOUT.state) if one.is_main} == running


@pytest.mark.parametrize("seconds", [0.4, 1.2, 2.5, 3.5, 5.0])
@pytest.mark.parametrize("ending", [lambda: None, kill_everything], ids=["components-live", "all-killed"])
def test_a_start_cut_off_anywhere_is_repaired_by_the_next(
    before: dict[str, str], seconds: float, ending: Callable[[], None]
) -> None:
    starting = subprocess.Popen([sys.executable, "-m", "dev.cluster", "start"], cwd=CHECKOUT)
    time.sleep(seconds)  # the moment of the cut is the input here, not something to wait for
    starting.kill()
    starting.wait()
    ending()
    start_with_pods()
    bare.down(LAYOUT)
    assert_as_it_was(before)


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.4])
def test_a_down_cut_off_anywhere_is_finished_by_the_next(before: dict[str, str], seconds: float) -> None:
    start_with_pods()
    ending = subprocess.Popen([sys.executable, "-m", "dev.cluster", "down"], cwd=CHECKOUT)
    time.sleep(seconds)
    ending.kill()
    ending.wait()
    bare.down(LAYOUT)
    assert_as_it_was(before)
