"""A run's parameters: laid over the deployment's, and checked against the flow's parameter schema. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from towpath.contract.problems import FieldError
from towpath_operator.domain.refusals import InvalidParameters, InvalidSchema

MAX_PARAMETERS = 256 * 1024
"""Bytes of a run's parameters as JSON: every list of runs and every launch carries them, and etcd refuses a FlowRun of 1.5 MB."""
_MOST_ERRORS = 20
_DATA_KEYWORDS = frozenset({"const", "enum", "default", "examples"})


def lay_over(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of all layers, the later ones winning. Values are replaced whole, not merged."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    return merged


def check_schema(schema: Mapping[str, Any]) -> None:
    """Checks that `schema` is a JSON schema whose references lie within it.

    Raises:
        InvalidSchema: with the place that is wrong.
    """
    validator = _validator(schema)
    try:
        validator.check_schema(dict(schema))
        # A validator resolves a reference when it meets it, so one that leads nowhere would show only in use.
        resolver = Registry[Any]().with_resource("", DRAFT202012.create_resource(schema)).resolver()
        for reference in _references(schema):
            resolver.lookup(reference)
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path) or "parameterSchema"
        raise InvalidSchema(
            f"`parameterSchema` is not a JSON schema: {place}: {error.message}",
            [FieldError(field=f"spec.parameterSchema.{place}", message=error.message)],
        ) from error
    except Unresolvable as error:
        raise InvalidSchema(f"`parameterSchema` refers to {error.ref!r}, which is not in it.") from error


def _size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _check_size(parameters: Mapping[str, Any]) -> None:
    size = _size(parameters)
    if size <= MAX_PARAMETERS:
        return
    largest = max(parameters, key=lambda name: _size(parameters[name]))
    message = f"has {_size(parameters[largest])} bytes as JSON, of the {MAX_PARAMETERS} that all may have together"
    raise InvalidParameters(
        f"`parameters` have {size} bytes as JSON and may have {MAX_PARAMETERS}: "
        f"store what `{largest}` holds elsewhere and pass where it is.",
        [FieldError(field=f"parameters.{largest}", message=message)],
    )


def check_parameters(schema: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> None:
    """Checks `parameters` against their bound and the flow's schema; a flow without one takes any.

    Raises:
        InvalidParameters: naming each parameter that is refused, or the largest when they are too large.
    """
    _check_size(parameters)
    if not schema:
        return
    try:
        found = sorted(_validator(schema).iter_errors(parameters), key=lambda error: [str(p) for p in error.path])
    except Unresolvable as error:
        raise InvalidSchema(f"The flow's `parameterSchema` refers to {error.ref!r}, which is not in it.") from error
    if found:
        errors = [FieldError(field=_place(error), message=_shorten(error.message)) for error in found[:_MOST_ERRORS]]
        told = "; ".join(f"{entry.field}: {entry.message}" for entry in errors[:3])
        raise InvalidParameters(f"The flow does not take these parameters: {told}", errors)


def are_too_large(parameters: Mapping[str, Any]) -> bool:
    """Whether `parameters` exceed the bound on them."""
    try:
        _check_size(parameters)
    except InvalidParameters:
        return True
    return False


def _references(schema: Any) -> Iterator[str]:
    """Every `$ref` in the schema, but for those in data."""
    if isinstance(schema, list):
        for item in cast(list[Any], schema):
            yield from _references(item)
    elif isinstance(schema, dict):
        for key, value in cast(dict[str, Any], schema).items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key not in _DATA_KEYWORDS:
                yield from _references(value)


def _validator(schema: Mapping[str, Any]) -> Validator:
    kind = validator_for(schema, default=Draft202012Validator)
    return kind(schema, registry=Registry())


def _place(error: ValidationError) -> str:
    return ".".join(["parameters", *(str(part) for part in error.absolute_path)])


def _shorten(message: str, limit: int = 300) -> str:
    return message if len(message) <= limit else f"{message[: limit - 1]}…"
