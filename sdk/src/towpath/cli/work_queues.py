"""`towpath work-queue`: looks at work queues."""

import typer

from towpath.cli.asking import open_api
from towpath.cli.output import Column, Format, Limit, Namespace, Output, show_list
from towpath.contract.names import LOCAL_NAMESPACE

app = typer.Typer(no_args_is_help=True, add_completion=False)
_COLUMNS = (
    Column("Name", "name"),
    Column("Launcher", "spec.launcher"),
    Column("Paused", "spec.paused"),
    Column("Limit", "spec.concurrency_limit"),
    Column("Priority", "spec.priority"),
    Column("Queued", "queued"),
    Column("Running", "running"),
    Column("Late", "late"),
)


@app.callback()
def work_queue() -> None:
    """Look at work queues."""


@app.command()
def ls(namespace: Namespace = LOCAL_NAMESPACE, limit: Limit = 50, output: Output = Format.TABLE) -> None:
    """List work queues."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    with open_api() as client:
        show_list(iterate(client.list_work_queues, most=limit, namespace=namespace), _COLUMNS, output)
