"""The core of a task run: what happens from its creation to its end. Yields effects; performs none.

Called by `running`, which hands the generators to a driver.
"""

import itertools
import logging
import random
import time
from collections.abc import Iterable
from typing import Any, cast

from towpath.annotations import as_list
from towpath.context import (
    CURRENT_TAGS,
    CURRENT_TRANSACTION,
    Child,
    FlowRunContext,
    RunContext,
    TaskRun,
    TaskRunContext,
)
from towpath.contract.ids import now_us, uuid7_text
from towpath.contract.states import TERMINAL, StateType
from towpath.engine.caching import find_cached, find_earlier, keep_result, keeps_result
from towpath.engine.definitions import TaskDefinition
from towpath.engine.earlier import EarlierResult
from towpath.engine.effects import AwaitFutures, CallBack, CallFunction, Core, Sleep
from towpath.engine.hooks import call_hooks
from towpath.engine.inputs import Found, data_of, find_upstreams, resolve, run_id_of
from towpath.engine.names import render_name
from towpath.engine.origins import find_origin, note_origin
from towpath.engine.outcomes import (
    crashed_state,
    describe,
    failed_state,
    state_of_value,
    timed_out_state,
)
from towpath.engine.retries import delay_before, may_retry
from towpath.engine.telling import enter_task_state, open_root_teller, tell_task_run
from towpath.engine.timeouts import Overtime
from towpath.errors import DeadlockError, DefinitionError, SuspendSignal, TransitionRefused, UpstreamTaskError
from towpath.futures import Future
from towpath.logging.loggers import RunLogger, logger_of
from towpath.settings import get_settings
from towpath.states import NO_DATA, State
from towpath.tracebacks import without_engine_frames


def create_task_run(
    task: TaskDefinition,
    parameters: dict[str, Any],
    parent: RunContext | None,
    wait_for: Iterable[Any] | None = None,
) -> TaskRunContext:
    """Declares a task run and lets it be Pending.

    Args:
        parameters: its arguments by name, with futures and states in them.
        parent: the run that the caller is in; None outside runs.
        wait_for: futures and states that must complete first.
    """
    flow_context = parent.flow_context if parent is not None else None
    run_id = uuid7_text()
    number = run_id[-4:]
    if flow_context is not None and not flow_context.is_remote:
        number = _next_number(task.name, flow_context)
    name = f"{task.name}-{number}"
    earlier = flow_context.earlier.get(name) if flow_context is not None else None
    if earlier is not None and (earlier.type is not StateType.COMPLETED or earlier.result is not None):
        run_id = earlier.run_id
    else:
        earlier = None
    flow_run_id = flow_context.flow_run.id if flow_context is not None else None
    run_tags = task.tags | CURRENT_TAGS.get()
    run = TaskRun(run_id, name, task.name, flow_run_id, sorted(run_tags) if run_tags else [])
    run.dynamic_key = name
    if parent is None:
        context = TaskRunContext(task, run, parameters, open_root_teller(run_id, 0), run_id)
        context.owns_teller = True
    else:
        context = TaskRunContext(task, run, parameters, parent.teller, parent.root_id, flow_context, parent)
    context.log_prints = inherit_log_prints(task.log_prints, parent)
    if flow_context is not None:
        context.child = child = Child(run_id)
        flow_context.children[name] = child
    inputs, context.upstreams, context.wait_for = collect_inputs(parameters, wait_for, flow_context)
    if earlier is not None:
        _take_up(context, earlier)
        return context
    tell_task_run(context, inputs)
    enter_task_state(context, State(StateType.PENDING))
    if flow_context is not None:
        logger_of(flow_context).say(logging.INFO, f"Created task run {name!r} for task {task.name!r}")
    return context


def _take_up(context: TaskRunContext, earlier: Child) -> None:
    """The flow is retried: the task run is the one of the try before. Completed, it keeps its result; else it runs again."""
    run, child = context.task_run, context.child
    run.state = State(earlier.type, data=earlier.result if earlier.result is not None else NO_DATA)
    run.state.run_id = run.id
    if child is not None:
        child.type, child.result = earlier.type, earlier.result
    if earlier.type in TERMINAL and earlier.type is not StateType.COMPLETED:
        enter_task_state(context, State(StateType.SCHEDULED, name="AwaitingRetry", message="The flow run is retried."))


def _next_number(name: str, flow_context: FlowRunContext) -> str:
    counts = flow_context.task_counts
    counter = counts.get(name)
    if counter is None:
        counter = counts.setdefault(name, itertools.count())
    return str(next(counter))


def inherit_log_prints(own: bool | None, parent: RunContext | None) -> bool:
    """Whether prints are logged: as the run says itself, else as its parent, else as the setting."""
    if own is not None:
        return own
    return parent.log_prints if parent is not None else get_settings().logging_log_prints


