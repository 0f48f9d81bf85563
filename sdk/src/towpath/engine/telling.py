"""Builds the events that a run tells, and tells them. Called by the core; appends in memory, never waits.

The dicts are those of `towpath.contract.events`, which is not imported here: it costs 10 ms.
"""

import time
from typing import TYPE_CHECKING, Any

from towpath.context import Child, FlowRunContext, TaskRunContext, Telling
from towpath.contract.limits import MAX_MESSAGE, MAX_TOLD_VALUE, cut
from towpath.contract.states import TERMINAL, RunKind, StateType, Transition, judge
from towpath.engine.hiding import hide_secrets
from towpath.engine.plain import parameters_as_json
from towpath.errors import TransitionRefused
from towpath.states import NO_DATA, State

if TYPE_CHECKING:
    from towpath.contract.events import FlowRunEvent, StateEvent, TaskRunEvent

_SCALARS = (int, str, float, bool)
_MAX_ITEMS = 200


def open_root_teller(root_run_id: str, attempt: int) -> Telling:
    """The teller of a root run."""
    from towpath.client.telling import open_teller  # noqa: PLC0415 - threads and the spool are not needed to define a flow

    return open_teller(root_run_id, attempt)


def tell_flow_run(context: FlowRunContext) -> None:
    """Declares a flow run that began in this process, or a new name for one."""
    run = context.flow_run
    event: FlowRunEvent = {
        "kind": "flow_run",
        "id": run.id,
        "flow": run.flow_name,
        "name": run.name,
        "time": time.time_ns() // 1_000,
        "tags": run.tags,
        "version": run.version,
    }
    if not context.is_held:  # what the API made its run with stays: the next attempt is given it
        event["parameters"] = parameters_as_json(hide_secrets(context.flow, run.parameters))
    parent = context.parent
    if parent is not None and parent.flow_run is not None:
        event["parent_flow_run_id"] = parent.flow_run.id
    if context.mirror_id is not None:
        event["parent_task_run_id"] = context.mirror_id
    context.teller.tell(event)


def tell_task_run(context: TaskRunContext, inputs: dict[str, list[str]] | None) -> None:
    """Declares a task run."""
    run = context.task_run
    event: TaskRunEvent = {
        "kind": "task_run",
        "id": run.id,
        "flow_run_id": run.flow_run_id,
        "task": run.task_name,
        "name": run.name,
        "time": time.time_ns() // 1_000,
    }
    if run.tags:
        event["tags"] = run.tags
    if inputs:
        event["inputs"] = inputs
    parent = context.parent
    if parent is not None and parent.task_run is not None:
        event["parent_task_run_id"] = parent.task_run.id
    context.teller.tell(event)


def tell_mirror(context: FlowRunContext, name: str, inputs: dict[str, list[str]] | None) -> None:
    """Declares the task run that stands for a subflow in its parent."""
    parent = context.parent
    event: TaskRunEvent = {
        "kind": "task_run",
        "id": context.mirror_id or "",
        "flow_run_id": parent.flow_run.id if parent is not None and parent.flow_run is not None else None,
        "task": context.flow_run.flow_name,
        "name": name,
        "time": time.time_ns() // 1_000,
    }
    if inputs:
        event["inputs"] = inputs
    if parent is not None and parent.task_run is not None:
        event["parent_task_run_id"] = parent.task_run.id
    context.teller.tell(event)


