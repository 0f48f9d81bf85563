"""`towpath flow`: looks at flows."""

import typer

from towpath.cli.asking import open_api
from towpath.cli.output import Column, Format, Limit, Namespace, Output, show_list
from towpath.contract.names import LOCAL_NAMESPACE

app = typer.Typer(no_args_is_help=True, add_completion=False)
_COLUMNS = (
    Column("Name", "name"),
    Column("Entrypoint", "spec.entrypoint"),
    Column("Deployments", "deployments"),
    Column("Last run", "last_run"),
    Column("Created", "created"),
)


@app.callback()
def flow() -> None:
    """Look at flows."""


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List flows."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_flows, most=limit, namespace=namespace), _COLUMNS, output)
