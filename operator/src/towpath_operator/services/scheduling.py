"""Makes the runs that schedules ask for, when they are due, each once. Called by loops.scheduler; told of declarations.

A run is made when its time has come and not ahead of it, so that a changed schedule leaves nothing behind and an outage is seen as
what it is: times for which no run was made.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from towpath.contract.declared import DeploymentPut
from towpath.contract.ids import now_us
from towpath.contract.resources.schedule import Schedule
from towpath.contract.runs import FlowRunCreate
from towpath.contract.states import StateType
from towpath_operator.domain.refusals import InvalidParameters, InvalidSchema
from towpath_operator.domain.schedules import next_after, plan_firing
from towpath_operator.services.flow_runs import enter_state
from towpath_operator.services.making import NewRun, add_runs, build_run
from towpath_operator.store import schedules as rows
from towpath_operator.store.declared import DEPLOYMENTS, FLOWS
from towpath_operator.store.engine import TOPIC_SCHEDULES, Database, Transaction
from towpath_operator.store.flow_runs import find_flow_run
from towpath_operator.store.types import Row

logger = logging.getLogger(__name__)

TAG = "auto-scheduled"
BATCH = 100


class _Firing(NamedTuple):
    row: Row
    schedule: Schedule | None
    times: list[int]
    next_due: int | None


async def sync_schedules(transaction: Transaction, deployment_id: UUID, declaration: DeploymentPut) -> None:
    """Takes over a deployment's schedules. One that did not change goes on; a new, changed or resumed one counts from now."""
    spec = declaration.spec
    known = {row["name"]: row for row in await rows.list_schedules(transaction.connection, deployment_id)}
    gone = known.keys() - {schedule.name for schedule in spec.schedules}
    if gone:
        await rows.delete_schedules(transaction, deployment_id, sorted(gone))
    now = now_us()
    for schedule in spec.schedules:
        kept = schedule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        paused = spec.paused or schedule.paused
        row = known.get(schedule.name)
        if row is not None and row["spec"] == kept and (row["next_due"] is None) == paused:
            continue
        await rows.save_schedule(
            transaction, deployment_id, schedule.name, kept, None if paused else next_after(schedule, now)
        )
    transaction.wake(TOPIC_SCHEDULES)


class Scheduling:
    """The schedules of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_first_due(self) -> int | None:
        """When the next schedule is due, in microseconds."""
        async with self._database.read() as reader:
            return await rows.find_first_due(reader)

    async def fire(self, now: int) -> int:
        """Makes the runs of schedules that are due by `now`, at most BATCH schedules of them. Returns how many were due."""
        async with self._database.read() as reader:
            due = await rows.list_due(reader, now, BATCH)
        if not due:
            return 0
        planned = await asyncio.to_thread(_plan_all, due, now)
        async with self._database.write() as transaction:
            same = await rows.advance(transaction, [(firing.row, firing.next_due) for firing in planned])
            await _make_runs(transaction, [firing for firing, is_same in zip(planned, same, strict=True) if is_same])
        return len(due)


def _plan_all(due: Sequence[Row], now: int) -> list[_Firing]:
    planned: list[_Firing] = []
    for row in due:
        try:
            schedule = Schedule.model_validate(row["spec"])
            times, next_due = plan_firing(schedule, row["next_due"], now)
        except (ValueError, OverflowError):
            logger.exception(
                "Schedule %s of deployment %s cannot be read: it is set aside", row["name"], row["deployment_id"]
            )
            schedule, times, next_due = None, [], None
        planned.append(_Firing(row, schedule, times, next_due))
    return planned


async def _make_runs(transaction: Transaction, firings: Sequence[_Firing]) -> None:
    """Makes the runs of these schedules, but for those that there are."""
    connection = transaction.connection
    deployments = await DEPLOYMENTS.find_many(connection, list({firing.row["deployment_id"] for firing in firings}))
    flows = await FLOWS.find_many(connection, list({row["flow_id"] for row in deployments.values()}))
    times = list({time for firing in firings for time in firing.times})
    known = await rows.find_scheduled_runs(connection, list(deployments), times) if times else {}
    made: list[NewRun] = []
    failed: list[tuple[NewRun, str]] = []
    for firing in firings:
        deployment = deployments.get(firing.row["deployment_id"])
        if deployment is None or firing.schedule is None:
            continue
        name: str = firing.row["name"]
        flow = flows.get(deployment["flow_id"])
        create = FlowRunCreate(parameters=firing.schedule.parameters, tags=[TAG])
        for time in firing.times:
            if (deployment["id"], name, time) in known:
                continue
            try:
                made.append(build_run(create, deployment, flow, due=time, schedule_name=name))
            except (InvalidParameters, InvalidSchema) as refusal:
                run = build_run(create, deployment, flow, due=time, schedule_name=name, refused=True)
                failed.append((run, refusal.detail))
    await add_runs(transaction, [*made, *(run for run, _ in failed)])
    for run, detail in failed:
        if (row := await find_flow_run(connection, run.id)) is not None:
            await enter_state(transaction, row, StateType.FAILED, message=detail)
