"""Writes down what automations have to do, within the transaction of the state that they follow from, and does it.

`enqueue` hangs on every write transaction; `act` is called by loops.automations, the list by its route. What a failure interrupts is
done again from its first action.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from towpath.contract.automations import FiringRead
from towpath.contract.declared import AutomationPut
from towpath.contract.ids import now_us, uuid7
from towpath.contract.problems import FieldError
from towpath.contract.resources.automation import AutomationSpec
from towpath.contract.runs import Page
from towpath.contract.states import RunKind
from towpath_operator.domain.automating import HOUR, Rule, build_rule, depth_of, next_try, why_skipped
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.notifying import build_run_facts
from towpath_operator.domain.pages import PageRequest, encode_cursor
from towpath_operator.domain.refusals import InvalidRequest, Refusal
from towpath_operator.domain.times import from_micros, maybe_time
from towpath_operator.notifications.messages import EXAMPLE, template_names
from towpath_operator.notifications.templates import TemplateRefused, render
from towpath_operator.services.actions import Actions
from towpath_operator.services.pages import paged
from towpath_operator.services.run_facts import build_facts
from towpath_operator.store import automations as rows
from towpath_operator.store.declared import AUTOMATIONS
from towpath_operator.store.deliveries import find_states
from towpath_operator.store.engine import TOPIC_FIRINGS, Database, Transaction
from towpath_operator.store.flow_runs import find_flow_runs
from towpath_operator.store.types import Row

logger = logging.getLogger(__name__)

BATCH = 50
KEEP_MICROS = 14 * 86_400 * 1_000_000
"""How long firings that ended can be looked at."""


async def prepare_automation(_: Transaction, declaration: AutomationPut) -> Mapping[str, Any]:
    """Checks the templates of its messages, and that the time is one.

    Raises:
        InvalidRequest: when one of them cannot be used.
    """
    for number, action in enumerate(declaration.spec.actions):
        if action.notify is None or action.notify.message is None:
            continue
        try:
            render(action.notify.message, template_names(EXAMPLE))
        except TemplateRefused as refused:
            field = f"spec.actions.{number}.notify.message"
            raise InvalidRequest(
                f"`message` is not a template that can be used: {refused}.",
                [FieldError(field=field, message=str(refused))],
            ) from refused
    spec = declaration.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    try:
        build_rule(UUID(int=0), declaration.namespace, declaration.name, spec)
    except ValueError as error:
        fields = [FieldError(field="spec.trigger.within", message=str(error))]
        raise InvalidRequest(f"`within` is no duration: {error}.", fields) from error
    return {}


async def forget_automation(transaction: Transaction, row: Row) -> bool:
    """What it still had to do goes with it."""
    await rows.delete_of(transaction, row["id"])
    return True


class Automating:
    """The automations of one database."""

    def __init__(self, database: Database, actions: Actions, public_url: str | None = None) -> None:
        self._database = database
        self._actions = actions
        self._public_url = None if public_url is None else public_url.rstrip("/")
        self._rules: dict[tuple[UUID, int], Rule | None] = {}

    async def enqueue(self, transaction: Transaction) -> None:
        """Adds what follows from the states of this transaction, and averts what they were waited for."""
        entered = [one for one in transaction.entered if one.kind is RunKind.FLOW_RUN and one.state_id is not None]
        if not entered:
            return
        rules = self._parse(await rows.list_rules(transaction.connection))
        entered = [one for one in entered if any(rule.may_concern(one.after) for rule in rules)]
        if entered:
            await self._follow(transaction, entered, rules)

    def _parse(self, found: Sequence[Row]) -> list[Rule]:
        """The rules of these rows, each parsed once for each version of it."""
        known, self._rules = self._rules, {}
        for row in found:
            key = (row["id"], row["updated"])
            self._rules[key] = known[key] if key in known else _read_rule(row)
        return [rule for rule in self._rules.values() if rule is not None]

    async def _follow(self, transaction: Transaction, entered: Sequence[Entered], rules: Sequence[Rule]) -> None:
        connection = transaction.connection
        run_ids = list({UUID(bytes=one.run_id) for one in entered})
        runs = {row["id"]: row for row in await find_flow_runs(connection, run_ids)}
        states = await find_states(connection, run_ids, [UUID(bytes=one.state_id or b"") for one in entered])
        waiting = {
            (row["automation_id"], row["flow_run_id"]) for row in await rows.list_waiting_of(connection, run_ids)
        }
        new: dict[tuple[UUID, UUID], dict[str, Any]] = {}
        averted: set[tuple[UUID, UUID]] = set()
        for one in entered:
            run, state = runs.get(UUID(bytes=one.run_id)), states.get(UUID(bytes=one.state_id or b""))
            if run is None or state is None:
                continue
            about = build_run_facts(run)
            for rule in rules:
                key = (rule.id, run["id"])
                if rule.expected is not None and rule.expected.matches_state(state["type"], state["name"]):
                    new.pop(key, None)
                    if key in waiting:
                        averted.add(key)
                        transaction.hint_of_kind("automations", rule.namespace)
                matches = rule.selector.matches_state(state["type"], state["name"]) and rule.selector.matches_run(about)
                if not matches or (key in waiting and key not in averted) or key in new:
                    continue
                row = await self._make(transaction, rule, run, state)
                if rule.expected is None:
                    await rows.insert_firings(transaction, [row])
                else:
                    new[key] = row
        await self._save(transaction, run_ids, list(new.values()), averted)

    async def _make(self, transaction: Transaction, rule: Rule, run: Row, state: Row) -> dict[str, Any]:
        now, depth = now_us(), depth_of(run["idempotency_key"])
        recently = await rows.count_since(transaction.connection, rule.id, now - HOUR)
        skipped = why_skipped(depth, recently)
        owner = {"automation": {"id": str(rule.id), "name": rule.name}}
        transaction.wake(TOPIC_FIRINGS)
        transaction.hint_of_kind("automations", rule.namespace)
        return {
            "id": uuid7(),
            "automation_id": rule.id,
            "flow_run_id": run["id"],
            "state_id": state["id"],
            "facts": build_facts(owner, run, state, self._public_url),
            "depth": depth,
            "created": now,
            "due": None if skipped else now + rule.within,
            "attempts": 0,
            "outcome": "skipped" if skipped else "waiting",
            "ended": now if skipped else None,
            "last_error": skipped,
        }

    async def _save(
        self,
        transaction: Transaction,
        run_ids: Sequence[UUID],
        new: Sequence[dict[str, Any]],
        averted: set[tuple[UUID, UUID]],
    ) -> None:
        if averted:
            found = await rows.list_waiting_of(transaction.connection, run_ids)
            ids = [row["id"] for row in found if (row["automation_id"], row["flow_run_id"]) in averted]
            values = {"due": None, "ended": now_us(), "outcome": "averted", "last_error": None}
            await rows.save_outcome(transaction, ids, values)
        await rows.insert_firings(transaction, new)

    async def find_first_due(self) -> int | None:
        """When the next thing is to be done, in microseconds."""
        async with self._database.read() as reader:
            return await rows.find_first_due(reader)

    async def act(self, now: int) -> int:
        """Does what is due by `now`, at most BATCH of it, one after the other. Returns how many were due."""
        async with self._database.read() as reader:
            due = await rows.list_due(reader, now, BATCH)
        for firing in due:
            await self._act_on(firing)
        return len(due)

    async def _act_on(self, firing: Row) -> None:
        async with self._database.read() as reader:
            automation = await AUTOMATIONS.find(reader, firing["automation_id"])
        if automation is None:
            async with self._database.write() as transaction:
                await rows.delete_of(transaction, firing["automation_id"])
            return
        spec = AutomationSpec.model_validate(automation["spec"])
        error: str | None = None
        if spec.paused:
            await self._end(firing, automation, "skipped", "The automation was paused when it was due.")
            return
        for number, action in enumerate(spec.actions):
            try:
                await self._actions.do(firing, automation, number, action)
            except Refusal as refusal:
                error = refusal.detail
                logger.warning("Automation %s/%s: %s", automation["namespace"], automation["name"], error)
                break
            except Exception as failed:  # one automation must not keep the others from acting
                error = f"An action failed ({type(failed).__name__}); the server's log says why."
                logger.exception("Automation %s/%s failed", automation["namespace"], automation["name"])
                break
        await self._end(firing, automation, "done" if error is None else "waiting", error)

    async def _end(self, firing: Row, automation: Row, outcome: str, error: str | None) -> None:
        now, attempts = now_us(), firing["attempts"] + 1
        due = next_try(attempts, now)
        if outcome != "waiting":
            due = None
        elif due is None:
            outcome = "failed"
        kept: dict[str, Any] = {"last_error": error if outcome in ("waiting", "failed") else None}
        if outcome == "done":
            kept["last_fired"] = now
        values = {
            "attempts": attempts,
            "due": due,
            "outcome": outcome,
            "ended": None if due is not None else now,
            "last_error": error,
        }
        async with self._database.write() as transaction:
            await rows.save_outcome(transaction, [firing["id"]], values)
            await rows.note_fired(transaction, automation["id"], kept)
            transaction.hint_of_kind("automations", automation["namespace"])

    async def prune(self, now: int) -> int:
        """Deletes firings that ended long ago, some at a time. Returns how many."""
        async with self._database.write() as transaction:
            return await rows.delete_ended(transaction, now - KEEP_MICROS, 1_000)

    async def list_firings(self, automation_id: UUID, page: PageRequest) -> Page[FiringRead]:
        """One page of what an automation had to do, newest first."""
        async with self._database.read() as reader:
            found, total = await rows.list_firings(reader, automation_id, page)
        shown = found[: page.limit]
        cursor = encode_cursor((shown[-1]["id"].hex,)) if len(found) > page.limit else None
        return paged([_view(row) for row in shown], total, cursor)


def _read_rule(row: Row) -> Rule | None:
    """The rule of a row; None too for one that cannot be read: it must not keep runs from being stored."""
    try:
        return build_rule(row["id"], row["namespace"], row["name"], row["spec"])
    except (KeyError, TypeError, ValueError):
        logger.exception("Automation %s/%s cannot be read: it is set aside", row["namespace"], row["name"])
        return None


def _view(row: Row) -> FiringRead:
    facts: dict[str, Any] = row["facts"]
    return FiringRead(
        id=row["id"],
        automation_id=row["automation_id"],
        flow_run_id=row["flow_run_id"],
        flow_run_name=facts["flow_run"]["name"],
        flow_name=facts["flow_run"]["flow"],
        state_name=facts["state"]["name"],
        outcome=row["outcome"],
        created=from_micros(row["created"]),
        due=maybe_time(row["due"]),
        ended=maybe_time(row["ended"]),
        attempts=row["attempts"],
        last_error=row["last_error"],
    )
