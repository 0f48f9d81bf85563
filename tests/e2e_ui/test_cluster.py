# Playwright is installed for `make test-ui` only; without it nothing here has types.
# pyright: basic, reportMissingImports=false
"""A run's page in a cluster: the API's own process, whose Kubernetes answers as a test says. tests/e2e asks a real one."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e_ui.conftest import OpenPage, settle
from tests.e2e_ui.holding import check_page
from tests.e2e_ui.seeding import HTML_NAME, Seeder
from tests.support.kube_objects import KubeObjects, RunInCluster, make_template, serving_objects
from tests.support.server_process import free_port

START_SECONDS = 60
TOKEN = "sesame"


@contextmanager
def serving_api(folder: Path, kubeconfig: Path) -> Generator[str]:
    """The address of an API that runs as in a cluster, until the block ends."""
    port = free_port()
    settings = {
        "KUBECONFIG": str(kubeconfig),
        "TOWPATH_HOME": str(folder),
        "TOWPATH_SERVER_HOST": "127.0.0.1",
        "TOWPATH_SERVER_PORT": str(port),
        "TOWPATH_SERVER_METRICS_PORT": str(free_port()),
    }
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TOWPATH_", "KUBERNETES_"))
    }
    log = folder / "api.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "towpath_operator", "api"], env=environment | settings, stdout=said, stderr=said
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the API does not answer: {log.read_text()}"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


@dataclass
class InCluster:
    """The API of these tests, what its Kubernetes has, and who asks for runs."""

    url: str
    objects: KubeObjects
    seeder: Seeder

    def start(self, name: str, **spec: Any) -> tuple[dict[str, Any], RunInCluster]:
        """A launched run of a deployment of its own, and the builder of its objects; its Job is `<name>-1`."""
        resource = {"name": name, "uid": f"uid-{name}", "generation": 1}
        flow = {"name": name, "spec": {"entrypoint": "flows.py:x"}, "resource": resource}
        self.seeder.ask("PUT", "/flows", json=flow)
        body = {"name": "main", "spec": {"flow": name, "workQueue": name, **spec}, "resource": resource}
        self.seeder.ask("PUT", "/deployments", json=body)
        wanted = {"deployment": f"{name}/main", "name": name, "resource": resource}
        run = self.seeder.ask("POST", "/flow-runs", json=wanted)
        self.launch(run, name)
        return run, RunInCluster(run, name, datetime.now(UTC))

    def launch(self, run: dict[str, Any], name: str, attempt: int = 1) -> None:
        """Claims the run's next attempt, and reports its Job."""
        claim = {"launcher": "Job", "holder": "towpath-operator", "queues": [name], "wait_seconds": 30}
        (claimed,) = self.seeder.ask("POST", "/work-queues/claims", json=claim)["items"]
        assert claimed["attempt"] == attempt
        body = {"holder": "towpath-operator", "job_name": f"{name}-{attempt}"}
        self.seeder.ask("POST", f"/flow-runs/{run['id']}/attempts/{attempt}/launched", json=body)

    def open(self, open_page: OpenPage, run: dict[str, Any], **options: Any) -> Page:
        """The run's attempts, after signing in."""
        page = open_page(f"/flow-runs/{run['id']}?tab=attempts", base=self.url, allow="401", **options)
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("region", name="Attempt 1").wait_for()
        settle(page)
        return page


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[InCluster]:
    """An API in a cluster."""
    folder, objects = tmp_path_factory.mktemp("in-cluster"), KubeObjects()
    with serving_objects(objects, folder) as kubeconfig, serving_api(folder, kubeconfig) as url:
        seeder = Seeder(url, folder)
        seeder.client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield InCluster(url, objects, seeder)
        seeder.client.close()


def seed_unpullable(cluster: InCluster, name: str) -> dict[str, Any]:
    """A run whose image cannot be pulled."""
    run, made = cluster.start(name)
    job, pod = made.make_job(f"{name}-1"), made.make_pod(f"{name}-1")
    title = pod["metadata"]["name"]
    cluster.objects.flowruns.append(made.make_flow_run())
    cluster.objects.jobs.append(job)
    cluster.objects.pods.append(pod)
    warns = {"type": "Warning", "first": 70}
    cluster.objects.events += [
        made.make_event("FlowRun", name, "Launched", f"Job {name}-1 was made.", age=90),
        made.make_event(
            "Pod", title, "BackOff", 'Back-off pulling image "registry.invalid/etl:missing"', age=3, count=12, **warns
        ),
        made.make_event("Job", f"{name}-1", "SuccessfulCreate", f"Created pod: {title}", age=90),
        made.make_event("Pod", title, "Scheduled", f"Successfully assigned default/{title} to worker-1", age=89),
        made.make_event("Pod", title, "Failed", "Failed to pull image: no such host", age=60, type="Warning"),
    ]
    return run


