"""An attempt's life after its claim: launched, waiting, taken by its pod, ended. Called by the attempt routes."""

from typing import Any
from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.resources.work_queue import WorkQueueSpec
from towpath.contract.runs import (
    AttemptEnded,
    AttemptLaunched,
    AttemptTake,
    AttemptWaiting,
    FlowRunRead,
    LastLine,
    TakenRun,
)
from towpath.contract.states import TERMINAL, StateType, default_name
from towpath_operator.domain.attempts import SUSPENDED, FinalState, RunFacts, decide_ending, is_of_another
from towpath_operator.domain.batches import read_final_state
from towpath_operator.domain.codes import TYPES, shown_name
from towpath_operator.domain.refusals import NotFound, RunEnded, StaleAttempt
from towpath_operator.domain.times import to_micros
from towpath_operator.services.declared_views import view_deployments, view_flows
from towpath_operator.services.endings import end_left_open
from towpath_operator.services.flow_runs import enter_state, read_flow_run
from towpath_operator.store.attempts import find_attempt, update_attempt
from towpath_operator.store.declared import DEPLOYMENTS, FLOWS, WORK_QUEUES
from towpath_operator.store.engine import TOPIC_CLAIMS, TOPIC_SLOTS, Database, Reader, Transaction
from towpath_operator.store.flow_runs import find_flow_run, list_states, update_flow_run
from towpath_operator.store.freeing import free_slots
from towpath_operator.store.task_runs import find_messages, insert_lines
from towpath_operator.store.types import Row

POD_LOGGER = "towpath.pod"
INFO = 20