def enter_task_state(context: TaskRunContext, state: State[Any], *, is_judged: bool = True) -> None:
    """The task run enters `state`, which is told.

    Args:
        is_judged: False for NotReady, a Pending that follows Pending and is no second submission.

    Raises:
        TransitionRefused: the transition table forbids it; nothing has changed.
    """
    run, flow_context = context.task_run, context.flow_context
    if is_judged:
        before = run.state.type if run.state is not None else None
        flow_state = None
        if flow_context is not None and flow_context.flow_run.state is not None:
            flow_state = flow_context.flow_run.state.type
        verdict = judge(Transition(RunKind.TASK_RUN, before, state.type, flow_state))
        if not verdict.accepted:
            raise TransitionRefused(verdict.reason, verdict.code)
    if state.type in TERMINAL and not run.claim_end():
        raise TransitionRefused(f"This task run has ended already and cannot become {state.type}.", "run_ended")
    if state.type is StateType.RUNNING:
        run.run_count += 1
    state.run_id = run.id
    run.state = state
    child = context.child
    if child is not None:
        note_child(child, state, flow_context)
    context.teller.tell(build_state_event("task_run", run.id, run.run_count, state))


def enter_flow_state(context: FlowRunContext, state: State[Any], *, is_judged: bool = True) -> None:
    """The flow run enters `state`, which is told of it and of the task run that stands for it in its parent.

    Args:
        is_judged: False for NotReady, a Pending that follows Pending and is no second submission.

    Raises:
        TransitionRefused: the transition table forbids it; nothing has changed.
    """
    run = context.flow_run
    before = run.state.type if run.state is not None else None
    verdict = judge(Transition(RunKind.FLOW_RUN, before, state.type))
    if is_judged and not verdict.accepted:
        raise TransitionRefused(verdict.reason, verdict.code)
    if state.type is StateType.RUNNING:
        run.run_count += 1
    state.run_id = context.mirror_id or run.id
    run.state = state
    if context.child is not None:
        note_child(context.child, state, context.parent.flow_context if context.parent is not None else None)
    context.teller.tell(build_state_event("flow_run", run.id, run.run_count, state))
    tell_mirror_state(context, state)


def tell_mirror_state(context: FlowRunContext, state: State[Any]) -> None:
    """Tells a subflow's state of the task run that stands for it in its parent; nothing for a root flow run."""
    if context.mirror_id is not None:
        mirrored = State(state.type, state.name, state.message)
        context.teller.tell(build_state_event("task_run", context.mirror_id, context.flow_run.run_count, mirrored))


def note_child(child: Child, state: State[Any], parent: FlowRunContext | None) -> None:
    """Keeps of a child's state what the flow's own end needs: its type, and of all exceptions the first."""
    child.type = state.type
    if parent is not None and parent.first_error is None and isinstance(state.data, BaseException):
        parent.first_error = state.data


def build_state_event(run_word: Any, run_id: str, run_count: int, state: State[Any]) -> "StateEvent":
    """The event that tells `state`; a small JSON-able value that a task returned goes with it."""
    event: StateEvent = {
        "kind": "state",
        "id": state.id,
        "run": run_word,
        "run_id": run_id,
        "type": state.type._value_,
        "name": state.name,
        "time": state.time,
        "run_count": run_count,
    }
    if state.message is not None:
        event["message"] = cut(state.message, MAX_MESSAGE)
    details = state.details
    if run_word == "task_run" and state.type is StateType.COMPLETED:
        value = state.data
        if value is not NO_DATA and value is not None:
            told = tellable(value)
            if told is not NO_DATA:
                details = {**(details or {}), "value": told}
    if details:
        event["details"] = details
    return event


def tellable(value: Any) -> Any:
    """`value` if it is a JSON value of at most 2 KB, else NO_DATA."""
    kind = type(value)
    if kind is int:
        return value if -(2**53) < value < 2**53 else NO_DATA
    if kind is bool:
        return value
    if kind is float:
        return value if value - value == 0 else NO_DATA  # neither infinite nor not-a-number: JSON has no such
    if kind is str:
        return value if len(value) <= MAX_TOLD_VALUE // 4 else _tellable_json(value)
    if kind in (list, dict, tuple) and len(value) <= _MAX_ITEMS:
        return _tellable_json(value)
    return NO_DATA


def _tellable_json(value: Any) -> Any:
    import json  # noqa: PLC0415 - 7 ms that most runs do not pay

    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return NO_DATA
    return json.loads(text) if len(text) <= MAX_TOLD_VALUE else NO_DATA
