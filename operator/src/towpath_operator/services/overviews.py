"""Reads many runs at once for pages: histograms, durations, graphs, planned runs. Called by their routes; changes nothing.

Histograms read the counts that transactions keep, where the filter is one that they are kept by; else they count the newest runs
that match.
"""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.overviews import Histogram, PlannedRun, PlannedRuns, RunDuration, RunDurations, RunGraph
from towpath.contract.resources.schedule import Schedule
from towpath_operator.domain.codes import TYPES, shown_name
from towpath_operator.domain.filters import FlowRunFilter, TaskRunFilter
from towpath_operator.domain.graphs import build_graph
from towpath_operator.domain.histograms import Axis, build_histogram, plan_axis
from towpath_operator.domain.pages import COUNTED
from towpath_operator.domain.rollups import FLOW_RUNS, TASK_RUNS, Scope, owner_text
from towpath_operator.domain.schedules import next_after
from towpath_operator.domain.times import SECOND, from_micros, maybe_time
from towpath_operator.store import overviews as rows
from towpath_operator.store.engine import Database, Reader
from towpath_operator.store.rollups import Wanted, read_counts
from towpath_operator.store.types import Row

MOST_COUNTED = 10_000
"""Where no counts are kept for a filter, a histogram counts so many runs."""
MOST_PARTS = 10_000


class Overviews:
    """The overviews of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def flow_run_histogram(self, wanted: FlowRunFilter, seconds: int | None, offset: int) -> Histogram:
        """Flow runs over the time at which they were expected.

        Raises:
            InvalidRequest: for an empty range, or buckets that do not fit it.
        """
        axis = plan_axis(wanted.since, wanted.until, seconds, offset, now_us())
        wanted = replace(wanted, since=axis.since, until=axis.until)
        async with self._database.read() as reader:
            scope = await find_scope(reader, wanted.flows, wanted.deployments, wanted.tags)
            if scope is None or not is_kept(wanted):
                found = await rows.count_flow_runs(reader, wanted, axis.stored, MOST_COUNTED)
                return build_histogram(axis, found, capped=_number(found) >= MOST_COUNTED)
            found = await _read(reader, FLOW_RUNS, axis, scope, wanted.namespaces)
        return build_histogram(axis, _of_states(found, wanted))

    async def task_run_histogram(self, wanted: TaskRunFilter, seconds: int | None, offset: int) -> Histogram:
        """Task runs over the time at which they were declared.

        Raises:
            InvalidRequest: for an empty range, or buckets that do not fit it.
        """
        axis = plan_axis(wanted.since, wanted.until, seconds, offset, now_us())
        wanted = replace(wanted, since=axis.since, until=axis.until)
        async with self._database.read() as reader:
            scope = await find_scope(reader, wanted.flows, wanted.deployments, ())
            if scope is None or not is_kept_of_tasks(wanted):
                found = await rows.count_task_runs(reader, wanted, axis.stored, MOST_COUNTED)
                return build_histogram(axis, found, capped=_number(found) >= MOST_COUNTED)
            found = await _read(reader, TASK_RUNS, axis, scope, wanted.namespaces)
        return build_histogram(axis, _of_states(found, wanted))

    async def durations(self, wanted: FlowRunFilter, limit: int) -> RunDurations:
        """Runs that have started, all that match if they are few, else some of each part of the time."""
        now = now_us()
        async with self._database.read() as reader:
            total = await rows.count_started(reader, wanted)
            bounds = await rows.find_bounds(reader, wanted) if total > limit else None
            if bounds is None:
                found = await rows.list_dots(reader, wanted, limit)
            else:
                first, last = bounds
                times = [first + (last - first) * index // limit for index in range(limit)]
                found = await rows.list_dots_after(reader, wanted, times)
            names = await rows.find_flow_names(reader, list({row["flow_id"] for row in found}))
        items = [_dot(row, names.get(row["flow_id"], "unknown"), now) for row in found]
        items.sort(key=lambda item: (item.start_time, item.id))
        return RunDurations(
            items=items, total=min(total, COUNTED), total_capped=total > COUNTED, sampled=len(items) < total
        )

    async def graph(self, run_id: UUID) -> RunGraph:
        """The run's task runs and subflows, and what depends on what."""
        async with self._database.read() as reader:
            tasks = await rows.list_parts(reader, run_id, MOST_PARTS + 1)
            subflows = await rows.list_subflows(reader, run_id, MOST_PARTS)
        return build_graph(tasks[:MOST_PARTS], subflows, truncated=len(tasks) > MOST_PARTS)

    async def planned(
        self, namespaces: Sequence[str] | None, deployments: Sequence[str], since: int, until: int, limit: int
    ) -> PlannedRuns:
        """When schedules will make runs, from now on, the earliest `limit` in the range."""
        async with self._database.read() as reader:
            found = await rows.list_active_schedules(reader, namespaces, deployments, until)
        return await asyncio.to_thread(_plan_runs, found, max(since, now_us()), until, limit)


