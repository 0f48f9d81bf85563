"""Notifications and limits as `kubectl apply` makes them: a message at a webhook inside the cluster, a second task that waits."""

import ipaddress
import json
from collections.abc import Callable, Iterator

import pytest

from dev.cluster.installing import CHART, NAMESPACE, RELEASE
from tests.e2e.conftest import SCENARIOS
from tests.support.cluster import Document, Namespace, find_condition, make_document, wait_for
from towpath_operator.notifications.signing import verify

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

RECEIVER = """
import http.server, json
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(json.dumps({"path": self.path, "signature": self.headers.get("Towpath-Signature"), "body": body}), flush=True)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("", 8080), Receiver).serve_forever()
"""
KEY = "sesame"


def apply_receiver(namespace: Namespace) -> None:
    """A pod that prints what it is posted, and a Service before it."""
    labels = {"app": "receiver"}
    container: Document = {
        "name": "receiver",
        "image": namespace.env.ensure_image("flow"),
        "command": ["python3", "-c", RECEIVER],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod: Document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "receiver", "labels": labels},
        "spec": spec,
    }
    service: Document = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "receiver"}}
    service["spec"] = {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}
    namespace.apply(pod, service)
    namespace.wait_condition("pod", "receiver", "Ready", 60)


def received(namespace: Namespace) -> list[Document]:
    """What the receiver was posted."""
    return [json.loads(line) for line in namespace.kubectl("logs", "receiver").splitlines()]


def wait_for_message(namespace: Namespace, notification: str) -> list[Document]:
    """What the receiver was posted, once there is something; fails with what the notification says."""
    try:
        return wait_for("a message", lambda: received(namespace), 60)
    except AssertionError as error:
        status = namespace.get("notifications.towpath.dev", notification).get("status")
        raise AssertionError(f"{error}: {status}") from error


def upgrade(namespace: Namespace, *options: str) -> None:
    """Gives the chart further values, and waits until the API serves with them."""
    argv = ("upgrade", RELEASE, str(CHART), "-n", NAMESPACE, "--reuse-values", *options)
    namespace.env.run_helm(*argv)
    namespace.env.run_kubectl("-n", NAMESPACE, "rollout", "status", "deployment/towpath-api", "--timeout=120s")


@pytest.fixture(scope="module")
def receiver(namespace: Namespace, install_chart: Callable[[], None]) -> Iterator[Namespace]:
    """A receiver inside the cluster, where messages may go, in a namespace whose Secrets may be read for them."""
    apply_receiver(namespace)
    networks = [f"{ipaddress.ip_address(ip)}/32" for ip in (service_address(namespace), pod_address(namespace))]
    try:
        allowed = f"notifications.allowedNetworks={{{','.join(networks)}}}"
        upgrade(namespace, "--set", allowed, "--set", f"notifications.secretNamespaces={{{namespace.name}}}")
        yield namespace
    finally:
        install_chart()


def service_address(namespace: Namespace) -> str:
    return namespace.get("service", "receiver")["spec"]["clusterIP"]


def pod_address(namespace: Namespace) -> str:
    return namespace.get("pod", "receiver")["status"]["podIP"]


def apply_channel(namespace: Namespace, name: str, path: str, host: str = "") -> None:
    """A signed webhook to the receiver, its address and its key in a Secret."""
    url = f"http://{host or f'receiver.{namespace.name}.svc'}{path}"
    secret: Document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"hook-{name}"}}
    refs = [{"field": field, "secret": f"hook-{name}", "key": field} for field in ("url", "secret")]
    block = make_document("Block", f"webhook.{name}", {"type": "webhook", "secretRefs": refs})
    namespace.apply(secret | {"stringData": {"url": url, "secret": KEY}}, block)
    namespace.wait_condition("blocks.towpath.dev", f"webhook.{name}", "Ready")


def test_a_notification_that_is_applied_tells_of_a_failed_run(receiver: Namespace) -> None:
    receiver.apply_scenarios(SCENARIOS, {"fails": {}, "succeeds": {}})
    apply_channel(receiver, "team", "/team")
    receiver.apply(
        make_document(
            "Notification",
            "failures",
            {
                "states": ["FAILED"],
                "flows": ["fails"],
                "channels": ["webhook/team"],
                "message": "{{ flow_name }} is {{ state.name }}: {{ state.message }}",
            },
        ),
    )
    receiver.wait_condition("notifications.towpath.dev", "failures", "Ready")
    receiver.create_run("fails.main", "fails")
    receiver.create_run("succeeds.main", "succeeds")
    receiver.wait_finished("fails")
    (message,) = wait_for_message(receiver, "failures")
    body, signature = json.loads(message["body"]), message["signature"]
    assert message["path"] == "/team"
    assert body["body"].startswith("fails is Failed: ")
    assert body["flow_run"]["id"] == receiver.run_id("fails")
    assert verify(signature, message["body"].encode(), KEY.encode(), int(signature[2 : signature.index(",")]))

    def told() -> Document | None:
        found = receiver.get("notifications.towpath.dev", "failures")
        return found if found["status"].get("lastSent") else None

    status = wait_for("lastSent", told, 60)["status"]
    assert (status["waiting"], status.get("lastError")) == (0, None)
    receiver.wait_finished("succeeds")
    assert len(received(receiver)) == 1


