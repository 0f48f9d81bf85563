"""What runs now: the run contexts that the engine sets and user code reads.

Called by the engine, by logging, by `towpath.runtime` and by users (`FlowRunContext.get()`, `tags(...)`). Decides nothing.
"""

import itertools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from towpath.contract.states import StateType
from towpath.errors import DefinitionError, MissingContextError, TerminationSignal
from towpath.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from towpath.engine.control import RunControl
    from towpath.engine.definitions import FlowDefinition, TaskDefinition
    from towpath.engine.slots import Slot
    from towpath.task_runners import TaskRunner


class Telling(Protocol):
    """Takes events: a Teller of `towpath.client.telling`, or anything with its methods."""

    def tell(self, event: Any) -> None:
        """Appends an event. Never waits."""
        ...

    def flush(self, timeout: float | None, *, stored: bool = False) -> bool:
        """Waits until everything told is stored by the API, or unless `stored` spooled; whether it is."""
        ...

    @property
    def stale(self) -> bool:
        """Whether the API has said that another attempt holds the run."""
        ...

    def close(self) -> None:
        """Flushes and ends."""
        ...


class FlowRun:
    """A flow run as its process knows it.

    Attributes:
        parameters: as the flow function gets them.
        run_count: how many times it has entered RUNNING.
        attempt: the attempt this process took; 0 when no launcher started it.
        scheduled_time: when it was to run, or the time of a schedule that it makes up for; None for a run that nobody scheduled.
    """

    __slots__ = (
        "attempt",
        "deployment_id",
        "flow_name",
        "id",
        "name",
        "parameters",
        "parent_task_run_id",
        "run_count",
        "scheduled_time",
        "state",
        "tags",
        "version",
    )

    def __init__(self, id: str, name: str, flow_name: str, parameters: dict[str, Any]) -> None:
        self.id = id
        self.name = name
        self.flow_name = flow_name
        self.parameters = parameters
        self.tags: list[str] = []
        self.version: str | None = None
        self.state: State[Any] | None = None
        self.run_count = 0
        self.attempt = 0
        self.parent_task_run_id: str | None = None
        self.deployment_id: str | None = None
        self.scheduled_time: datetime | None = None

    def __repr__(self) -> str:
        return f"FlowRun(id={self.id!r}, name={self.name!r}, state={self.state!s})"


class TaskRun:
    """A task run as its process knows it; `flow_run_id` is None outside flows."""

    __slots__ = ("_end", "dynamic_key", "flow_run_id", "id", "name", "run_count", "state", "tags", "task_name")

    def __init__(self, id: str, name: str, task_name: str, flow_run_id: str | None, tags: list[str]) -> None:
        self.id = id
        self.name = name
        self.task_name = task_name
        self.flow_run_id = flow_run_id
        self.tags = tags
        self.dynamic_key = ""
        self.state: State[Any] | None = None
        self.run_count = 0
        self._end: list[bool] = [True]

    def claim_end(self) -> bool:
        """Whether the caller may end the run: true for one caller, when its own thread and its flow's both would."""
        try:
            return self._end.pop()
        except IndexError:
            return False

    def __repr__(self) -> str:
        return f"TaskRun(id={self.id!r}, name={self.name!r}, state={self.state!s})"


class FlowRunContext:
    """A flow run under way, with what its tasks share.

    Attributes:
        flow: the flow.
        flow_run: its run.
        parent: the context that called it, for a subflow.
        teller: takes the events of this run and of all below it.
        root_id: the root run that they belong to.
        log_prints: whether `print` writes to the run's log.
        children: what came of the task runs and subflows so far, by name.
        earlier: the children of the flow's earlier tries, when it is retried.
        first_error: the exception of the first of them that failed.
        origins: which task run returned an object that is still there; see `towpath.engine.origins`.
        outstanding: futures that have not ended, each with its task run.
        mirror_id: the task run that stands for a subflow in its parent.
        child: where its parent keeps what came of it.
        owns_teller: whether the teller is closed at its end.
        is_held: whether a launcher holds the run, and decides its state when the process is told to stop.
        told_to_stop: gives the TerminationSignal that the process had, if a runner watches for one.
        control: what the API asks of the root run; shared with its subflows.
        pauses: how many times it has been paused: names a pause that has no key of its own.
        is_remote: whether this is the image of a flow run in another process, which numbers its task runs.
        wait_for: futures and states that must complete first.
    """

    kind: ClassVar = "flow_run"
    __slots__ = (
        "child",
        "children",
        "control",
        "earlier",
        "first_error",
        "flow",
        "flow_run",
        "is_held",
        "is_remote",
        "lock",
        "log_prints",
        "logger",
        "loop_lock",
        "loop_tasks",
        "mirror_id",
        "origins",
        "outstanding",
        "owns_teller",
        "parent",
        "pauses",
        "persist_results",
        "root_id",
        "runner",
        "task_counts",
        "teller",
        "told_to_stop",
        "wait_for",
    )

    def __init__(
        self,
        flow: "FlowDefinition",
        flow_run: FlowRun,
        teller: Telling,
        root_id: str,
        control: "RunControl",
        *,
        parent: "RunContext | None" = None,
        log_prints: bool = False,
        persist_results: bool = False,
    ) -> None:
        self.flow = flow
        self.flow_run = flow_run
        self.teller = teller
        self.root_id = root_id
        self.control = control
        self.parent = parent
        self.log_prints = log_prints
        self.persist_results = persist_results
        self.pauses = 0
        self.lock = threading.Lock()
        self.task_counts: dict[str, itertools.count[int]] = {}
        self.children: dict[str, Child] = {}
        self.earlier: dict[str, Child] = {}
        self.first_error: BaseException | None = None
        self.origins: dict[int, Any] = {}
        self.outstanding: dict[Any, TaskRunContext] = {}
        self.runner: TaskRunner | None = None
        self.loop_tasks: set[Any] = set()
        self.loop_lock: Any = None
        self.mirror_id: str | None = None
        self.child: Child | None = None
        self.owns_teller = False
        self.logger: Any = None
        self.is_held = False
        self.told_to_stop: Callable[[], TerminationSignal | None] | None = None
        self.is_remote = False
        self.wait_for: list[Any] = []

    @property
    def task_run(self) -> None:
        """None: a flow run's context is not a task run's."""
        return

    @property
    def flow_context(self) -> "FlowRunContext":
        """This context."""
        return self

    @property
    def run(self) -> FlowRun:
        """The run this context is of."""
        return self.flow_run

    @property
    def parameters(self) -> dict[str, Any]:
        """The flow run's parameters."""
        return self.flow_run.parameters

    @staticmethod
    def get() -> "FlowRunContext | None":
        """The flow run that the caller is in, also from within its tasks; None outside flows."""
        context = CURRENT.get()
        return context.flow_context if context is not None else None


