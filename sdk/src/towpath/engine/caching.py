"""What a run keeps: whether its result is stored, under which name, and whether an earlier one serves in its place.

Called by `tasks` and `flows`. Decides; reading and writing are effects.
"""

import logging
from functools import partial
from typing import Any

from towpath.context import CURRENT_TRANSACTION, FlowRunContext, TaskRunContext
from towpath.contract.ids import now_us
from towpath.contract.states import StateType
from towpath.engine.definitions import Definition, TaskDefinition
from towpath.engine.earlier import RESULT_KEY, RUN_KEY, EarlierResult
from towpath.engine.effects import CallBack, Core, ReadOrWrite
from towpath.engine.outcomes import describe
from towpath.errors import DefinitionError, ResultTooLarge
from towpath.logging.loggers import RunLogger, logger_of
from towpath.settings import get_settings
from towpath.states import State
from towpath.tracebacks import without_engine_frames


def keeps_result(task: TaskDefinition, flow_context: FlowRunContext | None) -> bool:
    """Whether a task run's result is stored: as the task says, else when caching, the flow's retries or the settings want it."""
    if task.persist_result is not None:
        return task.persist_result
    if flow_context is None:
        return task.is_cached or task.has_result_options or get_settings().results_persist_by_default
    return task.is_cached or task.has_result_options or flow_context.persist_results


def find_cached(context: TaskRunContext, logger: RunLogger) -> Core[State[Any] | None]:
    """The Cached state that an earlier result gives the run; None when there is none. Notes the run's cache key.

    A key that cannot be made is logged, and the run goes on without caching.
    """
    task = context.task
    try:
        context.cache_key = yield CallBack(_compute_key, context)
    except Exception as error:
        option = "cache_key_fn" if task.cache_key_fn is not None else "cache_policy"
        message = "%s: %s raised %s: the run goes on without caching"
        logger.error(message, task.owner, option, describe(error), exc_info=without_engine_frames(error))
        return None
    refresh = get_settings().tasks_refresh_cache if task.refresh_cache is None else task.refresh_cache
    if context.cache_key is None or refresh:
        return None
    try:
        hit = yield ReadOrWrite(lambda: _open_store(task, context.flow_context).find(context.cache_key or "", now_us()))
    except Exception as error:  # noqa: BLE001 - whatever a storage raises, the task can run
        logger.error("The cache cannot be read: %s. The run goes on without it.", describe(error))
        return None
    if hit is None:
        return None
    details = {"cache_key": context.cache_key, "result": hit.stored.address}
    data = hit.value if task.cache_result_in_memory else hit.stored
    if context.child is not None:
        context.child.result = hit.stored
    return State(StateType.COMPLETED, name="Cached", message="The result was cached.", data=data, details=details)


def _compute_key(context: TaskRunContext) -> str | None:
    task = context.task
    parameters = context.parameters
    owner = getattr(task.fn, "__self__", None)
    if owner is not None and not isinstance(owner, type):
        parameters = {"self": owner, **parameters}  # a method's object is an input like any other
    if task.cache_key_fn is not None:
        key = task.cache_key_fn(context, parameters)
        if key is not None and not isinstance(key, str):
            raise TypeError(f"it must give a string or None, not {key!r}")
        return key
    return task.cache_policy.compute_key(context, parameters) if task.cache_policy is not None else None


def keep_result(context: TaskRunContext, state: State[Any], logger: RunLogger) -> Core[None]:
    """Stores a completed task run's result and makes it the newest for its cache key.

    Raises:
        SerializationError, ResultError: it was asked for and cannot be done. Where only the flow's retries wanted it, or the
            storage keeps small results only, that is logged.
    """
    task, value = context.task, state.data
    is_asked_for = task.persist_result is True or task.is_cached or task.has_result_options
    expires = None
    if task.cache_expiration is not None:
        expires = now_us() + int(task.cache_expiration.total_seconds() * 1e6)

    def write() -> Any:
        store = _open_store(task, context.flow_context)
        key = _storage_key(context)
        stored = store.write(key, value)
        if context.cache_key is not None:
            remember = partial(store.remember, context.cache_key, key, expires)
            current = CURRENT_TRANSACTION.get()
            if current is None:
                remember()
            else:
                current.at_commit(remember)
        return stored, key

    try:
        stored, key = yield ReadOrWrite(write)
    except ResultTooLarge as error:
        logger.say(logging.WARNING, f"The result of {task.owner} is not stored: {error}.")
        return
    except Exception as error:
        if is_asked_for:
            raise
        logger.say(logging.WARNING, f"The result is not stored, so a retry of the flow runs this task again: {error}")
        return
    _note(state, stored, context.cache_key, task.cache_result_in_memory)
    if context.child is not None and state.details is not None:
        context.child.result = stored
        state.details[RUN_KEY] = context.task_run.dynamic_key
        if key != context.task_run.id:
            state.details[RESULT_KEY] = key


