"""What the lists of runs and logs are filtered by. Built by routes from query parameters, read by the store."""

from dataclasses import dataclass
from uuid import UUID

from towpath_operator.domain.parameter_texts import ParameterFilter


@dataclass(frozen=True)
class Sort:
    """The order of a list of flow runs; runs that are equal in it go by id."""

    by: str = "expected"
    descending: bool = True

    @property
    def text(self) -> str:
        """As requests name it."""
        return f"-{self.by}" if self.descending else self.by


@dataclass(frozen=True)
class FlowRunFilter:
    """Which flow runs a list shows. Of each tuple any may match; of different fields all must.

    Attributes:
        states: (type code or None, name or None) as domain.codes parses them.
        flows, deployments: names, or ids where they are UUIDs.
        search: a part of the run's name, regardless of case; or its id.
        parameters: all of them must match.
        since, until: bounds of the expected time, in microseconds; `until` is exclusive.
    """

    namespaces: tuple[str, ...] | None = None
    states: tuple[tuple[int | None, str | None], ...] = ()
    flows: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    work_queues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    name: str | None = None
    search: str | None = None
    parameters: tuple[ParameterFilter, ...] = ()
    parent_flow_run_id: UUID | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class TaskRunFilter:
    """Which task runs a list shows. Times are microseconds and compare with when the run was declared."""

    namespaces: tuple[str, ...] | None = None
    flow_run_id: UUID | None = None
    flows: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    states: tuple[tuple[int | None, str | None], ...] = ()
    task: str | None = None
    name: str | None = None
    search: str | None = None
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