class Child:
    """What came of a task run or subflow of a flow run: all that the flow's own end needs, and no data.

    Attributes:
        run_id: the task run's id.
        type: the state type it is in.
        result: the address of its stored result, if it completed and has one.
    """

    __slots__ = ("result", "run_id", "type")

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.type: StateType = StateType.PENDING
        self.result: Any = None


class TaskRunContext:
    """A task run under way.

    Attributes:
        task: the task.
        task_run: its run.
        flow_context: the flow run it belongs to; None outside flows.
        parameters: as the task function gets them; with futures in them until they are resolved.
        upstreams: futures, states and marks in its arguments and in `wait_for`, until they are resolved.
        wait_for: those of them that give no data.
        child: where its parent flow run keeps what came of it.
        cache_key: what its result is cached under; None: it is not.
        slot: the slots of concurrency limits that it holds; None while it holds none.
    """

    kind: ClassVar = "task_run"
    __slots__ = (
        "cache_key",
        "child",
        "flow_context",
        "log_prints",
        "logger",
        "owns_teller",
        "parameters",
        "parent",
        "root_id",
        "slot",
        "task",
        "task_run",
        "teller",
        "upstreams",
        "wait_for",
    )

    def __init__(
        self,
        task: "TaskDefinition",
        task_run: TaskRun,
        parameters: dict[str, Any],
        teller: Telling,
        root_id: str,
        flow_context: FlowRunContext | None = None,
        parent: "RunContext | None" = None,
        log_prints: bool = False,
    ) -> None:
        self.task = task
        self.task_run = task_run
        self.parameters = parameters
        self.teller = teller
        self.root_id = root_id
        self.flow_context = flow_context
        self.parent = parent
        self.log_prints = log_prints
        self.upstreams: list[Any] | None = None
        self.wait_for: list[Any] = []
        self.child: Child | None = None
        self.owns_teller = False
        self.logger: Any = None
        self.cache_key: str | None = None
        self.slot: Slot | None = None

    @property
    def flow_run(self) -> FlowRun | None:
        """The flow run it belongs to, if any."""
        return self.flow_context.flow_run if self.flow_context is not None else None

    @property
    def run(self) -> TaskRun:
        """The run this context is of."""
        return self.task_run

    @staticmethod
    def get() -> "TaskRunContext | None":
        """The task run that the caller is in; None outside tasks."""
        context = CURRENT.get()
        return context if isinstance(context, TaskRunContext) else None


RunContext = FlowRunContext | TaskRunContext

CURRENT: Final[ContextVar[RunContext | None]] = ContextVar("towpath_run", default=None)
"""The innermost run that the caller is in. The engine sets it; read it with `get_run_context`."""

CURRENT_TRANSACTION: Final[ContextVar[Any]] = ContextVar("towpath_transaction", default=None)
"""The innermost transaction that the caller is in; see `towpath.transactions`."""

CURRENT_TAGS: Final[ContextVar[frozenset[str]]] = ContextVar("towpath_tags", default=frozenset())


def get_run_context() -> RunContext:
    """The innermost run that the caller is in.

    Raises:
        MissingContextError: the caller is in no run.
    """
    context = CURRENT.get()
    if context is None:
        raise MissingContextError("No run is under way: call this from within a flow or a task.")
    return context


@contextmanager
def tags(*new_tags: str) -> Generator[set[str]]:
    """Adds tags to every flow run and task run that starts within the block; blocks nest.

    Yields:
        All the tags that hold within it.

    Raises:
        DefinitionError: one is no text of 1 to 500 characters.
    """
    for tag in new_tags:
        if not isinstance(tag, str) or not 0 < len(tag) <= 500:  # pyright: ignore[reportUnnecessaryIsInstance] - users may not check their types
            raise DefinitionError(f"tags() takes strings of 1 to 500 characters, not {tag!r}.")
    token = CURRENT_TAGS.set(CURRENT_TAGS.get() | frozenset(new_tags))
    try:
        yield set(CURRENT_TAGS.get())
    finally:
        CURRENT_TAGS.reset(token)