def find_earlier(context: TaskRunContext, before: State[Any], logger: RunLogger) -> Core[State[Any] | None]:
    """The completed state that an earlier attempt's result gives the run; None when it cannot be read any more."""
    earlier: EarlierResult = before.data
    task = context.task
    try:
        store = _open_store(task, context.flow_context)
        stored = store.keep_in(earlier.key)
        value = yield ReadOrWrite(stored.load)
    except Exception as error:  # noqa: BLE001 - whatever a storage raises, the task can run
        logger.warning("The result of the run's earlier attempt cannot be read, so the task runs again: %s", error)
        return None
    if context.child is not None:
        context.child.result = stored
    before.data = value if task.cache_result_in_memory else stored
    return before


def keeps_flow_result(context: FlowRunContext) -> bool:
    """Whether a flow run's result is stored: as the flow says, else when the retries of the flow above it need it."""
    flow = context.flow
    if flow.persist_result is not None:
        return flow.persist_result
    above = context.parent.flow_context if context.parent is not None else None
    kept = get_settings().results_persist_by_default if above is None else above.persist_results
    return flow.result_storage is not None or kept


def keep_flow_result(context: FlowRunContext, state: State[Any]) -> Core[None]:
    """Stores a completed flow run's result, if its flow says so, or the flow above it needs it for its retries.

    Raises:
        SerializationError, ResultError: it was asked for and cannot be done. Where only the retries of the flow above it wanted
            it, or the storage keeps small results only, that is logged.
    """
    flow, value = context.flow, state.data
    is_asked_for = flow.persist_result is True or flow.result_storage is not None
    try:
        stored = yield ReadOrWrite(lambda: _open_store(flow, context).write(context.flow_run.id, value))
    except ResultTooLarge as error:
        logger_of(context).say(logging.WARNING, f"The result of {flow.owner} is not stored: {error}.")
        return
    except Exception as error:
        if is_asked_for:
            raise
        message = f"The result is not stored, so a retry of the flow above runs this flow again: {error}"
        logger_of(context).say(logging.WARNING, message)
        return
    _note(state, stored, None, flow.cache_result_in_memory)
    if context.child is not None:
        context.child.result = stored


def _note(state: State[Any], stored: Any, cache_key: str | None, stays_in_memory: bool) -> None:
    state.details = {**(state.details or {}), "result": stored.address}
    if cache_key is not None:
        state.details["cache_key"] = cache_key
    if not stays_in_memory:
        state.data = stored


def _open_store(definition: Definition, flow_context: FlowRunContext | None) -> Any:
    """The store that a definition names, else its flow, else the settings."""
    from towpath.results import ResultStore, open_storage  # noqa: PLC0415 - 20 ms that runs without stored results do not pay

    flow = flow_context.flow if flow_context is not None else None
    storage, serializer = definition.result_storage, definition.result_serializer
    if storage is None and flow is not None:
        storage = flow.result_storage
    if serializer is None and flow is not None:
        serializer = flow.result_serializer
    index = None
    if isinstance(definition, TaskDefinition) and definition.cache_policy is not None:
        key_storage = definition.cache_policy.key_storage
        index = open_storage(key_storage) if key_storage is not None else None
    return ResultStore(open_storage(storage), serializer or get_settings().results_serializer, index)


def _storage_key(context: TaskRunContext) -> str:
    template = context.task.result_storage_key
    if template is None:
        return context.task_run.id
    try:
        return template.format(
            parameters=context.parameters, flow_run=context.flow_run, task_run=context.task_run, **context.parameters
        )
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise DefinitionError(
            f"{context.task.owner}: result_storage_key {template!r} cannot be filled in ({describe(error)}); "
            "it may name parameters, flow_run and task_run."
        ) from error
