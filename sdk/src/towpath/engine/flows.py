"""The core of a flow run: what happens from its creation to its end. Yields effects; performs none.

Called by `running`, which hands the generators to a driver.
"""

import itertools
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from towpath.annotations import as_list
from towpath.context import CURRENT_TAGS, Child, FlowRun, FlowRunContext, RunContext
from towpath.contract.ids import now_us, uuid7_text
from towpath.contract.states import StateType
from towpath.engine.caching import keep_flow_result, keeps_flow_result
from towpath.engine.control import CANCELLED, RunControl
from towpath.engine.definitions import FlowDefinition
from towpath.engine.earlier import EarlierResult
from towpath.engine.effects import AwaitFutures, CallBack, CallFunction, Core, Sleep
from towpath.engine.hooks import call_hooks
from towpath.engine.identity import RunIdentity
from towpath.engine.inputs import Found, data_of, find_upstreams, resolve
from towpath.engine.names import new_flow_run_name, render_name
from towpath.engine.origins import note_origin
from towpath.engine.outcomes import crashed_state, failed_state, summarise, timed_out_state
from towpath.engine.parameters import validate_parameters
from towpath.engine.retries import delay_before, may_retry
from towpath.engine.tasks import collect_inputs, inherit_log_prints, settle_value
from towpath.engine.telling import enter_flow_state, enter_task_state, open_root_teller, tell_flow_run, tell_mirror
from towpath.engine.timeouts import Overtime
from towpath.errors import (
    DefinitionError,
    ParameterTypeError,
    SuspendSignal,
    TerminationSignal,
    TransitionRefused,
    UpstreamTaskError,
)
from towpath.futures import Future
from towpath.logging.loggers import RunLogger, logger_of, say_outside_runs
from towpath.settings import get_settings
from towpath.states import State
from towpath.tracebacks import without_engine_frames


def create_flow_run(
    flow: FlowDefinition,
    parameters: dict[str, Any],
    parent: RunContext | None,
    wait_for: Iterable[Any] | None = None,
    identity: RunIdentity | None = None,
) -> FlowRunContext:
    """Declares a flow run and lets it be Pending; one that the API knows already (`identity`) is only taken up."""
    run_id = identity.id if identity is not None else uuid7_text()
    name = identity.name if identity is not None else new_flow_run_name()
    run = FlowRun(run_id, name, flow.name, parameters)
    run.version = flow.version
    if identity is not None:
        run.attempt, run.deployment_id, run.tags = identity.attempt, identity.deployment_id, list(identity.tags)
        run.run_count, run.scheduled_time = identity.run_count, identity.scheduled_time
        run.state = State(StateType.PENDING)
        teller, root_id = identity.teller or open_root_teller(run_id, identity.attempt), run_id
    elif parent is not None:
        teller, root_id = parent.teller, parent.root_id
        run.attempt = parent.flow_run.attempt if parent.flow_run is not None else 0
    else:
        teller, root_id = open_root_teller(run_id, 0), run_id
    above = parent.flow_context if parent is not None else None
    context = FlowRunContext(
        flow, run, teller, root_id, above.control if above is not None else RunControl(), parent=parent
    )
    context.log_prints = inherit_log_prints(flow.log_prints, parent)
    context.owns_teller = parent is None and (identity is None or identity.teller is None)
    context.is_held = identity is not None and identity.attempt > 0
    if identity is not None:
        context.told_to_stop = identity.told_to_stop
        context.control.stop_raising = identity.stop_raising
        context.earlier = dict(identity.earlier)
    elif above is not None:
        context.told_to_stop = above.told_to_stop
    context.wait_for = as_list(wait_for)
    context.persist_results = flow.retries > 0 or get_settings().results_persist_by_default
    if identity is None:
        run.tags = sorted(CURRENT_TAGS.get() | frozenset(parent.flow_run.tags if parent and parent.flow_run else ()))
        _declare(context)
    return context


