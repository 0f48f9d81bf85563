"""`towpath task-run`: looks at task runs."""

from typing import Annotated

import typer

from towpath.cli.asking import open_api, parse_id
from towpath.cli.output import Column, Format, Limit, Output, show_list, show_one

app = typer.Typer(no_args_is_help=True, add_completion=False)
_COLUMNS = (
    Column("ID", "id"),
    Column("Name", "name"),
    Column("Task", "task"),
    Column("State", "state.name"),
    Column("Started", "start_time"),
    Column("Ended", "end_time"),
)


@app.command()
def ls(
    flow_run: Annotated[str | None, typer.Option(help="Only those of the flow run with this id.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Only those in this state; may be given several times.")
    ] = None,
    limit: Limit = 50,
    output: Output = Format.TABLE,
) -> None:
    """List task runs."""
    from towpath.client.api import iterate  # noqa: PLC0415 - see asking.open_api

    flow_run_id = parse_id(flow_run, "flow run") if flow_run is not None else None
    with open_api() as client:
        found = iterate(client.list_task_runs, most=limit, flow_run_id=flow_run_id, state=state)
        show_list(found, _COLUMNS, output)


@app.command()
def inspect(run: Annotated[str, typer.Argument(help="The task run's id.")], output: Output = Format.TABLE) -> None:
    """Show all that is known of a task run."""
    with open_api() as client:
        show_one(client.get_task_run(parse_id(run, "task run")), output)
