"""Turns what people type for a block's fields into its configuration and secrets. Called by `blocks`.

Secrets are asked for, piped in, or read from files and variables; never taken from the command line, which every process of the
machine can read.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import typer

from towpath.contract.block_secrets import encode_secret
from towpath.contract.declared import EncodedSecret
from towpath.errors import BlockError

FROM_FILE = "@"
FROM_VARIABLE = "env:"


def parse_fields(document: str | None, assignments: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as people give them: one JSON object, and FIELD=VALUE on top of it.

    A value is read as JSON, unless the field's schema takes texts and nothing that it would be as JSON.

    Args:
        schema: the type's fields; empty for a type that is not known.

    Raises:
        BlockError: one of them cannot be read.
    """
    fields = _parse_document(document) if document is not None else {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise BlockError(f"{assignment!r} is not a field: write it as FIELD=VALUE.")
        fields[name] = _parse_value(text, schema.get("properties", {}).get(name, {}))
    return fields


def _parse_document(document: str) -> dict[str, Any]:
    try:
        given = json.loads(document)
    except ValueError as error:
        raise BlockError(f'--fields is not JSON ({error}): give an object, as \'{{"host": "db"}}\'.') from None
    if not isinstance(given, dict):
        raise BlockError('--fields must be a JSON object, as \'{"host": "db"}\'.')
    return cast(dict[str, Any], given)


def _parse_value(text: str, schema: Mapping[str, Any]) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    types = _types(schema)
    return text if "string" in types and _type_of(value) not in types else value


def _types(schema: Mapping[str, Any]) -> set[str]:
    named = schema.get("type", [])
    found = {named} if isinstance(named, str) else set(cast("list[str]", named))
    for option in cast("list[Mapping[str, Any]]", [*schema.get("anyOf", []), *schema.get("oneOf", [])]):
        found |= _types(option)
    return found | ({"integer"} if "number" in found else set())


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def parse_references(assignments: Sequence[str]) -> dict[str, Any]:
    """Fields that are other blocks, as FIELD=TYPE/NAME.

    Raises:
        BlockError: one of them names no block.
    """
    references: dict[str, Any] = {}
    for assignment in assignments:
        name, _, block = assignment.partition("=")
        block_type, _, rest = block.partition("/")
        if not name or not block_type or not rest or "/" in rest:
            raise BlockError(f"{assignment!r} names no block: write it as FIELD=TYPE/NAME.")
        references[name] = {"$ref": {"block": block}}
    return references


def read_secrets(given: Sequence[str]) -> dict[str, str | EncodedSecret | None]:
    """The secrets that people name: FIELD, FIELD=@FILE or FIELD=env:VARIABLE.

    Raises:
        BlockError: one of them cannot be read; a value that stands on the command line is not one.
    """
    asked = [item for item in given if "=" not in item]
    if len(asked) > 1 and not sys.stdin.isatty():
        raise BlockError(
            "Only one secret can come from standard input: give the others as FIELD=@FILE or FIELD=env:VARIABLE."
        )
    return {item.partition("=")[0]: encode_secret(_read_secret(item)) for item in given}


def _read_secret(item: str) -> bytes:
    name, equals, source = item.partition("=")
    if not name:
        raise BlockError(f"{item!r} names no secret field: write it as FIELD, FIELD=@FILE or FIELD=env:VARIABLE.")
    if not equals:
        return _ask(name)
    if source.startswith(FROM_FILE):
        path = Path(source.removeprefix(FROM_FILE)).expanduser()
        try:
            return path.read_bytes()
        except OSError as error:
            raise BlockError(f"The file {path} of the secret {name!r} cannot be read: {error.strerror}.") from error
    if source.startswith(FROM_VARIABLE):
        variable = source.removeprefix(FROM_VARIABLE)
        value = os.environ.get(variable)
        if value is None:
            raise BlockError(f"The variable {variable!r} of the secret {name!r} is not set.")
        return value.encode()
    raise BlockError(
        f"The secret {name!r} may not stand on the command line, which others can read: leave its value out to be asked for "
        f"it, or give {name}=@FILE or {name}=env:VARIABLE."
    )


def _ask(name: str) -> bytes:
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=True)).encode()
    value = sys.stdin.buffer.read()
    return value.removesuffix(b"\n").removesuffix(b"\r")
