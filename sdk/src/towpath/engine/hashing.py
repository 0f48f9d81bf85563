"""Hashes of values and of functions, for cache keys: the same in every process and however a flow's code was loaded."""

import hashlib
import json
from collections.abc import Callable
from types import CodeType
from typing import Any, cast

_CODE = [
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_kwonlyargcount",
    "co_posonlyargcount",
    "co_flags",
]


def hash_value(value: Any) -> str | None:
    """A hash of any value: of its JSON where it has one, else of its cloudpickle; None when it has neither."""
    try:
        data = json.dumps(value, sort_keys=True, default=_as_json).encode()
    except (TypeError, ValueError, RecursionError):
        try:
            import cloudpickle  # noqa: PLC0415 - 15 ms that values with a JSON form do not pay

            data = cloudpickle.dumps(value)
        except Exception:  # noqa: BLE001 - whatever pickling raises, the value has no hash
            return None
    return hashlib.sha256(data).hexdigest()[:32]


def _as_json(value: Any) -> Any:
    """Sets in an order that does not depend on the process; models and dataclasses by their type and fields."""
    kind = cast("type[Any]", type(value))
    if isinstance(value, set | frozenset):
        items = cast("set[Any]", value)
        return [kind.__name__, sorted(json.dumps(item, sort_keys=True, default=_as_json) for item in items)]
    if hasattr(kind, "model_dump") and hasattr(kind, "model_fields"):
        return [kind.__qualname__, value.model_dump()]
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is not None and not isinstance(value, type):
        return [kind.__qualname__, {name: getattr(value, name) for name in fields}]
    raise TypeError(f"a {kind.__name__} is no JSON value")


def hash_function(fn: Callable[..., Any]) -> str:
    """A hash of what a function does: its bytecode and constants, those of functions within it, its defaults, what it closes
    over where that is plain data or a function, and what `functools.partial` gives it.

    Neither its module nor its file nor its line numbers count, so that the same code loaded another way has the same hash.
    """
    digest = hashlib.sha256()
    _add_function(digest, fn, set())
    return digest.hexdigest()[:32]


def _add_function(digest: Any, fn: Any, seen: set[int]) -> None:
    if id(fn) in seen:
        return
    seen.add(id(fn))
    fn = getattr(fn, "__func__", fn)
    inner = getattr(fn, "func", None)
    if callable(inner) and hasattr(fn, "keywords"):
        _add_function(digest, inner, seen)
        digest.update(f"{hash_value(fn.args)} {hash_value(fn.keywords)}".encode())
        return
    code: CodeType | None = getattr(fn, "__code__", None)
    if code is None:
        call = getattr(getattr(type(fn), "__call__", None), "__code__", None)  # noqa: B004 - its code is wanted
        digest.update(getattr(fn, "__qualname__", type(fn).__qualname__).encode())
        if call is not None:
            _add_code(digest, call)
            digest.update((hash_value(vars(fn)) or "").encode())
        return
    _add_code(digest, code)
    digest.update((hash_value((fn.__defaults__, fn.__kwdefaults__)) or "").encode())
    for cell in fn.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        if hasattr(content, "__code__"):
            _add_function(digest, content, seen)
        elif isinstance(content, int | str | float | bool | bytes | list | tuple | dict | set | frozenset):
            digest.update((hash_value(content) or "").encode())


def _add_code(digest: Any, code: CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr([getattr(code, name) for name in _CODE]).encode())
    has_docstring = bool(code.co_consts) and isinstance(code.co_consts[0], str) and not code.co_name.startswith("<")
    docstring = code.co_consts[0] if has_docstring else None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_code(digest, constant)
        elif constant is docstring and docstring is not None:
            digest.update(b"\0")
        else:
            digest.update(_constant(constant).encode())
    digest.update(b"\1")


def _constant(constant: Any) -> str:
    if isinstance(constant, frozenset):
        items = cast("frozenset[Any]", constant)
        return f"frozenset({sorted(map(repr, items))})"
    return f"{type(constant).__name__}:{constant!r}"


def hash_task_inputs(task: Any, arguments: dict[str, Any]) -> str | None:
    """A hash of a task, its code and its arguments; None when they cannot be hashed."""
    arguments_hash = hash_value(arguments)
    if arguments_hash is None:
        return None
    return hash_value([task.task_key, hash_function(task.fn), arguments_hash])
