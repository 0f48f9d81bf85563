"""Builds a run's graph from what is known of its task runs and subflows. Pure; called by services.overviews."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from towpath.contract.overviews import GraphEdge, GraphNode, RunGraph
from towpath.contract.runs import RunState
from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES, TYPES, shown_name
from towpath_operator.domain.times import from_micros, maybe_time

_PENDING = CODES[StateType.PENDING]


@dataclass(frozen=True, slots=True)
class Part:
    """A task run or a subflow, as its row has it.

    Attributes:
        label: the task's or the flow's name.
        parent: the task run within which it was called; of a subflow the task run that stands for it.
        inputs: parameter names to the task runs that their values came from.
    """

    id: UUID
    name: str
    label: str
    state_type: int | None
    state_name: str | None
    state_time: int | None
    start_time: int | None
    end_time: int | None
    run_count: int
    parent: UUID | None = None
    inputs: Mapping[str, Sequence[str]] | None = None


def build_graph(tasks: Sequence[Part], subflows: Sequence[Part], *, truncated: bool = False) -> RunGraph:
    """The graph. Edges lead only between what is shown; a subflow hangs on the task run that stands for it, if one does."""
    stands_for = {part.parent: part.id for part in subflows if part.parent is not None}
    shown = {part.id for part in tasks}
    nodes = [_node(part, subflow_id=stands_for.get(part.id)) for part in tasks]
    nodes += [_node(part, kind_is_task=False) for part in subflows]
    return RunGraph(nodes=nodes, edges=list(_edges(tasks, shown)), truncated=truncated)


def _node(part: Part, *, kind_is_task: bool = True, subflow_id: UUID | None = None) -> GraphNode:
    state = None
    if part.state_time is not None:
        code = _PENDING if part.state_type is None else part.state_type
        name = shown_name(code, part.state_name)
        state = RunState(type=TYPES[code], name=name, time=from_micros(part.state_time))
    return GraphNode(
        id=part.id,
        kind="task_run" if kind_is_task else "flow_run",
        name=part.name or "unknown",
        label=part.label or "unknown",
        state=state,
        start_time=maybe_time(part.start_time),
        end_time=maybe_time(part.end_time),
        run_count=part.run_count,
        parent=part.parent,
        subflow_id=subflow_id,
    )


def _edges(tasks: Iterable[Part], shown: set[UUID]) -> Iterable[GraphEdge]:
    for part in tasks:
        sources: dict[UUID, list[str]] = {}
        for parameter, ids in (part.inputs or {}).items():
            for text in ids:
                source = UUID(text)
                if source in shown and source != part.id:
                    names = sources.setdefault(source, [])
                    if parameter not in names:
                        names.append(parameter)
        for source, names in sources.items():
            yield GraphEdge(source=source, target=part.id, inputs=names)
