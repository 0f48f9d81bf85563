"""Task runs in other processes: what is sent there, how it runs there, what comes back.

The process that submits declares the run (Pending) and resolves its inputs. The one that runs it tells the other states and
the log lines through a teller of its own, in the same root run. Called by the task runners that have processes.
"""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple

from towpath.context import FlowRun, FlowRunContext, TaskRun, TaskRunContext, Telling
from towpath.contract.states import StateType
from towpath.engine.control import RunControl
from towpath.engine.definitions import TaskDefinition
from towpath.engine.driving import drive
from towpath.engine.outcomes import crashed_state, describe, failed_state
from towpath.engine.running import drop_submitted, live_to_end
from towpath.engine.tasks import live_task_run, resolve_inputs
from towpath.engine.telling import enter_task_state, note_child, open_root_teller
from towpath.errors import SerializationError, TransitionRefused
from towpath.futures import Future
from towpath.logging.loggers import logger_of
from towpath.logging.setup import set_up_logging
from towpath.states import State


class RemoteFlow(NamedTuple):
    """What a task run in another process knows of its flow."""

    name: str
    retries: int
    result_storage: Any
    result_serializer: Any
    task_runner: None = None
    is_async: bool = False


class RemoteTask(NamedTuple):
    """A task run on its way to another process.

    Attributes:
        task: the task, or the module and qualified name to find it by.
        flow: its flow; None outside flows.
        flushes: whether all that was told is stored or spooled before the answer is given.
    """

    task: TaskDefinition | tuple[str, str]
    task_run: TaskRun
    parameters: dict[str, Any]
    flow: RemoteFlow | None
    flow_run: FlowRun | None
    root_id: str
    attempt: int
    log_prints: bool
    persist_results: bool
    flushes: bool


class Answer(NamedTuple):
    """What comes back: the state, with the data, and how often the run entered RUNNING."""

    state: State[Any]
    run_count: int


def pack(context: TaskRunContext, *, flushes: bool) -> bytes:
    """The bytes that `run_packed` runs.

    Raises:
        SerializationError: the task or its arguments cannot be pickled.
    """
    import cloudpickle  # noqa: PLC0415 - 15 ms that flows in one process do not pay

    flow_context = context.flow_context
    flow = None
    if flow_context is not None:
        definition = flow_context.flow
        flow = RemoteFlow(definition.name, definition.retries, definition.result_storage, definition.result_serializer)
    flow_run = _bare(flow_context.flow_run) if flow_context is not None else None
    remote = RemoteTask(
        _find_reference(context.task) or context.task,
        context.task_run,
        context.parameters,
        flow,
        flow_run,
        context.root_id,
        flow_context.flow_run.attempt if flow_context is not None else 0,
        context.log_prints,
        flow_context.persist_results if flow_context is not None else False,
        flushes,
    )
    try:
        return cloudpickle.dumps(remote)
    except Exception as error:
        raise SerializationError(
            f"{context.task.owner} or its arguments cannot be sent to another process ({describe(error)}): "
            "run it in threads, or pass what can be pickled."
        ) from error


def _bare(run: FlowRun) -> FlowRun:
    """The flow run with parameters as text where they are not plain: they are for people there."""
    other = FlowRun(run.id, run.name, run.flow_name, run.parameters)
    other.tags, other.version, other.attempt, other.run_count = run.tags, run.version, run.attempt, run.run_count
    other.deployment_id, other.parent_task_run_id = run.deployment_id, run.parent_task_run_id
    other.scheduled_time = run.scheduled_time
    other.state = State(StateType.RUNNING)
    return other


def _find_reference(task: TaskDefinition) -> tuple[str, str] | None:
    """The module and name that the task can be imported by; None for one of a script, a function or `with_options`."""
    module = sys.modules.get(task.__module__)
    if module is None or task.__module__ == "__main__" or "<" in task.__qualname__:
        return None
    try:
        found = _look_up(module, task.__qualname__)
    except AttributeError:
        return None
    return (task.__module__, task.__qualname__) if found is task else None


def _look_up(module: Any, qualname: str) -> Any:
    return reduce(getattr, qualname.split("."), module)


