"""Automations: what follows from a state, or from one that does not come; once, in order, and never without end."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.support.api import Api, make_batch, make_flow_run, make_flow_state, make_id
from tests.support.webhook import receiving
from tests.unit.api.test_notifying import Notifier
from towpath.contract.ids import now_us, uuid7
from towpath_operator.domain import automating
from towpath_operator.loops.automations import run_automations
from towpath_operator.store.declared import AUTOMATIONS, NOTIFICATIONS

MINUTE = 60_000_000


class Automator(Notifier):
    """An API with automations, and a receiver of their messages."""

    def __init__(self, api: Api, webhook: Any) -> None:
        super().__init__(api, webhook)
        api.hub.database.before_commit.append(api.hub.automating.enqueue)

    async def automate(self, *actions: dict[str, Any], name: str = "rule", status: int = 200, **trigger: Any) -> Any:
        """An automation of failures."""
        spec = {"trigger": {"states": ["FAILED"], **trigger}, "actions": list(actions)}
        return await self.api.put("/automations", {"name": name, "spec": spec}, status)

    async def act(self, later: int = 0) -> int:
        """Does what is due by now, or by then."""
        return await self.api.hub.automating.act(now_us() + later)

    async def firings(self, automation: Any) -> list[Any]:
        """What the automation had to do, newest first."""
        return (await self.api.get(f"/automations/{automation['id']}/firings"))["items"]

    async def runs(self, **query: Any) -> list[Any]:
        """Runs, newest first."""
        return (await self.api.get("/flow-runs", **query))["items"]


@pytest.fixture
async def automator(api: Api) -> AsyncGenerator[Automator]:
    async with receiving() as webhook:
        yield Automator(api, webhook)


CANCEL = {"cancelRun": {}}
RUN = {"runDeployment": {"deployment": "etl/dev", "parameters": {"day": 1}}}


async def test_a_state_makes_a_run_once(automator: Automator) -> None:
    await automator.api.declare(parameters={"day": 0, "deep": True})
    automation = await automator.automate(RUN, flows=["report"])
    await automator.tell("RUNNING", "FAILED", flow="report")
    await automator.tell("RUNNING", "FAILED", flow="other")
    assert await automator.act() == 1
    (made,) = await automator.runs(tag="automation")
    assert (made["flow_name"], made["parameters"]) == ("etl", {"day": 1, "deep": True})
    (firing,) = await automator.firings(automation)
    assert (firing["outcome"], firing["attempts"], firing["flow_name"]) == ("done", 1, "report")
    seen = await automator.api.get(f"/automations/{automation['id']}")
    assert (seen["waiting"], seen["last_error"], seen["last_fired"] is not None) == (0, None, True)
    assert await automator.act() == 0


async def test_messages_go_out_by_the_same_outbox(automator: Automator) -> None:
    await automator.declare_block()
    await automator.automate({"notify": {"channels": ["webhook/team"], "message": "{{ flow_name }}!"}})
    await automator.tell("FAILED")
    await automator.act()
    await automator.deliver()
    told = json.loads(automator.webhook.received[0].body)
    assert (told["body"], told["automation"]["name"]) == ("etl!", "rule")
    assert "notification" not in told


async def test_the_runs_own_queue_and_deployment_are_paused(automator: Automator) -> None:
    await automator.api.declare()
    await automator.automate({"pauseWorkQueue": {}}, {"pauseDeployment": {}}, states=["CANCELLED"])
    run = await automator.api.create_run()
    await automator.api.post(f"/flow-runs/{run['id']}/cancel", None)
    await automator.act()
    assert (await automator.api.get("/work-queues", name="test"))["items"][0]["spec"]["paused"] is True
    assert (await automator.api.get("/deployments"))["items"][0]["spec"]["paused"] is True


@pytest.mark.parametrize("named", ["etl/dev", "etl.dev"])
async def test_named_ones_are_paused(automator: Automator, named: str) -> None:
    await automator.api.declare()
    await automator.automate({"pauseWorkQueue": {"name": "test"}}, {"pauseDeployment": {"name": named}})
    await automator.tell("FAILED", flow="other")
    await automator.act()
    assert (await automator.api.get("/work-queues", name="test"))["items"][0]["spec"]["paused"] is True
    assert (await automator.api.get("/deployments"))["items"][0]["spec"]["paused"] is True


async def test_a_run_that_does_not_end_in_time_is_cancelled(automator: Automator) -> None:
    automation = await automator.automate(CANCEL, states=["RUNNING"], expect=["COMPLETED"], within="10m")
    slow, quick = await automator.tell("RUNNING"), await automator.tell("RUNNING", "COMPLETED")
    later = await automator.tell("RUNNING")
    await automator.api.tell(make_batch(later, make_flow_state(later, "COMPLETED"), first=3))
    assert await automator.act() == 0
    assert (await automator.api.get(f"/automations/{automation['id']}"))["waiting"] == 1
    assert await automator.act(11 * MINUTE) == 1
    states = {run["id"]: run["state"] for run in await automator.runs()}
    assert states[slow]["type"] in ("CANCELLING", "CANCELLED")
    assert "'rule'" in states[slow]["message"]
    assert states[quick]["type"] == states[later]["type"] == "COMPLETED"
    outcomes = {one["flow_run_id"]: one["outcome"] for one in await automator.firings(automation)}
    assert outcomes == {slow: "done", later: "averted"}


async def test_a_run_that_enters_a_state_again_is_waited_for_once(automator: Automator) -> None:
    automation = await automator.automate(CANCEL, states=["RUNNING"], expect=["COMPLETED"], within="10m")
    run = await automator.tell("RUNNING")
    again = [make_flow_state(run, "SCHEDULED", name="AwaitingRetry"), make_flow_state(run, "RUNNING", name="Retrying")]
    await automator.api.tell(make_batch(run, *again, first=3))
    assert len(await automator.firings(automation)) == 1


async def test_an_automation_that_triggers_itself_is_bounded(automator: Automator) -> None:
    await automator.api.declare()
    automation = await automator.automate(RUN, states=["SCHEDULED"])
    await automator.api.create_run()
    for _ in range(10):
        await automator.act()
    assert len(await automator.runs()) == 1 + automating.MAX_DEPTH
    newest, *others = await automator.firings(automation)
    assert newest["outcome"] == "skipped"
    assert "follow from one another" in newest["last_error"]
    assert [one["outcome"] for one in others] == ["done"] * automating.MAX_DEPTH


async def test_an_automation_does_no_more_than_so_much_in_an_hour(
    automator: Automator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automating, "MOST_IN_AN_HOUR", 2)
    automation = await automator.automate(CANCEL)
    for _ in range(3):
        await automator.tell("FAILED")
    outcomes = [one["outcome"] for one in await automator.firings(automation)]
    assert outcomes == ["skipped", "waiting", "waiting"]


async def test_what_cannot_be_done_now_is_tried_again_and_counts_once(automator: Automator) -> None:
    await automator.api.declare()
    automation = await automator.automate(RUN, {"pauseDeployment": {"name": "report/dev"}})
    await automator.tell("FAILED", flow="other")
    await automator.act()
    (firing,) = await automator.firings(automation)
    assert (firing["outcome"], firing["attempts"]) == ("waiting", 1)
    assert "report/dev" in (await automator.api.get(f"/automations/{automation['id']}"))["last_error"]
    await automator.api.declare("report")
    await automator.act(MINUTE)
    (firing,) = await automator.firings(automation)
    assert (firing["outcome"], firing["attempts"], firing["last_error"]) == ("done", 2, None)
    assert len(await automator.runs(tag="automation")) == 1


async def test_what_can_never_be_done_is_given_up(automator: Automator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automating, "MOST_ATTEMPTS", 1)
    automation = await automator.automate(RUN)
    await automator.tell("FAILED")
    await automator.act()
    (firing,) = await automator.firings(automation)
    assert (firing["outcome"], firing["due"]) == ("failed", None)


async def test_one_that_is_paused_or_gone_does_nothing(automator: Automator) -> None:
    await automator.api.declare()
    automation = await automator.automate(RUN)
    await automator.tell("FAILED", flow="other")
    spec = {"trigger": {"states": ["FAILED"]}, "actions": [RUN], "paused": True}
    await automator.api.put("/automations", {"name": "rule", "spec": spec})
    await automator.act()
    await automator.tell("FAILED", flow="other")
    assert [one["outcome"] for one in await automator.firings(automation)] == ["skipped"]
    await automator.api.call("DELETE", f"/automations/{automation['id']}", 204)
    assert await automator.runs(tag="automation") == []


@pytest.mark.parametrize(
    ("actions", "trigger", "says"),
    [
        ([], {}, "actions"),
        ([{}], {}, "exactly one"),
        ([{"cancelRun": {}, "notify": {"channels": ["a/b"]}}], {}, "exactly one"),
        ([CANCEL], {"expect": ["COMPLETED"]}, "together"),
        ([CANCEL], {"within": "10m"}, "together"),
        ([CANCEL], {"expect": ["COMPLETED"], "within": "soon"}, "within"),
        ([CANCEL], {"expect": ["COMPLETED"], "within": "0s"}, "within"),
        ([{"notify": {"channels": ["a/b"], "message": "{{ nothing }}"}}], {}, "message"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    automator: Automator, actions: list[Any], trigger: dict[str, Any], says: str
) -> None:
    refused = await automator.automate(*actions, status=422, **trigger)
    assert says in json.dumps(refused)


async def test_the_loop_acts_as_soon_as_a_state_is_committed(automator: Automator) -> None:
    await automator.api.declare()
    automation = await automator.automate(RUN)
    loop = asyncio.create_task(run_automations(automator.api.hub))
    try:
        await automator.tell("FAILED", flow="other")
        async with asyncio.timeout(60):
            while [one["outcome"] for one in await automator.firings(automation)] != ["done"]:  # noqa: ASYNC110 HTTP
                await asyncio.sleep(0.05)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_what_ended_long_ago_is_forgotten(automator: Automator) -> None:
    automation = await automator.automate(CANCEL)
    await automator.tell("FAILED")
    await automator.act()
    assert await automator.api.hub.automating.prune(now_us()) == 0
    assert await automator.api.hub.automating.prune(now_us() + 15 * 86_400_000_000) == 1
    assert await automator.firings(automation) == []


@pytest.mark.parametrize(
    ("key", "depth"),
    [
        (None, 0),
        ("anything", 0),
        ("automation:2:abc:0", 2),
        ("automation:x:abc:0", automating.MAX_DEPTH),
        ("automation:", automating.MAX_DEPTH),
        ("automation:99999999999:", automating.MAX_DEPTH),
    ],
)
def test_how_many_automations_lie_behind_a_run(key: str | None, depth: int) -> None:
    assert automating.depth_of(key) == depth


async def test_runs_of_a_process_of_its_own_are_cancelled_too(automator: Automator) -> None:
    await automator.automate(CANCEL, states=["RUNNING"])
    run = make_id()
    await automator.api.tell(make_batch(run, make_flow_run(run), make_flow_state(run, "RUNNING")))
    await automator.act()
    assert (await automator.api.get(f"/flow-runs/{run}"))["state"]["type"] in ("CANCELLING", "CANCELLED")


async def test_what_cannot_be_read_stores_runs_all_the_same(
    automator: Automator, caplog: pytest.LogCaptureFixture
) -> None:
    async with automator.api.hub.database.write() as transaction:
        values = {"namespace": "default", "name": "broken", "created": 1, "updated": 1}
        await AUTOMATIONS.insert(transaction, values | {"id": uuid7(), "spec": {"trigger": {}}})
        await NOTIFICATIONS.insert(transaction, values | {"id": uuid7(), "spec": {}})
    await automator.automate(CANCEL, states=["RUNNING"])
    run = await automator.tell("RUNNING")
    assert await automator.act() == 1
    assert (await automator.api.get(f"/flow-runs/{run}"))["state"]["type"] in ("CANCELLING", "CANCELLED")
    assert sorted(record.message for record in caplog.records if record.levelname == "ERROR") == [
        "Automation default/broken cannot be read: it is set aside",
        "Notification default/broken cannot be read: it is set aside",
    ]


async def test_an_action_that_breaks_keeps_no_other_from_acting(
    automator: Automator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await automator.api.declare()
    broken = await automator.automate({"pauseDeployment": {}}, name="broken")
    other = await automator.automate(RUN, name="other")

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(automator.api.hub.automating._actions, "_pause_deployment", fail)
    await automator.tell("FAILED", flow="other")
    await automator.act()
    assert "ZeroDivisionError" in (await automator.firings(broken))[0]["last_error"]
    assert (await automator.firings(other))[0]["outcome"] == "done"
