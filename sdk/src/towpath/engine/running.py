"""Calls, submits and maps: hands the core's generators to a driver, with what a run needs around it.

Called by `towpath.flows` and `towpath.tasks`, and by the runner through `towpath.engine.run_flow`.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

from towpath.context import CURRENT, FlowRunContext, RunContext, TaskRunContext
from towpath.contract.states import StateType
from towpath.engine.definitions import FlowDefinition, TaskDefinition
from towpath.engine.driving import drive, drive_async
from towpath.engine.effects import Core
from towpath.engine.flows import create_flow_run, live_flow_run
from towpath.engine.identity import RunIdentity
from towpath.engine.outcomes import crashed_state
from towpath.engine.signals import ThreadInterrupter, raising_on_sigterm
from towpath.engine.tasks import awaited_futures, create_task_run, live_task_run
from towpath.engine.telling import enter_task_state
from towpath.errors import DefinitionError, TerminationSignal, TransitionRefused
from towpath.event_loop import is_in_loop
from towpath.futures import AsyncFuture, Future
from towpath.logging.loggers import logger_of
from towpath.logging.setup import set_up_logging
from towpath.settings import get_settings
from towpath.states import State
from towpath.tracebacks import without_engine_frames


def call_task(
    task: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    return_state: bool = False,
    wait_for: Iterable[Any] | None = None,
) -> Any:
    """Runs a task here and now; the coroutine of an asynchronous one, unless its caller cannot await it."""
    set_up_logging()
    parent = CURRENT.get()
    if task.is_async and _can_await(parent):
        return _named(_call_task_async(task, args, kwargs, parent, return_state, wait_for), task)
    context = _begin_task(task, args, kwargs, parent, wait_for)
    state = live_to_end(context, live_task_run(context))
    return state if return_state else state.result()


def _named(coroutine: Any, definition: FlowDefinition | TaskDefinition) -> Any:
    """A coroutine that Python's warning about a forgotten `await` calls by the name of the user's function."""
    coroutine.__qualname__ = definition.__qualname__
    return coroutine


async def _call_task_async(
    task: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    parent: RunContext | None,
    return_state: bool,
    wait_for: Iterable[Any] | None,
) -> Any:
    try:
        context = _begin_task(task, args, kwargs, parent, wait_for)
        state = await _live_async(context, live_task_run(context))
        return state if return_state else state.result()
    except BaseException as error:
        without_engine_frames(error)
        raise


def _begin_task(
    task: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    parent: RunContext | None,
    wait_for: Iterable[Any] | None,
) -> TaskRunContext:
    context = create_task_run(task, task.signature.bind(args, kwargs), parent, wait_for)
    if parent is not None:
        logger_of(parent).say(20, f"Executing {context.task_run.name!r} immediately...")
    return context


def _can_await(parent: RunContext | None) -> bool:
    """Whether who calls an asynchronous flow or task gets its coroutine: all but the code of synchronous runs."""
    if parent is None:
        return True
    definition = parent.task if isinstance(parent, TaskRunContext) else parent.flow
    return definition.is_async


def _around(context: RunContext) -> AbstractContextManager[None]:
    if not context.log_prints:
        return nullcontext()
    from towpath.logging.prints import PrintsLogged  # noqa: PLC0415 - runs whose prints are not logged leave print alone

    return PrintsLogged()


def live_to_end(context: RunContext, core: Core[State[Any]]) -> State[Any]:
    """Drives a run in this thread, its prints logged if it says so; closes the teller that it owns."""
    try:
        if not context.log_prints:
            return drive(core, context)
        with _around(context):
            return drive(core, context)
    finally:
        if context.owns_teller:
            context.teller.close()


async def _live_async(context: RunContext, core: Core[State[Any]]) -> State[Any]:
    try:
        with _around(context):
            return await drive_async(core, context)
    finally:
        if context.owns_teller:
            context.teller.close()


def submit_task(
    task: TaskDefinition, args: tuple[Any, ...], kwargs: dict[str, Any], *, wait_for: Iterable[Any] | None = None
) -> Future[Any]:
    """Submits a task to the flow's task runner, or outside flows to threads of its own."""
    return submit_bound(task, task.signature.bind(args, kwargs), wait_for=wait_for)


