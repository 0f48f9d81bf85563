"""`towpath block`: looks at blocks, makes, changes and deletes them. Types are in `block_types`, fields in `block_fields`."""

import json
from typing import TYPE_CHECKING, Annotated, Any

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
    wanted = namespace or get_settings().namespace
    slug, name = _split(block)
    with open_api() as client:
        config = parse_fields(fields, field or [], _get_schema(client, slug, wanted)) | parse_references(other or [])
        saved = _put(client, slug, name, wanted, config, secret, overwrite=overwrite, keep=False)
    _say(saved, "Saved", output)


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
    wanted = namespace or get_settings().namespace
    slug, name = _split(block)
    with open_api() as client:
        found = _get(client, block, wanted)
        given = parse_fields(fields, field or [], _get_schema(client, slug, wanted)) | parse_references(other or [])
        config = {**found.spec.config, **given}
        saved = _put(client, slug, name, wanted, config, secret, overwrite=True, keep=True)
    _say(saved, "Saved", output)


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


def _put(
    client: "ApiClient",
    slug: str,
    name: str,
    namespace: str,
    config: dict[str, Any],
    secret: list[str] | None,
    *,
    overwrite: bool,
    keep: bool,
) -> "BlockRead":
    from towpath.blocks.storing import build_declaration  # noqa: PLC0415 - see asking.open_api

    declaration = build_declaration(slug, name, namespace, config, read_secrets(secret or []), keep=keep)
    return client.put_block(declaration, overwrite=overwrite)


def _say(saved: "BlockRead", what: str, output: Format) -> None:
    if output is Format.JSON:
        show_one(saved, output)
    else:
        print(f"{what} block '{saved.spec.type}/{saved.name}'.")
