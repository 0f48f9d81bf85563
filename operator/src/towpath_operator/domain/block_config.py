"""Checks a block's configuration against its type's schema, so that a form or a manifest is told at once. Pure.

What another block or a secret fills in is not looked at: the one is checked by itself, the other never comes here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from referencing import Registry

from towpath.contract.block_types import BlockTypeFacts
from towpath.contract.problems import FieldError
from towpath_operator.domain.refusals import InvalidRequest

_MOST_ERRORS: Final = 20
_MARKS: Final = ("$ref", "block_type_slug")


def check_config(facts: BlockTypeFacts, config: Mapping[str, Any], secret_fields: Iterable[str]) -> None:
    """Checks the configuration of a block of this type.

    Args:
        secret_fields: those that have a secret.

    Raises:
        InvalidRequest: naming each field that is wrong; the messages hold no value of a secret field.
    """
    exposed = [name for name in facts.secret_fields if _is_exposed(name, config, facts.secret_fields)]
    if exposed:
        raise InvalidRequest(
            f"The field {exposed[0]!r} of {facts.slug} is secret and may not stand in `config`: give it in `secrets`, or name "
            "a Secret in `secretRefs`.",
            [FieldError(field=f"spec.config.{name}", message="is secret: move it out of `config`") for name in exposed],
        )
    given = {name.partition(".")[0] for name in secret_fields}
    errors = list(_check(facts.fields, config, given, frozenset(facts.secret_fields)))[:_MOST_ERRORS]
    if errors:
        told = "; ".join(f"{error.field.removeprefix('spec.config.')}: {error.message}" for error in errors[:3])
        raise InvalidRequest(f"This is no {facts.slug} block: {told}", errors)


def _is_exposed(name: str, config: Mapping[str, Any], secret_fields: Iterable[str]) -> bool:
    value = _find(config, name.split("."))
    if value in (None, ""):
        return False
    # A field may be one secret or an object with secrets in it: the object itself is none.
    return not isinstance(value, dict) or not any(other.startswith(f"{name}.") for other in secret_fields)


def _check(
    schema: Mapping[str, Any], config: Mapping[str, Any], with_secrets: set[str], secrets: frozenset[str]
) -> Iterable[FieldError]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in config and name not in with_secrets:
            how = ", and secret: give it in `secrets`" if name in secrets else ""
            yield FieldError(field=f"spec.config.{name}", message=f"is required{how}")
    for name, value in config.items():
        if name in properties:
            if name not in with_secrets and not _holds_block(value):
                yield from _check_field(schema, name, value)
        elif schema.get("additionalProperties") is False and name not in _MARKS:
            known = ", ".join(properties) or "none"
            yield FieldError(field=f"spec.config.{name}", message=f"there is no such field; there are {known}")


def _check_field(schema: Mapping[str, Any], name: str, value: Any) -> Iterable[FieldError]:
    field_schema = {"$defs": schema.get("$defs", {}), **schema["properties"][name]}
    validator = Draft202012Validator(field_schema, registry=Registry())
    for error in validator.iter_errors(value):
        place = ".".join(["spec.config", name, *(str(part) for part in error.absolute_path)])
        yield FieldError(field=place, message=error.message[:300])


def _holds_block(value: Any) -> bool:
    if isinstance(value, dict):
        found = cast(dict[str, Any], value)
        return any(mark in found for mark in _MARKS) or any(_holds_block(child) for child in found.values())
    return isinstance(value, list) and any(_holds_block(child) for child in cast(list[Any], value))


def _find(config: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(config, dict):
            return None
        config = cast(dict[str, Any], config).get(part)
    return config
