"""The query parameters that say which runs are meant: the same for lists, histograms and samples of runs."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from towpath.contract.problems import FieldError
from towpath_operator.api.queries import Names, Namespaces, Time, micros, page_by, state_filter
from towpath_operator.domain.filters import FlowRunFilter, Sort, TaskRunFilter
from towpath_operator.domain.pages import PageRequest
from towpath_operator.domain.parameter_texts import parse_parameter_filter
from towpath_operator.domain.refusals import InvalidRequest

Name = Annotated[str | None, Query(max_length=500, description="The whole name.")]
Search = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        description="A part of the name, in either case; or the whole id. Less than three letters are looked for among the newest 20,000.",
    ),
]
Parameters = Annotated[
    list[str] | None,
    Query(
        max_length=20,
        description="`name=value`, or `name~part` for values that contain it in either case; may repeat: all must match. "
        "A value that is no string is compared as JSON; of long ones the first 200 characters count.",
    ),
]
SortBy = Annotated[
    Literal["expected", "-expected", "start", "-start", "end", "-end", "duration", "-duration", "name", "-name"],
    Query(
        description="With `-` the greatest first. A run that has not started sorts by when it is expected to; "
        "one that has not ended ends last, and has the shortest duration."
    ),
]


def flow_run_filter(
    namespace: Namespaces = None,
    state: Names = None,
    flow: Names = None,
    deployment: Names = None,
    work_queue: Names = None,
    tag: Names = None,
    name: Name = None,
    search: Search = None,
    parameter: Parameters = None,
    parent_flow_run_id: UUID | None = None,
    since: Time = None,
    until: Time = None,
) -> FlowRunFilter:
    """The flow runs that a request is about."""
    return FlowRunFilter(
        namespaces=tuple(namespace) if namespace is not None else None,
        states=state_filter(state),
        flows=tuple(flow or ()),
        deployments=tuple(deployment or ()),
        work_queues=tuple(work_queue or ()),
        tags=tuple(tag or ()),
        name=name,
        search=search,
        parameters=tuple(parse_parameter_filter(text) for text in parameter or ()),
        parent_flow_run_id=parent_flow_run_id,
        since=micros(since),
        until=micros(until),
    )


def task_run_filter(
    namespace: Namespaces = None,
    flow_run_id: UUID | None = None,
    flow: Names = None,
    deployment: Names = None,
    state: Names = None,
    task: Name = None,
    name: Name = None,
    search: Search = None,
    since: Time = None,
    until: Time = None,
) -> TaskRunFilter:
    """The task runs that a request is about."""
    return TaskRunFilter(
        namespaces=tuple(namespace) if namespace is not None else None,
        flow_run_id=flow_run_id,
        flows=tuple(flow or ()),
        deployments=tuple(deployment or ()),
        states=state_filter(state),
        task=task,
        name=name,
        search=search,
        since=micros(since),
        until=micros(until),
    )


WantedFlowRuns = Annotated[FlowRunFilter, Depends(flow_run_filter)]
WantedTaskRuns = Annotated[TaskRunFilter, Depends(task_run_filter)]


def parse_sort(text: str) -> Sort:
    """The order that `sort=<text>` asks for."""
    return Sort(text.lstrip("-"), descending=text.startswith("-"))


def sorted_page(limit: int, cursor: str | None, sort: Sort) -> PageRequest:
    """The page of a list in this order.

    Raises:
        InvalidRequest: when the cursor is of another order.
    """
    page = page_by(limit, cursor, str, str if sort.by == "name" else int, UUID)
    if not page.after:
        return page
    given, *keys = page.after
    if given != sort.text:
        fields = [FieldError(field="cursor", message=f"given for sort={given}")]
        raise InvalidRequest(
            "`cursor` belongs to a list in another order: leave it out to begin at the first page.", fields
        )
    return PageRequest(limit, tuple(keys))