class Attempts:
    """The attempts of one database's runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def launched(self, run_id: UUID, number: int, report: AttemptLaunched) -> FlowRunRead:
        """Keeps that an attempt's Job exists, which ends the claim's lease. Reported again, it changes nothing.

        Raises:
            NotFound, StaleAttempt: when there is no such run, or its attempt is another.
        """
        async with self._database.write() as transaction:
            row, attempt = await _find_current(transaction, run_id, number)
            if attempt["launched_at"] is None and attempt["ended_at"] is None:
                values = {
                    "launched_at": now_us(),
                    "lease_expires": None,
                    "job_name": report.job_name,
                    "job_uid": report.job_uid,
                    "claimed_by": report.holder,
                }
                await update_attempt(transaction, run_id, number, values)
                if TYPES[row["state_type"]] is StateType.PENDING:
                    await enter_state(transaction, row, StateType.PENDING, name="InfrastructurePending")
        return await self._read(run_id)

    async def waiting(self, run_id: UUID, number: int, report: AttemptWaiting) -> FlowRunRead:
        """Keeps why an attempt does not start yet, as long as it has not."""
        async with self._database.write() as transaction:
            row, attempt = await _find_current(transaction, run_id, number)
            told = f"{report.reason}: {report.message}" if report.message else report.reason
            waits = attempt["taken_at"] is None and attempt["ended_at"] is None
            if waits and row["waiting_for"] != told and TYPES[row["state_type"]] not in TERMINAL:
                await update_flow_run(transaction, run_id, {"waiting_for": told})
        return await self._read(run_id)

    async def take(self, run_id: UUID, number: int, take: AttemptTake) -> TakenRun:
        """Gives the attempt to a pod. The same pod may take it again.

        Raises:
            NotFound: when there is no such run.
            StaleAttempt: when another attempt, or another pod, holds the run.
            RunEnded: when the run needs nothing more.
        """
        async with self._database.write() as transaction:
            row, attempt = await _find_current(transaction, run_id, number)
            if TYPES[row["state_type"]] in TERMINAL:
                raise RunEnded(f"The run has ended as {shown_name(row['state_type'], row['state_name'])}.")
            if TYPES[row["state_type"]] is StateType.CANCELLING:
                raise RunEnded("The run is being cancelled: there is nothing to start.")
            if attempt["ended_at"] is not None:
                raise StaleAttempt(f"Attempt {number} has been reported ended.")
            if attempt["pod_uid"] is None:
                values = {
                    "pod_uid": take.pod_uid,
                    "pod_name": take.pod_name,
                    "taken_at": now_us(),
                    "lease_expires": None,
                }
                await update_attempt(transaction, run_id, number, values)
                await update_flow_run(transaction, run_id, {"waiting_for": None})
            elif attempt["pod_uid"] != take.pod_uid:
                raise StaleAttempt(f"Pod {attempt['pod_name']!r} has taken attempt {number} already.")
        async with self._database.read() as reader:
            return await _read_taken(reader, run_id)

    async def ended(self, run_id: UUID, number: int, report: AttemptEnded) -> FlowRunRead:
        """Keeps how an attempt ended and decides what becomes of its run. Reported again, it changes nothing.

        Raises:
            NotFound: when there is no such run or attempt.
        """
        async with self._database.write() as transaction:
            row, attempt = await _find_attempt(transaction, run_id, number)
            await _store_last_lines(transaction, run_id, report.last_lines)
            taken = attempt["taken_at"] is not None
            launcher = await _find_launcher(transaction, row)
            if attempt["ended_at"] is None and not is_of_another(report, taken=taken, launcher=launcher):
                await _end(transaction, row, attempt, report)
        return await self._read(run_id)

    async def _read(self, run_id: UUID) -> FlowRunRead:
        async with self._database.read() as reader:
            return await read_flow_run(reader, run_id)


async def _find_attempt(transaction: Transaction, run_id: UUID, number: int) -> tuple[Row, Row]:
    row = await find_flow_run(transaction.connection, run_id)
    if row is None:
        raise NotFound(f"There is no flow run {run_id}.")
    attempt = await find_attempt(transaction.connection, run_id, number)
    if attempt is None:
        raise NotFound(f"Flow run {run_id} has no attempt {number}: claim it first.")
    return row, attempt


async def _find_launcher(transaction: Transaction, row: Row) -> str:
    queue = (
        None if row["work_queue_id"] is None else await WORK_QUEUES.find(transaction.connection, row["work_queue_id"])
    )
    return WorkQueueSpec().launcher if queue is None else queue["spec"].get("launcher", WorkQueueSpec().launcher)


async def _find_current(transaction: Transaction, run_id: UUID, number: int) -> tuple[Row, Row]:
    row, attempt = await _find_attempt(transaction, run_id, number)
    if row["attempt"] != number:
        raise StaleAttempt(f"Attempt {number} is superseded: attempt {row['attempt']} holds the run.")
    return row, attempt


async def _end(transaction: Transaction, row: Row, attempt: Row, report: AttemptEnded) -> None:
    """Closes the attempt and lets the decision about its run take effect."""
    number: int = attempt["number"]
    event = read_final_state(report.final_state)
    final = None
    if event is not None and event["run_id"] == row["id"] and not await _is_known(transaction, row["id"], event["id"]):
        final = FinalState(StateType(event["type"]), event["name"], event.get("message"))
    facts = RunFacts(
        TYPES[row["state_type"]],
        shown_name(row["state_type"], row["state_name"]),
        row["attempt"],
        row["infra_attempts"],
        await _infra_retries(transaction, row),
        TYPES[row["state_type"]] is StateType.SCHEDULED and row["run_after"] is not None,
    )
    ending = decide_ending(facts, number, report, final)
    values = {
        "ended_at": now_us(),
        "lease_expires": None,
        "outcome": report.outcome,
        "reason": report.reason or attempt["reason"],
        "exit_code": report.exit_code,
    }
    await update_attempt(transaction, row["id"], number, values)
    transaction.wake(TOPIC_CLAIMS)
    if row["attempt"] == number and await free_slots(transaction.connection, [row["id"]]):
        transaction.wake(TOPIC_SLOTS)
    after = ending.state or facts.state
    if row["attempt"] == number and (after is not StateType.PAUSED or facts.state_name == SUSPENDED):
        await end_left_open(transaction, row["id"], cancelled=after is StateType.CANCELLED)
    if ending.state is None:
        return
    further: dict[str, Any] = {"infra_attempts": row["infra_attempts"] + 1} if ending.infra else {}
    if ending.state is StateType.SCHEDULED:
        further |= {"run_after": now_us(), "waiting_for": None}
    told = event if ending.told and event is not None else {}
    await enter_state(
        transaction,
        row,
        ending.state,
        name=ending.name or default_name(ending.state),
        message=ending.message,
        time=told.get("time"),
        state_id=told.get("id"),
        details=told.get("details"),
        **further,
    )


async def _is_known(transaction: Transaction, run_id: UUID, state_id: UUID) -> bool:
    return any(state["id"] == state_id for state in await list_states(transaction.connection, run_id))


async def _infra_retries(transaction: Transaction, row: Row) -> int:
    if row["deployment_id"] is None:
        return 0
    deployment = await DEPLOYMENTS.find(transaction.connection, row["deployment_id"])
    return deployment["spec"].get("infraRetries", 0) if deployment is not None else 0


async def _store_last_lines(transaction: Transaction, run_id: UUID, lines: list[LastLine]) -> None:
    """Stores what the pod printed last, but for what came as a log event."""
    if not lines:
        return
    known = await find_messages(transaction.connection, run_id, [line.message for line in lines])
    now = now_us()
    new = [(to_micros(line.time) if line.time else now, line.message) for line in lines if line.message not in known]
    await insert_lines(transaction, run_id, POD_LOGGER, INFO, new)


async def _read_taken(reader: Reader, run_id: UUID) -> TakenRun:
    run = await read_flow_run(reader, run_id)
    flows = await FLOWS.find_many(reader, [run.flow_id])
    flow = (await view_flows(reader, list(flows.values())))[0]
    deployment = None
    if run.deployment_id is not None:
        found = await DEPLOYMENTS.find_many(reader, [run.deployment_id])
        deployment = next(iter(await view_deployments(reader, list(found.values()))), None)
    return TakenRun(run=run, flow=flow, deployment=deployment)