def seed_hostile(cluster: InCluster, name: str) -> dict[str, Any]:
    """A run of two attempts, the first lost, all of whose texts are hostile to a page."""
    run, made = cluster.start(name, infraRetries=1)
    lost = {"outcome": "Infrastructure", "reason": "OOMKilled", "exit_code": 137}
    cluster.seeder.ask("POST", f"/flow-runs/{run['id']}/attempts/1/ended", json=lost)
    cluster.launch(run, name, 2)
    long, script = "W" * 3_000, HTML_NAME
    killed = {"terminated": {"exitCode": 137, "signal": 9, "reason": "OOMKilled", "message": f"{script} {long}"}}
    first, second = made.make_pod(f"{name}-1", state=killed, phase="Failed"), made.make_pod(f"{name}-2", 2)
    first["status"] |= {"reason": "Evicted", "message": f"{script} {long}"}
    first["spec"]["nodeName"] = "n" * 250
    second["spec"]["containers"][0]["image"] = f"registry.invalid/{script}/{long}"
    second["status"]["containerStatuses"][0]["imageID"] = f"x@sha256:{long}"
    second["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": script}}
    bad = {"type": f"{script}{long}", "status": "True", "reason": long, "message": f"\u202e{script}"}
    second["status"]["conditions"].append(bad)
    failed = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": script}
    labels = {"metadata": {"labels": {"a": script, "b": long}}}
    cluster.objects.jobs += [
        made.make_job(
            f"{name}-1", template=make_template(image=script) | labels, active=0, failed=1, conditions=[failed]
        ),
        made.make_job(f"{name}-2", 2),
    ]
    cluster.objects.pods += [first, second]
    title = second["metadata"]["name"]
    texts = [(script, long), (long, script), ("\u202eevil", "line\nline\x1b[31m 🚣 שלום")]
    cluster.objects.events += [
        made.make_event("Pod", title, reason, message, age=age, type="Warning", source={"component": script})
        for age, (reason, message) in enumerate(texts * 20)
    ]
    return run


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("seed", [seed_unpullable, seed_hostile])
def test_a_runs_objects_hold_at_every_width(
    open_page: OpenPage, cluster: InCluster, seed: Callable[[InCluster, str], dict[str, Any]], theme: str
) -> None:
    name = seed.__name__.replace("_", "-")
    page = cluster.open(open_page, seed(cluster, f"{name}-{theme}"), theme=theme)
    for summary in page.locator("main summary").all():
        summary.click()
    check_page(page, name, theme, whole=True)


def find_container(page: Page, name: str = "flow") -> Locator:
    return page.get_by_role("list", name="Containers").get_by_role("listitem").filter(has_text=name)


def test_a_run_whose_image_cannot_be_pulled_says_so_on_its_page(open_page: OpenPage, cluster: InCluster) -> None:
    run = seed_unpullable(cluster, "thirsty-mole")
    page = cluster.open(open_page, run)
    attempt = page.get_by_role("region", name="Attempt 1")
    container = find_container(page)
    for text in ("Waiting", "ImagePullBackOff", "registry.invalid/etl:missing"):
        expect(container.get_by_text(text, exact=True)).to_be_visible()
    pod = page.get_by_role("region", name=re.compile("^Pod thirsty-mole-1"))
    expect(pod.get_by_text("Pending")).to_be_visible()
    expect(pod.get_by_text("worker-1")).to_be_visible()
    conditions = pod.get_by_role("list", name="Conditions")
    expect(conditions.get_by_text("containers with unready status: [flow]")).to_be_visible()
    events = attempt.get_by_role("list", name="Events, newest last").get_by_role("listitem")
    expect(events).to_have_text([re.compile(word) for word in ("SuccessfulCreate", "Scheduled", "Failed", "BackOff")])
    expect(events.last.get_by_role("img", name="Warning")).to_be_visible()
    expect(events.last.get_by_text(re.compile(r"Pod · kubelet · 12 times since \d\d:\d\d:\d\d"))).to_be_visible()
    flow_run = page.get_by_role("region", name="FlowRun")
    expect(flow_run.get_by_text("The pod does not start yet.")).to_be_visible()
    expect(flow_run.get_by_text("Launched")).to_be_visible()
    attempt.get_by_text("Pod template in effect").click()
    template = attempt.get_by_label("pod template", exact=True)
    expect(template).to_contain_text("DATABASE_URL")
    expect(template).to_contain_text("(hidden)")
    assert "hunter2" not in page.content()


