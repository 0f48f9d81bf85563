"""Turns blocks into what is kept of them, and back: configuration as JSON, secrets apart, other blocks by name. Pure.

Called by `storing`. Where a field holds another block, it is kept as `{"$ref": {"block": "type/name"}}` if that one has a
name of its own, and else inline, with its type beside its fields.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pydantic import BaseModel

from towpath.blocks import fields
from towpath.errors import BlockError

if TYPE_CHECKING:
    from towpath.blocks.core import Block

REFERENCE: Final = "$ref"
TYPE_KEY: Final = "block_type_slug"


class Document(NamedTuple):
    """What is kept of a block: JSON without secrets, and the secrets by field."""

    config: dict[str, Any]
    secrets: dict[str, bytes]

    def __repr__(self) -> str:
        """Names the secrets, never shows one."""
        return f"Document(config={self.config!r}, secrets={sorted(self.secrets)!r})"


NameOf = Callable[["Block"], str | None]
"""The name `type/name` under which a block is kept; None for one that is not."""


def build_document(block: "Block", base: type["Block"], name_of: NameOf) -> Document:
    """What is kept of a block.

    Args:
        base: the class Block.
        name_of: the names of blocks that its fields hold.

    Raises:
        BlockError: a secret has a name that cannot be kept.
    """
    config = _dump(block)
    secrets: dict[str, bytes] = {}
    for path, found in fields.walk(block, base):
        if isinstance(found, base):
            inner = _build_inner(found, base, name_of)
            fields.put(config, path, inner.config)
            secrets |= {fields.name_path((*path, name)): value for name, value in inner.secrets.items()}
            continue
        value = fields.to_bytes(found)
        if value is None:
            continue
        name = fields.name_path(path)
        if not fields.take(config, path):
            raise BlockError(
                f"The secret field {name!r} of {type(block).__name__} cannot be found in what its serializer gives: "
                "serializers must leave secret fields where they are."
            )
        secrets[name] = value
    return Document(config, secrets)


def _dump(block: BaseModel) -> dict[str, Any]:
    try:
        return block.model_dump(mode="json", by_alias=False, serialize_as_any=True)
    except ValueError as error:  # pydantic's own error names the type that has no JSON
        raise BlockError(f"{type(block).__name__} has a field that cannot be kept as JSON: {error}") from error


def _build_inner(block: "Block", base: type["Block"], name_of: NameOf) -> Document:
    name = name_of(block)
    if name is not None:
        return Document({REFERENCE: {"block": name}}, {})
    inner = build_document(block, base, name_of)
    return Document({TYPE_KEY: type(block).get_block_type_slug()} | inner.config, inner.secrets)


def merge_secrets(config: Mapping[str, Any], secrets: Mapping[str, bytes]) -> dict[str, Any]:
    """A copy of the configuration with the secrets in their places."""
    merged = _copy(config)
    for name, value in secrets.items():
        fields.put(merged, name.split("."), _as_text(value))
    return merged


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(child) for key, child in cast(Mapping[str, Any], value).items()}
    return [_copy(child) for child in cast(list[Any], value)] if isinstance(value, list) else value


def _as_text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def find_reference(value: Any) -> str | None:
    """The block that a value refers to, as `type/name`; None for any other value."""
    if not isinstance(value, dict):
        return None
    found = cast(dict[str, Any], value).get(REFERENCE)
    if not isinstance(found, dict):
        return None
    name = cast(dict[str, Any], found).get("block")
    return name if isinstance(name, str) else None


def resolve(value: Any, load: Callable[[str], Any], build: Callable[[str, dict[str, Any]], Any]) -> Any:
    """The configuration with blocks in place of what stands for them.

    Args:
        load: the block of a name `type/name`.
        build: the block of a type and its fields, for those kept inline.
    """
    name = find_reference(value)
    if name is not None:
        return load(name)
    if isinstance(value, dict):
        given = cast(dict[str, Any], value)
        inner = {key: resolve(child, load, build) for key, child in given.items() if key != TYPE_KEY}
        slug = given.get(TYPE_KEY)
        return build(slug, inner) if isinstance(slug, str) else inner
    if isinstance(value, list):
        return [resolve(child, load, build) for child in cast(list[Any], value)]
    return value
