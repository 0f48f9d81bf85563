"""Makes the runs of times of schedules that lie in the past, each once. Called by its route.

Such a run has the time it is for as its scheduled time, and is due now: it neither overtakes what waits already nor counts as late.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from towpath.contract.backfills import MOST_BACKFILLED, Backfill, Backfilled, BackfilledRun
from towpath.contract.ids import now_us
from towpath.contract.problems import FieldError
from towpath.contract.resources.deployment import DeploymentSpec
from towpath.contract.resources.schedule import Schedule
from towpath.contract.runs import FlowRunCreate
from towpath_operator.domain.refusals import InvalidRequest
from towpath_operator.domain.schedules import latest_between
from towpath_operator.domain.times import from_micros, to_micros
from towpath_operator.services.flow_runs import find_deployment
from towpath_operator.services.making import NewRun, add_runs, build_run
from towpath_operator.store.declared import FLOWS
from towpath_operator.store.engine import Database, Reader
from towpath_operator.store.schedules import find_scheduled_runs
from towpath_operator.store.types import Row

TAG = "backfill"
STEP = 50
"""Runs that one transaction makes, so that others can write in between."""


class _Time(NamedTuple):
    at: int
    schedule: Schedule


class Backfills:
    """The backfills of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, deployment_id: UUID, asked: Backfill) -> Backfilled:
        """Makes what is missing, or with `dry_run` says what that is. Repeated, it goes on where it was broken off.

        Raises:
            DeploymentNotFound: when nobody declared it.
            InvalidParameters: when the flow does not take a schedule's parameters.
            InvalidRequest: when the range is empty or holds too many times, or a schedule is unknown.
        """
        async with self._database.read() as reader:
            deployment = await _find(reader, deployment_id)
        schedules = _choose(deployment, asked.schedules)
        if asked.since >= asked.until:
            raise _refused("until", "`until` must be later than `since`.")
        times = await asyncio.to_thread(_list_times, schedules, to_micros(asked.since), to_micros(asked.until))
        items: list[BackfilledRun] = []
        for begin in range(0, len(times), STEP):
            items += await self._step(deployment_id, times[begin : begin + STEP], dry_run=asked.dry_run)
        existing = sum(item.existed for item in items)
        return Backfilled(made=len(items) - existing, existing=existing, items=items)

    async def _step(self, deployment_id: UUID, times: Sequence[_Time], *, dry_run: bool) -> list[BackfilledRun]:
        ats = [time.at for time in times]
        if dry_run:
            async with self._database.read() as reader:
                known = await find_scheduled_runs(reader, [deployment_id], ats)
            return [
                _shown(time, known.get((deployment_id, time.schedule.name, time.at)), existed=None) for time in times
            ]
        items: list[BackfilledRun] = []
        made: list[NewRun] = []
        async with self._database.write() as transaction:
            connection = transaction.connection
            deployment = await _find(connection, deployment_id)
            flow = await FLOWS.find(connection, deployment["flow_id"])
            known = await find_scheduled_runs(connection, [deployment_id], ats)
            now = now_us()
            for time in times:
                name = time.schedule.name
                run_id = known.get((deployment_id, name, time.at))
                if run_id is None:
                    create = FlowRunCreate(
                        parameters=time.schedule.parameters, tags=[TAG], scheduled_time=from_micros(time.at)
                    )
                    made.append(build_run(create, deployment, flow, due=now, schedule_name=name))
                items.append(_shown(time, run_id or made[-1].id, existed=run_id is not None))
            await add_runs(transaction, made)
        return items


async def _find(reader: Reader, deployment_id: UUID) -> Row:
    return await find_deployment(reader, FlowRunCreate(), deployment_id)


def _choose(deployment: Row, names: Sequence[str]) -> list[Schedule]:
    schedules = DeploymentSpec.model_validate(deployment["spec"]).schedules
    if not schedules:
        raise InvalidRequest(f"The deployment {deployment['name']!r} has no schedule whose times could be made up for.")
    unknown = sorted(set(names) - {schedule.name for schedule in schedules})
    if unknown:
        known = ", ".join(sorted(schedule.name for schedule in schedules))
        raise _refused("schedules", f"The deployment has no schedule {unknown[0]!r}: it has {known}.")
    return [schedule for schedule in schedules if not names or schedule.name in names]


def _list_times(schedules: Sequence[Schedule], since: int, until: int) -> list[_Time]:
    times: list[_Time] = []
    for schedule in schedules:
        found = latest_between(schedule, since - 1, until - 1, MOST_BACKFILLED + 1)
        times += [_Time(at, schedule) for at in found]
        if len(times) > MOST_BACKFILLED:
            message = (
                f"There are more than {MOST_BACKFILLED} times in the range: choose a shorter one, or one schedule."
            )
            raise _refused("since", message)
    return sorted(times, key=lambda time: (time.at, time.schedule.name))


def _shown(time: _Time, run_id: UUID | None, *, existed: bool | None) -> BackfilledRun:
    return BackfilledRun(
        schedule=time.schedule.name,
        time=from_micros(time.at),
        run_id=run_id,
        existed=run_id is not None if existed is None else existed,
    )


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [FieldError(field=field, message=message)])
