"""`.map()`: one run for each element of the iterables among the arguments. Called by `Task.map`."""

from collections.abc import Iterable, Iterator
from io import IOBase
from typing import Any, cast

from towpath.annotations import BaseAnnotation, allow_failure, as_list, unmapped
from towpath.context import CURRENT
from towpath.engine.definitions import TaskDefinition
from towpath.engine.running import gives_async_futures, submit_bound
from towpath.errors import MappingLengthMismatch, MappingMissingIterable
from towpath.futures import AsyncFutureList, Future, FutureList
from towpath.states import State


def map_task(
    task: TaskDefinition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    return_state: bool = False,
    wait_for: Iterable[Any] | None = None,
) -> Any:
    """Submits the runs; see Task.map."""
    signature = task.signature
    bound = signature.bind(args, kwargs)
    others: dict[str, Any] = bound.pop(signature.var_keyword, {}) if signature.var_keyword else {}
    named = {*signature.names[: len(args)], *kwargs}
    given = [name for name in (*bound, *others) if name in named]
    mapped: dict[str, list[Any]] = {}
    whole: dict[str, Any] = {}
    for name, value in (*bound.items(), *others.items()):
        items = _items(value) if name in named else None
        if items is not None:
            mapped[name] = items
        else:
            whole[name] = value.unwrap() if isinstance(value, unmapped) and name in named else value
    if not mapped:
        raise MappingMissingIterable(
            f"{task.owner}: no iterable was given to map over; map() takes at least one. Given: {', '.join(given) or 'nothing'}."
        )
    lengths = {name: len(items) for name, items in mapped.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise MappingLengthMismatch(
            f"{task.owner}: the iterables given to map() must have one length; they have {shown}."
        )
    upstreams = None if wait_for is None else as_list(wait_for)
    futures: Any = AsyncFutureList() if gives_async_futures(task, CURRENT.get()) else FutureList()
    for values in zip(*mapped.values(), strict=True):
        taken = {**whole, **dict(zip(mapped, values, strict=True))}
        parameters = {name: taken[name] for name in bound}
        if signature.var_keyword:
            parameters[signature.var_keyword] = {name: taken[name] for name in others}
        futures.append(submit_bound(task, parameters, wait_for=upstreams))
    if not return_state:
        return futures
    if isinstance(futures, AsyncFutureList):
        return _states_of(cast("AsyncFutureList[Any]", futures))
    return [future.wait() for future in futures]


async def _states_of(futures: AsyncFutureList[Any]) -> list[Any]:
    return [await future.wait() for future in futures]


def _items(value: Any) -> list[Any] | None:
    """The elements to map over, None when the value goes whole."""
    if isinstance(value, unmapped | str | bytes | IOBase):
        return None
    if isinstance(value, allow_failure):
        inner = _items(cast("BaseAnnotation[Any]", value).value)
        return None if inner is None else [allow_failure(item) for item in inner]
    if isinstance(value, BaseAnnotation):
        return None
    if isinstance(value, Future):
        value = Future.result(cast("Future[Any]", value))
        return _items(value)
    if isinstance(value, State):
        return _items(cast("State[Any]", value).result())
    if isinstance(value, list):
        return cast("list[Any]", value)
    try:
        iterator: Iterator[Any] = iter(value)
    except TypeError:
        return None
    return list(iterator)