def _declare(context: FlowRunContext) -> None:
    run, parent = context.flow_run, context.parent
    if parent is not None:
        parent_flow = parent.flow_context
        mirror_name = run.flow_name
        if parent_flow is not None:
            counts = parent_flow.task_counts
            number = next(counts.setdefault(run.flow_name, itertools.count()))
            mirror_name = f"{run.flow_name}-{number}"
            if _take_up(context, mirror_name, parent_flow):
                return
        context.mirror_id = run.parent_task_run_id = uuid7_text()
        if parent_flow is not None:
            context.child = parent_flow.children[mirror_name] = Child(context.mirror_id)
        tell_mirror(context, mirror_name, collect_inputs(run.parameters, context.wait_for, parent_flow)[0])
    tell_flow_run(context)
    enter_flow_state(context, State(StateType.PENDING))
    if parent is None:
        say_outside_runs(f"Created flow run {run.name!r} for flow {run.flow_name!r}")
    else:
        logger_of(parent).say(logging.INFO, f"Created subflow run {run.name!r} for flow {run.flow_name!r}")


def _take_up(context: FlowRunContext, mirror_name: str, parent_flow: FlowRunContext) -> bool:
    """The flow above is retried, and an earlier try of it has completed this subflow and kept its result: nothing new runs."""
    earlier = parent_flow.earlier.get(mirror_name)
    if earlier is None or earlier.type is not StateType.COMPLETED or earlier.result is None:
        return False
    if isinstance(earlier.result, EarlierResult):
        return False  # of another process, which tells no results of subflows: a task run of that name
    context.mirror_id = context.flow_run.parent_task_run_id = earlier.run_id
    context.child = parent_flow.children[mirror_name] = earlier
    context.flow_run.state = state = State(StateType.COMPLETED, data=earlier.result)
    state.run_id = earlier.run_id
    return True


def live_flow_run(context: FlowRunContext) -> Core[State[Any]]:
    """A flow run's life from Pending on. Returns the state it ends in; what interrupts it is raised again."""
    before, parent = context.flow_run.state, context.parent
    if before is not None and before.type is StateType.COMPLETED:
        if parent is not None:
            name = context.flow_run.flow_name
            logger_of(parent).say(logging.INFO, f"Subflow {name!r}: the result of the flow's earlier try is used.")
        return before
    logger = logger_of(context)
    try:
        if not (yield from _prepare(context, logger)):
            return cast("State[Any]", context.flow_run.state)
        logger = logger_of(context)
        return (yield from _live_attempts(context, logger))
    except TransitionRefused as refused:
        logger.say(logging.ERROR, f"The flow run does not go on: {refused}")
        return cast("State[Any]", context.flow_run.state)
    except GeneratorExit as error:
        # It may be this generator's own end, in which nothing can be yielded: no hook is called.
        _tell_crash(context, error, logger)
        raise
    except SuspendSignal as signal:
        state = yield from _suspend(context, str(signal), logger)
        if context.parent is not None:
            raise
        return state
    except BaseException as error:
        yield from _crash(context, error, logger)
        raise


def _suspend(context: FlowRunContext, message: str, logger: RunLogger) -> Core[State[Any]]:
    """The process is to end: what runs comes to its end, what has not begun does not pass the gate. The API knows the root's state."""
    yield from _await_tasks(context)
    if context.parent is not None:
        enter_flow_state(context, State(StateType.CANCELLED, message="The root run was suspended."))
        return cast("State[Any]", context.flow_run.state)
    logger.say(logging.INFO, "The flow run is suspended: its process ends, and resuming the run starts the flow again.")
    state: State[Any] = State(StateType.PAUSED, name="Suspended", message=message)
    state.run_id = context.flow_run.id
    context.flow_run.state = state
    return state


def _crash(context: FlowRunContext, error: BaseException, logger: RunLogger) -> Core[None]:
    """The run ends Crashed and its hooks are called."""
    if (state := _tell_crash(context, error, logger)) is not None:
        yield from call_hooks(context.flow, context.flow_run, state, logger)