def collect_inputs(
    parameters: dict[str, Any], wait_for: Iterable[Any] | None, flow_context: FlowRunContext | None
) -> tuple[dict[str, list[str]] | None, list[Found], list[Found]]:
    """Which run each argument comes from, by its name; all that must end first; and what of that is in `wait_for`."""
    inputs: dict[str, list[str]] = {}
    every: list[Found] = []
    for name, value in parameters.items():
        found: list[Found] = []
        find_upstreams(value, found)
        if found:
            every += found
            inputs[name] = _run_ids(found)
        elif flow_context is not None and (origin := find_origin(flow_context, value)) is not None:
            inputs[name] = [origin]
    waits: list[Found] = []
    if wait_for is not None:
        find_upstreams(as_list(wait_for), waits)
        inputs["wait_for"] = _run_ids(waits)
        every += waits
    return {name: ids for name, ids in inputs.items() if ids} if inputs else None, every, waits


def _run_ids(found: list[Found]) -> list[str]:
    ids = (run_id_of(one.item) for one in found if isinstance(one.item, Future | State))
    return list(dict.fromkeys(run_id for run_id in ids if run_id is not None))


def awaited_futures(context: TaskRunContext) -> list[Future[Any]]:
    """The futures that must end before the run can start."""
    return [one.item for one in context.upstreams or () if isinstance(one.item, Future) and not one.item.done()]


def live_task_run(context: TaskRunContext) -> Core[State[Any]]:
    """A task run's life from Pending on. Returns the state it ends in; what interrupts it is raised again."""
    logger = logger_of(context)
    before = context.task_run.state
    if before is not None and before.type is StateType.COMPLETED:
        if type(before.data) is not EarlierResult or (yield from find_earlier(context, before, logger)) is not None:
            logger.say(logging.INFO, "The result of the flow's earlier try is used.")
            return before
        again: State[Any] = State(StateType.SCHEDULED, name="AwaitingRetry", message="The flow run began again.")
        enter_task_state(context, again, is_judged=False)
    try:
        if not (yield from resolve_inputs(context, logger)):
            return cast("State[Any]", context.task_run.state)
        life = _live_attempts(context, logger)
        if context.task.has_transaction_hooks or CURRENT_TRANSACTION.get() is not None:
            from towpath.engine.transacting import live_in_transaction  # noqa: PLC0415 - few tasks are in transactions

            life = live_in_transaction(context, life)
        return (yield from life)
    except TransitionRefused as refused:
        logger.say(logging.ERROR, f"The task run does not go on: {refused}")
        return cast("State[Any]", context.task_run.state)
    except SuspendSignal:
        if context.task_run.state is None or not context.task_run.state.is_final():
            enter_task_state(context, State(StateType.CANCELLED, message="The flow run was suspended."))
        raise
    except BaseException as error:
        crash(context, error, logger)
        raise


def crash(context: TaskRunContext, error: BaseException, logger: RunLogger) -> None:
    """The run ends Crashed, or Cancelled with its flow run, if it has not ended."""
    state = crashed_state(error)
    run = context.task_run
    if run.state is not None and run.state.is_final():
        return
    if context.flow_context is not None and context.flow_context.control.is_cancelled:
        enter_task_state(context, State(StateType.CANCELLED, message="The flow run was cancelled."))
        return
    logger.error("Crash detected! %s", state.message)
    logger.debug("Crash details:", exc_info=error)
    enter_task_state(context, state)


def resolve_inputs(context: TaskRunContext, logger: RunLogger) -> Core[bool]:
    """Puts data in the place of futures and states; False, and NotReady, when one of them did not complete."""
    if not context.upstreams:
        return True
    try:
        if waiting := awaited_futures(context):
            yield AwaitFutures(waiting)
        context.parameters = {name: resolve(value, data_of) for name, value in context.parameters.items()}
        for one in context.wait_for:
            data_of(one)
    except UpstreamTaskError as error:
        state: State[Any] = State(StateType.PENDING, name="NotReady", message=str(error))
        enter_task_state(context, state, is_judged=False)
        logger.say(logging.INFO, f"Finished in state {state}")
        return False
    except DeadlockError as error:
        logger.say(logging.ERROR, str(error))
        yield from _end(context, failed_state("Task", error), logger)
        return False
    context.upstreams = None
    return True


def _live_attempts(context: TaskRunContext, logger: RunLogger) -> Core[State[Any]]:
    task, run = context.task, context.task_run
    if task.task_run_name is not None:
        if (unnamed := _name_run(context, logger)) is not None:
            yield from _end(context, unnamed, logger)
            return unnamed
        logger = logger_of(context)
    if task.is_cached and (cached := (yield from find_cached(context, logger))) is not None:
        yield from _end(context, cached, logger)
        return cached
    is_again = run.state is not None and run.state.type is StateType.SCHEDULED
    if not _passes(context) and not (yield from _pass_gates(context, logger)):
        return cast("State[Any]", run.state)
    try:
        enter_task_state(context, State(StateType.RUNNING, name="Rerunning" if is_again else None))
        while True:
            state = yield from _attempt(context, logger)
            if state.type is not StateType.FAILED or not (yield from _is_retried(context, state, logger)):
                break
            delay = _await_retry(context, state, logger)
            del state  # the failed attempt's frames, and all they hold, are not kept through the wait
            if delay:
                yield Sleep(delay, context.flow_context.control if context.flow_context is not None else None)
            if not _passes(context) and not (yield from _pass_gates(context, logger)):
                return cast("State[Any]", run.state)
            enter_task_state(context, State(StateType.RUNNING, name="Retrying"))
        yield from _end(context, state, logger)
        return state
    finally:
        _leave(context)


