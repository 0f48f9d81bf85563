"""Writes down what notifications have to send, within the transaction of the state that they tell, and sends it.

`enqueue` hangs on every write transaction; `deliver` is called by loops.notifications, `test` and the lists by the routes. Messages
go out at least once: an outcome that could not be kept is sent again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from towpath.contract.declared import NotificationPut, NotificationRead
from towpath.contract.ids import now_us, uuid7
from towpath.contract.notifications import ChannelOutcome, DeliveryRead, NotificationTested
from towpath.contract.problems import FieldError
from towpath.contract.runs import Page
from towpath.contract.states import RunKind
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.notifying import Policy, build_policy, build_run_facts, next_try
from towpath_operator.domain.pages import PageRequest, encode_cursor
from towpath_operator.domain.refusals import InvalidRequest, StoreUnavailable
from towpath_operator.domain.times import from_micros, maybe_time
from towpath_operator.notifications.errors import SendFailed
from towpath_operator.notifications.messages import EXAMPLE, Facts, Message, default_body, default_title, template_names
from towpath_operator.notifications.templates import TemplateRefused, render
from towpath_operator.services.channels import Channels
from towpath_operator.services.metrics import Metrics
from towpath_operator.services.pages import paged
from towpath_operator.services.run_facts import build_facts
from towpath_operator.store import deliveries as rows
from towpath_operator.store.declared import AUTOMATIONS, NOTIFICATIONS
from towpath_operator.store.engine import TOPIC_DELIVERIES, Database, Reader, Transaction
from towpath_operator.store.flow_runs import find_flow_runs
from towpath_operator.store.types import Row

logger = logging.getLogger(__name__)

BATCH = 50
AT_ONCE = 8
KEEP_MICROS = 14 * 86_400 * 1_000_000
"""How long deliveries that were sent or given up can be looked at."""


async def prepare_notification(_: Transaction, declaration: NotificationPut) -> Mapping[str, Any]:
    """Checks the template: what is wrong with it is better told to who declares it than to nobody at night.

    Raises:
        InvalidRequest: when it cannot be used.
    """
    message = declaration.spec.message
    if message is None:
        return {}
    try:
        render(message, template_names(EXAMPLE))
    except TemplateRefused as refused:
        fields = [FieldError(field="spec.message", message=str(refused))]
        raise InvalidRequest(f"`message` is not a template that can be used: {refused}.", fields) from refused
    return {}


async def forget_notification(transaction: Transaction, row: Row) -> bool:
    """What it still had to send goes with it."""
    await rows.delete_of(transaction, row["id"])
    return True


class Notifying:
    """The notifications of one database.

    Args:
        public_url: where people reach the pages, for the links in messages; None for no links.
    """

    def __init__(self, database: Database, channels: Channels, metrics: Metrics, public_url: str | None = None) -> None:
        self._database = database
        self._channels = channels
        self._metrics = metrics
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self._policies: dict[tuple[UUID, int], Policy | None] = {}

    async def enqueue(self, transaction: Transaction) -> None:
        """Adds a delivery for each channel of each notification that a state of this transaction is for."""
        entered = [one for one in transaction.entered if one.kind is RunKind.FLOW_RUN and one.state_id is not None]
        if not entered:
            return
        policies = self._parse(await rows.list_policies(transaction.connection))
        entered = [one for one in entered if any(policy.selector.may_match(one.after) for policy in policies)]
        if entered:
            await self._add(transaction, entered, policies)

    def _parse(self, found: Sequence[Row]) -> list[Policy]:
        """The policies of these rows, each parsed once for each version of it."""
        known, self._policies = self._policies, {}
        for row in found:
            key = (row["id"], row["updated"])
            self._policies[key] = known[key] if key in known else _read_policy(row)
        return [policy for policy in self._policies.values() if policy is not None]

    async def _add(self, transaction: Transaction, entered: Sequence[Entered], policies: Sequence[Policy]) -> None:
        connection = transaction.connection
        run_ids = list({UUID(bytes=one.run_id) for one in entered})
        runs = {row["id"]: row for row in await find_flow_runs(connection, run_ids)}
        states = await rows.find_states(connection, run_ids, [UUID(bytes=one.state_id or b"") for one in entered])
        now = now_us()
        added: list[dict[str, Any]] = []
        for one in entered:
            run, state = runs.get(UUID(bytes=one.run_id)), states.get(UUID(bytes=one.state_id or b""))
            if run is None or state is None:
                continue  # told before its run was declared
            about = build_run_facts(run)
            for policy in policies:
                selector = policy.selector
                if not selector.matches_state(state["type"], state["name"]) or not selector.matches_run(about):
                    continue
                owner = {"notification": {"id": str(policy.id), "name": policy.name}}
                facts = build_facts(owner, run, state, self._public_url)
                added += [
                    make_delivery(policy.id, channel, run["id"], state["id"], facts, now) for channel in policy.channels
                ]
        await rows.insert_deliveries(transaction, added)
        if added:
            transaction.wake(TOPIC_DELIVERIES)

    async def find_first_due(self) -> int | None:
        """When the next message is to be sent, in microseconds."""
        async with self._database.read() as reader:
            return await rows.find_first_due(reader)

    async def deliver(self, now: int) -> int:
        """Sends what is due by `now`, at most BATCH messages of it. Returns how many were due."""
        async with self._database.read() as reader:
            due = await rows.list_due(reader, now, BATCH)
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(row: Row) -> None:
            async with turns:
                await self._deliver_one(row)

        await asyncio.gather(*(one(row) for row in due))
        return len(due)

    async def _deliver_one(self, row: Row) -> None:
        async with self._database.read() as reader:
            owner = await _find_owner(reader, row["notification_id"])
        error: str | None = None
        if owner is None:
            async with self._database.write() as transaction:
                await rows.delete_of(transaction, row["notification_id"])
            return
        try:
            template = row["facts"]["template"] if "template" in row["facts"] else owner["spec"].get("message")
            message = build_message(str(row["id"]), template, row["facts"])
            await self._channels.send(owner["namespace"], row["channel"], message)
        except StoreUnavailable:
            raise
        except (SendFailed, TemplateRefused) as failed:
            error = str(failed)
            logger.warning("A message of %s/%s: %s", owner["namespace"], owner["name"], error)
        except Exception as failed:  # one message must not keep the others from being sent
            error = f"Sending failed ({type(failed).__name__}); the server's log says why."
            logger.exception("A message of %s/%s could not be made", owner["namespace"], owner["name"])
        self._metrics.note_delivery(sent=error is None)
        now = now_us()
        attempts = row["attempts"] + 1
        async with self._database.write() as transaction:
            if error is None:
                values = {"attempts": attempts, "due": None, "sent": now, "last_error": None}
                kept = {"last_sent": now, "last_error": None}
            else:
                due = next_try(row["created"], attempts, now)
                values = {"attempts": attempts, "due": due, "last_error": error, "failed": now if due is None else None}
                kept = {"last_error": error}
            await rows.save_outcome(transaction, row["id"], values)
            await rows.note_attempt(transaction, owner["id"], kept)
            transaction.hint_of_kind("notifications", owner["namespace"])

    async def prune(self, now: int) -> int:
        """Deletes deliveries that ended long ago, some at a time. Returns how many."""
        async with self._database.write() as transaction:
            return await rows.delete_ended(transaction, now - KEEP_MICROS, 1_000)

    async def list_deliveries(
        self, notification_id: UUID, outcome: str | None, page: PageRequest
    ) -> Page[DeliveryRead]:
        """One page of what a notification had to send, newest first."""
        async with self._database.read() as reader:
            found, total = await rows.list_deliveries(reader, notification_id, outcome, page)
        shown = found[: page.limit]
        cursor = encode_cursor((shown[-1]["id"].hex,)) if len(found) > page.limit else None
        return paged([_view(row) for row in shown], total, cursor)

    async def test(self, notification: NotificationRead) -> NotificationTested:
        """Sends a message that says it is a test to each channel, at once and once."""
        facts = build_test_facts(notification, self._public_url)

        async def one(channel: str) -> ChannelOutcome:
            try:
                message = build_message(str(uuid7()), notification.spec.message, facts)
                await self._channels.send(notification.namespace, channel, message)
            except (SendFailed, TemplateRefused) as failed:
                return ChannelOutcome(channel=channel, sent=False, error=str(failed))
            return ChannelOutcome(channel=channel, sent=True)

        return NotificationTested(outcomes=list(await asyncio.gather(*map(one, notification.spec.channels))))


def build_message(delivery_id: str, template: str | None, facts: Facts) -> Message:
    """The message for these facts.

    Raises:
        TemplateRefused: when the template cannot be used.
    """
    body = default_body(facts) if template is None else render(template, template_names(facts))
    return Message(delivery_id, default_title(facts), body, facts)


def _read_policy(row: Row) -> Policy | None:
    """The policy of a row; None too for one that cannot be read: it must not keep runs from being stored."""
    try:
        return build_policy(row["id"], row["namespace"], row["name"], row["spec"])
    except (KeyError, TypeError, ValueError):
        logger.exception("Notification %s/%s cannot be read: it is set aside", row["namespace"], row["name"])
        return None


async def _find_owner(reader: Reader, owner_id: UUID) -> Row | None:
    """The notification, or automation, that a message is of; None when it is gone."""
    return await NOTIFICATIONS.find(reader, owner_id) or await AUTOMATIONS.find(reader, owner_id)


def make_delivery(
    notification_id: UUID, channel: str, run_id: UUID, state_id: UUID, facts: Facts, now: int
) -> dict[str, Any]:
    """The row of a message that is to be sent at once.

    Args:
        notification_id: of the notification or automation that it is of.
        facts: what it says; with a `template` in them, by that one instead of the notification's.
    """
    return {
        "id": uuid7(),
        "notification_id": notification_id,
        "channel": channel,
        "flow_run_id": run_id,
        "state_id": state_id,
        "facts": facts,
        "created": now,
        "due": now,
        "attempts": 0,
    }


def _view(row: Row) -> DeliveryRead:
    facts: Facts = row["facts"]
    outcome = "waiting" if row["due"] is not None else "sent" if row["sent"] is not None else "failed"
    return DeliveryRead(
        id=row["id"],
        notification_id=row["notification_id"],
        channel=row["channel"],
        flow_run_id=row["flow_run_id"],
        flow_run_name=facts["flow_run"]["name"],
        flow_name=facts["flow_run"]["flow"],
        state_name=facts["state"]["name"],
        outcome=outcome,
        created=from_micros(row["created"]),
        due=maybe_time(row["due"]),
        sent=maybe_time(row["sent"]),
        failed=maybe_time(row["failed"]),
        attempts=row["attempts"],
        last_error=row["last_error"],
    )


def build_test_facts(notification: NotificationRead, public_url: str | None) -> Facts:
    """What a test message of this notification says."""
    spec = notification.spec
    run = {"flow": next(iter(spec.flows), EXAMPLE["flow_run"]["flow"]), "tags": list(spec.tags), "url": public_url}
    state = {"name": spec.states[0], "time": from_micros(now_us()).isoformat(timespec="seconds")}
    return {
        "event": "test",
        "namespace": notification.namespace,
        "notification": {"id": str(notification.id), "name": notification.name},
        "flow_run": EXAMPLE["flow_run"] | run,
        "state": EXAMPLE["state"] | state,
    }
