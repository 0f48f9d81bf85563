"""Checks and coerces a flow's parameters by its annotations, with pydantic.

pydantic is imported only when an argument is not already exactly what a plain annotation (`int`, `str`, `float`, `bool`,
`bytes`) asks for.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, cast

from towpath.engine.signatures import Signature
from towpath.errors import ParameterTypeError

_PLAIN: Final = {"int": int, "str": str, "float": float, "bool": bool, "bytes": bytes}


def validate_parameters(fn: Callable[..., Any], signature: Signature, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as the annotations want them; those without an annotation, and defaults left alone, as they are.

    Raises:
        ParameterTypeError: some do not fit; the message names them.
    """
    annotations: dict[str, Any] = getattr(fn, "__annotations__", None) or {}
    if not annotations and hasattr(fn, "__wrapped__"):
        annotations = getattr(fn.__wrapped__, "__annotations__", None) or {}  # pyright: ignore[reportFunctionMemberAccess]
    unsure = [
        name
        for name, value in parameters.items()
        if name in annotations and (not _fits(annotations[name], value) or _is_field(signature.defaults.get(name)))
    ]
    unsure = [name for name in unsure if not _is_default(signature, name, parameters[name])]
    if not unsure:
        return parameters
    described = [name for name in unsure if _is_field(parameters[name])]
    if described:
        given = {name: parameters[name].get_default(call_default_factory=True) for name in described}
        unsure = [name for name in unsure if name not in described]
        parameters = {**parameters, **given}
    return {**parameters, **coerce_parameters(fn, signature, {name: parameters[name] for name in unsure})}


def _fits(annotation: Any, value: Any) -> bool:
    plain = _PLAIN.get(annotation) if isinstance(annotation, str) else annotation
    kind = cast("type[Any]", type(value))
    return annotation is Any or annotation == "Any" or (kind is plain and plain in _PLAIN.values())


def _is_default(signature: Signature, name: str, value: Any) -> bool:
    return name in signature.defaults and signature.defaults[name] is value and not _is_field(value)


def _is_field(value: Any) -> bool:
    """Whether a default is a pydantic `Field(...)`, which describes the default that it stands for."""
    return type(value).__name__ == "FieldInfo" and hasattr(value, "get_default")


def coerce_parameters(fn: Callable[..., Any], signature: Signature, values: dict[str, Any]) -> dict[str, Any]:
    """Some of a function's parameters as their annotations read them.

    Raises:
        ParameterTypeError: some do not fit; the message names them.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - 40 ms that flows with plain arguments do not pay

    adapter = _adapter(fn, signature)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''}"
        raise ParameterTypeError(
            f"{count} for the parameters of {getattr(fn, '__name__', fn)!r}: " + "; ".join(problems)
        ) from None  # pydantic's own words for the same would be printed above it


@lru_cache(maxsize=256)
def _adapter(fn: Callable[..., Any], signature: Signature) -> Any:
    """Validates a dict of the function's parameters: a TypedDict takes any name, where a model would not."""
    from typing import get_type_hints  # noqa: PLC0415 - beside pydantic

    from pydantic import ConfigDict, TypeAdapter  # noqa: PLC0415 - 40 ms that flows with plain arguments do not pay
    from typing_extensions import TypedDict  # noqa: PLC0415 - before Python 3.12 pydantic takes this one alone

    hints = get_type_hints(fn, include_extras=True)
    hints.pop("return", None)
    if signature.var_positional in hints:
        hints[signature.var_positional] = tuple[hints[signature.var_positional], ...]
    if signature.var_keyword in hints:
        hints[signature.var_keyword] = dict[str, hints[signature.var_keyword]]
    for name, default in signature.defaults.items():
        if name in hints and _is_field(default):
            hints[name] = Annotated[hints[name], default]
    make: Any = TypedDict
    shape = make("Parameters", hints, total=False)
    shape.__pydantic_config__ = ConfigDict(arbitrary_types_allowed=True)
    return TypeAdapter(shape)