def _tell_crash(context: FlowRunContext, error: BaseException, logger: RunLogger) -> State[Any] | None:
    """Ends the run as Crashed, or Cancelled. Of a run that a launcher holds, only the launcher knows the state.

    Returns:
        the state; None when the run has ended before.
    """
    run = context.flow_run
    if run.state is not None and run.state.is_final():
        return None
    told = _find_signal(context, error)
    cancelled = told is not None and told.cancelling
    stop_tasks(context, cancelled=cancelled)
    state = crashed_state(told or error)
    if cancelled:
        state = State(StateType.CANCELLED, message=CANCELLED)
        logger.say(logging.WARNING, CANCELLED)
    else:
        logger.error("Crash detected! %s", state.message)
    logger.debug("Crash details:", exc_info=error)
    if context.is_held and told is not None:
        run.state = state
    else:
        enter_flow_state(context, state)
    return state


def _find_signal(context: FlowRunContext, error: BaseException) -> TerminationSignal | None:
    """What told the process to stop, whoever knows best: the API, the runner, or the signal's handler."""
    if context.control.told is not None:
        return context.control.told
    told = context.told_to_stop() if context.told_to_stop is not None else None
    return told if told is not None else error if isinstance(error, TerminationSignal) else None


def _prepare(context: FlowRunContext, logger: RunLogger) -> Core[bool]:
    """Resolves and checks the parameters and names the run; False when the run has ended by that."""
    flow, run = context.flow, context.flow_run
    found: list[Found] = []
    find_upstreams(run.parameters, found)
    find_upstreams(context.wait_for, found)
    if found:
        waiting = [one.item for one in found if isinstance(one.item, Future) and not one.item.done()]
        if waiting:
            yield AwaitFutures(waiting)
        try:
            run.parameters = {name: resolve(value, data_of) for name, value in run.parameters.items()}
            resolve(context.wait_for, data_of)
            tell_flow_run(context)
        except UpstreamTaskError as error:
            _enter_not_ready(context, State(StateType.PENDING, name="NotReady", message=str(error)), logger)
            return False
    if flow.should_validate_parameters:
        try:
            run.parameters = yield CallBack(validate_parameters, flow.fn, flow.signature, run.parameters)
        except Exception as error:  # noqa: BLE001 - also what validators and annotations of the user's raise
            if isinstance(error, ParameterTypeError):
                error.__traceback__ = None  # its caller's line is what people look for
            message = f"Validation of flow parameters failed with error: {error}"
            logger.error(message)
            yield from _end(context, State(StateType.FAILED, message=message, data=error), logger)
            return False
    if flow.flow_run_name is not None:
        try:
            run.name = render_name(flow.owner, "flow_run_name", flow.flow_run_name, run.parameters)
        except DefinitionError as error:
            logger.error("Encountered exception during execution:", exc_info=without_engine_frames(error))
            yield from _end(context, failed_state("Flow", error), logger)
            return False
        context.logger = None
        tell_flow_run(context)
    return True


def _enter_not_ready(context: FlowRunContext, state: State[Any], logger: RunLogger) -> None:
    enter_flow_state(context, state, is_judged=False)
    logger.say(logging.INFO, f"Finished in state {state}")


def _live_attempts(context: FlowRunContext, logger: RunLogger) -> Core[State[Any]]:
    flow, run = context.flow, context.flow_run
    control = context.control
    yield from _await_hold(context)
    running: State[Any] = State(StateType.RUNNING)
    enter_flow_state(context, running)
    yield from call_hooks(flow, run, running, logger)
    first_count = run.run_count
    while True:
        state = yield from _attempt(context, logger)
        if control.is_suspended and state.type is not StateType.COMPLETED:
            raise SuspendSignal
        tries = run.run_count - first_count + 1
        if state.type is not StateType.FAILED or not may_retry(tries, flow.retries) or isinstance(state.data, Overtime):
            break
        delay = delay_before(flow.delays, tries)
        details = {"retry_at": now_us() + int(delay * 1e6)}
        waiting: State[Any] = State(StateType.SCHEDULED, name="AwaitingRetry", message=state.message, details=details)
        enter_flow_state(context, waiting)
        logger.say(
            logging.INFO,
            f"Received non-final state 'AwaitingRetry' when proposing final state {state.name!r} and will attempt "
            f"to run again: retry {tries}/{flow.retries} in {delay:g} s",
        )
        del state
        if delay:
            yield Sleep(delay, control)
            yield from _await_hold(context)
        begin_again(context)
        again: State[Any] = State(StateType.RUNNING, name="Retrying")
        enter_flow_state(context, again)
        yield from call_hooks(flow, run, again, logger)
    yield from _end(context, state, logger)
    return state