def run_packed(data: bytes) -> bytes:
    """Runs a packed task run in this process and gives the packed answer. Raises only what interrupts the process."""
    import cloudpickle  # noqa: PLC0415 - the caller has paid for it

    remote: RemoteTask = cloudpickle.loads(data)
    set_up_logging()
    teller = _find_teller(remote.root_id, remote.attempt)
    context = _rebuild(remote, teller)
    try:
        try:
            state = live_to_end(context, live_task_run(context))
        except Exception as error:  # noqa: BLE001 - the run has told it
            state = context.task_run.state or crashed_state(error)
        except SystemExit as error:
            state = context.task_run.state or crashed_state(error)
        finally:
            flow_context = context.flow_context
            if flow_context is not None and flow_context.runner is not None:
                flow_context.runner.close()
        return _pack_answer(context, state)
    finally:
        if remote.flushes:
            teller.flush(30)


_MAX_TELLERS = 8
_tellers: dict[tuple[str, int], Telling] = {}
_tellers_lock = threading.Lock()


def _find_teller(root_id: str, attempt: int) -> Telling:
    """This process' teller for a root run: one for all its task runs here. Those of the oldest root runs are closed."""
    with _tellers_lock:
        teller = _tellers.pop((root_id, attempt), None) or open_root_teller(root_id, attempt)
        _tellers[root_id, attempt] = teller
        closed = [_tellers.pop(key) for key in list(_tellers)[:-_MAX_TELLERS]]
    for one in closed:
        one.close()
    return teller


def _rebuild(remote: RemoteTask, teller: Telling) -> TaskRunContext:
    task = remote.task
    if isinstance(task, tuple):
        module, name = task
        task = _look_up(import_module(module), name)
    flow_context = None
    if remote.flow is not None and remote.flow_run is not None:
        flow: Any = remote.flow
        flow_context = FlowRunContext(flow, remote.flow_run, teller, remote.root_id, RunControl())
        flow_context.persist_results = remote.persist_results
        flow_context.is_remote = True
    context = TaskRunContext(
        task, remote.task_run, remote.parameters, teller, remote.root_id, flow_context, flow_context
    )
    context.log_prints = remote.log_prints
    return context


def _pack_answer(context: TaskRunContext, state: State[Any]) -> bytes:
    import cloudpickle  # noqa: PLC0415 - the caller has paid for it

    count = context.task_run.run_count
    try:
        return cloudpickle.dumps(Answer(state, count))
    except Exception as error:  # noqa: BLE001 - whatever pickling raises
        what = "result" if state.is_completed() else "exception"
        problem = SerializationError(
            f"The {what} of task run {context.task_run.name!r} cannot be sent back ({describe(error)})."
        )
        lost = State(state.type, state.name, state.message, problem, state.details)
        if state.is_completed():
            lost = failed_state("Task", problem)
        return cloudpickle.dumps(Answer(lost, count))


def submit_remotely(
    context: TaskRunContext, future: Future[Any], send: Callable[[bytes], Any], *, flushes: bool = False
) -> None:
    """Sends a task run whose inputs have ended, and gives `future` what comes back.

    Args:
        send: takes what `run_packed` runs and gives a future with `add_done_callback` and `result`.
    """
    logger = logger_of(context)
    if not drive(resolve_inputs(context, logger), context):
        future.finish(context.task_run.state or State(StateType.PENDING))
        return
    try:
        sent = send(pack(context, flushes=flushes))
    except Exception as error:
        logger.error("Encountered exception during execution:", exc_info=error)
        state = failed_state("Task", error)
        enter_task_state(context, state)
        future.finish(state)
        return

    def take(done: Any) -> None:
        receive(context, future, done.result)

    sent.add_done_callback(take)


def receive(context: TaskRunContext, future: Future[Any], result: Callable[[], bytes]) -> None:
    """Gives a task run the answer of the process that ran it; Crashed when that process was lost."""
    import cloudpickle  # noqa: PLC0415 - the caller has paid for it

    run = context.task_run
    try:
        answer: Answer = cloudpickle.loads(result())
    except CancelledError:
        drop_submitted(context, future)
        return
    except Exception as error:  # noqa: BLE001 - whatever a lost worker looks like
        state: State[Any] = State(
            StateType.CRASHED, message=f"The process that ran it was lost: {describe(error)}", data=error
        )
        logger_of(context).error("Crash detected! %s", state.message)
        try:
            enter_task_state(context, state)
        except TransitionRefused:
            state = run.state or state
        future.finish(state)
        return
    if answer.state.is_final() and not run.claim_end():  # the flow has ended it meanwhile
        future.finish(run.state or answer.state)
        return
    run.state, run.run_count = answer.state, answer.run_count
    if context.child is not None:
        note_child(context.child, answer.state, context.flow_context)
    future.finish(answer.state)
