"""Run events: what a process tells the API about its runs, in batches.

Written as TypedDicts so that the SDK appends plain dicts without importing pydantic; the API validates the same types
with pydantic. Times are whole microseconds since 1970, UTC; ids are UUIDv7 in their hyphenated form. Fields are only ever
added; readers ignore what they do not know; SCHEMA rises when that is not enough.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from annotated_types import Ge, Le, Len, MaxLen

from towpath.contract.limits import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ITEMS,
    MAX_DESCRIPTION,
    MAX_LOG_MESSAGE,
    MAX_MESSAGE,
    SCHEMA,
)

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ITEMS",
    "MAX_LOG_MESSAGE",
    "MAX_MESSAGE",
    "SCHEMA",
    "ArtifactEvent",
    "AttemptEvent",
    "FlowRunEvent",
    "LogEvent",
    "RunEvent",
    "RunEventBatch",
    "StateEvent",
    "TaskRunEvent",
]

Id = Annotated[str, Len(36, 36)]
Micros = Annotated[int, Ge(0), Le(2**62)]
Name = Annotated[str, Len(1, 500)]
Tags = Annotated[list[Name], MaxLen(200)]


class FlowRunEvent(TypedDict):
    """Declares a flow run that began in the process (a subflow, or `python flow.py`), or renames a run it holds.

    `parameters` are JSON values; what JSON cannot say is given as its repr. Sent again for the same id, it updates.
    """

    kind: Literal["flow_run"]
    id: Id
    flow: Name
    name: Name
    time: Micros
    parameters: NotRequired[dict[str, Any]]
    tags: NotRequired[Tags]
    version: NotRequired[Name | None]
    parent_flow_run_id: NotRequired[Id | None]
    parent_task_run_id: NotRequired[Id | None]


class TaskRunEvent(TypedDict):
    """Declares a task run. `inputs` maps a parameter's name to the ids of the task runs that its value came from."""

    kind: Literal["task_run"]
    id: Id
    flow_run_id: Id | None
    task: Name
    name: Name
    time: Micros
    tags: NotRequired[Tags]
    inputs: NotRequired[dict[str, list[Id]]]
    parent_task_run_id: NotRequired[Id | None]


class StateEvent(TypedDict):
    """A state that a run of this process entered. `id` is the transition's: told twice, it counts once.

    `run_count` is how many times the run has entered RUNNING. `details` holds what only some states have: `retry_at` (micros),
    `cache_key`, `result` (a storage address), `value` (a small JSON value that the task returned).
    """

    kind: Literal["state"]
    id: Id
    run: Literal["flow_run", "task_run"]
    run_id: Id
    type: Literal[
        "SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"
    ]
    name: Name
    time: Micros
    message: NotRequired[Annotated[str, MaxLen(MAX_MESSAGE)] | None]
    run_count: NotRequired[Annotated[int, Ge(0)]]
    details: NotRequired[dict[str, Any]]


class LogEvent(TypedDict):
    """One log line. `level` is the logging module's number."""

    kind: Literal["log"]
    flow_run_id: Id | None
    task_run_id: NotRequired[Id | None]
    level: Annotated[int, Ge(0), Le(1_000)]
    logger: Name
    message: Annotated[str, MaxLen(MAX_LOG_MESSAGE)]
    time: Micros


class AttemptEvent(TypedDict):
    """What the runner says of its own attempt: that it was told to stop (SIGTERM). The launcher decides the run's state."""

    kind: Literal["attempt"]
    outcome: Literal["Terminated"]
    time: Micros
    message: NotRequired[Annotated[str, MaxLen(MAX_MESSAGE)] | None]


class ArtifactEvent(TypedDict):
    """An artifact: what a run shows to people. Sent again for the same id, what is given replaces what was.

    `data` is by type: `markdown` a text; `table` {"columns": [names], "rows": [[cells, JSON values]]}; `link` {"url", "text" or
    none}; `image` {"url"}; `progress` a number from 0 to 100. Artifacts with the same `key` in a namespace are versions of one.
    """

    kind: Literal["artifact"]
    id: Id
    flow_run_id: Id | None
    task_run_id: NotRequired[Id | None]
    type: Literal["markdown", "table", "link", "image", "progress"]
    key: NotRequired[Annotated[str, Len(1, 200)] | None]
    description: NotRequired[Annotated[str, MaxLen(MAX_DESCRIPTION)] | None]
    data: NotRequired[Any]
    time: Micros


RunEvent = FlowRunEvent | TaskRunEvent | StateEvent | LogEvent | AttemptEvent | ArtifactEvent


class RunEventBatch(TypedDict):
    """Events of one writer about one root run, in order. The item at index i has the sequence number `first_sequence + i`.

    The API applies each (run_id, attempt, writer, sequence) once, however often it arrives, and answers after its commit.

    Attributes:
        schema: SCHEMA of the writer.
        run_id: the root run: the flow run that the process executes, or a task run outside any flow.
        attempt: the attempt that this process took; 0 for a run that no launcher started.
        writer: names the process, so that two processes of one attempt do not share sequence numbers.
        first_sequence: the first item's number; a writer counts from 1 without gaps.
    """

    schema: int
    run_id: Id
    attempt: Annotated[int, Ge(0)]
    writer: Annotated[str, Len(1, 64)]
    first_sequence: Annotated[int, Ge(1)]
    items: list[RunEvent]
