"""What told events change: plans the rows that a group of batches writes. Pure; called by services.ingest.

Ingest loads what is known of the runs that the events name (`FlowRunFacts`, `TaskRunFacts`), has each batch planned in order,
and writes what came out. Ids are 16 bytes here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from towpath.contract.ids import uuid7
from towpath.contract.runs import RefusedItem
from towpath.contract.states import RunKind, StateType, Transition, default_name, judge
from towpath_operator.domain.artifacts import ArtifactFacts
from towpath_operator.domain.batches import Batch, json_text
from towpath_operator.domain.codes import CODES, FIRST_ENDED, TYPES, kept_name
from towpath_operator.domain.entered import Entered
from towpath_operator.domain.told_facts import FlowRunFacts, LogRow, StateRow, TaskRunFacts

RUNNING = CODES[StateType.RUNNING]
COMPLETED = CODES[StateType.COMPLETED]
CANCELLED = CODES[StateType.CANCELLED]
CANCELLING = CODES[StateType.CANCELLING]
PAUSED = CODES[StateType.PAUSED]
_FAILED = (CODES[StateType.FAILED], CODES[StateType.CRASHED])
_CODE_BY_TEXT = {state_type.value: code for state_type, code in CODES.items()}
CANCELLED_NAME = default_name(StateType.CANCELLED)
MAX_COUNT = 2**31 - 1
TERMINATED_LOGGER = "towpath.runner"


class Told:
    """The plan of one group of batches.

    Attributes:
        flow_runs: by id; ingest fills in those that exist before it plans.
        task_runs, artifacts: likewise.
        states, logs: new rows.
        entered: the changes of state, in order.
        terminated: (run, attempt, message) of runners that were told to stop.
    """

    def __init__(self) -> None:
        self.flow_runs: dict[bytes, FlowRunFacts] = {}
        self.task_runs: dict[bytes, TaskRunFacts] = {}
        self.artifacts: dict[bytes, ArtifactFacts] = {}
        self.states: list[StateRow] = []
        self.logs: list[LogRow] = []
        self.entered: list[Entered] = []
        self.terminated: list[tuple[bytes, int, str]] = []

    def is_stale(self, batch: Batch) -> bool:
        """Whether the fence keeps the batch's states from changing anything: its attempt is superseded or over.

        Attempt 0 never speaks for a run of a deployment, which begins with a claim.
        """
        root = self.flow_runs.get(batch.run_id)
        if root is None or not root.exists:
            return False
        unclaimed = batch.attempt == 0 and root.has_deployment
        return unclaimed or root.attempt != batch.attempt or root.attempt_over

    def plan(self, batch: Batch, fresh: list[range], *, stale: bool, namespace: str) -> tuple[int, list[RefusedItem]]:
        """Plans the items of `batch` whose sequence numbers are in `fresh`.

        Returns:
            how many were applied, and those that name a run of somebody else.
        """
        applied = 0
        foreign: list[RefusedItem] = []
        handlers = {"state": self._state, "task_run": self._task_run, "log": self._log}
        handlers |= {"flow_run": self._flow_run, "attempt": self._attempt, "artifact": self._artifact}
        context = _Context(batch, stale, namespace)
        for sequence, item in _numbered(batch, fresh):
            context.sequence = sequence
            problem = handlers[item["kind"]](item, context)
            if problem is None:
                applied += 1
            else:
                foreign.append(RefusedItem(sequence=sequence, detail=problem))
        return applied, foreign

    def _flow_run(self, event: dict[str, Any], c: "_Context") -> str | None:
        run = self.flow_runs.get(event["id"])
        if run is None:
            run = self.flow_runs[event["id"]] = FlowRunFacts(event["id"], c.batch.run_id)
        elif run.root != c.batch.run_id:
            return _foreign("id")
        if c.stale and run.exists:
            return None
        if not run.exists and run.declared is None:
            run.attempt = c.batch.attempt
            run.namespace = c.namespace
            run.flow_name = event["flow"]
        run.declared = event
        run.changed = True
        return None

    def _task_run(self, event: dict[str, Any], c: "_Context") -> str | None:
        flow_run_id: bytes | None = event["flow_run_id"]
        if not self._is_ours(flow_run_id, c):
            return _foreign("flow_run_id")
        run = self.task_runs.get(event["id"])
        if run is None:
            run = self.task_runs[event["id"]] = TaskRunFacts(event["id"])
        elif not self._is_task_ours(run, c):
            return _foreign("id")
        if c.stale and run.exists:
            return None
        if run.flow_run_id != flow_run_id:
            self._count(run.flow_run_id, run.state_type, -1)
            if run.flow_run_id is None and flow_run_id is not None and not c.stale:
                self._total(flow_run_id)
            run.flow_run_id = flow_run_id
            self._count(flow_run_id, run.state_type, 1)
        run.root, run.namespace = (None, None) if flow_run_id is not None else (c.batch.run_id, c.namespace)
        run.created = run.created or event["time"]
        run.task, run.name = event["task"], event["name"]
        run.parent = event.get("parent_task_run_id")
        run.tags = event.get("tags")
        run.inputs = event.get("inputs")
        run.changed = True
        return None

    def _state(self, event: dict[str, Any], c: "_Context") -> str | None:
        return self._task_state(event, c) if event["run"] == "task_run" else self._flow_state(event, c)

    def _task_state(self, event: dict[str, Any], c: "_Context") -> str | None:
        run = self.task_runs.get(event["run_id"])
        if run is None:
            run = self.task_runs[event["run_id"]] = TaskRunFacts(
                event["run_id"], root=c.batch.run_id, namespace=c.namespace
            )
            run.created = event["time"]
            run.changed = True
        elif not self._is_task_ours(run, c):
            return _foreign("run_id")
        after = _CODE_BY_TEXT[event["type"]]
        if event["id"] == run.state_id:
            return None
        applied = not c.stale and _is_news(event, after, run, c)
        self.states.append(_state_row(event, after, c.batch.attempt, applied))
        if not applied:
            if not c.stale:
                _clock_late_start(run, after, event["time"])
            return None
        before = run.state_type
        run.told_by, run.told_at = c.writer, c.sequence
        run.state_id, run.state_type, run.state_time = event["id"], after, event["time"]
        run.state_name = kept_name(after, event["name"])
        run.run_count = min(event.get("run_count", run.run_count), MAX_COUNT)
        _clock(run, after, event["time"])
        run.changed = True
        self._count(run.flow_run_id, before, -1)
        self._count(run.flow_run_id, after, 1)
        flow = self._flow_of(run.flow_run_id)
        self.entered.append(Entered(RunKind.TASK_RUN, run.id, flow, before, after, _seconds(run)))
        return None

    def _flow_state(self, event: dict[str, Any], c: "_Context") -> str | None:
        run = self.flow_runs.get(event["run_id"])
        if run is None:
            run = self.flow_runs[event["run_id"]] = FlowRunFacts(event["run_id"], c.batch.run_id)
        elif run.root != c.batch.run_id:
            return _foreign("run_id")
        if event["id"] in run.known_states:
            return None
        run.known_states.add(event["id"])
        after = _CODE_BY_TEXT[event["type"]]
        verdict = judge(
            Transition(
                RunKind.FLOW_RUN,
                None if run.state_type is None else TYPES[run.state_type],
                TYPES[after],
                has_deployment=run.has_deployment,
            )
        )
        applied = not c.stale and verdict.accepted and not _breaks_pause(run, after)
        self.states.append(_state_row(event, after, c.batch.attempt, applied))
        if applied:
            self._enter(run, event["id"], after, event["name"], event)
        elif not c.stale and _clock_late_start(run, after, event["time"]):
            pass
        elif not c.stale and run.attempt == 0 and run.state_type == CANCELLING and after >= FIRST_ENDED:
            # Nobody launched this run, so nobody else will report that it is over.
            state_id = uuid7().bytes
            told = event | {"id": state_id, "name": CANCELLED_NAME}
            self.states.append(_state_row(told, CANCELLED, c.batch.attempt, True))
            self._enter(run, state_id, CANCELLED, CANCELLED_NAME, told)
        return None

    def _enter(self, run: FlowRunFacts, state_id: bytes, after: int, name: str, event: dict[str, Any]) -> None:
        before = run.state_type
        run.state_id, run.state_type, run.state_time = state_id, after, event["time"]
        run.state_name = kept_name(after, name)
        run.run_count = min(event.get("run_count", run.run_count), MAX_COUNT)
        _clock(run, after, event["time"])
        run.changed = True
        self.entered.append(Entered(RunKind.FLOW_RUN, run.id, run.flow_name, before, after, _seconds(run), state_id))

    def _log(self, event: dict[str, Any], c: "_Context") -> str | None:
        flow_run_id: bytes | None = event["flow_run_id"]
        if not self._is_ours(flow_run_id, c):
            return _foreign("flow_run_id")
        task_run_id: bytes | None = event.get("task_run_id")
        task_run = None if task_run_id is None else self.task_runs.get(task_run_id)
        if task_run is not None and not self._is_task_ours(task_run, c):
            return _foreign("task_run_id")
        self.logs.append((flow_run_id, task_run_id, event["level"], event["time"], event["logger"], event["message"]))
        return None

    def _artifact(self, event: dict[str, Any], c: "_Context") -> str | None:
        if not self._is_ours(event["flow_run_id"], c):
            return _foreign("flow_run_id")
        task_run = self.task_runs.get(event.get("task_run_id") or b"")
        if task_run is not None and not self._is_task_ours(task_run, c):
            return _foreign("task_run_id")
        artifact = self.artifacts.get(event["id"])
        if artifact is None:
            artifact = self.artifacts[event["id"]] = ArtifactFacts(event["id"], c.batch.run_id, c.namespace)
        elif artifact.root != c.batch.run_id or artifact.namespace != c.namespace:
            return _foreign("id")
        elif c.stale:
            return None
        artifact.take(event | {"key": None} if c.stale else event)  # a superseded attempt makes no newest version
        return None

    def _attempt(self, event: dict[str, Any], c: "_Context") -> str | None:
        message: str = event.get("message") or "The runner was told to stop (SIGTERM)."
        self.logs.append((c.batch.run_id, None, 30, event["time"], TERMINATED_LOGGER, message))
        if not c.stale:
            self.terminated.append((c.batch.run_id, c.batch.attempt, message))
        return None

    def _is_ours(self, flow_run_id: bytes | None, c: "_Context") -> bool:
        if flow_run_id is None or flow_run_id == c.batch.run_id:
            return True
        run = self.flow_runs.get(flow_run_id)
        return run is None or run.root == c.batch.run_id

    def _is_task_ours(self, run: TaskRunFacts, c: "_Context") -> bool:
        if run.flow_run_id is not None:
            return self._is_ours(run.flow_run_id, c)
        # One may call its process by the id of somebody else's task run, but not in that one's namespace.
        return c.batch.run_id in (run.root, run.id) and run.namespace in (None, c.namespace)

    def _flow_of(self, flow_run_id: bytes | None) -> str:
        run = None if flow_run_id is None else self.flow_runs.get(flow_run_id)
        return "" if run is None else run.flow_name

    def _total(self, flow_run_id: bytes) -> None:
        if run := self.flow_runs.get(flow_run_id):
            run.total += 1
            run.changed = True

    def _count(self, flow_run_id: bytes | None, state_type: int | None, by: int) -> None:
        if flow_run_id is None or state_type is None or (run := self.flow_runs.get(flow_run_id)) is None:
            return
        if state_type == RUNNING:
            run.running += by
        elif state_type == COMPLETED:
            run.completed += by
        elif state_type in _FAILED:
            run.failed += by
        run.changed = True


@dataclass(slots=True)
class _Context:
    """The batch being planned, and the number of the item at hand."""

    batch: Batch
    stale: bool
    namespace: str
    sequence: int = 0

    @property
    def writer(self) -> tuple[bytes, int, str]:
        """Who tells."""
        return (self.batch.run_id, self.batch.attempt, self.batch.writer)


def _numbered(batch: Batch, fresh: list[range]) -> Iterator[tuple[int, dict[str, Any]]]:
    for numbers in fresh:
        for sequence in numbers:
            item = batch.items[sequence - batch.first_sequence]
            if item is not None:
                yield sequence, item


def _foreign(field_name: str) -> str:
    return f"`{field_name}` names a run of another process: a process tells of its own run and its subflows only."


def _is_news(event: dict[str, Any], after: int, run: TaskRunFacts, c: _Context) -> bool:
    """Whether a told task state replaces the one the run is in.

    One process tells in order, whatever its clock does; but its batches may overtake one another. Among several processes, and
    with what was stored before, the later time wins, but an end is never lost to a state that is not one.
    """
    if run.state_type is None or run.state_id is None:
        return True
    if run.told_by == c.writer:
        return c.sequence > run.told_at
    if (event["time"], event["id"]) > (run.state_time, run.state_id):
        return True
    return after >= FIRST_ENDED > run.state_type


def _breaks_pause(run: FlowRunFacts, after: int) -> bool:
    """Whether a state would let a paused run go on, which only resuming does: its process said so before it heard of the pause."""
    return run.state_type == PAUSED and after < FIRST_ENDED


def _clock_late_start(run: FlowRunFacts | TaskRunFacts, after: int, time: int) -> bool:
    """Keeps when a run started that was told to have ended before. Returns whether that is what the state was."""
    if after != RUNNING or run.end_time is None or run.start_time is not None or time > run.end_time:
        return False
    run.start_time = time
    run.changed = True
    return True


def _clock(run: FlowRunFacts | TaskRunFacts, after: int, time: int) -> None:
    if after == RUNNING and run.start_time is None:
        run.start_time = time
    run.end_time = time if after >= FIRST_ENDED else None


def _seconds(run: FlowRunFacts | TaskRunFacts) -> float | None:
    if run.end_time is None or run.start_time is None:
        return None
    return max(0, run.end_time - run.start_time) / 1e6


def _state_row(event: dict[str, Any], after: int, attempt: int, applied: bool) -> StateRow:
    return (
        event["run_id"],
        event["id"],
        after,
        kept_name(after, event["name"]),
        event["time"],
        event.get("message") or None,
        min(event.get("run_count", 0), MAX_COUNT),
        attempt,
        applied,
        json_text(event.get("details")),
    )
