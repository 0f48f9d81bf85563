"""Makes module attributes out of functions, each overridden by its environment variable. Called by the modules beside it."""

import os
from collections.abc import Callable, Mapping
from typing import Any

Readers = Mapping[str, Callable[[], Any]]


def read_attribute(noun: str, readers: Readers, name: str) -> Any:
    """The attribute `name` of `towpath.runtime.<noun>`.

    Raises:
        AttributeError: there is none of that name.
    """
    reader = readers.get(name)
    if reader is None:
        raise AttributeError(f"towpath.runtime.{noun} has no attribute {name!r}; it has {', '.join(readers)}.")
    value = reader()
    given = os.environ.get(f"TOWPATH__RUNTIME__{noun.upper()}__{name.upper()}")
    return value if given is None else _as(type(value), given)


def _as(kind: type, text: str) -> Any:
    if kind is int:
        return int(text)
    if kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
