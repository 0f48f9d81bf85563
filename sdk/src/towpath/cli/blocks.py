"""`towpath block`: looks at blocks, makes, changes and deletes them. Types are in `block_types`, fields in `block_fields`."""

import json
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from towpath.cli import block_types
from towpath.cli.asking import open_api
from towpath.cli.block_fields import parse_fields, parse_references, read_secrets
from towpath.cli.block_types import ItsNamespace
from towpath.cli.output import Format, Limit, Output, as_text, print_json, print_table, show_one
from towpath.errors import BlockError, BlockNotFound
from towpath.settings import get_settings

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.declared import BlockRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(block_types.app, name="type")
app.command()(block_types.register)

BlockArgument = Annotated[str, typer.Argument(metavar="TYPE/NAME", help="The block.")]
FieldOption = Annotated[
    list[str] | None, typer.Option("-p", "--field", metavar="FIELD=VALUE", help="A field; may be given several times.")
]
FieldsOption = Annotated[str | None, typer.Option("--fields", metavar="JSON", help="Fields as one JSON object.")]
BlockOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block", metavar="FIELD=TYPE/NAME", help="A field that is another block; may be given several times."
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="FIELD",
        help="A secret field, asked for or piped in; FIELD=@FILE and FIELD=env:VARIABLE read it from there.",
    ),
]
_SET = "********"


@app.command()
def ls(
    namespace: ItsNamespace = None,
    block_type: Annotated[str | None, typer.Option("--type", help="Only those of this type.")] = None,
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """List blocks."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        every = iterate(client.list_blocks, namespace=namespace or get_settings().namespace)
        blocks = [block for block in every if block_type in (None, block.spec.type)][:limit]
    if output is Format.JSON:
        print_json([block.model_dump(mode="json") for block in blocks])
        return
    rows = [
        [str(b.id), b.spec.type, b.name, f"{b.spec.type}/{b.name}", as_text([r.field for r in b.spec.secret_refs])]
        for b in blocks
    ]
    print_table(["ID", "Type", "Name", "Slug", "Secrets"], rows)


@app.command()
def inspect(block: BlockArgument, namespace: ItsNamespace = None, output: Output = Format.TABLE) -> None:
    """Show a block. Its secrets are named, not shown."""
    with open_api() as client:
        found = _get(client, block, namespace)
    if output is Format.JSON:
        show_one(found, output)
        return
    facts = [("ID", str(found.id)), ("Type", found.spec.type), ("Name", found.name), ("Namespace", found.namespace)]
    if found.resource is not None:
        facts.append(("Resource", found.resource.name))
    facts += [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in found.spec.config.items()
    ]
    facts += [(ref.field, _SET) for ref in found.spec.secret_refs]
    print_table(["Field", "Value"], [[name, value] for name, value in facts])


@app.command()
def create(
    block: BlockArgument,
    field: FieldOption = None,
    fields: FieldsOption = None,
    other: BlockOption = None,
    secret: SecretOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the block if there is one.")] = False,
    namespace: ItsNamespace = None,
    output: Output = Format.TABLE,
) -> None:
    """Make a block of any type. `towpath block type inspect TYPE` shows its fields."""
    _save(block, namespace, _Given(field, fields, other, secret), output, overwrite=overwrite)


@app.command()
def update(
    block: BlockArgument,
    field: FieldOption = None,
    fields: FieldsOption = None,
    other: BlockOption = None,
    secret: SecretOption = None,
    namespace: ItsNamespace = None,
    output: Output = Format.TABLE,
) -> None:
    """Change fields or secrets of a block; all others stay as they are."""
    _save(block, namespace, _Given(field, fields, other, secret), output, overwrite=True, keep=True)


@app.command()
def delete(block: BlockArgument, namespace: ItsNamespace = None) -> None:
    """Delete a block and its secrets."""
    with open_api() as client:
        found = _get(client, block, namespace)
        client.delete_block(found.id)
    print(f"Deleted block '{found.spec.type}/{found.name}'.")


def _split(block: str) -> tuple[str, str]:
    slug, slash, name = block.partition("/")
    if not slash or not slug or not name or "/" in name:
        raise BlockError(f"{block!r} names no block: write it as TYPE/NAME, as secret/warehouse.")
    return slug, name


def _get(client: "ApiClient", block: str, namespace: str | None) -> "BlockRead":
    slug, name = _split(block)
    wanted = namespace or get_settings().namespace
    for found in client.list_blocks(namespace=wanted, name=block).items:
        if found.spec.type == slug and found.name == name:
            return found
    raise BlockNotFound(
        f"There is no block {block!r} in namespace {wanted!r}: `towpath block ls` shows those there are."
    )


def _get_schema(client: "ApiClient", slug: str, namespace: str) -> dict[str, Any]:
    found = client.list_block_types(namespace=namespace, slug=slug).items
    if not found:
        raise BlockNotFound(
            f"There is no block type {slug!r} in namespace {namespace!r}: `towpath block type ls` shows them, and `towpath "
            "block register` adds one."
        )
    return found[-1].fields


class _Given(NamedTuple):
    """What a command says of a block's fields, as the options of their names have it."""

    field: list[str] | None
    fields: str | None
    other: list[str] | None
    secret: list[str] | None


def _save(
    block: str, namespace: str | None, given: _Given, output: Format, *, overwrite: bool, keep: bool = False
) -> None:
    """Tells the API of a block, and says so.

    Args:
        keep: leave what is not given as it is; the block must be there.
    """
    from towpath.blocks.storing import build_declaration  # noqa: PLC0415 - see asking.open_api

    wanted = namespace or get_settings().namespace
    slug, name = _split(block)
    with open_api() as client:
        config = _get(client, block, wanted).spec.config if keep else {}
        schema = _get_schema(client, slug, wanted)
        config = config | parse_fields(given.fields, given.field or [], schema) | parse_references(given.other or [])
        declaration = build_declaration(slug, name, wanted, config, read_secrets(given.secret or []), keep=keep)
        saved = client.put_block(declaration, overwrite=overwrite)
    if output is Format.JSON:
        show_one(saved, output)
    else:
        print(f"Saved block '{saved.spec.type}/{saved.name}'.")