def _await_retry(context: TaskRunContext, state: State[Any], logger: RunLogger) -> float:
    """The run waits for its next try. Returns for how many seconds."""
    task, run = context.task, context.task_run
    delay = delay_before(task.delays, run.run_count, task.jitter, random.random() if task.jitter else 0.5)  # noqa: S311 - no secret
    details = {"retry_at": now_us() + int(delay * 1e6)}
    enter_task_state(context, State(StateType.SCHEDULED, name="AwaitingRetry", message=state.message, details=details))
    _leave(context)
    logger.say(
        logging.INFO,
        f"Received non-final state 'AwaitingRetry' when proposing final state {state.name!r} and will attempt "
        f"to run again: retry {run.run_count}/{task.retries} in {delay:g} s",
    )
    return delay


def _passes(context: TaskRunContext) -> bool:
    """Whether there is nothing that the run may have to wait for: no pause, and no tag that could have a limit."""
    flow_context = context.flow_context
    return not context.task_run.tags and (flow_context is None or flow_context.control.hold is None)


def _pass_gates(context: TaskRunContext, logger: RunLogger) -> Core[bool]:
    from towpath.engine.gates import pass_gates  # noqa: PLC0415 - the client, which task runs without tags do not pay for

    return pass_gates(context, logger)


def _leave(context: TaskRunContext) -> None:
    """Gives back the slots that the run holds, if any."""
    slot = context.slot
    if slot is not None:
        context.slot = None
        slot.release()


def _end(context: TaskRunContext, state: State[Any], logger: RunLogger) -> Core[None]:
    enter_task_state(context, state)
    is_good = state.type is StateType.COMPLETED
    if is_good and context.flow_context is not None:
        note_origin(context.flow_context, state.data, context.task_run.id)
    logger.say(logging.INFO if is_good else logging.ERROR, f"Finished in state {state}")
    if context.task.has_hooks:
        yield from call_hooks(context.task, context.task_run, state, logger)


def _name_run(context: TaskRunContext, logger: RunLogger) -> State[Any] | None:
    """Gives the run the name that its task wants for it; the state that it fails in when that cannot be made."""
    task, run = context.task, context.task_run
    try:
        run.name = render_name(task.owner, "task_run_name", task.task_run_name, context.parameters)
    except DefinitionError as error:
        logger.error("Encountered exception during execution:", exc_info=without_engine_frames(error))
        return failed_state("Task", error)
    tell_task_run(context, None)
    context.logger = None
    return None


def _attempt(context: TaskRunContext, logger: RunLogger) -> Core[State[Any]]:
    """One call of the function, and the state it would end the run in."""
    task = context.task
    args, kwargs = task.signature.spread(context.parameters)
    began = time.monotonic()
    try:
        value = yield CallFunction(task.fn, args, kwargs, task.is_async, task.timeout_seconds)
        state = yield from settle_value(value)
        if state.type is StateType.COMPLETED and keeps_result(task, context.flow_context):
            yield from keep_result(context, state, logger)
        return state
    except Exception as error:
        timeout = task.timeout_seconds
        if isinstance(error, Overtime) and timeout is not None and time.monotonic() - began >= timeout:
            state = timed_out_state("Task", timeout)
            logger.say(logging.ERROR, state.message or "")
            return state
        logger.error("Encountered exception during execution:", exc_info=without_engine_frames(error))
        return failed_state("Task", error)


def settle_value(value: Any) -> Core[State[Any]]:
    """The state for what a function returned; futures in it are awaited."""
    found: list[Found] = []
    find_upstreams(value, found)
    futures = [one.item for one in found if isinstance(one.item, Future)]
    if futures:
        yield AwaitFutures(futures)
        value = resolve(value, _state_or_value)
    return state_of_value(value)


def _state_or_value(found: Found) -> Any:
    item = found.item
    return item.state if isinstance(item, Future) else item


def _is_retried(context: TaskRunContext, state: State[Any], logger: RunLogger) -> Core[bool]:
    task, run = context.task, context.task_run
    if not may_retry(run.run_count, task.retries) or isinstance(state.data, Overtime):
        return False
    if task.retry_condition_fn is None:
        return True
    try:
        return bool((yield CallBack(task.retry_condition_fn, task, run, state)))
    except Exception as error:
        shown = without_engine_frames(error)
        logger.error("retry_condition_fn raised %s: the task run is not retried", describe(error), exc_info=shown)
        return False
