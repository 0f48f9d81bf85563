"""`towpath artifact`: looks at what runs show to people, and deletes it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from towpath.cli.asking import open_api, parse_id, require
from towpath.cli.output import Column, Format, Limit, Namespace, Output, print_json, print_table, show_list
from towpath.contract.names import LOCAL_NAMESPACE
from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.client.api import ApiClient
    from towpath.contract.artifacts import ArtifactRead

app = typer.Typer(no_args_is_help=True, add_completion=False)
Reference = Annotated[
    str, typer.Argument(metavar="KEY_OR_ID", help="The artifact's id, or a key, which means its newest.")
]
_TYPES = ("markdown", "table", "link", "image", "progress")
_COLUMNS = (
    Column("ID", "id"),
    Column("Key", "key"),
    Column("Type", "type"),
    Column("Updated", "updated"),
    Column("Flow run", "flow_run_name"),
    Column("Description", "description"),
)
_MOST_SHOWN = 1_000
"""Rows of a table that are shown to people; `-o json` gives all."""


@app.command()
def ls(
    namespace: Namespace = LOCAL_NAMESPACE,
    key: Annotated[str | None, typer.Option(help="Only those with this key.")] = None,
    type: Annotated[str | None, typer.Option(help=f"Only those of this type: {', '.join(_TYPES)}.")] = None,
    flow_run: Annotated[str | None, typer.Option(help="Only those of the flow run with this id.")] = None,
    all_versions: Annotated[bool, typer.Option("--all", "-a", help="Older versions of each key too.")] = False,
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """List artifacts, newest first: of each key the newest."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    if type is not None and type not in _TYPES:
        raise TowpathError(f"{type!r} is no type of artifacts: there are {', '.join(_TYPES)}.")
    filters: dict[str, Any] = {"namespace": namespace, "key": key, "type": type}
    if flow_run is not None:
        filters["flow_run_id"] = parse_id(flow_run, "flow run")
    if not all_versions:
        filters["latest"] = "true"
    with open_api() as client:
        show_list(iterate(client.list_artifacts, most=limit, **filters), _COLUMNS, output)


@app.command()
def inspect(artifact: Reference, namespace: Namespace = LOCAL_NAMESPACE, output: Output = Format.TABLE) -> None:
    """Show an artifact with its data."""
    with open_api() as client:
        found = _get(client, artifact, namespace)
    if output is Format.JSON:
        print_json(found.model_dump(mode="json"))
    else:
        _show(found)


@app.command()
def delete(
    artifact: Reference,
    namespace: Namespace = LOCAL_NAMESPACE,
    all_versions: Annotated[bool, typer.Option("--all", "-a", help="All versions of the key.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an artifact, or all versions of a key."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        found = _get(client, artifact, namespace)
        if all_versions and found.key is not None:
            ids = [one.id for one in iterate(client.list_artifacts, namespace=found.namespace, key=found.key)]
            what = f"{len(ids)} versions of the artifact {found.key!r}"
        else:
            ids = [found.id]
            what = f"the {found.type} artifact {found.key or found.id}"
        if not yes:
            typer.confirm(f"Delete {what}?", abort=True)
        for artifact_id in ids:
            client.delete_artifact(artifact_id)
    print(f"Deleted {what}.")


def _get(client: "ApiClient", reference: str, namespace: str) -> "ArtifactRead":
    return require(client.find_artifact(reference, namespace), "artifact", reference, namespace)


def _show(artifact: "ArtifactRead") -> None:
    """Prints an artifact for people: what is known of it, then what it shows."""
    head: Sequence[tuple[str, Any]] = (
        ("id", artifact.id),
        ("key", artifact.key),
        ("type", artifact.type),
        ("description", artifact.description),
        ("flow run", artifact.flow_run_name),
        ("task run", artifact.task_run_name),
        ("created", artifact.created.isoformat()),
        ("updated", artifact.updated.isoformat()),
    )
    for name, value in head:
        if value is not None:
            print(f"{name.ljust(11)}  {value}")
    print()
    data = artifact.data
    if artifact.type == "table":
        rows = [["" if cell is None else str(cell) for cell in row] for row in data["rows"]]
        print_table(data["columns"], rows[:_MOST_SHOWN])
        if len(rows) > _MOST_SHOWN:
            print(f"... and {len(rows) - _MOST_SHOWN} more rows: `-o json` shows all.")
    elif artifact.type == "progress":
        print(f"{data:g} %")
    elif artifact.type == "link" and data.get("text"):
        print(f"{data['text']}: {data['url']}")
    else:
        print(data if isinstance(data, str) else data["url"])
