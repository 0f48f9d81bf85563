"""Notifications: whom a state is told, once it is committed, at least once, and what is seen of that."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id
from tests.support.webhook import Webhook, receiving
from towpath.contract.ids import now_us
from towpath.contract.resources.block import SecretRef
from towpath_operator.domain.notifying import FIRST_PAUSE, GIVE_UP_AFTER, LONGEST_PAUSE, next_try
from towpath_operator.domain.refusals import NotFound
from towpath_operator.loops.notifications import run_notifications
from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.notifications.signing import verify
from towpath_operator.services.channels import Channels, Outgoing
from towpath_operator.services.lateness import mark_late
from towpath_operator.services.notifying import Notifying

PAGES = "https://towpath.example"


class Secrets:
    """Secrets by name and key."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}

    async def read(self, namespace: str, ref: SecretRef) -> bytes:
        """The value."""
        try:
            return self.values[ref.secret, ref.key].encode()
        except KeyError:
            raise NotFound(f"There is no Secret {ref.secret!r}.") from None


class Notifier:
    """An API that may send to loopback, and a receiver."""

    def __init__(self, api: Api, webhook: Webhook) -> None:
        self.api, self.webhook, self.secrets = api, webhook, Secrets()
        database = api.hub.database
        outgoing = Outgoing(self.secrets, AddressPolicy(parse_networks("127.0.0.1")), PAGES)
        api.hub.notifying = Notifying(database, Channels(database, outgoing), api.hub.metrics, PAGES)
        database.before_commit[:] = [api.hub.notifying.enqueue]

    async def declare_block(self, name: str = "team", path: str = "/in", **spec: Any) -> Any:
        """A webhook that leads to the receiver."""
        self.secrets.values["address", name] = self.webhook.url + path
        refs = [{"field": "url", "secret": "address", "key": name}, *spec.pop("secretRefs", [])]
        return await self.api.put("/blocks", {"name": name, "spec": {"type": "webhook", "secretRefs": refs, **spec}})

    async def declare(self, name: str = "failures", **spec: Any) -> Any:
        """A notification of failures to the webhook."""
        body = {"name": name, "spec": {"states": ["FAILED"], "channels": ["webhook/team"], **spec}}
        return await self.api.put("/notifications", body)

    async def deliver(self, now: int | None = None) -> int:
        """Sends what is due."""
        return await self.api.hub.notifying.deliver(now_us() if now is None else now)

    async def deliveries(self, notification: Any, **query: Any) -> list[Any]:
        """What the notification had to send, newest first."""
        return (await self.api.get(f"/notifications/{notification['id']}/deliveries", **query))["items"]

    async def tell(self, *states: str, flow: str = "etl", names: tuple[str, ...] = (), **fields: Any) -> str:
        """A run of a process of its own that went through these states."""
        run = make_id()
        shown = names or tuple(state.capitalize() for state in states)
        told = [make_flow_state(run, state, name=name) for state, name in zip(states, shown, strict=True)]
        await self.api.tell(make_batch(run, make_flow_run(run, flow, **fields), *told))
        return run


@pytest.fixture
async def notifier(api: Api) -> AsyncGenerator[Notifier]:
    async with receiving() as webhook:
        yield Notifier(api, webhook)


async def test_a_state_is_told_with_what_is_known_of_its_run(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare()
    run = await notifier.tell("RUNNING", "FAILED", tags=["nightly"])
    assert await notifier.deliver() == 1
    (received,) = notifier.webhook.received
    told = json.loads(received.body)
    assert (told["event"], told["namespace"]) == ("flow-run-state", "default")
    assert told["notification"] == {"id": notification["id"], "name": "failures"}
    assert told["flow_run"]["id"] == run
    assert told["flow_run"]["tags"] == ["nightly"]
    assert told["flow_run"]["url"] == f"{PAGES}/flow-runs/{run}"
    assert (told["state"]["type"], told["state"]["name"]) == ("FAILED", "Failed")
    assert told["body"].startswith("Flow run etl/brave-otter entered state `Failed` at ")
    (delivery,) = await notifier.deliveries(notification)
    assert (delivery["outcome"], delivery["attempts"], delivery["channel"]) == ("sent", 1, "webhook/team")
    seen = (await notifier.api.get("/notifications"))["items"][0]
    assert (seen["waiting"], seen["failed"], seen["last_error"]) == (0, 0, None)
    assert seen["last_sent"] == delivery["sent"]
    assert await notifier.deliver() == 0


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, True),
        ({"states": ["Failed"]}, True),
        ({"states": ["TimedOut"]}, False),
        ({"states": ["COMPLETED", "CRASHED"]}, False),
        ({"states": ["RUNNING"]}, True),
        ({"tags": ["nightly", "other"]}, True),
        ({"tags": ["other"]}, False),
        ({"flows": ["etl"]}, True),
        ({"flows": ["report"]}, False),
        ({"deployments": ["etl/dev"]}, False),
        ({"paused": True}, False),
    ],
)
async def test_whom_a_state_is_told(notifier: Notifier, spec: dict[str, Any], told: bool) -> None:
    await notifier.declare_block()
    await notifier.declare(**spec)
    await notifier.tell("RUNNING", "FAILED", tags=["nightly"])
    assert (await notifier.deliver() == 1) is told


