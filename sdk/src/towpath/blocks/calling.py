"""Lets methods that do I/O be called from synchronous and asynchronous code alike. Used by blocks of every kind.

Prefect's users write `await bucket.read_path(...)` in coroutines and `bucket.read_path(...)` elsewhere. Whose code the direct
caller is, its frame says; so a plain function that a coroutine calls still gets its value, and so does a notebook's cell.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import anyio.to_thread

P = ParamSpec("P")
R = TypeVar("R")

_ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


def async_compatible(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function return an awaitable where a coroutine calls it; then it runs in a thread and holds up no event loop.

    It is typed as what it is to synchronous code.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if sys._getframe(1).f_code.co_flags & _ASYNCHRONOUS:  # pyright: ignore[reportPrivateUsage]
            return cast(R, anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs)))
        return function(*args, **kwargs)

    return call
