"""Hides what a flow takes as a secret from what is told of its run's parameters. Called by `telling`. Pure.

A parameter whose annotation holds a secret type (`SecretStr`, `SecretBytes`, `Secret[...]`, also within a model, a dataclass or a
collection) is told as the annotation reads it, since secrets know how to show themselves; one that does not fit is not shown at all.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from towpath.engine.definitions import FlowDefinition
from towpath.engine.parameters import coerce_parameters
from towpath.engine.plain import HIDDEN

_ANYTHING: Final = (str, bytes, object, Any)
"""What would take a secret's text as it is, beside a secret type in a union."""


def hide_secrets(flow: FlowDefinition, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a run with the secret ones replaced by what shows no secret."""
    if "pydantic" not in sys.modules:
        return parameters  # whose secrets these would be
    secret = _find_secret_parameters(flow)
    found = [name for name in secret if name in parameters]
    if not found:
        return parameters
    return {**parameters, **{name: _hide(flow, name, parameters[name], secret[name]) for name in found}}


def _hide(flow: FlowDefinition, name: str, value: Any, hint: Any) -> Any:
    if value is None:
        return None
    if _takes_text_too(hint):
        return HIDDEN
    try:
        return coerce_parameters(flow.fn, flow.signature, {name: value})[name]
    except Exception:  # noqa: BLE001 - what a validator of the user's raises is told when the run checks its parameters
        return HIDDEN


@lru_cache(maxsize=256)
def _find_secret_parameters(flow: FlowDefinition) -> Mapping[str, Any]:
    """The parameters whose annotations hold a secret type, with their annotations."""
    try:
        hints = get_type_hints(flow.fn, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that is not there fails the run where its parameters are checked
        hints = dict(getattr(flow.fn, "__annotations__", {}))
        hints = {name: _guess(hint) if isinstance(hint, str) else hint for name, hint in hints.items()}
    hints.pop("return", None)
    return {name: hint for name, hint in hints.items() if _holds_secret(hint, set())}


def _guess(text: str) -> Any:
    """An annotation that cannot be read, by its words."""
    from pydantic import SecretStr  # noqa: PLC0415 - only where pydantic is loaded already

    return SecretStr | str if "Secret" in text else Any


def _takes_text_too(hint: Any) -> bool:
    """Whether a secret's text could be read as something that is no secret."""
    return any(option is text for option in _options(hint) for text in _ANYTHING)


def _options(hint: Any) -> tuple[Any, ...]:
    """What a union may be; of anything else, itself."""
    args = get_args(hint)
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return tuple(option for arg in args for option in _options(arg))
    return _options(args[0]) if hasattr(hint, "__metadata__") else (hint,)


def _holds_secret(hint: Any, seen: set[int]) -> bool:
    from pydantic import Secret, SecretBytes, SecretStr  # noqa: PLC0415 - only where pydantic is loaded already

    hint = getattr(hint, "__value__", getattr(hint, "__supertype__", hint))  # of a type alias, or a NewType
    if id(hint) in seen:
        return False
    seen.add(id(hint))
    kind = get_origin(hint) or hint
    if isinstance(kind, type):
        if issubclass(kind, (SecretStr, SecretBytes, Secret)):
            return True
        if any(_holds_secret(field, seen) for field in _fields_of(kind)):
            return True
    return any(_holds_secret(arg, seen) for arg in get_args(hint))


def _fields_of(kind: type[Any]) -> list[Any]:
    """The annotations of the fields of a model, a dataclass, a TypedDict or a NamedTuple."""
    fields = getattr(kind, "model_fields", None)
    if isinstance(fields, dict):
        return [field.annotation for field in fields.values()]  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    if not (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__total__") or hasattr(kind, "_fields")):
        return []
    try:
        return list(get_type_hints(kind, include_extras=True).values())
    except Exception:  # noqa: BLE001 - what cannot be read fails the run where its parameters are checked
        return []
