"""Takes batches of told events: queues them, and writes what has gathered in one transaction.

Called by the events route, whose answer waits for the commit. While one transaction commits, batches gather for the next, so
that the cost of a durable commit is shared. A full queue refuses with TooBusy; nothing is ever dropped.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from towpath.contract.ids import now_us
from towpath.contract.runs import Ingested
from towpath.contract.states import RunKind
from towpath_operator.domain.batches import Batch
from towpath_operator.domain.codes import FIRST_ENDED
from towpath_operator.domain.refusals import Refusal, RunNotFound, StoreUnavailable, TooBusy
from towpath_operator.domain.sequences import Applied
from towpath_operator.domain.told import Told
from towpath_operator.domain.told_counts import count_task_runs
from towpath_operator.domain.told_facts import FlowRunFacts
from towpath_operator.services.metrics import Metrics
from towpath_operator.services.told_flow_runs import write_flow_runs
from towpath_operator.store import ingest as rows
from towpath_operator.store.artifacts import find_artifact_facts, save_artifacts
from towpath_operator.store.engine import TOPIC_CLAIMS, Database, Transaction

logger = logging.getLogger(__name__)

MAX_QUEUED_BYTES = 64 * 1024 * 1024
MAX_GROUP_ITEMS = 5_000
MAX_GROUP_BATCHES = 200


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    namespace: str
    answer: asyncio.Future[Ingested]
    since: float


class Ingest:
    """The queue of batches and the task that writes them."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def queued(self) -> int:
        """Batches that wait to be written."""
        return len(self._queue)

    def start(self) -> None:
        """Starts the writing task in the running loop."""
        self._task = asyncio.create_task(self._run(), name="ingest")

    async def close(self) -> None:
        """Writes what is queued, then ends the task."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def ingest(self, batch: Batch, namespace: str) -> Ingested:
        """Applies a batch and returns after its commit.

        Args:
            batch: as parsed.
            namespace: of runs that the batch declares and that no launcher started.

        Raises:
            TooBusy: when too much waits already.
            RunNotFound: for an attempt of a run that the API does not know.
            StoreUnavailable: when the database cannot take it.
        """
        if self._closing or self._queued_bytes + batch.size > MAX_QUEUED_BYTES:
            raise TooBusy("More events wait to be written than may wait: send the batch again.")
        waiting = _Waiting(batch, namespace, asyncio.get_running_loop().create_future(), time.perf_counter())
        self._queue.append(waiting)
        self._queued_bytes += batch.size
        self._metrics.ingest_queued.set(len(self._queue))
        self._arrived.set()
        return await waiting.answer

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._take_group()
            if not group:
                if self._closing:
                    return
                self._arrived.clear()
                continue
            await self._write(group)

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        items = 0
        while self._queue and len(group) < MAX_GROUP_BATCHES:
            items += len(self._queue[0].batch.items)
            if group and items > MAX_GROUP_ITEMS:
                break
            waiting = self._queue.popleft()
            self._queued_bytes -= waiting.batch.size
            if not waiting.answer.done():
                group.append(waiting)
        self._metrics.ingest_queued.set(len(self._queue))
        return group

    async def _write(self, group: list[_Waiting]) -> None:
        """Writes a group; when that fails for a reason of its own, each batch by itself, so that one cannot fail others."""
        try:
            await self._write_together(group)
        except StoreUnavailable as error:
            _fail(group, error)
        except Exception as error:
            if len(group) > 1:
                for waiting in group:
                    await self._write([waiting])
                return
            if not isinstance(error, Refusal):
                logger.exception("A batch of events could not be written")
            _fail(group, error)

    async def _write_together(self, group: list[_Waiting]) -> None:
        began = time.perf_counter()
        async with self._database.write() as transaction:
            answers = await _apply(transaction, group)
        done = time.perf_counter()
        for waiting, answer in zip(group, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        self._metrics.note_ingest(
            len(group),
            sum(answer.applied for answer in answers),
            sum(len(answer.refused) for answer in answers),
            done - began,
            began - min(waiting.since for waiting in group),
        )


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


async def _apply(transaction: Transaction, group: Sequence[_Waiting]) -> list[Ingested]:
    """Plans the group in order and writes it."""
    connection = transaction.connection
    roots = list({waiting.batch.run_id for waiting in group})
    marks = await rows.find_writers(connection, roots)
    fresh = [_fresh(waiting.batch, marks) for waiting in group]
    told = Told()
    await _load(transaction, told, group, fresh)
    answers: list[Ingested] = []
    for waiting, ranges in zip(group, fresh, strict=True):
        batch = waiting.batch
        root = told.flow_runs.get(batch.run_id)
        if batch.attempt and (root is None or not root.exists):
            raise RunNotFound(f"There is no run {UUID(bytes=batch.run_id)}: it may have been deleted.")
        stale = told.is_stale(batch)
        namespace = root.namespace if root is not None and root.exists else waiting.namespace
        applied, foreign = told.plan(batch, ranges, stale=stale, namespace=namespace)
        answers.append(Ingested(applied=applied, refused=batch.refused + foreign, stale=stale))
    await rows.insert_states(connection, told.states)
    await rows.insert_logs(connection, told.logs)
    await rows.save_task_runs(connection, (run for run in told.task_runs.values() if run.changed))
    await save_artifacts(connection, (artifact for artifact in told.artifacts.values() if artifact.changed))
    await rows.save_terminated(connection, told.terminated)
    await write_flow_runs(transaction, told)
    count_task_runs(told, transaction.counts)
    now = now_us()
    keys = {(w.batch.run_id, w.batch.attempt, w.batch.writer) for w in group}
    await rows.save_writers(connection, ((key, marks[key]) for key in keys), now)
    if any(entered.kind is RunKind.FLOW_RUN and entered.after >= FIRST_ENDED for entered in told.entered):
        transaction.wake(TOPIC_CLAIMS)
    transaction.entered.extend(told.entered)
    _hint(transaction, told)
    return answers


def _hint(transaction: Transaction, told: Told) -> None:
    """Says of which runs the tasks changed and the log grew."""
    for run_id in {run.flow_run_id for run in told.task_runs.values() if run.changed and run.flow_run_id is not None}:
        transaction.hint_of_run("task-runs", UUID(bytes=run_id))
    for run_id in {flow_run_id for flow_run_id, *_ in told.logs if flow_run_id is not None}:
        transaction.hint_of_run("logs", UUID(bytes=run_id))
    for artifact in told.artifacts.values():
        if artifact.changed:
            transaction.hint_of_kind("artifacts", artifact.namespace)
            if artifact.flow_run_id is not None:
                transaction.hint_of_run("artifacts", UUID(bytes=artifact.flow_run_id))


def _fresh(batch: Batch, marks: dict[rows.WriterKey, Applied]) -> list[range]:
    """The sequence numbers of the batch that have not been applied, which are marked as applied now."""
    mark = marks.setdefault((batch.run_id, batch.attempt, batch.writer), Applied())
    ranges = mark.missing(batch.first_sequence, len(batch.items))
    mark.add(batch.first_sequence, len(batch.items))
    if mark.too_scattered:
        raise Refusal("This writer's sequence numbers have too many gaps: number the items from 1 without gaps.")
    return ranges


async def _load(
    transaction: Transaction, told: Told, group: Sequence[_Waiting], fresh: Sequence[Sequence[range]]
) -> None:
    """Loads what is known of every run that the group's new items name."""
    flow_ids: dict[bytes, None] = {waiting.batch.run_id: None for waiting in group}
    stated: dict[bytes, None] = {}
    task_ids: dict[bytes, None] = {}
    for waiting, ranges in zip(group, fresh, strict=True):
        if ranges:
            _collect(waiting.batch.items, flow_ids, stated, task_ids)
    connection = transaction.connection
    told.task_runs = await rows.find_task_run_facts(connection, list(task_ids))
    told.artifacts = await find_artifact_facts(connection, _artifact_ids(group, fresh))
    for run in told.task_runs.values():
        if run.flow_run_id is not None:
            flow_ids[run.flow_run_id] = None
    told.flow_runs = await rows.find_flow_run_facts(connection, list(flow_ids))
    unknown = {
        run_id: FlowRunFacts(run_id, batch.run_id)
        for run_id, batch in _first_tellers(group, stated).items()
        if run_id not in told.flow_runs
    }
    known = {run_id: told.flow_runs[run_id] for run_id in stated if run_id in told.flow_runs}
    await rows.find_told_states(connection, list(stated), unknown | known)
    told.flow_runs.update({run_id: run for run_id, run in unknown.items() if run.state_id is not None})


