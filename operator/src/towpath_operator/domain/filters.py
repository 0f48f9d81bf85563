"""What the lists of runs and logs are filtered by. Built by routes from query parameters, read by the store."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class FlowRunFilter:
    """Which flow runs a list shows. Of each tuple any may match; of different fields all must.

    Attributes:
        states: (type code or None, name or None) as domain.codes parses them.
        flows, deployments: names, or ids where they are UUIDs.
        since, until: bounds of the expected time, in microseconds; `until` is exclusive.
    """

    namespaces: tuple[str, ...] | None = None
    states: tuple[tuple[int | None, str | None], ...] = ()
    flows: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    work_queues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    name: str | None = None
    parent_flow_run_id: UUID | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class TaskRunFilter:
    """Which task runs a list shows. Times are microseconds and compare with when the run was declared."""

    namespaces: tuple[str, ...] | None = None
    flow_run_id: UUID | None = None
    states: tuple[tuple[int | None, str | None], ...] = ()
    task: str | None = None
    name: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class LogFilter:
    """Which log lines a list shows: of a flow run, a task run, or both; of this level and above."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    level: int | None = None
    since: int | None = None
    until: int | None = None
