"""What is asked about a run under way: pause, suspend, resume, retry, and the waiting request of its own process.

Called by the routes of run control and by the loop that ends pauses. Pauses are the API's to decide: a process that pauses waits here
and nowhere else, and every change that was asked for wakes it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.run_control import AttemptPause, AttemptPaused, FlowRunPause, FlowRunResume, RunOrders
from towpath.contract.runs import FlowRunRead
from towpath.contract.states import TERMINAL, StateType
from towpath_operator.domain import pausing
from towpath_operator.domain.codes import TYPES, shown_name
from towpath_operator.domain.pausing import ControlFacts, is_suspended
from towpath_operator.domain.refusals import RunNotFound, StaleAttempt
from towpath_operator.domain.times import SECOND
from towpath_operator.services.endings import end_left_open
from towpath_operator.services.flow_runs import enter_state, read_flow_run
from towpath_operator.services.signals import Signals
from towpath_operator.services.views import view_run_state
from towpath_operator.store import pauses as rows
from towpath_operator.store.attempts import find_attempt
from towpath_operator.store.declared import DEPLOYMENTS
from towpath_operator.store.engine import TOPIC_CLAIMS, TOPIC_ORDERS, Database, Reader, Transaction
from towpath_operator.store.flow_runs import find_flow_run, list_states
from towpath_operator.store.types import Row

BACKSTOP_SECONDS = 15.0
UNHEARD = 90 * SECOND
"""How long the process of a run that no launcher started may take to hear that it is to be cancelled."""
MOST_AT_ONCE = 200
PAUSED = "The run was paused."
ABANDONED = "The run was cancelled; no process of it has answered."


class RunControl:
    """Run control over one database."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals

    # What people ask

    async def pause(self, run_id: UUID, asked: FlowRunPause, *, suspend: bool) -> FlowRunRead:
        """Pauses or suspends a run that is Running; one that is paused already stays as it is.

        Raises:
            RunNotFound, RunEnded, TransitionRefused: it cannot be paused.
        """
        async with self._database.write() as transaction:
            row = await _find(transaction.connection, run_id)
            facts = await _read_facts(transaction.connection, row)
            if facts.state is not StateType.PAUSED:
                pausing.check_pause(facts, suspend=suspend)
                await _pause(transaction, row, None, asked.timeout_seconds, suspend=suspend)
        return await self._read(run_id)

    async def resume(self, run_id: UUID, asked: FlowRunResume) -> FlowRunRead:
        """Lets a paused run go on, or launches a suspended one again.

        Raises:
            RunNotFound, RunEnded, TransitionRefused: it cannot be resumed.
            InvalidInput: it waits for another input.
        """
        async with self._database.write() as transaction:
            row = await _find(transaction.connection, run_id)
            facts, now = await _read_facts(transaction.connection, row), now_us()
            pausing.check_resume(facts, row["paused_until"], now)
            paused: Mapping[str, Any] = row["state_details"] or {}
            pausing.check_input(pausing.view_pause(facts.state_name, paused).input_schema, asked.run_input)
            details = pausing.resume_details(paused, asked.run_input)
            if is_suspended(facts.state, facts.state_name):
                await _launch_again(transaction, row, "Resuming", "The run was resumed.", details, now)
            else:
                await enter_state(
                    transaction,
                    row,
                    StateType.RUNNING,
                    message="The run was resumed.",
                    details=details,
                    paused_until=None,
                )
            transaction.wake(TOPIC_ORDERS)
        return await self._read(run_id)

    async def retry(self, run_id: UUID) -> FlowRunRead:
        """Launches a run again that has ended without completing.

        Raises:
            RunNotFound, RunEnded, TransitionRefused: it cannot be retried.
        """
        async with self._database.write() as transaction:
            row = await _find(transaction.connection, run_id)
            pausing.check_retry(await _read_facts(transaction.connection, row))
            further: dict[str, Any] = {"end_time": None, "start_time": None, "infra_attempts": 0}
            await _launch_again(
                transaction, row, "AwaitingRetry", "The run is retried.", pausing.retry_details(), now_us(), **further
            )
        return await self._read(run_id)

    # What a run's own process asks

    async def pause_attempt(self, run_id: UUID, number: int, asked: AttemptPause) -> AttemptPaused:
        """Pauses or suspends the run of the calling process, unless the pause of that key was resumed before.

        A run that is paused already, is being cancelled or has ended stays as it is: the orders say so.

        Raises:
            RunNotFound, StaleAttempt: there is no such run, or the attempt does not hold it.
            TransitionRefused, InvalidSchema: it cannot be paused so.
        """
        pausing.check_input_schema(asked.input_schema)
        async with self._database.write() as transaction:
            reader = transaction.connection
            row = await _find(reader, run_id)
            if await _is_stale(reader, row, number):
                raise StaleAttempt(f"Attempt {number} does not hold the run any more.")
            history = [state["details"] or {} for state in await list_states(reader, run_id) if state["applied"]]
            resumed = pausing.find_resumed(history, asked.key)
            facts = await _read_facts(reader, row)
            keeps = facts.state in TERMINAL or facts.state in (StateType.PAUSED, StateType.CANCELLING)
            if resumed is None and not keeps:
                pausing.check_pause(facts, suspend=asked.suspend)
                await _pause(transaction, row, asked, asked.timeout_seconds, suspend=asked.suspend)
        async with self._database.read() as reader:
            orders = await _read_orders(reader, run_id, number)
        run_input = resumed.run_input if resumed is not None else None
        return AttemptPaused(resumed=resumed is not None, run_input=run_input, orders=orders)

    async def find_root(self, run_id: UUID) -> UUID:
        """The run whose process executes this one: itself, or for a subflow its root.

        Raises:
            RunNotFound: there is no such run.
        """
        async with self._database.read() as reader:
            return (await _find(reader, run_id))["root_id"] or run_id

    async def orders(self, run_id: UUID, number: int, seen: UUID | None, wait_seconds: float) -> RunOrders:
        """Where the run is, waiting up to `wait_seconds` until that is no longer the state `seen`.

        Raises:
            RunNotFound: there is no such run.
        """
        deadline = now_us() + int(wait_seconds * SECOND)
        while True:
            count = self._signals.count(TOPIC_ORDERS)
            async with self._database.read() as reader:
                orders = await _read_orders(reader, run_id, number)
                until = (await _find(reader, run_id))["paused_until"] if orders.pause is not None else None
            left = (deadline - now_us()) / SECOND
            if seen is None or orders.state_id != seen or orders.stale or left <= 0 or self._signals.closed:
                return orders
            pause = min(left, BACKSTOP_SECONDS)
            if until is not None:
                pause = min(pause, (until - now_us()) / SECOND)
            if pause <= 0:
                await self.end_overdue()
                continue
            await self._signals.wait(TOPIC_ORDERS, count, pause)

    # What time does

    async def end_overdue(self) -> int:
        """Fails paused runs whose time is over, and ends cancelled ones that no process answers for. Returns how many."""
        now = now_us()
        async with self._database.read() as reader:
            if not await rows.list_overdue(reader, now, now - UNHEARD, 1):
                return 0
        async with self._database.write() as transaction:
            found = await rows.list_overdue(transaction.connection, now, now - UNHEARD, MOST_AT_ONCE)
            for run_id in found:
                row = await _find(transaction.connection, run_id)
                cancelled = TYPES[row["state_type"]] is StateType.CANCELLING
                if cancelled or row["state_name"] == pausing.SUSPENDED:
                    await end_left_open(transaction, run_id, cancelled=cancelled)
                if cancelled:
                    await enter_state(transaction, row, StateType.CANCELLED, message=ABANDONED)
                else:
                    message = pausing.TIMED_OUT
                    await enter_state(transaction, row, StateType.FAILED, message=message, paused_until=None)
            transaction.wake(TOPIC_ORDERS)
        return len(found)

    async def _read(self, run_id: UUID) -> FlowRunRead:
        async with self._database.read() as reader:
            return await read_flow_run(reader, run_id)