def _collect(
    items: Sequence[dict[str, Any] | None],
    flow_ids: dict[bytes, None],
    stated: dict[bytes, None],
    task_ids: dict[bytes, None],
) -> None:
    """Notes the ids of the runs that these items name."""
    for item in items:
        if item is None:
            continue
        kind = item["kind"]
        if kind == "state":
            if item["run"] == "task_run":
                task_ids[item["run_id"]] = None
            else:
                flow_ids[item["run_id"]] = stated[item["run_id"]] = None
        elif kind == "task_run":
            task_ids[item["id"]] = None
            if item["flow_run_id"] is not None:
                flow_ids[item["flow_run_id"]] = None
        elif kind == "flow_run":
            flow_ids[item["id"]] = stated[item["id"]] = None
        elif kind in ("log", "artifact"):
            if item["flow_run_id"] is not None:
                flow_ids[item["flow_run_id"]] = None
            if item.get("task_run_id") is not None:
                task_ids[item["task_run_id"]] = None


def _artifact_ids(group: Sequence[_Waiting], fresh: Sequence[Sequence[range]]) -> list[bytes]:
    """The artifacts that the group's new items name."""
    ids: dict[bytes, None] = {}
    for waiting, ranges in zip(group, fresh, strict=True):
        if ranges:
            ids |= {item["id"]: None for item in waiting.batch.items if item and item["kind"] == "artifact"}
    return list(ids)


def _first_tellers(group: Sequence[_Waiting], stated: dict[bytes, None]) -> dict[bytes, Batch]:
    """For each of these flow runs the first batch of the group that tells of it."""
    tellers: dict[bytes, Batch] = {}
    for waiting in group:
        for item in waiting.batch.items:
            if item is not None and item["kind"] in ("state", "flow_run"):
                run_id: bytes = item["run_id"] if item["kind"] == "state" else item["id"]
                if run_id in stated:
                    tellers.setdefault(run_id, waiting.batch)
    return tellers