def submit_bound(
    task: TaskDefinition, parameters: dict[str, Any], *, wait_for: Iterable[Any] | None = None
) -> Future[Any]:
    """Submits a task with its arguments by name."""
    set_up_logging()
    parent = CURRENT.get()
    context = create_task_run(task, parameters, parent, wait_for)
    run = context.task_run
    flow_context = context.flow_context
    is_awaited = gives_async_futures(task, parent)
    future: Future[Any] = (AsyncFuture if is_awaited else Future)(run.id, run.name)
    future.run = run
    if any(upstream.needs_loop for upstream in awaited_futures(context)):
        future.needs_loop = True
    if flow_context is not None:
        with flow_context.lock:
            flow_context.outstanding[future] = context
        future.add_done_callback(partial(_forget, flow_context))
    try:
        _start(context, future, is_awaited)
    except BaseException as error:
        _abandon(context, future, error)
        raise
    if parent is not None:
        logger_of(parent).say(20, f"Submitted task run {run.name!r} for execution.")
    return future


def _start(context: TaskRunContext, future: Future[Any], is_awaited: bool) -> None:
    runner = runner_for(context.flow_context)
    if is_awaited and not runner.is_remote:
        from towpath.engine.loops import spawn  # noqa: PLC0415 - asyncio is loaded by now

        spawn(_live_submitted_async(context, future), context.flow_context, in_sequence=runner.is_sequential)
    else:
        runner.submit(context, future)


def _abandon(context: TaskRunContext, future: Future[Any], error: BaseException) -> None:
    """Ends a task run that could not be started, so that nobody waits for it."""
    state = crashed_state(error)
    with suppress(TransitionRefused):  # it has ended otherwise
        enter_task_state(context, state)
    future.finish(context.task_run.state or state)
    if context.owns_teller:
        context.teller.close()


def _forget(flow_context: FlowRunContext, future: Future[Any]) -> None:
    with flow_context.lock:
        flow_context.outstanding.pop(future, None)


def gives_async_futures(task: TaskDefinition, parent: RunContext | None) -> bool:
    """Whether the task's futures are to be awaited: it is asynchronous, and so is the code that submits it."""
    return task.is_async and _can_await(parent) and is_in_loop()


def runner_for(flow_context: FlowRunContext | None) -> Any:
    """The task runner of a flow run, made at its first use; outside flows, the process' own."""
    from towpath.task_runners import default_runner  # noqa: PLC0415 - the runners call this module

    if flow_context is None:
        return default_runner()
    runner = flow_context.runner
    if runner is None:
        with flow_context.lock:
            runner = flow_context.runner
            if runner is None:
                chosen = flow_context.flow.task_runner
                runner = flow_context.runner = default_runner().duplicate() if chosen is None else chosen.duplicate()
    return runner


def live_submitted(context: TaskRunContext, future: Future[Any]) -> None:
    """Runs a submitted task in this thread and gives its future the state it ends in. Raises nothing."""
    try:
        state = live_to_end(context, live_task_run(context))
    except BaseException as error:  # noqa: BLE001 - the task run has told it; the thread goes on to the next one
        state = context.task_run.state
        if state is None or not state.is_final():
            state = crashed_state(error)
    future.finish(state)


async def _live_submitted_async(context: TaskRunContext, future: Future[Any]) -> None:
    try:
        state = await _live_async(context, live_task_run(context))
    except BaseException as error:
        state = context.task_run.state
        future.finish(state if state is not None and state.is_final() else crashed_state(error))
        if not isinstance(error, Exception):
            raise
        return
    future.finish(state)


def drop_submitted(context: TaskRunContext, future: Future[Any]) -> None:
    """Ends a submitted task run that never began because its flow run is over."""
    state: State[Any] = State(StateType.CANCELLED, message="The flow run ended before this task run could start.")
    with suppress(TransitionRefused):  # it has ended otherwise
        enter_task_state(context, state)
    future.finish(context.task_run.state or state)


def call_flow(
    flow: FlowDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    return_state: bool = False,
    wait_for: Iterable[Any] | None = None,
) -> Any:
    """Runs a flow here and now; the coroutine of an asynchronous one, unless its caller cannot await it.

    Raises:
        DefinitionError: `wait_for` on a flow that no run calls.
    """
    set_up_logging()
    parent = CURRENT.get()
    if wait_for is not None and parent is None:
        raise DefinitionError("Only flows run as subflows can wait for dependencies: wait_for has no meaning here.")
    parameters = flow.signature.bind(args, kwargs)
    if flow.is_async and _can_await(parent):
        return _named(
            _call_flow_async(partial(create_flow_run, flow, parameters, parent, wait_for), return_state), flow
        )
    context = create_flow_run(flow, parameters, parent, wait_for)
    state = _live_flow(context)
    return state if return_state else state.result()