def test_a_channel_to_where_messages_may_not_go_is_seen_in_the_status(receiver: Namespace) -> None:
    kubernetes = receiver.env.run_kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    apply_channel(receiver, "inside", "/", f"{kubernetes}:443")
    receiver.apply(
        make_document("Notification", "inside", {"states": ["COMPLETED"], "channels": ["webhook/inside"]}),
    )
    receiver.wait_condition("notifications.towpath.dev", "inside", "Ready")
    receiver.create_run("succeeds.main", "succeeds-again")

    def failed() -> str:
        return receiver.get("notifications.towpath.dev", "inside")["status"].get("lastError", "")

    assert "not a public address" in wait_for("lastError", failed, 90)
    assert receiver.get("notifications.towpath.dev", "inside")["status"]["waiting"] == 1


def test_a_template_that_cannot_be_used_is_not_ready(receiver: Namespace) -> None:
    spec = {"states": ["FAILED"], "channels": ["webhook/team"], "message": "{{ nothing }}"}
    receiver.apply(make_document("Notification", "broken", spec))
    refused = receiver.wait_condition("notifications.towpath.dev", "broken", "Ready=False")
    ready = find_condition(refused, "Ready")
    assert ready["reason"] == "InvalidSpec"
    assert "nothing" in ready["message"]


def test_an_automation_that_is_applied_pauses_the_runs_deployment(receiver: Namespace) -> None:
    receiver.apply_scenarios(SCENARIOS, {"fails": {}, "succeeds": {}})
    spec = {
        "trigger": {"states": ["FAILED"], "flows": ["fails"]},
        "actions": [{"pauseDeployment": {}}, {"runDeployment": {"deployment": "succeeds/main"}}],
    }
    receiver.apply(make_document("Automation", "stop", spec))
    receiver.wait_condition("automations.towpath.dev", "stop", "Ready")
    receiver.create_run("fails.main", "fails-again")
    receiver.wait_finished("fails-again")

    def is_paused() -> bool:
        return receiver.get("deployments.towpath.dev", "fails.main")["spec"].get("paused") is True

    wait_for("the deployment is paused", is_paused, 60)

    def has_fired() -> bool:
        return bool(receiver.get("automations.towpath.dev", "stop")["status"].get("lastFired"))

    wait_for("lastFired", has_fired, 60)

    def made() -> list[Document]:
        return receiver.read_api("flow-runs", namespace=receiver.name, tag="automation")["items"]

    assert [run["flow_name"] for run in wait_for("the run that it makes", made, 60)] == ["succeeds"]


def test_a_second_task_waits_for_a_limit_that_is_applied(receiver: Namespace) -> None:
    receiver.apply_scenarios(SCENARIOS, {"docks": {}})
    receiver.apply(make_document("ConcurrencyLimit", "dock", {"tag": "dock", "limit": 1}))
    receiver.wait_condition("concurrencylimits.towpath.dev", "dock", "Ready")
    for name in ("first", "second"):
        receiver.create_run("docks.main", name)

    def use() -> tuple[int, int]:
        status = receiver.get("concurrencylimits.towpath.dev", "dock")["status"]
        return status.get("active") or 0, status.get("waiting") or 0

    def running() -> list[str]:
        return [
            name
            for name in ("first", "second")
            if [task["state"]["type"] for task in receiver.task_runs(name) if task["state"]] == ["RUNNING"]
        ]

    wait_for("one task holds the slot, the other waits", lambda: use() == (1, 1), 120)
    (held,) = wait_for("the task that holds it is told as Running", running)
    waits = ({"first", "second"} - {held}).pop()
    receiver.kubectl("patch", "flowrun", held, "--type=merge", "-p", '{"spec":{"cancel":true}}')
    wait_for("the other runs", lambda: [t["state"]["type"] for t in receiver.task_runs(waits)] == ["RUNNING"], 120)
    receiver.kubectl("patch", "flowrun", waits, "--type=merge", "-p", '{"spec":{"cancel":true}}')
    assert receiver.wait_finished(waits)["status"]["state"] == "Cancelled"
    wait_for("nobody holds the slot", lambda: use() == (0, 0), 60)