async def find_scope(
    reader: Reader, flows: Sequence[str], deployments: Sequence[str], tags: Sequence[str]
) -> tuple[Scope, list[str]] | None:
    """Whose counts answer for these; None when none do: counts of two tags would count a run with both twice."""
    if bool(flows) + bool(deployments) + bool(tags) > 1 or len(tags) > 1:
        return None
    if flows:
        return Scope.FLOW, [owner_text(row_id) for row_id in await rows.find_ids(reader, "flow", flows)]
    if deployments:
        return Scope.DEPLOYMENT, [
            owner_text(row_id) for row_id in await rows.find_ids(reader, "deployment", deployments)
        ]
    return (Scope.TAG, list(tags)) if tags else (Scope.NAMESPACE, [""])


def is_kept(wanted: FlowRunFilter) -> bool:
    rest = (wanted.work_queues, wanted.name, wanted.search, wanted.parameters, wanted.parent_flow_run_id)
    return not any(rest) and all(name is None for _, name in wanted.states)


def is_kept_of_tasks(wanted: TaskRunFilter) -> bool:
    rest = (wanted.flow_run_id, wanted.task, wanted.name, wanted.search)
    return not any(rest) and all(name is None for _, name in wanted.states)


def _of_states(
    counts: Sequence[tuple[int, int, int]], wanted: FlowRunFilter | TaskRunFilter
) -> list[tuple[int, int, int]]:
    codes = {code for code, _ in wanted.states}
    return [count for count in counts if not codes or count[1] in codes]


def _number(counts: Sequence[tuple[int, int, int]]) -> int:
    return sum(number for _, _, number in counts)


async def _read(
    reader: Reader, kind: int, axis: Axis, scope: tuple[Scope, list[str]], namespaces: Sequence[str] | None
) -> list[tuple[int, int, int]]:
    return await read_counts(reader, Wanted(kind, axis.stored, *scope, namespaces, axis.since, axis.until))


def _dot(row: Row, flow_name: str, now: int) -> RunDuration:
    start: int = row["start_time"]
    end = now if row["end_time"] is None else row["end_time"]
    return RunDuration(
        id=row["id"],
        name=row["name"],
        flow_name=flow_name,
        state_type=TYPES[row["state_type"]],
        state_name=shown_name(row["state_type"], row["state_name"]),
        start_time=from_micros(start),
        end_time=maybe_time(row["end_time"]),
        seconds=max(0, end - start) / SECOND,
    )


def _plan_runs(found: Sequence[Row], since: int, until: int, limit: int) -> PlannedRuns:
    """The earliest times of all schedules together. Those that cannot be read plan nothing."""
    merged = heapq.merge(*(_times(row, index, since, until) for index, row in enumerate(found)))
    chosen = list(islice(merged, limit + 1))
    items = [
        PlannedRun(
            time=from_micros(time),
            namespace=found[index]["namespace"],
            deployment_id=found[index]["deployment_id"],
            deployment_name=f"{found[index]['flow_name']}/{found[index]['deployment_name']}",
            schedule=found[index]["schedule"],
        )
        for time, index in chosen[:limit]
    ]
    return PlannedRuns(items=items, truncated=len(chosen) > limit)


def _times(row: Row, index: int, since: int, until: int) -> Iterator[tuple[int, int]]:
    try:
        schedule = Schedule.model_validate(row["spec"])
        time = next_after(schedule, since - 1)
        while time is not None and time < until:
            yield time, index
            time = next_after(schedule, time)
    except (ValueError, OverflowError):
        return
