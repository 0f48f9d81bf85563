"""Takes a block's fields apart into configuration and secrets, and puts them together again. Pure; called by `storing`.

A secret is found by its value's type wherever it stands, and is named by its path: field names, keys and positions with dots
between them. What is left has no trace of it.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, Secret, SecretBytes, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema, from_json, to_json

from towpath.contract.block_secrets import is_file_name
from towpath.errors import BlockError


def _parse_text(value: Any) -> Any:
    return from_json(value) if isinstance(value, (str, bytes)) else value


class SecretDict(Secret[dict[str, Any]]):
    """A dictionary that is secret as a whole. Takes JSON too, which is how it is kept."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_before_validator_function(_parse_text, inner)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core) | {"format": "password", "writeOnly": True}


def is_secret(value: Any) -> bool:
    """Whether a value is one that must not be shown."""
    return isinstance(value, (SecretStr, SecretBytes, Secret))


def walk(value: Any, stop: type[Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every secret, and every instance of `stop` (which is not looked into), with its path below `value`."""
    for name, child in _children(value):
        if is_secret(child) or isinstance(child, stop):
            yield (name,), child
        else:
            for path, found in walk(child, stop):
                yield (name, *path), found


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from ((name, getattr(value, name)) for name in type(value).model_fields)
        yield from (value.model_extra or {}).items()
    elif isinstance(value, Mapping):
        yield from ((str(key), child) for key, child in cast(Mapping[Any, Any], value).items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(index), child) for index, child in enumerate(cast(Sequence[Any], value)))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    elif isinstance(value, (set, frozenset)) and any(is_secret(child) for child in cast(set[Any], value)):
        raise BlockError("A set of secrets cannot be kept, since it has no order: make the field a list.")


def name_path(path: Sequence[str]) -> str:
    """A secret's name.

    Raises:
        BlockError: a key on the way makes no file name, as secrets are files in pods.
    """
    name = ".".join(path)
    if not all(path) or any("." in part for part in path) or not is_file_name(name):
        raise BlockError(
            f"The secret {name!r} cannot be kept under that name: its keys must be made of letters, digits, _ and - "
            "(a SecretDict takes any keys)."
        )
    return name


def to_bytes(secret: Any) -> bytes | None:
    """What is kept of a secret; None where it has no value.

    Raises:
        TypeError: it is a Secret of something that is neither text, bytes nor JSON.
    """
    value = secret.get_secret_value()
    if value is None:
        return None
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else to_json(value)


def put(config: Any, path: Sequence[str], value: Any) -> bool:
    """Sets what is at `path`, making the dictionaries on the way that are missing. Whether there is such a place."""
    for part in path[:-1]:
        config = _step(config, part)
        if config is None:
            return False
    if isinstance(config, dict):
        config[path[-1]] = value
        return True
    items = cast("list[Any]", config)
    index = _index(items, path[-1])
    if index is None:
        return False
    items[index] = value
    return True


def take(config: Any, path: Sequence[str]) -> bool:
    """Removes what is at `path`; in a list its place stays, empty. Whether it was there."""
    for part in path[:-1]:
        if isinstance(config, dict):
            config = cast(dict[str, Any], config).get(part)
        else:
            items = cast("list[Any]", config)
            index = _index(items, part)
            config = None if index is None else items[index]
        if not isinstance(config, (dict, list)):
            return False
    if isinstance(config, dict):
        found = cast(dict[str, Any], config)
        return found.pop(path[-1], found) is not found
    items = cast("list[Any]", config)
    index = _index(items, path[-1])
    if index is None:
        return False
    items[index] = None
    return True


def _step(config: Any, part: str) -> Any:
    if isinstance(config, dict):
        found = cast(dict[str, Any], config)
        if not isinstance(found.get(part), (dict, list)):
            found[part] = {}
        return found[part]
    items = cast("list[Any]", config)
    index = _index(items, part)
    if index is None:
        return None
    if not isinstance(items[index], (dict, list)):
        items[index] = {}
    return items[index]


def _index(items: Any, part: str) -> int | None:
    if not isinstance(items, list) or not part.isdecimal():
        return None
    index = int(part)
    return index if index < len(cast(list[Any], items)) else None
