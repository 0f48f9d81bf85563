"""Describes block types for the API and the UI: their JSON schema, secret fields and what their docstrings say. Pure.

Called by `core` when a type is registered, and by `make generate` for the built-in ones.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic.errors import PydanticInvalidForJsonSchema

from towpath.contract.block_types import BlockTypePut
from towpath.errors import BlockError

if TYPE_CHECKING:
    from docstring_parser import Docstring

    from towpath.blocks.core import Block

TYPE_KEYWORD: Final = "x-towpath-block-type"
"""In the schema of a field that holds another block: that block's type, empty if it may be any."""


def describe(block_class: type["Block"]) -> BlockTypePut:
    """What the API is told of a type.

    Raises:
        BlockError: a field has a type without a JSON schema.
    """
    try:
        fields = block_class.model_json_schema(by_alias=False)
    except PydanticInvalidForJsonSchema as error:
        raise BlockError(
            f"{block_class.__name__} has a field that cannot be kept, since JSON cannot say it: {error.message}"
        ) from error
    drop_secret_defaults(fields)
    return BlockTypePut(
        slug=block_class.get_block_type_slug(),
        name=block_class.get_block_type_name(),
        description=block_class.get_description(),
        logo_url=block_class.get_logo_url(),
        documentation_url=block_class.get_documentation_url(),
        code_example=block_class.get_code_example(),
        fields=fields,
        secret_fields=list(dict.fromkeys(find_secret_fields(fields))),
        capabilities=sorted(block_class.get_block_capabilities()),
    )


def drop_secret_defaults(schema: dict[str, Any]) -> None:
    """Takes the defaults of secrets, and of what holds secrets, out of a JSON schema.

    Pydantic shows them as asterisks, which nobody should save, or as they are.
    """
    _drop_defaults(schema, schema.get("$defs", {}))


def _drop_defaults(schema: Any, definitions: Mapping[str, Any]) -> None:
    if isinstance(schema, dict):
        found = cast(dict[str, Any], schema)
        if found.get("default") is not None and holds_secret(found, definitions):
            del found["default"]
        for child in found.values():
            _drop_defaults(child, definitions)
    elif isinstance(schema, list):
        for child in cast(list[Any], schema):
            _drop_defaults(child, definitions)


def holds_secret(schema: Any, definitions: Mapping[str, Any], seen: tuple[str, ...] = ()) -> bool:
    """Whether a part of a JSON schema is a secret, or holds one, however deep.

    Args:
        definitions: the schema's `$defs`.
        seen: the definitions that are being looked into.
    """
    if isinstance(schema, list):
        return any(holds_secret(child, definitions, seen) for child in cast(list[Any], schema))
    if not isinstance(schema, dict):
        return False
    found = cast(dict[str, Any], schema)
    if found.get("format") == "password" or found.get("writeOnly") is True:
        return True
    name = str(found.get("$ref", "")).rpartition("/")[2]
    if name in definitions and name not in seen and holds_secret(definitions[name], definitions, (*seen, name)):
        return True
    return any(
        holds_secret(child, definitions, seen) for key, child in found.items() if key not in ("$defs", "default")
    )


def find_secret_fields(schema: Mapping[str, Any]) -> Iterator[str]:
    """The secret fields of a schema, dotted where they are nested in objects."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    yield from _find(schema, definitions, (), ())


def _find(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], path: tuple[str, ...], seen: tuple[str, ...]
) -> Iterator[str]:
    if schema.get("format") == "password" or schema.get("writeOnly"):
        yield ".".join(path)
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        if name in definitions and name not in seen:
            yield from _find(definitions[name], definitions, path, (*seen, name))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for option in cast("list[Mapping[str, Any]]", schema.get(keyword, [])):
            yield from _find(option, definitions, path, seen)
    for name, child in cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {})).items():
        yield from _find(child, definitions, (*path, name), seen)


def read_description(docstring: str | None) -> str | None:
    """What a docstring says before its sections."""
    description = _parse(docstring).description if docstring else None
    return description.strip() if description else None


def read_example(docstring: str | None) -> str | None:
    """The first example of a docstring."""
    examples = _parse(docstring).examples if docstring else []
    return next((example.description for example in examples if example.description), None)


def _parse(docstring: str) -> "Docstring":
    import docstring_parser  # noqa: PLC0415 - 20 ms that only those who describe types pay

    return docstring_parser.parse(docstring)
