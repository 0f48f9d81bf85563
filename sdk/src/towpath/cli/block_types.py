"""`towpath block type` and `towpath block register`: which types of blocks there are. Called by `blocks`."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.asking import open_api
from towpath.cli.output import Column, Format, Limit, Output, print_json, print_table, show_list, show_one
from towpath.errors import BlockError
from towpath.settings import get_settings

if TYPE_CHECKING:
    from towpath.blocks.core import Block

app = typer.Typer(no_args_is_help=True, add_completion=False)
Slug = Annotated[str, typer.Argument(help="The type's name in type/name.")]
ItsNamespace = Annotated[
    str | None, typer.Option("-n", "--namespace", help="The namespace; TOWPATH_NAMESPACE if left out.")
]
_COLUMNS = (
    Column("Type", "slug"),
    Column("Name", "name"),
    Column("Secret fields", "secret_fields"),
    Column("Registered in", "namespace"),
)


@app.callback()
def block_type() -> None:
    """Look at types of blocks."""


@app.command()
def ls(namespace: ItsNamespace = None, limit: Limit = 200, output: Output = Format.TABLE) -> None:
    """List the types: those that come with Towpath, and those that were registered."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        wanted = namespace or get_settings().namespace
        show_list(iterate(client.list_block_types, most=limit, namespace=wanted), _COLUMNS, output)


@app.command("inspect")
def inspect_type(slug: Slug, namespace: ItsNamespace = None, output: Output = Format.TABLE) -> None:
    """Show a type: its fields, which are secret, and an example."""
    from towpath.contract.block_types import BlockTypeRead  # noqa: PLC0415 - see asking.open_api

    wanted = namespace or get_settings().namespace
    with open_api() as client:
        found = client.list_block_types(namespace=wanted, slug=slug).items
    if not found:
        raise BlockError(
            f"There is no block type {slug!r} in namespace {wanted!r}: `towpath block type ls` shows them."
        )
    kind: BlockTypeRead = found[-1]
    if output is Format.JSON:
        show_one(kind, output)
        return
    print(f"{kind.slug} ({kind.name})")
    if kind.description:
        print(f"\n{kind.description}")
    print()
    print_table(["Field", "Type", "Required", "Secret", "Description"], _rows(kind.fields, kind.secret_fields))
    if kind.code_example:
        print(f"\n{kind.code_example}")


def _rows(schema: dict[str, Any], secret_fields: list[str]) -> list[list[str]]:
    required = schema.get("required", [])
    secret = {name.partition(".")[0] for name in secret_fields}
    return [
        [
            name,
            _describe(field),
            "yes" if name in required else "no",
            "yes" if name in secret else "no",
            field.get("description", ""),
        ]
        for name, field in schema.get("properties", {}).items()
    ]


def _describe(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    options = field.get("anyOf") or field.get("oneOf")
    if options:
        return " or ".join(_describe(option) for option in options)
    if "enum" in field:
        return " or ".join(str(value) for value in field["enum"])
    return str(field.get("type", "any"))


@app.command()
def delete(slug: Slug, namespace: ItsNamespace = None) -> None:
    """Forget a registered type. Its blocks stay."""
    with open_api() as client:
        client.delete_block_type(slug, namespace or get_settings().namespace)
    print(f"Deleted block type {slug!r}.")


def register(
    module: Annotated[str | None, typer.Option("-m", "--module", help="A module that can be imported.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="A Python file.")] = None,
    namespace: ItsNamespace = None,
    output: Output = Format.TABLE,
) -> None:
    """Register the types of blocks that a module or a file defines, so that the UI can make such blocks."""
    if (module is None) == (file is None):
        raise typer.BadParameter("give either -m MODULE or -f FILE", param_hint="-m / -f")
    from towpath.blocks.registry import is_builtin  # noqa: PLC0415 - see asking.open_api
    from towpath.blocks.schemas import describe  # noqa: PLC0415

    classes = find_classes(_import_module(module) if module is not None else _import_file(file or Path()))
    if not classes:
        raise BlockError(f"{module or file} defines no type of block: derive a class from towpath.blocks.core.Block.")
    wanted = namespace or get_settings().namespace
    with open_api() as client:
        for block_class in classes:
            if not is_builtin(block_class):
                client.put_block_type(describe(block_class).model_copy(update={"namespace": wanted}))
    slugs = [block_class.get_block_type_slug() for block_class in classes]
    if output is Format.JSON:
        print_json(slugs)
        return
    print(f"Successfully registered {len(slugs)} block type{'s' if len(slugs) != 1 else ''}: {', '.join(slugs)}.")


def find_classes(module: ModuleType) -> list[type["Block"]]:
    """The types of blocks that a module, or a package's own modules, define and the module offers."""
    from towpath.blocks.core import Block  # noqa: PLC0415 - see asking.open_api

    own = f"{module.__name__}."
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Block)
        and f"{value.__module__}.".startswith(own)
        and not value.is_abstract_block()
    ]


def _import_module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise BlockError(f"The module {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(Path.cwd()))


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BlockError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BlockError(f"{path} is not a Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BlockError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.absolute()))
    return module