def test_what_becomes_of_a_pod_is_seen_on_the_open_page(open_page: OpenPage, cluster: InCluster) -> None:
    run = seed_unpullable(cluster, "keen-stoat")
    page = cluster.open(open_page, run)
    expect(find_container(page).get_by_text("Waiting")).to_be_visible()
    made = RunInCluster(run, "keen-stoat", datetime.now(UTC))
    pods = [pod for pod in cluster.objects.pods if not pod["metadata"]["name"].startswith("keen-stoat")]
    began = made.now.isoformat()
    cluster.objects.pods = [
        *pods,
        made.make_pod("keen-stoat-1", state={"running": {"startedAt": began}}, phase="Running"),
    ]
    expect(find_container(page).get_by_text("Running")).to_be_visible()
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": began}}
    cluster.objects.pods = [*pods, made.make_pod("keen-stoat-1", state=ended, phase="Succeeded")]
    expect(find_container(page).get_by_text("exit code 0")).to_be_visible()
    cluster.objects.pods = pods
    expect(page.get_by_text("It has no pod now.")).to_be_visible()


def test_hostile_texts_of_the_cluster_are_shown_as_texts(open_page: OpenPage, cluster: InCluster) -> None:
    page = cluster.open(open_page, seed_hostile(cluster, "sly-weasel"))
    lost = page.get_by_role("region", name="Attempt 1").get_by_role("list", name="Containers")
    expect(lost.get_by_text("OOMKilled")).to_be_visible()
    expect(lost.get_by_text("exit code 137 (signal 9)")).to_be_visible()
    expect(page.get_by_role("region", name="Attempt 2").get_by_text(HTML_NAME).first).to_be_visible()
    assert page.locator("main img").count() == 0
    assert page.title() != "pwned"


def test_of_many_events_the_newest_is_in_sight(open_page: OpenPage, cluster: InCluster) -> None:
    run, made = cluster.start("busy-magpie")
    cluster.objects.events += [
        made.make_event("Job", "busy-magpie-1", "Suspended", f"number {age} ago", age=age) for age in range(90, 0, -1)
    ]
    page = cluster.open(open_page, run)
    events = page.get_by_role("list", name="Events, newest last")
    is_at_end = "box => box.scrollTop > 0 && box.scrollTop + box.clientHeight >= box.scrollHeight - 4"
    page.wait_for_function(is_at_end, arg=events.element_handle())
    expect(events.get_by_role("listitem").last).to_contain_text("number 1 ago")
    events.evaluate("box => box.scrollTo(0, 0)")
    cluster.objects.events.append(made.make_event("Job", "busy-magpie-1", "Resumed", "goes on", age=0))
    expect(events.get_by_role("listitem").last).to_contain_text("goes on")
    assert events.evaluate("box => box.scrollTop") == 0


def test_an_attempt_that_kubernetes_has_nothing_of_says_why(open_page: OpenPage, cluster: InCluster) -> None:
    run, _ = cluster.start("late-heron")
    page = cluster.open(open_page, run)
    expect(page.get_by_text("Kubernetes has nothing of this attempt")).to_be_visible()


def test_what_the_api_may_not_read_is_said_beside_the_rest(open_page: OpenPage, cluster: InCluster) -> None:
    run = seed_unpullable(cluster, "shy-dormouse")
    cluster.objects.refused = {"events"}
    try:
        page = cluster.open(open_page, run)
        problems = page.get_by_role("list", name="What Kubernetes did not tell")
        expect(
            problems.get_by_text("Kubernetes does not let the API read events in namespace 'default'")
        ).to_be_visible()
        expect(find_container(page).get_by_text("ImagePullBackOff", exact=True)).to_be_visible()
    finally:
        cluster.objects.refused = set()