def _await_hold(context: FlowRunContext) -> Core[None]:
    """A subflow begins, and begins again, when its root run is not paused."""
    while context.parent is not None and (hold := context.control.hold) is not None:
        yield AwaitFutures([hold])
        context.control.check_gate()


def begin_again(context: FlowRunContext) -> None:
    """Before the flow's function is called once more: its task runs are counted from 0 again, and found again by their names."""
    context.task_counts = {}
    context.earlier = {**context.earlier, **context.children}
    context.children = {}
    context.first_error = None
    context.pauses = 0


def _end(context: FlowRunContext, state: State[Any], logger: RunLogger) -> Core[None]:
    enter_flow_state(context, state)
    is_good = state.type is StateType.COMPLETED
    parent_flow = context.parent.flow_context if context.parent is not None else None
    if is_good and parent_flow is not None and context.mirror_id is not None:
        note_origin(parent_flow, state.data, context.mirror_id)
    logger.say(logging.INFO if is_good else logging.ERROR, f"Finished in state {state}")
    yield from call_hooks(context.flow, context.flow_run, state, logger)


def _attempt(context: FlowRunContext, logger: RunLogger) -> Core[State[Any]]:
    """One call of the function and the wait for its tasks, and the state they would end the run in."""
    flow = context.flow
    args, kwargs = flow.signature.spread(context.flow_run.parameters)
    began = time.monotonic()
    try:
        value = yield CallFunction(flow.fn, args, kwargs, flow.is_async, flow.timeout_seconds)
    except Exception as error:
        timeout = flow.timeout_seconds
        if isinstance(error, Overtime) and timeout is not None and time.monotonic() - began >= timeout:
            stop_tasks(context)
            state = timed_out_state("Flow", timeout)
            logger.say(logging.ERROR, state.message or "")
            return state
        without_engine_frames(error)
        if not context.control.is_suspended:
            logger.error("Encountered exception during execution:", exc_info=error)
        yield from _await_tasks(context)
        return failed_state("Flow", error)
    yield from _await_tasks(context)
    if value is None and get_settings().flows_none_follows_tasks:
        state = state_of_children(list(context.children.values()), context.first_error)
    else:
        state = yield from settle_value(value)
    if state.type is StateType.COMPLETED and keeps_flow_result(context):
        try:
            yield from keep_flow_result(context, state)
        except Exception as error:
            logger.error("Encountered exception during execution:", exc_info=error)
            return failed_state("Flow", error)
    return state


def _await_tasks(context: FlowRunContext) -> Core[None]:
    while context.outstanding:
        with context.lock:
            waiting = list(context.outstanding)
        yield AwaitFutures(waiting)
        with context.lock:
            for future in waiting:
                context.outstanding.pop(future, None)


def stop_tasks(context: FlowRunContext, *, cancelled: bool = False) -> None:
    """What was submitted and has not begun never does; what runs is Crashed or Cancelled, and interrupted where Python can."""
    if context.runner is not None:
        context.runner.cancel()
    for task in list(context.loop_tasks):
        task.cancel()
    with context.lock:
        left = list(context.outstanding.items())
        context.outstanding.clear()
    for future, task_context in left:
        message = "The flow run ended while this task run was under way."
        state: State[Any] = State(StateType.CANCELLED if cancelled else StateType.CRASHED, message=message)
        with suppress(TransitionRefused):
            enter_task_state(task_context, state)
        future.finish(task_context.task_run.state or state)


def state_of_children(children: list[Child], first_error: BaseException | None) -> State[Any]:
    """The state of a flow that returned None: what its task runs and subflows make together."""
    if not children:
        return State(StateType.COMPLETED, data=None)
    state_type, message = summarise([child.type for child in children])
    data = None if state_type is StateType.COMPLETED else first_error
    state: State[Any] = State(state_type, message=message, data=data)
    return state