async def _find(reader: Reader, run_id: UUID) -> Row:
    row = await find_flow_run(reader, run_id)
    if row is None:
        raise RunNotFound(f"There is no flow run {run_id}.")
    return row


async def _read_facts(reader: Reader, row: Row) -> ControlFacts:
    deployment = await DEPLOYMENTS.find(reader, row["deployment_id"]) if row["deployment_id"] is not None else None
    return ControlFacts(
        TYPES[row["state_type"]],
        shown_name(row["state_type"], row["state_name"]),
        row["root_id"] is not None,
        deployment is not None and deployment["deleted"] is None,
    )


async def _pause(
    transaction: Transaction, row: Row, asked: AttemptPause | None, seconds: float | None, *, suspend: bool
) -> None:
    now = now_us()
    until = None if seconds is None else now + int(seconds * SECOND)
    await enter_state(
        transaction,
        row,
        StateType.PAUSED,
        name=pausing.SUSPENDED if suspend else None,
        message="The run was suspended." if suspend else PAUSED,
        time=now,
        details=pausing.pause_details(asked, until),
        paused_until=until,
    )
    transaction.wake(TOPIC_ORDERS)


async def _launch_again(
    transaction: Transaction,
    row: Row,
    name: str,
    message: str,
    details: dict[str, Any] | None,
    now: int,
    **further: Any,
) -> None:
    """The run waits to be claimed, as a next attempt."""
    values: dict[str, Any] = {"run_after": now, "waiting_for": None, "paused_until": None, **further}
    await enter_state(
        transaction, row, StateType.SCHEDULED, name=name, message=message, time=now, details=details, **values
    )
    transaction.wake(TOPIC_CLAIMS)


async def _is_stale(reader: Reader, row: Row, number: int) -> bool:
    """Whether attempt `number` does not speak for the run: another holds it, or it was reported ended."""
    root = row if row["root_id"] is None else await find_flow_run(reader, row["root_id"])
    if root is None:
        return number != 0  # a flow that a task outside any flow called: its process was started by nobody
    if root["attempt"] != number or (number == 0 and root["deployment_id"] is not None):
        return True
    attempt = await find_attempt(reader, root["id"], number) if number else None
    return attempt is not None and attempt["ended_at"] is not None


async def _read_orders(reader: Reader, run_id: UUID, number: int) -> RunOrders:
    row = await _find(reader, run_id)
    state = view_run_state(row)
    pause = pausing.view_pause(state.name, row["state_details"]) if state.type is StateType.PAUSED else None
    return RunOrders(
        state=state,
        state_id=row["state_id"],
        revision=row["revision"],
        stale=await _is_stale(reader, row, number),
        pause=pause,
    )
