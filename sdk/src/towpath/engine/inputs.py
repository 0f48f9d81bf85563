"""Finds futures and states in a task's arguments, and puts their data in their place. Pure, but for futures that are done.

Looks into lists, tuples, sets, dicts, dataclasses and pydantic models, in marks, and into nothing else: a data frame is one
value. A collection without futures stays the object it was.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, cast

from towpath.annotations import BaseAnnotation, allow_failure, quote
from towpath.contract.states import StateType
from towpath.errors import UpstreamTaskError
from towpath.futures import Future
from towpath.states import State, get_state_exception

_ATOMS: Final = frozenset({int, str, float, bool, bytes, type(None), complex, bytearray, range})
_MAX_DEPTH: Final = 20


class Found(NamedTuple):
    """A future, state or mark in an argument, and whether the failure of what is within is admitted."""

    item: "Future[Any] | State[Any] | BaseAnnotation[Any]"
    allows_failure: bool


def find_upstreams(value: Any, into: list[Found]) -> None:
    """Appends every future, state and mark within `value` to `into`."""
    if type(value) not in _ATOMS:
        _find(value, into, set(), 0, False)


def _find(value: Any, into: list[Found], seen: set[tuple[int, bool]], depth: int, allows_failure: bool) -> None:
    kind = cast("type[Any]", type(value))
    if isinstance(value, Future | State):
        into.append(Found(cast("Future[Any] | State[Any]", value), allows_failure))
        return
    if depth > _MAX_DEPTH or (id(value), allows_failure) in seen:
        return
    seen.add((id(value), allows_failure))
    if isinstance(value, BaseAnnotation):
        inner = cast("BaseAnnotation[Any]", value)
        into.append(Found(inner, allows_failure))
        members: Iterable[Any] = () if isinstance(value, quote) else (inner.value,)
        allows_failure = allows_failure or isinstance(value, allow_failure)
    elif kind is list or kind is tuple or kind is set or kind is frozenset:
        members = value
    elif kind is dict:
        members = [*value.keys(), *value.values()]
    else:
        members = _members(value)
    for member in members:
        if type(member) not in _ATOMS:
            _find(member, into, seen, depth + 1, allows_failure)


def _members(value: Any) -> Iterable[Any]:
    kind = cast("type[Any]", type(value))
    if isinstance(value, list | tuple | set | frozenset):
        return cast("list[Any]", value)
    if isinstance(value, dict):
        return cast("dict[Any, Any]", value).values()
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is not None:
        return [getattr(value, name, None) for name in fields]
    if hasattr(kind, "model_fields") and hasattr(kind, "model_copy"):
        return vars(value).values()
    return ()


def resolve(value: Any, resolve_one: "Callable[[Found], Any]") -> Any:
    """`value` with every future and state replaced by what `resolve_one` gives for it, and without marks."""
    return _resolve(value, resolve_one, {}, 0, False)


Memo = dict[tuple[int, bool], Any]
"""What each container became, so that one that occurs twice stays one, and is walked once."""


def _resolve(value: Any, resolve_one: "Callable[[Found], Any]", memo: Memo, depth: int, allows_failure: bool) -> Any:
    if type(value) in _ATOMS or depth > _MAX_DEPTH:
        return value
    if isinstance(value, Future | State):
        return resolve_one(Found(cast("Future[Any] | State[Any]", value), allows_failure))
    if isinstance(value, BaseAnnotation):
        inner = cast("BaseAnnotation[Any]", value).value
        if isinstance(value, quote):
            return inner
        return _resolve(inner, resolve_one, memo, depth + 1, allows_failure or isinstance(value, allow_failure))
    key = id(value), allows_failure
    if key in memo:
        return memo[key]
    memo[key] = value  # what refers to itself stays as it is

    def again(item: Any) -> Any:
        return _resolve(item, resolve_one, memo, depth + 1, allows_failure)

    memo[key] = new = _resolve_container(value, again)
    return new


def _resolve_container(value: Any, again: "Callable[[Any], Any]") -> Any:
    kind = cast("type[Any]", type(value))
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("list[Any]", value)
        new = [again(item) for item in items]
        if all(a is b for a, b in zip(new, items, strict=True)):
            return value
        if hasattr(kind, "_fields"):
            return kind(*new)
        return new if kind is list else kind(new)
    if isinstance(value, dict):
        mapping = cast("dict[Any, Any]", value)
        pairs = [(again(key), again(item)) for key, item in mapping.items()]
        if all(a is k and b is v for (a, b), (k, v) in zip(pairs, mapping.items(), strict=True)):
            return value
        return dict(pairs) if kind is dict else _rebuilt(value, dict(pairs))
    return _resolve_members(value, again)


def _rebuilt(value: Any, pairs: dict[Any, Any]) -> Any:
    other = value.copy()
    other.update(pairs)
    return other


def _resolve_members(value: Any, again: "Callable[[Any], Any]") -> Any:
    import copy  # noqa: PLC0415 - 1 ms that arguments of plain types do not pay

    kind = cast("type[Any]", type(value))
    fields: Iterable[str] | None = getattr(kind, "__dataclass_fields__", None)
    if fields is None and not (hasattr(kind, "model_fields") and hasattr(kind, "model_copy")):
        return value
    names = list(fields) if fields is not None else list(vars(value))
    changed: dict[str, Any] = {}
    for name in names:
        before = getattr(value, name, None)
        after = again(before)
        if after is not before:
            changed[name] = after
    if not changed:
        return value
    other = copy.copy(value)
    for name, item in changed.items():
        object.__setattr__(other, name, item)
    return other


def data_of(found: Found) -> Any:
    """What a task gets in the place of a future or state that has ended.

    Raises:
        UpstreamTaskError: it did not reach COMPLETED, nor FAILED where that is admitted.
    """
    item = found.item
    if isinstance(item, BaseAnnotation):
        return item.value
    state = item.state if isinstance(item, Future) else item
    if state.type is StateType.COMPLETED:
        return state.result()
    if found.allows_failure and state.type is StateType.FAILED:
        return get_state_exception(state)
    raise UpstreamTaskError(f"Upstream task run '{run_id_of(item)}' did not reach a 'COMPLETED' state.")


def state_of(found: Found) -> Any:
    """The state in the place of a future that has ended, for a flow's return value."""
    return found.item.state if isinstance(found.item, Future) else found.item


def run_id_of(item: "Future[Any] | State[Any]") -> str | None:
    """The id of the run that a future or state belongs to; None for a state that no run has entered."""
    return item.task_run_id if isinstance(item, Future) else item.run_id
