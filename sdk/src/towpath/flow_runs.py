"""Pauses, suspends and resumes flow runs. Called by users: in a flow for its own run, anywhere for others by their id.

In asynchronous code `pause_flow_run`, `suspend_flow_run` and `resume_flow_run` are awaited.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload
from uuid import UUID

from towpath.context import CURRENT, FlowRunContext, TaskRunContext
from towpath.errors import MissingContextError
from towpath.event_loop import is_in_loop

if TYPE_CHECKING:
    from towpath.contract.runs import FlowRunRead
    from towpath.engine.pausing import PauseWish
    from towpath.input import AwaitedInput

T = TypeVar("T")

DEFAULT_TIMEOUT = 3_600.0
"""Seconds that a pause lasts unless it is resumed before."""

__all__ = ["pause_flow_run", "resume_flow_run", "suspend_flow_run"]


@overload
def pause_flow_run(
    wait_for_input: None = None,
    *,
    flow_run_id: "UUID | str | None" = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    poll_interval: float = 10,
    reschedule: bool = False,
    key: str | None = None,
) -> Any: ...
@overload
def pause_flow_run(
    wait_for_input: type[T],
    *,
    timeout: float | None = DEFAULT_TIMEOUT,
    poll_interval: float = 10,
    reschedule: bool = False,
    key: str | None = None,
) -> T: ...
def pause_flow_run(
    wait_for_input: type[Any] | None = None,
    *,
    flow_run_id: "UUID | str | None" = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    poll_interval: float = 10,
    reschedule: bool = False,
    key: str | None = None,
) -> Any:
    """Pauses the flow run that the caller is in until somebody resumes it. Its process waits; task runs under way go on.

    Args:
        wait_for_input: what whoever resumes it must give: a pydantic model, or another type. It is what this returns.
        flow_run_id: pauses that run in place of the caller's own, and does not wait: no task run of it begins from then on.
        timeout: seconds; then the run fails. None: it waits for ever.
        poll_interval: taken for Prefect's sake; the run hears of its resuming at once.
        reschedule: suspend it in place of pausing it, see `suspend_flow_run`.
        key: names the pause, so that the same one is not made twice; default its number among the run's pauses.

    Raises:
        PauseTimeout: nobody resumed it in time.
        MissingContextError: the caller is in no flow.
        ApiRefused: the run cannot be paused.
        SettingsError: no API is set, and no local one can be started.
    """
    if flow_run_id is not None:
        return _in_thread_if_async(lambda: _pause_other(flow_run_id, timeout, suspend=reschedule))
    return _pause(wait_for_input, timeout, key, suspend=reschedule)


@overload
def suspend_flow_run(
    wait_for_input: None = None,
    *,
    flow_run_id: "UUID | str | None" = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key: str | None = None,
) -> Any: ...
@overload
def suspend_flow_run(
    wait_for_input: type[T], *, timeout: float | None = DEFAULT_TIMEOUT, key: str | None = None
) -> T: ...
def suspend_flow_run(
    wait_for_input: type[Any] | None = None,
    *,
    flow_run_id: "UUID | str | None" = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key: str | None = None,
) -> Any:
    """Suspends the flow run that the caller is in: its process ends, and resuming it starts the flow again from its beginning.

    There, this call returns at once, and task runs whose results are kept do not run again (`persist_result`). Only runs of
    deployments can be suspended, since something must launch them again; subflows cannot.

    Args:
        wait_for_input: what whoever resumes it must give: a pydantic model, or another type. It is what this returns then.
        flow_run_id: suspends that run in place of the caller's own: its process ends at its next task run.
        timeout: seconds; then the run fails. None: it waits for ever.
        key: names the pause; default its number among the run's pauses.

    Raises:
        MissingContextError: the caller is in no flow.
        ApiRefused: the run cannot be suspended.
        SettingsError: no API is set.
    """
    if flow_run_id is not None:
        return _in_thread_if_async(lambda: _pause_other(flow_run_id, timeout, suspend=True))
    return _pause(wait_for_input, timeout, key, suspend=True)


def resume_flow_run(flow_run_id: "UUID | str", run_input: "Mapping[str, Any] | Any | None" = None) -> Any:
    """Lets a paused flow run go on, or launches a suspended one again.

    Args:
        run_input: what the run waits for: its fields by name, a model with them, or for an input that is no model its value.

    Returns:
        The run as it is then.

    Raises:
        ApiRefused: the run is not paused, or waits for another input; the message says which field.
    """
    return _in_thread_if_async(lambda: _resume(flow_run_id, run_input))


def _resume(flow_run_id: "UUID | str", run_input: Any) -> "FlowRunRead":
    from towpath.client.asking import client_for_asking  # noqa: PLC0415 - 150 ms that flows which ask nothing do not pay
    from towpath.contract.run_control import FlowRunResume  # noqa: PLC0415 - as above

    given: dict[str, Any] | None = None
    if hasattr(type(run_input), "model_dump"):
        given = run_input.model_dump(mode="json")
    elif isinstance(run_input, Mapping):
        given = dict(cast("Mapping[str, Any]", run_input))
    elif run_input is not None:
        given = {"value": run_input}
    with client_for_asking() as client:
        return client.resume_flow_run(flow_run_id, FlowRunResume(run_input=given))


def _pause_other(flow_run_id: "UUID | str", timeout: float | None, *, suspend: bool) -> "FlowRunRead":
    from towpath.client.asking import client_for_asking  # noqa: PLC0415 - 150 ms that flows which ask nothing do not pay
    from towpath.contract.run_control import FlowRunPause  # noqa: PLC0415 - as above

    asked = FlowRunPause(timeout_seconds=timeout)
    with client_for_asking() as client:
        return client.suspend_flow_run(flow_run_id, asked) if suspend else client.pause_flow_run(flow_run_id, asked)


def _pause(wanted: type[Any] | None, timeout: float | None, key: str | None, *, suspend: bool) -> Any:
    from towpath.engine.pausing import PauseWish  # noqa: PLC0415 - the client and what it needs: 30 ms

    context = CURRENT.get()
    if not isinstance(context, FlowRunContext):
        where = "in a task" if isinstance(context, TaskRunContext) else "outside a flow run"
        raise MissingContextError(
            f"A flow run is paused from within its flow, not {where}: give another run's id as flow_run_id."
        )
    awaited = _await_input(wanted) if wanted is not None else None
    wish = PauseWish(
        timeout=timeout,
        suspend=suspend,
        key=key,
        input_schema=awaited.schema() if awaited is not None else None,
        description=awaited.description if awaited is not None else None,
    )
    if context.flow.is_async and is_in_loop():
        return _wait_async(context, wish, awaited)
    return _build(awaited, _wait(context, wish))


def _await_input(wanted: type[Any]) -> "AwaitedInput[Any]":
    from towpath.input import AwaitedInput  # noqa: PLC0415 - pydantic: 40 ms

    return AwaitedInput(wanted)


def _wait(context: FlowRunContext, wish: "PauseWish") -> dict[str, Any] | None:
    from towpath.engine.pausing import Pausing  # noqa: PLC0415 - loaded by now

    return Pausing(context, wish).wait()


async def _wait_async(context: FlowRunContext, wish: "PauseWish", awaited: "AwaitedInput[Any] | None") -> Any:
    from towpath.engine.loops import run_beside  # noqa: PLC0415 - asynchronous code has loaded asyncio
    from towpath.engine.pausing import Pausing  # noqa: PLC0415 - loaded by now

    pausing = Pausing(context, wish)
    return _build(awaited, await run_beside(pausing.wait, pausing.give_up))


def _build(awaited: "AwaitedInput[Any] | None", given: dict[str, Any] | None) -> Any:
    return awaited.build(given) if awaited is not None else None


def _in_thread_if_async(ask: Callable[[], Any]) -> Any:
    """What `ask` gives; in asynchronous code a coroutine that gives it."""
    if not is_in_loop():
        return ask()
    from towpath.engine.loops import run_beside  # noqa: PLC0415 - asyncio is loaded

    return run_beside(ask, lambda: None)