@pytest.mark.parametrize("named", ["etl/dev", "etl.dev"])
async def test_a_deployment_is_known_by_both_its_names(notifier: Notifier, named: str) -> None:
    await notifier.declare_block()
    await notifier.declare(states=["CANCELLED"], deployments=[named])
    await notifier.api.declare()
    run = await notifier.api.create_run()
    await notifier.api.post(f"/flow-runs/{run['id']}/cancel", None)
    assert await notifier.deliver() == 1
    assert json.loads(notifier.webhook.received[0].body)["flow_run"]["deployment"] == "etl/dev"


async def test_another_namespaces_runs_are_not_told(notifier: Notifier) -> None:
    await notifier.declare_block()
    body = {"name": "x", "namespace": "team", "spec": {"states": ["FAILED"], "channels": ["webhook/team"]}}
    await notifier.api.put("/notifications", body)
    await notifier.tell("FAILED")
    assert await notifier.deliver() == 0


async def test_states_of_every_origin_are_told(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare(states=["SCHEDULED", "PENDING", "CRASHED", "Late"])
    await notifier.api.declare()
    run = await notifier.api.create_run()
    await mark_late(notifier.api.hub.database, now_us() + 60_000_000)
    await notifier.api.claim()
    await notifier.api.launch(run)
    await notifier.api.end(run, outcome="Infrastructure", reason="OOMKilled")
    await notifier.deliver()
    names = sorted(json.loads(one.body)["state"]["name"] for one in notifier.webhook.received)
    assert names == ["Crashed", "InfrastructurePending", "Late", "Scheduled", "Submitting"]


async def test_a_refused_transaction_tells_nothing(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare()
    run = await notifier.tell("RUNNING", "COMPLETED")
    await notifier.api.tell(make_batch(run, make_flow_state(run, "FAILED"), first=4))
    assert await notifier.deliver() == 0


async def test_a_repeated_batch_tells_once(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare()
    run = make_id()
    batch = make_batch(run, make_flow_run(run), make_flow_state(run, "FAILED"))
    for _ in range(3):
        await notifier.api.tell(batch)
    assert await notifier.deliver() == 1


async def test_what_is_not_taken_is_tried_again_later_and_seen(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare()
    notifier.webhook.answers = [503, 500]
    await notifier.tell("FAILED")
    now = now_us()
    await notifier.deliver()
    (waiting,) = await notifier.deliveries(notification, outcome="waiting")
    assert (waiting["attempts"], waiting["sent"]) == (1, None)
    assert "503" in waiting["last_error"]
    assert "503" in (await notifier.api.get(f"/notifications/{notification['id']}"))["last_error"]
    assert await notifier.deliver(now) == 0
    due = datetime.fromisoformat(waiting["due"]).timestamp() * 1e6
    await notifier.deliver(int(due) + 1)
    await notifier.deliver(int(due) + 600_000_000)
    (sent,) = await notifier.deliveries(notification)
    assert (sent["outcome"], sent["attempts"], sent["last_error"]) == ("sent", 3, None)
    ids = {one.headers["Towpath-Delivery"] for one in notifier.webhook.received}
    assert ids == {sent["id"]}
    assert (await notifier.api.get(f"/notifications/{notification['id']}"))["last_error"] is None


def test_the_pauses_between_attempts_grow_to_a_bound_and_end() -> None:
    pauses = [(next_try(0, attempts, 0) or 0) for attempts in range(1, 40)]
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    assert next_try(0, 5, GIVE_UP_AFTER) is None


async def test_what_nobody_takes_for_a_day_is_given_up(notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("towpath_operator.domain.notifying.GIVE_UP_AFTER", 0)
    await notifier.declare_block()
    notification = await notifier.declare()
    notifier.webhook.answers = [500]
    await notifier.tell("FAILED")
    await notifier.deliver()
    (given_up,) = await notifier.deliveries(notification, outcome="failed")
    assert (given_up["due"], given_up["attempts"]) == (None, 1)
    assert (await notifier.api.get("/notifications"))["items"][0]["failed"] == 1


async def test_each_channel_is_tried_by_itself(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare(channels=["webhook/nobody", "webhook/team"])
    await notifier.tell("FAILED")
    await notifier.deliver()
    found = {one["channel"]: one for one in await notifier.deliveries(notification)}
    assert found["webhook/team"]["outcome"] == "sent"
    assert "no block 'webhook/nobody'" in found["webhook/nobody"]["last_error"]
    await notifier.declare_block("nobody", "/late")
    await notifier.deliver(now_us() + 3_600_000_000)
    assert [one.path for one in notifier.webhook.received] == ["/in", "/late"]


async def test_secrets_are_read_when_a_message_is_sent(notifier: Notifier) -> None:
    refs = [{"field": "secret", "secret": "hook", "key": "secret"}]
    await notifier.declare_block(secretRefs=refs)
    notification = await notifier.declare()
    await notifier.tell("FAILED")
    await notifier.deliver()
    (delivery,) = await notifier.deliveries(notification)
    assert "'hook'" in delivery["last_error"]
    notifier.secrets.values["hook", "secret"] = "sesame\n"
    await notifier.deliver(now_us() + 3_600_000_000)
    (received,) = notifier.webhook.received
    signature = received.headers["Towpath-Signature"]
    assert verify(signature, received.body, b"sesame", int(signature[2 : signature.index(",")]))
    stored = (await notifier.api.get("/blocks"))["items"]
    assert "sesame" not in json.dumps(stored)


async def test_a_template_says_what_is_sent_and_a_bad_one_is_refused(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare(message="{{ flow_name }} is {{ state.name | lower }}")
    await notifier.tell("FAILED")
    await notifier.deliver()
    assert json.loads(notifier.webhook.received[0].body)["body"] == "etl is failed"
    for message in ("{{ nothing }}", "{{ 'x' * 10 }}", "{% if %}"):
        body = {"name": "bad", "spec": {"states": ["FAILED"], "channels": ["webhook/team"], "message": message}}
        refused = await notifier.api.put("/notifications", body, 422)
        assert refused["errors"][0]["field"] == "spec.message"


async def test_a_test_message_says_how_each_channel_took_it(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare(channels=["webhook/team", "webhook/nobody"])
    tested = await notifier.api.post(f"/notifications/{notification['id']}/test", None)
    assert [one["sent"] for one in tested["outcomes"]] == [True, False]
    assert "nobody" in tested["outcomes"][1]["error"]
    assert json.loads(notifier.webhook.received[0].body)["event"] == "test"
    assert await notifier.deliveries(notification) == []


async def test_a_notification_that_is_deleted_sends_nothing_more(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare()
    await notifier.tell("FAILED")
    await notifier.api.call("DELETE", f"/notifications/{notification['id']}", 204)
    assert await notifier.deliver() == 0
    assert notifier.webhook.received == []


async def test_pages_of_deliveries(notifier: Notifier) -> None:
    notification = await notifier.declare()
    for _ in range(3):
        await notifier.tell("FAILED")
    path = f"/notifications/{notification['id']}/deliveries"
    first = await notifier.api.get(path, limit=2)
    second = await notifier.api.get(path, limit=2, cursor=first["next_cursor"])
    assert (len(first["items"]), len(second["items"]), first["total"]) == (2, 1, 3)
    assert len({one["id"] for one in first["items"] + second["items"]}) == 3


async def test_the_loop_sends_as_soon_as_a_state_is_committed(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare()
    loop = asyncio.create_task(run_notifications(notifier.api.hub))
    try:
        notifier.webhook.answers = [500]
        await notifier.tell("FAILED")
        await notifier.webhook.wait(1)
        await notifier.tell("FAILED")
        await notifier.webhook.wait(2)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_what_ended_long_ago_is_forgotten(notifier: Notifier) -> None:
    await notifier.declare_block()
    notification = await notifier.declare()
    await notifier.tell("FAILED")
    await notifier.deliver()
    assert await notifier.api.hub.notifying.prune(now_us()) == 0
    assert await notifier.api.hub.notifying.prune(now_us() + 15 * 86_400_000_000) == 1
    assert await notifier.deliveries(notification) == []


async def test_attempts_are_counted(notifier: Notifier) -> None:
    await notifier.declare_block()
    await notifier.declare()
    notifier.webhook.answers = [500]
    for _ in range(2):
        await notifier.tell("FAILED")
    await notifier.deliver()
    shown = (await notifier.api.hub.metrics.render()).decode()
    assert 'towpath_notification_attempts_total{outcome="sent"} 1.0' in shown
    assert 'towpath_notification_attempts_total{outcome="failed"} 1.0' in shown