async def _call_flow_async(create: Callable[[], FlowRunContext], return_state: bool) -> Any:
    try:
        state = await _live_flow_async(create())
        return state if return_state else state.result()
    except BaseException as error:
        without_engine_frames(error)
        raise


def _is_top(context: FlowRunContext) -> bool:
    """Whether no flow run is above this one; a task outside flows may be."""
    return context.parent is None or context.parent.flow_context is None


def _live_flow(context: FlowRunContext) -> State[Any]:
    if not _is_top(context):
        return _live_flow_here(context)
    interrupter = ThreadInterrupter()
    try:
        with _guard(context):
            _watch(context, interrupter.interrupt)
            try:
                return _live_flow_here(context)
            finally:
                context.control.finish()
                interrupter.settle()
    except TerminationSignal:
        return _ended_by_api(context)


def _live_flow_here(context: FlowRunContext) -> State[Any]:
    try:
        return live_to_end(context, live_flow_run(context))
    finally:
        if context.runner is not None:
            context.runner.close()


def _guard(context: FlowRunContext) -> AbstractContextManager[None]:
    """Turns SIGTERM into the end of a root run, unless a runner does."""
    return raising_on_sigterm(context.control) if not context.is_held else nullcontext()


def _watch(context: FlowRunContext, interrupt: Callable[[], None]) -> None:
    """Hears what the API asks of a root run, where there is one. A run that a launcher holds is ended by that one."""
    settings = get_settings()
    if settings.api_url is not None:
        run = context.flow_run
        context.control.watch(run.id, run.attempt, settings, None if context.is_held else interrupt)


def _ended_by_api(context: FlowRunContext) -> State[Any]:
    """The state of a run that the API had ended, while its exception is being handled; any other exception goes on."""
    state = context.flow_run.state
    if context.control.told is None or context.is_held or state is None or not state.is_final():
        raise
    return state


async def _live_flow_async(context: FlowRunContext) -> State[Any]:
    if not _is_top(context):
        return await _live_flow_here_async(context)
    from towpath.engine.loops import CancelledError, TaskInterrupter  # noqa: PLC0415 - asyncio is loaded by now

    interrupter = TaskInterrupter()
    try:
        with _guard(context):
            _watch(context, interrupter.interrupt)
            try:
                return await _live_flow_here_async(context)
            finally:
                context.control.finish()
                interrupter.settle()
    except (TerminationSignal, CancelledError):
        state = _ended_by_api(context)
        interrupter.forget()
        return state


async def _live_flow_here_async(context: FlowRunContext) -> State[Any]:
    try:
        return await _live_async(context, live_flow_run(context))
    finally:
        if context.runner is not None:
            context.runner.close()


def run_flow(
    flow: FlowDefinition, parameters: dict[str, Any] | None = None, *, run: RunIdentity | None = None
) -> State[Any]:
    """Runs a flow to its end in this thread, whether it is asynchronous or not. For runners.

    Args:
        parameters: by name; those left out take their defaults.
        run: the run that the API knows already; its first event is then the state Running. None starts one.

    Returns:
        The state it ended in: COMPLETED, FAILED, CANCELLED or PAUSED. What the flow raised is in it.

    Raises:
        ParameterBindError: the parameters do not fit the signature.
        TerminationSignal: a signal handler of the runner raised it, or the run is cancelled while it is paused; the hooks have been called, no final state was told.
        KeyboardInterrupt, SystemExit: as they came; the run is told to be Crashed.
    """
    set_up_logging()
    bound = flow.signature.bind((), dict(parameters or {}))
    context = create_flow_run(flow, bound, None, None, run)
    if not flow.is_async:
        return _live_flow(context)
    from towpath.engine.loops import run_in_new_loop  # noqa: PLC0415 - asyncio costs 25 ms

    return run_in_new_loop(_live_flow_async(context))


__all__ = [
    "awaited_futures",
    "call_flow",
    "call_task",
    "drop_submitted",
    "live_submitted",
    "run_flow",
    "submit_bound",
    "submit_task",
]
